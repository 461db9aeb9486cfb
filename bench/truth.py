"""The ground truth of the missing-data experiment: plain two-valued logic over completed data, and every completion.

Written apart from the project's three-valued logic and importing none of it. An evaluation *hangs on a missing item*
when one completion of the data makes the rule hold and another does not: then only "unknown" is right.

Completions are enumerated exactly, not sampled: on each missing item the values fall into zones between the limits that
the rule and its scores mention; one value from each zone, and those at and beside each limit, stand for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise, product
from typing import TypeAlias

from service.language.arithmetic import Constant, Expression, Operation, Variable, variables
from service.language.facts import Listing, Moment
from service.language.scores import Score, items_read
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    Settled,
    items_of,
    leaves,
    scores_of,
)
from service.language.vocabulary import Item, Vocabulary

from bench.patients import Known, limits_of

#: one completed item: a flag, a word, a number, the words of a list, or an instant
Total: TypeAlias = bool | str | float | frozenset[str] | datetime

#: an evaluation with more completions than this is left out, and counted
MOST_COMPLETIONS = 60_000


class TooMany(Exception):
    """More completions than can be enumerated."""


@dataclass(frozen=True)
class World:
    """What the ground truth needs to know of a rulebook, and the moment of evaluation."""

    vocabulary: Vocabulary
    scores: Mapping[str, Score]
    at: datetime

    def holds(self, node: Node, values: Mapping[str, Total]) -> bool:
        """Whether a condition holds when everything is known."""
        match node:
            case All(parts):
                return all(self.holds(part, values) for part in parts)
            case AnyOf(parts):
                return any(self.holds(part, values) for part in parts)
            case Not(part):
                return not self.holds(part, values)
            case Always():
                return True
            case Settled(verdict):
                return verdict == 2
            case Flag(item):
                return values[item] is True
            case Member(item, words):
                return values[item] in words
            case Includes(item, words):
                listed = values[item]
                assert isinstance(listed, frozenset)
                return not listed.isdisjoint(words)
            case Compare(term, operator, limit):
                if term.quantity == "score":
                    score = self.scores[term.name]
                    return self.holds(score.applies, values) and _compare(self.total(score, values), operator, limit)
                return _compare(self._measured(term.quantity, values[term.name]), operator, limit)
            case _:
                raise TypeError(f"left out of the experiment, see docs/missing-data.md: {type(node).__name__}")

    def total(self, score: Score, values: Mapping[str, Total]) -> float:
        """A score, whether it applies or not: of each component the first row that holds."""
        total = 0.0
        for component in score.components:
            points = next((row.points for row in component.rows if self.holds(row.when, values)), component.otherwise)
            total += _computed(points, values)
        return total

    def _measured(self, quantity: str, value: Total) -> float:
        if isinstance(value, datetime):
            if quantity == "since":
                return (self.at - value).total_seconds() / 3600
            return (self.at.date() - value.astimezone(self.at.tzinfo).date()).days
        assert isinstance(value, float)
        return value

    # ---- completions ----

    def completions(self, node: Node, known: Known) -> Iterator[dict[str, Total]]:
        """Every completion that can make a difference to `node`. Raises TooMany."""
        criteria = self._criteria(node)
        computed = {name for score in self._scores(node) for sum_ in score.expressions() for name in variables(sum_)}
        items = sorted({name for leaf in criteria for name in items_of(leaf)} | computed)
        choices = [self._ends(self.vocabulary[name], known, criteria) for name in items]
        size = 1
        for values in choices:
            size *= len(values)
        if size > MOST_COMPLETIONS:
            raise TooMany
        for values in product(*choices):
            yield dict(zip(items, values, strict=True))

    def possible(self, node: Node, known: Known) -> frozenset[bool]:
        """What the completions say: {True}, {False}, or both when the answer hangs on something missing."""
        found: set[bool] = set()
        for values in self.completions(node, known):
            found.add(self.holds(node, values))
            if len(found) == 2:
                break
        return frozenset(found)

    def _scores(self, node: Node) -> list[Score]:
        """Every score that bears on a condition, through other scores too."""
        found: dict[str, Score] = {}
        waiting = [name for leaf in leaves(node) for name in scores_of(leaf)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = self.scores[name]
                waiting += [
                    n for inner in self.scores[name].conditions() for leaf in leaves(inner) for n in scores_of(leaf)
                ]
        return list(found.values())

    def _criteria(self, node: Node) -> list[Leaf]:
        conditions = [node, *(inner for score in self._scores(node) for inner in score.conditions())]
        return [leaf for inner in conditions for leaf in leaves(inner)]

    def items(self, node: Node) -> set[str]:
        """Every item that can bear on a condition."""
        direct = {name for leaf in leaves(node) for name in items_of(leaf)}
        names = {name for leaf in leaves(node) for name in scores_of(leaf)}
        return direct | {item for name in names for item in items_read(self.scores[name], self.scores)}

    def _ends(self, item: Item, known: Known, criteria: Sequence[Leaf]) -> Sequence[Total]:
        """The values that an item can still turn out to have, one for each difference it can make."""
        value = known.get(item.id)
        mentioned = [leaf for leaf in criteria if item.id in items_of(leaf)]
        match item.type:
            case "flag":
                return (True, False) if value is None else (value is True,)
            case "choice":
                if isinstance(value, str):
                    return (value,)
                return _one_of_each(item, mentioned)
            case "set":
                return self._lists(item, value if isinstance(value, Listing) else None, mentioned)
            case "number":
                if isinstance(value, float):
                    return (value,)
                return _numbers(item, limits_of(iter(mentioned)).get((item.id, "item"), set()))
            case "moment":
                return self._instants(item, value if isinstance(value, Moment) else None, mentioned)

    def _lists(self, item: Item, value: Listing | None, mentioned: Sequence[Leaf]) -> Sequence[frozenset[str]]:
        present = value.present if value else frozenset()
        if value and value.complete:
            return (present,)
        absent = value.absent if value else frozenset()
        open_words = [word for word in item.choices if word not in present and word not in absent]
        # Words that the same criteria mention make the same difference: one of them stands for all.
        classes: dict[tuple[bool, ...], str] = {}
        for word in open_words:
            key = tuple(isinstance(leaf, Includes) and word in leaf.words for leaf in mentioned)
            if any(key):
                classes.setdefault(key, word)
        words = list(classes.values())
        return [present | frozenset(some) for size in range(len(words) + 1) for some in combinations(words, size)]

    def _instants(self, item: Item, value: Moment | None, mentioned: Sequence[Leaf]) -> Sequence[datetime]:
        if value is not None and value.instant is not None:
            return (value.instant,)
        limits = limits_of(iter(mentioned))
        midnight = self.at.replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = self.at - timedelta(days=4000), self.at
        if value is not None:
            first = midnight - timedelta(days=value.days)
            last = min(first + timedelta(days=1, microseconds=-1), self.at)
        edges = {first, last}
        edges |= {self.at - timedelta(hours=hours) for hours in limits.get((item.id, "since"), ())}
        for days in limits.get((item.id, "days_since"), ()):
            edges |= {midnight - timedelta(days=days + shift) for shift in (-1, 0, 1)}
        inside = sorted(edge for edge in edges if first <= edge <= last)
        between = [a + (b - a) / 2 for a, b in pairwise(inside)]
        return sorted({*inside, *between})


def _one_of_each(item: Item, mentioned: Sequence[Leaf]) -> Sequence[str]:
    """One word for each set of criteria that it fulfils."""
    classes: dict[tuple[bool, ...], str] = {}
    for word in item.choices:
        classes.setdefault(tuple(isinstance(leaf, Member) and word in leaf.words for leaf in mentioned), word)
    return list(classes.values())


def _numbers(item: Item, limits: set[float]) -> Sequence[float]:
    """Each limit, a value on either side of it, and one between: also the ends of zones, where sums are extreme."""
    hair = (item.high - item.low) * 1e-7
    edges = {item.low, item.high, *(limit for limit in limits if item.low <= limit <= item.high)}
    beside = {edge + shift for edge in edges for shift in (-hair, hair)}
    return sorted(value for value in edges | beside if item.low <= value <= item.high)


def _computed(expression: Expression, values: Mapping[str, Total]) -> float:
    match expression:
        case Constant(value):
            return value
        case Variable(item):
            number = values[item]
            assert isinstance(number, float)
            return number
        case Operation(operator, left, right):
            a, b = _computed(left, values), _computed(right, values)
            return a + b if operator == "+" else a - b if operator == "-" else a * b if operator == "*" else a / b


def _compare(left: float, operator: str, right: float) -> bool:
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
        case _:
            return left != right
