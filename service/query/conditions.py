"""Conditions as SQL expressions: true, false, or NULL where the verdict is unknown. SQL's logic is Kleene's."""

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import ibis
import ibis.expr.types as ir

from service.language.arithmetic import Constant, Expression, Operation, Variable, interval
from service.language.kleene import NO, YES
from service.language.scores import Component
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
)
from service.query import combine
from service.query.columns import column, days_column, high_column, low_column, word_column
from service.rulebook.model import Rulebook

#: the lowest and the highest a number can be
Range: TypeAlias = tuple[ir.NumericValue, ir.NumericValue]


def score_columns(name: str) -> tuple[str, str]:
    """The columns of the lowest and the highest total of a score."""
    return f"score__{name}__low", f"score__{name}__high"


class Conditions:
    """Conditions over a table that has the fact columns (`columns.py`) of the patient, or of patient and lesion.

    What was computed in an earlier step is read from its column: `computed` gives, for a criterion, the column that
    holds its verdict. A question about several lesions must have been, since it reads other rows. A score is computed
    in place where the table lacks its two columns.
    """

    def __init__(self, rulebook: Rulebook, table: ir.Table, computed: Mapping[Leaf, str] | None = None) -> None:
        self._vocabulary = rulebook.vocabulary
        self._scores = rulebook.scores
        self._table = table
        self._columns = frozenset(table.columns)
        self._computed = computed or {}
        self._held: dict[Node, ir.BooleanValue] = {}

    def of(self, node: Node) -> ir.BooleanValue:
        """The verdict of a condition for each row."""
        held = self._held.get(node)
        if held is None:
            held = self._held[node] = self._of(node)
        return held

    def _of(self, node: Node) -> ir.BooleanValue:
        match node:
            case All(parts):
                return combine.every(self.of(part) for part in parts)
            case AnyOf(parts):
                return combine.some(self.of(part) for part in parts)
            case Not(part):
                return ~self.of(part)
            case _:
                return self._boolean(self._computed[node]) if node in self._computed else self._leaf(node)

    def _leaf(self, leaf: Leaf) -> ir.BooleanValue:
        match leaf:
            case Always():
                return combine.YES
            case Settled(verdict):
                return combine.YES if verdict == YES else combine.NO if verdict == NO else ibis.null("boolean")
            case Flag(item):
                return self._boolean(column(item))
            case Member(item, words):
                return self._table[column(item)].isin(words)
            case Includes(item, words):
                return combine.some(self._boolean(word_column(item, word)) for word in words)
            case Compare():
                return self._compare(leaf)
            case CountLesions() | OfTechnique():
                raise ValueError(f"not computed, or not settled for a technique: {leaf.text}")

    def _compare(self, leaf: Compare) -> ir.BooleanValue:
        name = leaf.term.name
        match leaf.term.quantity:
            case "item":
                return exactly(self._number(column(name)), leaf.operator, leaf.value)
            case "days_since":
                return exactly(self._number(days_column(name)), leaf.operator, leaf.value)
            case "since":
                elapsed = self._number(low_column(name)), self._number(high_column(name))
                return compared(elapsed, leaf.operator, leaf.value)
            case "score":
                # A score that does not apply is neither high nor low: no comparison with it holds.
                return self.of(self._scores[name].applies) & compared(self.score(name), leaf.operator, leaf.value)

    def _boolean(self, name: str) -> ir.BooleanValue:
        return cast(ir.BooleanValue, self._table[name])

    def _number(self, name: str) -> ir.NumericValue:
        return cast(ir.NumericValue, self._table[name])

    # ---- scores ----

    def score(self, name: str) -> Range:
        """Lowest and highest total of a score, whether it applies or not."""
        low, high = score_columns(name)
        if low in self._columns:
            return self._number(low), self._number(high)
        parts = [self._component(component) for component in self._scores[name].components]
        # From left to right, as the reference adds: another order of floating-point numbers may end a hair apart.
        lowest: ir.NumericValue = parts[0][0]
        highest: ir.NumericValue = parts[0][1]
        for a, b in parts[1:]:
            lowest, highest = lowest + a, highest + b
        return lowest, highest

    def _component(self, component: Component) -> Range:
        """The first row that holds gives the points; a row that may hold gives points that are possible."""
        lows: list[ir.NumericValue] = []
        highs: list[ir.NumericValue] = []
        reached: list[ir.BooleanValue] = []
        for row in component.rows:
            verdict = self.of(row.when)
            possible = combine.every([*reached, ~combine.fails(verdict)])
            low, high = self._points(row.points)
            lows.append(possible.ifelse(low, ibis.null("float64")))
            highs.append(possible.ifelse(high, ibis.null("float64")))
            reached.append(~combine.holds(verdict))
        low, high = self._points(component.otherwise)
        if not reached:
            return low, high
        last = combine.every(reached)
        lows.append(last.ifelse(low, ibis.null("float64")))
        highs.append(last.ifelse(high, ibis.null("float64")))
        # NULL, for a row that is not possible, is passed over by least and greatest.
        return ibis.least(*lows), ibis.greatest(*highs)

    def _points(self, expression: Expression) -> Range:
        match expression:
            case Constant(value):
                return _number(value), _number(value)
            case Variable(item):
                low, high = self._plausible(item)
                value = self._number(column(item))
                return value.fill_null(low), value.fill_null(high)
            case Operation(operator, left, right):
                a, b = self._points(left)
                c, d = self._points(right)
                if operator == "+":
                    return a + c, b + d
                if operator == "-":
                    return a - d, b - c
                times: Callable[[ir.NumericValue, ir.NumericValue], ir.NumericValue] = (
                    (lambda x, y: x * y) if operator == "*" else (lambda x, y: x / y)
                )
                if min(interval(left, self._plausible)[0], interval(right, self._plausible)[0]) >= 0:
                    return (times(a, c), times(b, d)) if operator == "*" else (times(a, d), times(b, c))
                corners = [times(x, y) for x in (a, b) for y in (c, d)]
                return ibis.least(*corners), ibis.greatest(*corners)

    def _plausible(self, item_id: str) -> tuple[float, float]:
        item = self._vocabulary[item_id]
        return item.low, item.high


def _number(value: float) -> ir.NumericValue:
    return ibis.literal(float(value), "float64")


def exactly(measured: ir.NumericValue, operator: Operator, value: float) -> ir.BooleanValue:
    """A number that is known or NULL against a number."""
    limit = _number(value)
    match operator:
        case "<":
            return measured < limit
        case "<=":
            return measured <= limit
        case ">":
            return measured > limit
        case ">=":
            return measured >= limit
        case "==":
            return measured == limit
        case "!=":
            return measured != limit


def compared(measured: Range, operator: Operator, value: float) -> ir.BooleanValue:
    """An interval against a number: true or false when the whole interval agrees, else NULL."""
    low, high = measured
    limit = _number(value)
    match operator:
        case "<":
            yes, no = high < limit, low >= limit
        case "<=":
            yes, no = high <= limit, low > limit
        case ">":
            yes, no = low > limit, high <= limit
        case ">=":
            yes, no = low >= limit, high < limit
        case "==":
            yes, no = (low == limit) & (high == limit), (limit < low) | (limit > high)
        case "!=":
            yes, no = (limit < low) | (limit > high), (low == limit) & (high == limit)
    return ibis.cases((yes, True), (no, False), else_=ibis.null("boolean"))
