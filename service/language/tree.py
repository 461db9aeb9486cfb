"""The condition tree: the one form under every reading of a rule.

A leaf is one criterion. `text` is the line its author wrote; it is shown, never interpreted, and does not take part
in equality, so that the same criterion written in two rules is one and the same leaf.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from service.language.kleene import Verdict

Operator: TypeAlias = Literal["<", "<=", ">", ">=", "==", "!="]
Quantity: TypeAlias = Literal["item", "since", "days_since", "score"]


@dataclass(frozen=True, slots=True)
class Term:
    """What a comparison measures: a number, hours since a moment, calendar days since a moment, or a score."""

    quantity: Quantity
    name: str


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for everybody."""

    text: str = field(default="always", compare=False)


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that is yes."""

    item: str
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A number, elapsed time or score against a number in the term's own unit (hours for `since`)."""

    term: Term
    operator: Operator
    value: float
    #: the site setting that gave the value, if any
    setting: str | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """A choice that is one of `words`."""

    item: str
    words: tuple[str, ...]
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Includes:
    """A list that holds at least one of `words`."""

    item: str
    words: tuple[str, ...]
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class OfTechnique:
    """A property of the technique being judged. Known as soon as the technique is, hence never a question."""

    property: Literal["duration", "position"]
    operator: Operator
    value: float | str
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """A criterion decided by the technique alone: what `OfTechnique` becomes once the technique is named."""

    verdict: Verdict
    value: str
    text: str = field(default="", compare=False)
    #: the criterion that was settled, for whoever tells it
    criterion: "OfTechnique | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CountLesions:
    """How many lesions fulfil `where`, against a number. `any_lesion` is a count of at least one."""

    where: "Node"
    operator: Operator
    value: float
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


Leaf: TypeAlias = Always | Flag | Compare | Member | Includes | OfTechnique | Settled | CountLesions
Node: TypeAlias = Leaf | All | AnyOf | Not


def leaves(node: Node) -> Iterator[Leaf]:
    """Every criterion, in reading order. Does not descend into `CountLesions`, which is itself a criterion."""
    match node:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield node


def criteria(node: Node) -> Iterator[Leaf]:
    """Every criterion in reading order, those inside questions about several lesions too (each after its question)."""
    for leaf in leaves(node):
        yield leaf
        if isinstance(leaf, CountLesions):
            yield from criteria(leaf.where)


def items_of(leaf: Leaf) -> tuple[str, ...]:
    """The items a criterion reads directly; a score's own items are found through the score."""
    match leaf:
        case Flag(item) | Member(item) | Includes(item):
            return (item,)
        case Compare(term):
            return () if term.quantity == "score" else (term.name,)
        case CountLesions(where):
            return tuple(item for inner in leaves(where) for item in items_of(inner))
        case _:
            return ()


def scores_of(leaf: Leaf) -> tuple[str, ...]:
    """The scores a criterion reads directly."""
    match leaf:
        case Compare(Term("score", name)):
            return (name,)
        case CountLesions(where):
            return tuple(score for inner in leaves(where) for score in scores_of(inner))
        case _:
            return ()


def for_technique(node: Node, duration: float, position: str) -> Node:
    """The same condition with every property of the technique settled."""
    match node:
        case All(parts):
            return All(tuple(for_technique(part, duration, position) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(for_technique(part, duration, position) for part in parts))
        case Not(part):
            return Not(for_technique(part, duration, position))
        case OfTechnique("position", operator, value, text):
            return Settled(2 if (position == value) == (operator == "==") else 0, position, text, node)
        case OfTechnique("duration", operator, value, text):
            assert isinstance(value, float)
            return Settled(2 if holds(duration, operator, value) else 0, f"{duration:g} min", text, node)
        case _:
            return node


def holds(left: float, operator: Operator, right: float) -> bool:
    """The comparison of two known numbers."""
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case "!=":
            return left != right
