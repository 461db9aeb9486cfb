"""One item: its value and the date of it, from raw columns to facts and a problem."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.layout import DATE, UNIT, carrying, companion
from service.cohort.settle import problems
from service.cohort.settle.moments import UNREADABLE, AsOf, Dated, real
from service.cohort.settle.numbers import NumberReader
from service.cohort.settle.problems import Cases, Counted, Problem
from service.cohort.settle.steps import Columns, Step, together
from service.cohort.settle.words import ChoiceReader, FlagReader, ListReader
from service.language.vocabulary import Item, Scope
from service.query.columns import FactColumns, column, days_column, high_column, low_column

#: hours since `recorded_at`, less than zero when it lies in the future; NULL where it is not told or cannot be read
RECORDED_AGE: Final = "recorded__age"
#: how many steps a value takes before it is judged
STEPS: Final = 4


class ValueReader(Protocol):
    """The value of one item, whatever its type."""

    #: what can be wrong with it
    possible: tuple[Problem, ...]

    def steps(self) -> Sequence[Step]: ...

    def given(self, t: ir.Table) -> ir.BooleanValue: ...

    def cases(self, t: ir.Table) -> Cases: ...

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns: ...


class MomentReader:
    """When something happened."""

    possible: tuple[Problem, ...] = ("wrong_type", "in_the_future")

    def __init__(self, item: Item, kind: dt.DataType, asof: AsOf) -> None:
        name = column(item.id)
        self._dated = Dated(f"{name}__value", name, kind, asof, value=True)
        self._columns = (low_column(item.id), high_column(item.id), days_column(item.id))
        self._since = tuple(f"{name}__since__{what}" for what in ("low", "high", "days"))

    def steps(self) -> Sequence[Step]:
        return *self._dated.steps(), self._elapsed

    def _elapsed(self, t: ir.Table) -> Columns:
        return {
            self._dated.given: t[self._dated.given],
            **dict(zip(self._since, self._dated.elapsed(t), strict=True)),
        }

    def given(self, t: ir.Table) -> ir.BooleanValue:
        return self._dated.told(t)

    def cases(self, t: ir.Table) -> Cases:
        low, _, days = (t[name] for name in self._since)
        return [(days.isnull(), "wrong_type"), ((days < 0) | (low < real(0.0)), "in_the_future")]

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns:
        return {
            name: usable.ifelse(t[since], ibis.null(t[since].type()))
            for name, since in zip(self._columns, self._since, strict=True)
        }


class ItemReader:
    """An item of which the table has at least one column."""

    def __init__(self, item: Item, facts: FactColumns, kinds: Mapping[str, dt.DataType], asof: AsOf) -> None:
        self._item = item
        self._name = column(item.id)
        self._value = _value_reader(item, facts, kinds, asof)
        date = companion(item.id, DATE)
        self._date = Dated(f"{self._name}__on", date, kinds[date], asof) if date in kinds else None
        self._age = f"{self._name}__age"
        self._problem = f"{self._name}__problem"

    def counted(self) -> Counted:
        """The column of problems that `judged` makes."""
        possible: list[Problem] = [*self._value.possible]
        if self._date is not None:
            possible.append("wrong_date")
        possible.append("in_the_future")
        if self._item.fresh_for is not None:
            possible += ["no_date", "stale"]
        return Counted(self._problem, self._item.id, tuple(dict.fromkeys(possible)))

    def steps(self) -> Sequence[Step]:
        if self._date is None:
            return self._value.steps()
        dated: Sequence[Step] = (*self._date.steps(), self._aged)
        return [together(pair) for pair in zip(self._value.steps(), dated, strict=True)]

    def _aged(self, t: ir.Table) -> Columns:
        assert self._date is not None
        return {self._age: self._date.age(t)}

    def judged(self, t: ir.Table) -> Columns:
        """What is wrong with the value: NULL where nothing is, or where there is no value."""
        age = t[RECORDED_AGE]
        cases = [*self._value.cases(t)]
        if self._date is not None:
            # A date that cannot be read is no reason to fall back on another one.
            age = ibis.coalesce(t[self._age], age)
            cases.append((age <= real(UNREADABLE), "wrong_date"))
        cases.append((age < real(0.0), "in_the_future"))
        if self._item.fresh_for is not None:
            cases += [(age.isnull(), "no_date"), (age > real(self._item.fresh_for), "stale")]
        return {self._problem: self._value.given(t).ifelse(problems.first(cases), problems.none())}

    def facts(self, t: ir.Table) -> Columns:
        """The fact columns, and the problem beside them."""
        return {**self._value.facts(t, t[self._problem].isnull()), self._problem: t[self._problem]}


def item_readers(
    facts: FactColumns, scope: Scope, kinds: Mapping[str, dt.DataType], asof: AsOf
) -> tuple[dict[str, ItemReader], tuple[str, ...]]:
    """The readers of the items that rules ask about and a table has, and the items that it does not have."""
    readers: dict[str, ItemReader] = {}
    missing: list[str] = []
    for item in facts.items:
        if item.scope == scope:
            if any(name in kinds for name in carrying(item)):
                readers[item.id] = ItemReader(item, facts, kinds, asof)
            else:
                missing.append(item.id)
    return readers, tuple(missing)


def _value_reader(item: Item, facts: FactColumns, kinds: Mapping[str, dt.DataType], asof: AsOf) -> ValueReader:
    if item.type == "set":
        return ListReader(item, facts.words(item.id), {name: kinds[name] for name in carrying(item) if name in kinds})
    kind = kinds[column(item.id)]
    match item.type:
        case "flag":
            return FlagReader(item, kind)
        case "choice":
            return ChoiceReader(item, kind)
        case "number":
            return NumberReader(item, kind, kinds.get(companion(item.id, UNIT)))
        case "moment":
            return MomentReader(item, kind, asof)
