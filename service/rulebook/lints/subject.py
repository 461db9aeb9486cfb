"""What a check looks at, and what it says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeAlias

from service.language.tree import All, AnyOf, Compare, CountLesions, Leaf, Node, Not
from service.rulebook.model import Rule, Rulebook
from service.rulebook.source import Document, Keys, read_bytes

#: a fault keeps the rulebook from being good; a notice is told and no more
Grade: TypeAlias = Literal["fault", "notice"]

#: where rules stand in a file
_LISTS = ("rules", "indications", "favours", "contraindications")


@dataclass(frozen=True, slots=True)
class Found:
    """What one check says at one place; `line` counts from 1."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """What a check says, with its name and grade."""

    file: str
    line: int
    lint: str
    grade: Grade
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} [{self.lint}]"


@dataclass(frozen=True)
class Subject:
    """A rulebook with the files it was read from, on one day."""

    rulebook: Rulebook
    documents: Mapping[str, Document]
    today: date

    @cached_property
    def _keys(self) -> Mapping[str, Keys]:
        """rule -> its place in its file"""
        found: dict[str, Keys] = {}
        for document in self.documents.values():
            for name in _LISTS:
                for at, entry in enumerate(document.data.get(name, [])):
                    found[entry["id"]] = (name, at)
        return found

    def at(self, file: str, keys: Keys, message: str) -> Found:
        """Something to say of the part at `keys` of a file."""
        mistake = self.documents[file].mistake(keys, message)
        return Found(file, mistake.line, message)

    def of(self, rule: Rule, message: str, *keys: str) -> Found:
        """Something to say of a rule, or of one part of it."""
        return self.at(rule.file, (*self._keys[rule.id], *(keys or ("id",))), message)

    def in_condition(self, rule: Rule, text: str, message: str) -> Found:
        """Something to say of one criterion of a rule, as it is written."""
        document = self.documents[rule.file]
        start = (*self._keys[rule.id], "when")
        for keys in document.places:
            if keys[: len(start)] == start and part(document.data, keys) == text:
                return self.at(rule.file, keys, message)
        return self.of(rule, message, "when")

    def file_of(self, kind: str, name: str) -> str:
        """The file that declares itself as `kind: name`, as in `score: bmi`."""
        return next(file for file, document in self.documents.items() if document.data.get(kind) == name)


@dataclass(frozen=True, slots=True)
class Lint:
    """One check: its name, what it finds, why that matters and how to mend it, each in one sentence."""

    id: str
    grade: Grade
    finds: str
    why: str
    mend: str
    look: Callable[[Subject], Iterable[Found]]


def subject(rulebook: Rulebook, files: Mapping[str, bytes], today: date) -> Subject:
    """`files` are those from which the rulebook was loaded, so they hold no mistake of form."""
    return Subject(rulebook, {name: read_bytes(content, name)[0] for name, content in files.items()}, today)


def part(data: Any, keys: Keys) -> Any:
    for key in keys:
        data = data[key]
    return data


def within(data: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Every part of a document, the whole first, with its place."""
    yield keys, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from within(value, (*keys, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from within(value, (*keys, at))


def nodes(node: Node) -> Iterator[Node]:
    """A condition and every condition in it, those under a count of lesions too."""
    yield node
    match node:
        case All(parts) | AnyOf(parts):
            for inner in parts:
                yield from nodes(inner)
        case Not(inner) | CountLesions(where=inner):
            yield from nodes(inner)


def signed(node: Node, negated: bool = False) -> Iterator[tuple[Leaf, bool]]:
    """Every criterion, and whether it stands under an odd number of negations."""
    match node:
        case All(parts) | AnyOf(parts):
            for inner in parts:
                yield from signed(inner, negated)
        case Not(inner):
            yield from signed(inner, not negated)
        case CountLesions(where=where):
            yield node, negated
            yield from signed(where, negated)
        case _:
            yield node, negated


def comparisons(node: Node) -> Iterator[Compare]:
    """Every comparison in a condition, those under a count of lesions too."""
    return (each for each in nodes(node) if isinstance(each, Compare))
