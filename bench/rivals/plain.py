"""Our condition trees and patients as any engine takes them: flat records, and conditions over their fields.

What only this project knows is worked out beforehand and handed over as numbers: elapsed times, calendar days, and
scores when nothing they need is missing. Questions about several lesions are left out. A field whose value is unknown
is absent from the record, as JSON has it.

A negated criterion becomes the rival's own negated operator wherever it has one (`== false`, `!=`, `not in`), which is
kinder to most of them than negating the whole.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.language.facts import Listing, Moment, Value
from service.language.kleene import YES
from service.language.meaning import Meaning, Situation
from service.language.scores import Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Member,
    Node,
    Not,
    Operator,
    Settled,
    leaves,
)
from service.rulebook.model import Rulebook

Record: TypeAlias = dict[str, Any]

_OPPOSITE: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Every:
    parts: tuple["Plain", ...]


@dataclass(frozen=True)
class Some:
    parts: tuple["Plain", ...]


@dataclass(frozen=True)
class Negated:
    part: "Plain"


@dataclass(frozen=True)
class IsTrue:
    """A flag that is true, or false."""

    field: str
    value: bool


@dataclass(frozen=True)
class Number:
    field: str
    operator: Operator
    value: float


@dataclass(frozen=True)
class Word:
    """A word that is, or is not, one of `words`."""

    field: str
    words: tuple[str, ...]
    negated: bool


@dataclass(frozen=True)
class Holds:
    """A list that holds, or does not hold, one of `words`."""

    field: str
    words: tuple[str, ...]
    negated: bool


Plain: TypeAlias = Every | Some | Negated | IsTrue | Number | Word | Holds


def subset(rulebook: Rulebook) -> dict[str, Node]:
    """The distinct conditions of the rules, by the id of the first rule that has each, less what rivals cannot be asked.

    Left out: questions about several lesions, and conditions that the technique alone decides.
    """
    found: dict[Node, str] = {}
    for bound in rulebook.bound:
        if any(isinstance(leaf, CountLesions) for leaf in leaves(bound.when)):
            continue
        node = folded(bound.when)
        if not isinstance(node, bool):
            name = bound.rule.id if bound.technique is None else f"{bound.rule.id}@{bound.technique}"
            found.setdefault(node, name)
    return {name: node for node, name in found.items()}


def folded(node: Node) -> Node | bool:
    """The condition without the criteria that the technique alone decides."""
    match node:
        case Always():
            return True
        case Settled(verdict):
            return verdict == YES
        case Not(part):
            inner = folded(part)
            return not inner if isinstance(inner, bool) else Not(inner)
        case All(parts) | AnyOf(parts):
            neutral = isinstance(node, All)
            kept = [inner for inner in map(folded, parts) if inner is not neutral]
            if any(isinstance(inner, bool) for inner in kept):
                return not neutral
            nodes = tuple(inner for inner in kept if not isinstance(inner, bool))
            if not nodes:
                return neutral
            return nodes[0] if len(nodes) == 1 else All(nodes) if neutral else AnyOf(nodes)
        case _:
            return node


def field_name(name: str, kind: str = "") -> str:
    return (f"{kind}_" if kind else "") + name.replace(".", "_")


def plain(node: Node, scores: Mapping[str, Score], *, negated: bool = False) -> Plain:
    """A folded condition over the fields of a record."""
    match node:
        case All(parts):
            every = Every(tuple(plain(part, scores) for part in parts))
            return Negated(every) if negated else every
        case AnyOf(parts):
            some = Some(tuple(plain(part, scores) for part in parts))
            return Negated(some) if negated else some
        case Not(part):
            return plain(part, scores, negated=not negated)
        case Flag(item):
            return IsTrue(field_name(item), not negated)
        case Member(item, words):
            return Word(field_name(item), words, negated)
        case Includes(item, words):
            return Holds(field_name(item), words, negated)
        case Compare(term, operator, value):
            if term.quantity == "score":
                applies = folded(scores[term.name].applies)
                number = Number(field_name(term.name, "score"), operator, value)
                if isinstance(applies, bool):
                    return _opposite(number) if negated else number
                both = Every((plain(applies, scores), number))
                return Negated(both) if negated else both
            kind = "" if term.quantity == "item" else term.quantity
            number = Number(field_name(term.name, kind), operator, value)
            return _opposite(number) if negated else number
    raise TypeError(f"no rival has a form for it, see docs/missing-data.md: {type(node).__name__}")


def _opposite(number: Number) -> Number:
    return Number(number.field, _OPPOSITE[number.operator], number.value)


def record(known: Mapping[str, Value], meaning: Meaning, rulebook: Rulebook, fields: Collection[str]) -> Record:
    """What is known, flat: those of `fields` that are. Moments known to the day only and incomplete lists count as absent."""
    result: Record = {}
    for name, value in known.items():
        match value:
            case Listing():
                if value.complete:
                    result[field_name(name)] = sorted(value.present)
            case Moment():
                if value.since[0] == value.since[1]:
                    result[field_name(name, "since")] = value.since[0]
                    result[field_name(name, "days_since")] = float(value.days)
            case _:
                result[field_name(name)] = value
    situation = Situation(known)
    for name in rulebook.scores:
        low, high = meaning.score(name, situation)
        if low == high:
            result[field_name(name, "score")] = low
    return {name: value for name, value in result.items() if name in fields}


def fields_of(condition: Plain) -> list[str]:
    """The fields a condition reads, in order, each once."""
    match condition:
        case Every(parts) | Some(parts):
            return list(dict.fromkeys(name for part in parts for name in fields_of(part)))
        case Negated(part):
            return fields_of(part)
        case _:
            return [condition.field]
