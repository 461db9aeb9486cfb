"""Where each criterion stands in the rule files. The tree keeps what a criterion says, not its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.rulebook.schema import kind_of
from service.rulebook.source import Document, Keys, read_bytes

_RULES = ("rules", "indications", "favours", "contraindications")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a rule file, from 1; `file` as below the rules folder."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Places:
    """The place of each criterion, in the order of `criteria`."""

    rules: Mapping[str, tuple[Place, ...]]
    #: of each condition of a score, in the order of `Score.conditions`
    scores: Mapping[str, tuple[tuple[Place, ...], ...]]


def find_places(files: Mapping[str, bytes]) -> Places:
    """The places in the files that a rulebook was loaded from (see `rule_files`)."""
    rules: dict[str, tuple[Place, ...]] = {}
    scores: dict[str, tuple[tuple[Place, ...], ...]] = {}
    for name, content in files.items():
        document, _ = read_bytes(content, name)
        if kind_of(name) == "score":
            scores[document.data["score"]] = tuple(_of_score(document))
        elif isinstance(document.data, dict):
            for list_name in _RULES:
                for at, entry in enumerate(document.data.get(list_name) or ()):
                    rules[entry["id"]] = _places(document, (list_name, at, "when"), entry["when"])
    return Places(rules, scores)


def _of_score(document: Document) -> Iterator[tuple[Place, ...]]:
    applies = document.data.get("applies")
    yield (Place(document.name, 1),) if applies is None else _places(document, ("applies",), applies)
    for at, component in enumerate(document.data["components"]):
        for row, entry in enumerate(component["rows"]):
            yield _places(document, ("components", at, "rows", row, "when"), entry["when"])


def _places(document: Document, keys: Keys, condition: Any) -> tuple[Place, ...]:
    return tuple(Place(document.name, document.places[found][0]) for found in _keys(condition, keys))


def _keys(condition: Any, keys: Keys) -> Iterator[Keys]:
    """The keys of every criterion of a condition as it is written."""
    if isinstance(condition, str):
        yield keys
        return
    ((connective, inner),) = condition.items()
    below = (*keys, connective)
    match connective:
        case "all" | "any":
            for at, part in enumerate(inner):
                yield from _keys(part, (*below, at))
        case "count_lesions":
            yield keys
            yield from _keys(inner["where"], (*below, "where"))
        case "any_lesion" | "every_lesion":
            yield keys
            yield from _keys(inner, below)
        case _:
            yield from _keys(inner, below)
