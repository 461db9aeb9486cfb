"""A technique file as rows of sheets."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from service.language.vocabulary import Text
from service.rulebook.model import MODE_KINDS
from service.workbench.decision_tables.criterion import Line, lines
from service.workbench.decision_tables.layout import RULE_SHEETS

#: what one cell holds; None when it is empty
CellValue: TypeAlias = str | float | bool | None
Told: TypeAlias = Mapping[str, CellValue]
#: the words in which a row of a condition is told
Gloss: TypeAlias = Callable[[Line], Text]


def technique_rows(file: str, digest: str, data: Any, gloss: Gloss) -> dict[str, list[Told]]:
    """The rows of one technique file in each sheet, in the order of the file. `data` is a checked file's."""
    name = data["technique"]
    rows: dict[str, list[Told]] = {
        "techniques": [_head(file, digest, data)],
        "exceptions": [
            {"technique": name, "kind": "sets_aside", "rule": entry["rule"], **_both("because", entry["because"])}
            for entry in data.get("sets_aside", [])
        ],
        "benefit": [_benefit(name, entry) for entry in data.get("benefit", [])],
    }
    for key in RULE_SHEETS:
        rows[key] = [row for rule in data.get(key, []) for row in _rule(name, rule, gloss)]
        rows["exceptions"] += [row for rule in data.get(key, []) for row in _meant(name, rule)]
    return rows


def _head(file: str, digest: str, data: Any) -> Told:
    return {
        "technique": data["technique"],
        **_both("label", data["label"]),
        **_both("summary", data["summary"]),
        **{key: _words(data.get(key, [])) for key in ("traits", "parts", *MODE_KINDS)},
        **{key: data.get(key) for key in ("duration", "position", "burden", "review_by")},
        "file": file,
        "digest": digest,
    }


def _benefit(technique: str, entry: Any) -> Told:
    return {
        "technique": technique,
        **{key: entry.get(key) for key in ("measure", "low", "high", "unit", "by", "lasts")},
        **_evidence(entry),
        **_both("note", entry.get("note")),
    }


def _rule(technique: str, rule: Any, gloss: Gloss) -> Iterator[Told]:
    correctable = rule.get("correctable", {})
    first: Told = {
        **{key: rule[key] for key in ("strength", "severity") if key in rule},
        **_both("because", rule["because"]),
        **_both("precaution", rule.get("precaution")),
        **_both("correctable.by", correctable.get("by")),
        **{f"correctable.{key}": correctable.get(key) for key in ("lead_time", "earliest", "recheck")},
        **_evidence(rule["evidence"]),
    }
    for at, line in enumerate(lines(rule["when"])):
        told = gloss(line)
        yield {
            "technique": technique,
            "id": rule["id"],
            "level": line.level,
            "connective": line.connective or None,
            "subject": line.cells.subject or None,
            "operator": line.cells.operator or None,
            "value": line.cells.value,
            "unit": line.cells.unit or None,
            "#fr": told.fr,
            "#en": told.en,
            **({} if at else first),
        }


def _meant(technique: str, rule: Any) -> Iterator[Told]:
    for kind in ("overrides", "tolerates"):
        for entry in rule.get(kind, []):
            told = {"technique": technique, "id": rule["id"], "kind": kind, "rule": entry["rule"]}
            yield {**told, **_both("because", entry["because"])}


def _evidence(data: Any) -> Told:
    return {
        "certainty": data["certainty"],
        "sources": _words(data["sources"]),
        "verified": "yes" if data["verified"] else "no",
    }


def _both(key: str, text: Any) -> Told:
    return {f"{key}.{language}": text[language] if text else None for language in ("fr", "en")}


def _words(words: list[str]) -> str | None:
    return ", ".join(words) or None
