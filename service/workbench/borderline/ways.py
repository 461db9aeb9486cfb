"""Which criteria must hold, and which must not, for a condition to hold, or for one of its criteria to decide it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from service.language.scores import Score
from service.language.tree import All, Always, AnyOf, Compare, Leaf, Node, Not, Term

#: criterion -> whether it must hold
Demand: TypeAlias = Mapping[Leaf, bool]
#: the places to take from the root of a condition to one of its criteria
Steps: TypeAlias = tuple[int, ...]

#: ways kept for one condition, those with the fewest criteria first
MOST = 200


class Ways:
    """Finds ways, over the scores of one rulebook: a comparison with a score needs that the score applies."""

    def __init__(self, scores: Mapping[str, Score]) -> None:
        self._scores = scores

    def to(self, node: Node, wanted: bool) -> list[Demand]:
        """The ways in which a condition comes to hold, or not to hold; the shortest first."""
        match node:
            case All(parts) | AnyOf(parts):
                each = [self.to(part, wanted) for part in parts]
                together = isinstance(node, All) == wanted
                return _shortest(joined(each) if together else (way for ways in each for way in ways))
            case Not(part):
                return self.to(part, not wanted)
            case Always():
                return [{}] if wanted else []
            case Compare(Term("score", name)):
                applies = self._scores[name].applies
                here = joined([[{node: wanted}], self.to(applies, True)])
                return _shortest([*here, *([] if wanted else self.to(applies, False))])
            case _:
                return [{node: wanted}]

    def deciding(self, node: Node, steps: Steps) -> list[Demand]:
        """The ways in which the criterion at `steps` decides the condition; the shortest first."""
        if not steps:
            return self._applying(node)
        at, *rest = steps
        match node:
            case All(parts) | AnyOf(parts):
                beside = [self.to(part, isinstance(node, All)) for place, part in enumerate(parts) if place != at]
                return _shortest(joined([*beside, self.deciding(parts[at], tuple(rest))]))
            case Not(part):
                return self.deciding(part, tuple(rest))
            case _:
                raise ValueError(f"no criterion stands at {steps}")

    def _applying(self, node: Node) -> list[Demand]:
        match node:
            case Compare(Term("score", name)):
                return self.to(self._scores[name].applies, True)
            case _:
                return [{}]


def joined(each: Sequence[Iterable[Demand]]) -> list[Demand]:
    """One way of each, together; those that ask one criterion both to hold and not to hold are left out."""
    found: list[Demand] = [{}]
    for ways in each:
        held = list(ways)
        found = _shortest(both for way in found for other in held if (both := _both(way, other)) is not None)
    return found


def _both(one: Demand, other: Demand) -> Demand | None:
    if any(one.get(leaf, wanted) != wanted for leaf, wanted in other.items()):
        return None
    return {**one, **other}


def _shortest(ways: Iterable[Demand]) -> list[Demand]:
    return sorted(ways, key=len)[:MOST]


def occurrences(node: Node, steps: Steps = ()) -> Iterator[tuple[Steps, Leaf]]:
    """Every criterion with the steps to it, in reading order."""
    match node:
        case All(parts) | AnyOf(parts):
            for at, part in enumerate(parts):
                yield from occurrences(part, (*steps, at))
        case Not(part):
            yield from occurrences(part, (*steps, 0))
        case Always():
            return
        case _:
            yield steps, node
