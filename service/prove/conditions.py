"""Conditions as formulas: for each, when it is certainly fulfilled and when it is certainly not."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import z3

from service.language.arithmetic import Constant, Expression, Operation, Variable, interval, variables
from service.language.parser import POSITIONS
from service.language.scores import Component, Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    OfTechnique,
    Operator,
    Settled,
    items_of,
)
from service.prove.logic import NO, OPEN, TRUE, YES, Tri, any_of, every, number, some
from service.prove.patients import (
    ChoiceUnknown,
    FlagUnknown,
    MomentUnknown,
    NumberUnknown,
    Patients,
    SetUnknown,
)

Range: TypeAlias = tuple[z3.ArithRef, z3.ArithRef]


def compared(measured: Range, operator: Operator, value: float) -> Tri:
    """An interval against a number: certain when the whole interval agrees."""
    low, high = measured
    limit = number(value)
    match operator:
        case "<":
            return Tri(high < limit, low >= limit)
        case "<=":
            return Tri(high <= limit, low > limit)
        case ">":
            return Tri(low > limit, high <= limit)
        case ">=":
            return Tri(low >= limit, high < limit)
        case "==":
            return Tri(z3.And(low == limit, high == limit), z3.Or(limit < low, limit > high))
        case "!=":
            return Tri(z3.Or(limit < low, limit > high), z3.And(low == limit, high == limit))


class Conditions:
    """Conditions over one patient of all those possible."""

    def __init__(self, patients: Patients, scores: Mapping[str, Score], checklist: Mapping[str, int]) -> None:
        self.patients = patients
        self._scores = scores
        self._checklist = checklist
        self._held: dict[tuple[Node, int], Tri] = {}
        self._totals: dict[tuple[str, int], Range] = {}

    def of(self, node: Node, lesion: int = 0) -> Tri:
        """The verdict of a condition asked of the lesion at this place."""
        held = self._held.get((node, lesion))
        if held is None:
            held = self._held[node, lesion] = self._of(node, lesion)
        return held

    def _of(self, node: Node, lesion: int) -> Tri:
        match node:
            case All(parts):
                return every(self.of(part, lesion) for part in parts)
            case AnyOf(parts):
                return some(self.of(part, lesion) for part in parts)
            case Not(part):
                inner = self.of(part, lesion)
                return Tri(inner.no, inner.yes)
            case _:
                return self._leaf(node, lesion)

    def _leaf(self, leaf: Leaf, lesion: int) -> Tri:
        match leaf:
            case Always():
                return YES
            case Settled(verdict):
                return (NO, OPEN, YES)[verdict]
            case Flag(item):
                flag = self.patients.of(item, lesion)
                assert isinstance(flag, FlagUnknown)
                return Tri(z3.And(flag.known, flag.value), z3.And(flag.known, z3.Not(flag.value)))
            case Member(item, words):
                choice = self.patients.of(item, lesion)
                assert isinstance(choice, ChoiceUnknown)
                among = any_of(choice.value == choice.words.index(word) for word in words)
                return Tri(z3.And(choice.known, among), z3.And(choice.known, z3.Not(among)))
            case Includes(item, words):
                return self._includes(item, words, lesion)
            case Compare():
                return self._compare(leaf, lesion)
            case CountLesions():
                return self._count(leaf)
            case OfTechnique(quality, operator, value):
                return self._of_technique(quality, operator, value)

    @staticmethod
    def _of_technique(quality: str, operator: Operator, value: float | str) -> Tri:
        """A property of the technique in a condition that is settled for none: of any technique at all."""
        name = f"technique:{quality}"
        if isinstance(value, str):
            position = z3.Int(name)
            holds = position == POSITIONS.index(value)
            return Tri(holds, z3.Not(holds)) if operator == "==" else Tri(z3.Not(holds), holds)
        duration = z3.Real(name)
        return compared((duration, duration), operator, value)

    def _includes(self, item: str, words: Iterable[str], lesion: int) -> Tri:
        listing = self.patients.of(item, lesion)
        assert isinstance(listing, SetUnknown)

        def holds(word: str) -> Tri:
            present, absent = listing.word(word)
            return Tri(present, z3.And(z3.Not(present), z3.Or(listing.complete, absent)))

        return some(holds(word) for word in words)

    def _compare(self, leaf: Compare, lesion: int) -> Tri:
        name = leaf.term.name
        match leaf.term.quantity:
            case "score":
                applies = self.of(self._scores[name].applies, lesion)
                return every((applies, compared(self.total(name, lesion), leaf.operator, leaf.value)))
            case "item":
                measured = self.patients.of(name, lesion)
                assert isinstance(measured, NumberUnknown)
                inner = compared((measured.value, measured.value), leaf.operator, leaf.value)
                return Tri(z3.And(measured.known, inner.yes), z3.And(measured.known, inner.no))
            case quantity:
                moment = self.patients.of(name, lesion)
                assert isinstance(moment, MomentUnknown)
                days = z3.ToReal(moment.days)
                elapsed = (days, days) if quantity == "days_since" else self._elapsed(moment)
                inner = compared(elapsed, leaf.operator, leaf.value)
                return Tri(z3.And(moment.known, inner.yes), z3.And(moment.known, inner.no))

    def _elapsed(self, moment: MomentUnknown) -> Range:
        """Hours since a moment: to the minute when it is known exactly, else anywhere within its day."""
        unshifted = 24 * z3.ToReal(moment.days) + self.patients.now
        since_midnight = unshifted + z3.ToReal(moment.shift)
        exactly = since_midnight - moment.hour
        since_end = unshifted + z3.ToReal(moment.end_shift) - 24
        shortest = z3.If(since_end > 0, since_end, z3.RealVal(0))
        return z3.If(moment.exact, exactly, shortest), z3.If(moment.exact, exactly, since_midnight)

    def _count(self, leaf: CountLesions) -> Tri:
        """How many lesions certainly fulfil it, and how many may, against the number."""
        places = range(self.patients.others + 1)
        verdicts = [(self.patients.there(at), self.of(leaf.where, at)) for at in places]
        certain = z3.Sum(*(z3.If(z3.And(there, held.yes), 1, 0) for there, held in verdicts))
        possible = z3.Sum(*(z3.If(z3.And(there, z3.Not(held.no)), 1, 0) for there, held in verdicts))
        return compared((z3.ToReal(certain), z3.ToReal(possible)), leaf.operator, leaf.value)

    # ---- scores ----

    def total(self, name: str, lesion: int) -> Range:
        """Lowest and highest total of a score, whether it applies or not."""
        found = self._totals.get((name, lesion))
        if found is None:
            parts = [self._component(component, lesion) for component in self._scores[name].components]
            found = z3.Sum(*(low for low, _ in parts)), z3.Sum(*(high for _, high in parts))
            self._totals[name, lesion] = found
        return found

    def _component(self, component: Component, lesion: int) -> Range:
        """The first row that holds gives the points; a row that may hold gives points that are possible."""
        possible: list[tuple[z3.BoolRef, Range]] = []
        reached: z3.BoolRef = TRUE
        for row in component.rows:
            verdict = self.of(row.when, lesion)
            possible.append((z3.And(reached, z3.Not(verdict.no)), self._points(row.points, lesion)))
            reached = z3.And(reached, z3.Not(verdict.yes))
        low, high = self._points(component.otherwise, lesion)
        # The last row stands alone when nothing before it was certain; before it, whatever is possible counts.
        found_low, found_high, found = low, high, reached
        for may, (a, b) in possible:
            found_low = z3.If(z3.And(may, z3.Or(z3.Not(found), a < found_low)), a, found_low)
            found_high = z3.If(z3.And(may, z3.Or(z3.Not(found), b > found_high)), b, found_high)
            found = z3.Or(found, may)
        return found_low, found_high

    def _points(self, expression: Expression, lesion: int) -> Range:
        match expression:
            case Constant(value):
                return number(value), number(value)
            case Variable(item):
                measured = self.patients.of(item, lesion)
                assert isinstance(measured, NumberUnknown)
                low, high = self._plausible(item)
                return z3.If(measured.known, measured.value, number(low)), z3.If(
                    measured.known, measured.value, number(high)
                )
            case Operation(operator, left, right):
                a, b = self._points(left, lesion)
                c, d = self._points(right, lesion)
                if operator == "+":
                    return a + c, b + d
                if operator == "-":
                    return a - d, b - c
                return self._scaled(operator, (a, b), (c, d), self._signs(left), self._signs(right))

    def _plausible(self, item_id: str) -> tuple[float, float]:
        item = self.patients.vocabulary[item_id]
        return item.low, item.high

    def _signs(self, expression: Expression) -> tuple[float, float]:
        """The values an expression can have at all."""
        return interval(expression, self._plausible)

    @staticmethod
    def _scaled(
        operator: str, left: Range, right: Range, of_left: tuple[float, float], of_right: tuple[float, float]
    ) -> Range:
        (a, b), (c, d) = left, right
        if of_left[0] >= 0 and of_right[0] >= 0:
            return (a * c, b * d) if operator == "*" else (a / d, b / c)
        corners = [x * y if operator == "*" else x / y for x in (a, b) for y in (c, d)]
        return _least(corners), _least(corners, greatest=True)

    # ---- what keeps a condition open ----

    def asks(self, node: Node, lesion: int = 0) -> z3.BoolRef:
        """Whether an item that is not on the pre-procedure checklist keeps `node` open (false when it is decided)."""
        return z3.And(self.of(node, lesion).open, self._asks(node, lesion))

    def _asks(self, node: Node, lesion: int) -> z3.BoolRef:
        match node:
            case All(parts) | AnyOf(parts):
                return any_of(self.asks(part, lesion) for part in parts)
            case Not(part):
                return self._asks(part, lesion)
            case Compare(term) if term.quantity == "score":
                score = self._scores[term.name]
                inner = (self._component_asks(component, lesion) for component in score.components)
                return z3.Or(self.asks(score.applies, lesion), any_of(inner))
            case CountLesions(where):
                places = range(self.patients.others + 1)
                return any_of(z3.And(self.patients.there(at), self.asks(where, at)) for at in places)
            case _:
                return z3.BoolVal(any(item not in self._checklist for item in items_of(node)))

    def _component_asks(self, component: Component, lesion: int) -> z3.BoolRef:
        found: list[z3.BoolRef] = []
        reached: z3.BoolRef = TRUE
        for row in component.rows:
            verdict = self.of(row.when, lesion)
            open_here = z3.Or(self.asks(row.when, lesion), self._unknown(variables(row.points), lesion))
            found.append(z3.And(reached, z3.Not(verdict.no), open_here))
            reached = z3.And(reached, z3.Not(verdict.yes))
        found.append(z3.And(reached, self._unknown(variables(component.otherwise), lesion)))
        return any_of(found)

    def _unknown(self, items: Iterable[str], lesion: int) -> z3.BoolRef:
        asked = [item for item in items if item not in self._checklist]
        return any_of(z3.Not(self.patients.of(item, lesion).known) for item in asked)


def _least(values: list[z3.ArithRef], *, greatest: bool = False) -> z3.ArithRef:
    better: Callable[[z3.ArithRef, z3.ArithRef], z3.BoolRef] = (
        (lambda a, b: a > b) if greatest else (lambda a, b: a < b)
    )
    found = values[0]
    for value in values[1:]:
        found = z3.If(better(value, found), value, found)
    return found
