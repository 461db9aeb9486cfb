"""What can be wrong with a referral: where, and how to mend it, in French and in English."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.language.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing to mend. `pointer` is the JSON pointer (RFC 6901) of the value at fault; "" is the whole referral."""

    code: str
    text: Text
    pointer: str = ""


class ReferralError(Exception):
    """The referral cannot be used. `complaints` lists all that is to be mended."""

    def __init__(self, complaints: list[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("; ".join(f"{complaint.pointer or '/'}: {complaint.text.en}" for complaint in complaints))


def pointer(*keys: str | int) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def placed(messages: Any, keys: tuple[str | int, ...] = ()) -> Iterator[Complaint]:
    """marshmallow's nested messages as complaints with their pointers."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from placed(inner, keys if key == "_schema" else (*keys, key))
    elif isinstance(messages, list):
        for message in messages:
            yield from placed(message, keys)
    elif isinstance(messages, Complaint):
        yield Complaint(messages.code, messages.text, pointer(*keys) + messages.pointer)
    else:
        yield Complaint("invalid", Text(f"valeur refusée ({messages})", f"value refused ({messages})"), pointer(*keys))


def unknown_field(name: str, suggestion: str | None) -> Complaint:
    hint_fr = f" ; vouliez-vous dire « {suggestion} » ?" if suggestion else ""
    hint_en = f"; did you mean «{suggestion}»?" if suggestion else ""
    return Complaint("unknown_field", Text(f"champ inconnu « {name} »{hint_fr}", f"unknown field «{name}»{hint_en}"))


def missing() -> Complaint:
    return Complaint("missing", Text("cette valeur est obligatoire", "this value is required"))


def wrong_type(expected_fr: str, expected_en: str) -> Complaint:
    return Complaint("wrong_type", Text(f"il faut {expected_fr}", f"{expected_en} is needed"))


def unknown_word(word: str, known: Any, suggestion: str | None) -> Complaint:
    listed = ", ".join(sorted(known))
    hint_fr = f" ; vouliez-vous dire « {suggestion} » ?" if suggestion else ""
    hint_en = f"; did you mean «{suggestion}»?" if suggestion else ""
    return Complaint(
        "unknown_word",
        Text(
            f"« {word} » n'est pas accepté{hint_fr} (acceptés : {listed})",
            f"«{word}» is not accepted{hint_en} (accepted: {listed})",
        ),
    )


def unit_refused(unit: str, known: Any) -> Complaint:
    listed = ", ".join(known) or "—"
    return Complaint(
        "unit_refused",
        Text(f"unité « {unit} » refusée (acceptées : {listed})", f"unit «{unit}» refused (accepted: {listed})"),
    )


def out_of_range(value: float, low: float, high: float, unit: str | None) -> Complaint:
    # Beyond a quadrillion the digits would tell nothing, and an exponent is what we refuse ourselves.
    shown = f"{value:.15g} {unit or ''}".strip() if abs(value) < 10**15 else ""
    fr = f"{shown or 'ce nombre'} est hors des valeurs plausibles ({low:g} à {high:g}) : vérifier la valeur et l’unité"
    en = f"{shown or 'this number'} is outside what is plausible ({low:g} to {high:g}): check the value and its unit"
    return Complaint("out_of_range", Text(fr.replace(".", ","), en))


def exponent(text: str) -> Complaint:
    return Complaint(
        "exponent",
        Text(
            f"écrire {text} en notation décimale, sans exposant",
            f"write {text} as a plain decimal number, without exponent",
        ),
    )


def bad_moment() -> Complaint:
    return Complaint(
        "bad_moment",
        Text(
            "il faut une date (2026-11-23) ou une date et une heure (2026-11-23T09:00:00+01:00)",
            "a date (2026-11-23) or a date and time (2026-11-23T09:00:00+01:00) is needed",
        ),
    )


def in_the_future(given: str, at: str) -> Complaint:
    return Complaint(
        "in_the_future",
        Text(f"{given} est après le moment de l'évaluation ({at})", f"{given} is after the time of evaluation ({at})"),
    )


def both_present_and_absent(words: Any) -> Complaint:
    listed = ", ".join(sorted(words))
    return Complaint(
        "contradiction", Text(f"à la fois présent et absent : {listed}", f"both present and absent: {listed}")
    )


def contradiction(because: Text, rule: str) -> Complaint:
    return Complaint("contradiction", Text(f"{because.fr} ({rule})", f"{because.en} ({rule})"))
