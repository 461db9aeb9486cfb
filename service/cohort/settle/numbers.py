"""Numbers: from whatever type they come in to the item's own unit, to the last bit as `Item.in_unit` converts them."""

from collections.abc import Sequence
from typing import Final, cast

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.settle import texts
from service.cohort.settle.moments import real
from service.cohort.settle.problems import Cases, Problem
from service.cohort.settle.steps import Columns, Step, same
from service.language.vocabulary import Item
from service.query.columns import column

#: in place of a factor: nothing is converted, and so nothing rounded
_AS_IT_IS: Final = 0.0
#: the largest double; only infinities and what is no number lie beyond
_LARGEST: Final = 1.7976931348623157e308
#: whole numbers beyond are not exact as doubles
_EXACT: Final = 2.0**53


class NumberReader:
    """A number, with or without a column for its unit."""

    def __init__(self, item: Item, kind: dt.DataType, unit: dt.DataType | None) -> None:
        self._item, self._kind, self._unit_kind = item, kind, unit
        self._name = column(item.id)
        self._raw_unit = f"{self._name}__unit"
        self._given, self._number, self._unit = (f"{self._name}__{what}" for what in ("raw", "number", "in"))
        self._whole, self._places = f"{self._name}__whole", f"{self._name}__places"
        self.possible: tuple[Problem, ...] = (
            "wrong_type",
            *(("unit_refused",) if unit is not None else ()),
            "out_of_range",
        )

    def steps(self) -> Sequence[Step]:
        if self._unit_kind is None:
            rest = same(self._given, self._number)
            return self._parsed, rest, rest, rest
        return self._converted, self._first_cut, self._second_cut, self._rounded

    def _parsed(self, t: ir.Table) -> Columns:
        return {self._given: t[self._name], self._number: self._as_number(t[self._name])}

    def _converted(self, t: ir.Table) -> Columns:
        return {**self._parsed(t), self._unit: self._factor(t[self._raw_unit])}

    def _as_number(self, value: ir.Value) -> ir.Value:
        kind = self._kind
        if kind.is_string():
            return texts.number(value)
        if isinstance(kind, dt.Float32):
            # The shortest decimal that gives this value is what was meant: 1.7 as a float is 1.70000005 as a double.
            return value.cast("string").cast("float64")
        if kind.is_numeric() and not kind.is_boolean():
            return value.cast("float64")
        return ibis.null("float64")

    def _factor(self, unit: ir.Value) -> ir.Value:
        """What a number in this unit is multiplied with; `_AS_IT_IS` in the item's own; NULL for one that is not accepted."""
        # Not IN: DuckDB makes a join of a long one. The item's own unit first, since most rows have it.
        own = (ibis.literal(self._item.unit), real(_AS_IT_IS))
        others = [
            (ibis.literal(spelling), real(factor))
            for spelling, factor in self._item.units.items()
            if spelling != self._item.unit
        ]
        spelt = unit if unit.type().is_string() else unit.cast("string")
        blank = (ibis.literal(""), real(_AS_IT_IS))
        cases = [*([own] if self._item.unit in self._item.units else []), blank, *others]
        return cast("ir.Value", unit.isnull().ifelse(real(_AS_IT_IS), spelt.cases(*cases, else_=ibis.null("float64"))))

    def _first_cut(self, t: ir.Table) -> Columns:
        number, factor = t[self._number], t[self._unit]
        other = factor != real(_AS_IT_IS)
        product = other.ifelse(number * factor, number)
        return {
            **same(self._given, self._unit)(t),
            self._number: product,
            self._whole: other.ifelse(whole(number * factor), ibis.null("float64")),
        }

    def _second_cut(self, t: ir.Table) -> Columns:
        unchanged = same(self._given, self._unit, self._number, self._whole)(t)
        return {**unchanged, self._places: places(t[self._number], t[self._whole])}

    def _rounded(self, t: ir.Table) -> Columns:
        exactly = rounded(t[self._number], t[self._whole], t[self._places])
        number = t[self._whole].isnull().ifelse(t[self._number], exactly)
        return {**same(self._given, self._unit)(t), self._number: number}

    # ---- what of it can be used ----

    def given(self, t: ir.Table) -> ir.BooleanValue:
        given = t[self._given]
        if self._kind.is_string():
            return texts.trimmed(given).notnull()
        # Ibis takes what is not a number (NaN) for NULL in Spark; it equals itself in all three dialects.
        return (given == given).fill_null(False)  # NULL does not

    def cases(self, t: ir.Table) -> Cases:
        number = t[self._number]
        cases: Cases = []
        if self._unit_kind is not None:
            cases.append((t[self._unit].isnull(), "unit_refused"))
        plain = number.between(real(-_LARGEST), real(_LARGEST))
        cases.append((number.isnull() | ~plain, "wrong_type"))
        fits = number.between(real(self._item.low), real(self._item.high))
        if self._kind.is_integer() and self._beyond_exact():
            fits &= t[self._given].cast("float64").abs() <= real(_EXACT)
        return [*cases, (~fits, "out_of_range")]

    def _beyond_exact(self) -> bool:
        """Whether a whole number that a double cannot hold may be plausible once it is converted."""
        smallest = min((1.0, *map(float, self._item.units.values())))
        return max(abs(self._item.low), abs(self._item.high)) / smallest >= _EXACT

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns:
        return {self._name: usable.ifelse(t[self._number], ibis.null("float64"))}


# ---- rounding ----

_DECIMALS: Final = 1e9
_PART: Final = 2.0**30
#: from here on doubles lie so far apart that rounding at nine decimals changes none
_COARSE: Final = 2.0**23


def whole(number: ir.Value) -> ir.Value:
    """First cut: the whole part of the size of a number."""
    return texts.floor(number.abs())


def places(number: ir.Value, whole: ir.Value) -> ir.Value:
    """Second cut: the first thirty binary places behind it."""
    return texts.floor((number.abs() - whole) * real(_PART)) / real(_PART)


def rounded(number: ir.Value, whole: ir.Value, places: ir.Value) -> ir.Value:
    """`round(number, 9)` of Python, bit for bit (for a size above 10⁻⁸): databases round a product that is rounded itself.

    The parts are so short that their products with 10⁹, which has 21 significant bits, are exact; of the rest only the
    sign beside the half counts. A half goes to the even neighbour.
    """
    scaled = places * real(_DECIMALS)
    below = texts.floor(scaled)
    rest = ((number.abs() - whole) - places) * real(_DECIMALS)
    beyond_half = (scaled - below - real(0.5)) + rest
    odd = below - real(2.0) * texts.floor(below / real(2.0))
    up = ibis.cases(
        (beyond_half < real(0.0), real(0.0)),
        (beyond_half == real(0.0), odd),
        (beyond_half < real(1.0), real(1.0)),
        (beyond_half == real(1.0), real(2.0) - odd),
        else_=real(2.0),
    )
    size = (whole * real(_DECIMALS) + (below + up)) / real(_DECIMALS)
    sign = ibis.cases((number < real(0.0), real(-1.0)), else_=real(1.0))
    return cast("ir.Value", (number.abs() < real(_COARSE)).ifelse(size * sign, number))
