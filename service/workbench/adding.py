"""A referral becomes a case: what was decided of it is put into words for a person to approve, and written as a file.

An expectation that a program made and nobody approved is not a test: what is written always says who approved it.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from service.decision import Language
from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.rulebook.model import MODE_KINDS, STATUSES
from service.rulebook.source import read_text
from service.tell.answer import Answer
from service.tell.words import STATUS

_WORDS = {
    "alerts": Text("Alertes", "Alerts"),
    "no_alert": Text("Aucune alerte", "No alert"),
    "lesion": Text("Lésion", "Lesion"),
    "first": Text("en premier", "first"),
    "from": Text("à partir du", "from"),
    "order": Text("Ordre des lésions", "Order of the lesions"),
    "refused": Text("Ce cas est refusé", "This referral is refused"),
}
_WIDTH = 120


class CannotBeWritten(Exception):
    """The case has no form in which its file would read the same again. Its text says why."""


def expectation(answer: Answer) -> dict[str, Any]:
    """What a case would expect that holds exactly what `told` shows."""
    expect: dict[str, Any] = {
        "alerts": [alert["rule"] for alert in answer["alerts"]],
        "lesions": {lesion["id"]: _of_lesion(lesion) for lesion in answer["lesions"]},
    }
    if len(answer["lesions"]) > 1:
        expect["session"] = {"order": list(answer["session"]["order"])}
    return expect


def _of_lesion(lesion: Answer) -> dict[str, Any]:
    options = lesion["options"]
    first = options[0]
    wanted: dict[str, Any] = {"first": first["technique"]}
    for kind in MODE_KINDS:
        if kind in first:
            wanted[kind] = first[kind][0]["mode"] if first[kind] else None
    wanted["statuses"] = {option["technique"]: option["status"] for option in options}
    earliest = {option["technique"]: option["earliest"] for option in options if "earliest" in option}
    return {**wanted, "earliest": earliest} if earliest else wanted


def refusal(error: ReferralError) -> dict[str, Any]:
    """The same of a referral that is refused."""
    return {"refused": sorted({complaint.pointer or "/" for complaint in error.complaints})}


def told(answer: Answer, language: Language) -> Iterator[str]:
    """The answer as a person approves it: alerts, and for each lesion the first option and every status."""
    word, colon = _speaker(language)
    raised = [f"{alert['label']} ({alert['rule']})" for alert in answer["alerts"]]
    yield f"{word('alerts')}{colon}{', '.join(raised)}" if raised else word("no_alert")
    for lesion in answer["lesions"]:
        first = lesion["options"][0]
        yield f"{word('lesion')} {lesion['id']}"
        yield f"  {word('first')}{colon}{first.get('plan', first['label'])}"
        yield f"    {first['why']}"
        for status in STATUSES:
            labels = [_named(option, word("from")) for option in lesion["options"] if option["status"] == status]
            if labels:
                yield f"  {STATUS[status].in_(language)}{colon}{', '.join(labels)}"
    if len(answer["lesions"]) > 1:
        yield f"{word('order')}{colon}{', '.join(answer['session']['order'])}"


def told_refusal(error: ReferralError, language: Language) -> Iterator[str]:
    """The refusal as a person approves it."""
    word, colon = _speaker(language)
    yield f"{word('refused')}{colon}".rstrip()
    for complaint in error.complaints:
        yield f"  {complaint.pointer or '/'}{colon}{complaint.text.in_(language)}"


def _named(option: Answer, since: str) -> str:
    return f"{option['label']} ({since} {option['earliest']})" if "earliest" in option else str(option["label"])


def _speaker(language: Language) -> tuple[Any, str]:
    return (lambda name: _WORDS[name].in_(language)), (": " if language == "en" else " : ")


# ---- the file --------------------------------------------------------------------------------------------------------


def case_data(
    *,
    name: Text,
    why: str,
    sources: list[str],
    approved_by: list[str],
    approved_on: date,
    at: datetime,
    referral: Any,
    expect: dict[str, Any],
) -> dict[str, Any]:
    """A case, approved. `expect` is what was approved, generated or not."""
    return {
        "name": {"fr": name.fr, "en": name.en},
        "why": why,
        **({"sources": sources} if sources else {}),
        "approved_by": approved_by,
        "approved_on": approved_on.isoformat(),
        "at": at.isoformat(),
        "referral": referral,
        "expect": expect,
    }


def case_text(data: dict[str, Any]) -> str:
    """The file of a case, laid out like those written by hand. Raises CannotBeWritten."""
    shown = {key: _inline(value) if isinstance(value, list) else value for key, value in data.items()}
    shown["referral"] = _referral(data["referral"])
    shown["expect"] = _expect(data["expect"])
    try:
        text: str = yaml.dump(
            shown, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH, default_flow_style=False
        )
    except yaml.YAMLError as error:
        raise CannotBeWritten(f"a value has no form in YAML: {error}") from None
    document, mistakes = read_text(text, "case")
    if mistakes or document.data != data:
        where = f" ({mistakes[0].message})" if mistakes else ""
        raise CannotBeWritten(f"a value of the referral would not be read back as it is{where}")
    return text


def write_case(path: Path, data: dict[str, Any]) -> Path:
    """Writes a case. Raises CannotBeWritten, FileExistsError (nothing is ever overwritten), OSError."""
    text = case_text(data)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


class _Map(dict[str, Any]):
    """Written on one line."""


class _List(list[Any]):
    """Written on one line."""


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no anchors, no exponents, which the reader refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _float(dumper: _Dumper, value: float) -> yaml.Node:
    text = format(Decimal(repr(value)), "f")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


_Dumper.add_representer(float, _float)
_Dumper.add_representer(
    _Map, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
_Dumper.add_representer(
    _List, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def _inline(value: Any) -> Any:
    if isinstance(value, dict):
        return _Map({key: _inline(inner) for key, inner in value.items()})
    return _List(_inline(inner) for inner in value) if isinstance(value, list) else value


def _referral(referral: Any) -> Any:
    """One line for each item."""
    if not isinstance(referral, dict):
        return _inline(referral)
    shown = {key: _items(value) for key, value in referral.items()}
    lesions = referral.get("lesions")
    return {**shown, "lesions": [_items(lesion) for lesion in lesions]} if isinstance(lesions, list) else shown


def _items(part: Any) -> Any:
    return {key: _inline(value) for key, value in part.items()} if isinstance(part, dict) else _inline(part)


def _expect(expect: dict[str, Any]) -> dict[str, Any]:
    lesions = {
        name: {key: _listed(value) for key, value in of.items()} for name, of in expect.get("lesions", {}).items()
    }
    shown = {key: _inline(value) for key, value in expect.items()}
    return {**shown, "lesions": lesions} if lesions else shown


def _listed(value: Any) -> Any:
    return {key: _inline(inner) for key, inner in value.items()} if isinstance(value, dict) else _inline(value)
