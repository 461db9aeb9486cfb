"""The long form: one row for each observation. Which of them count, at one moment."""

from typing import Final, cast

import ibis
import ibis.expr.types as ir

from service.cohort.layout import (
    ABSENT,
    COMPLETE,
    DATE,
    ITEM,
    LONG_REQUIRED,
    OBSERVATIONS,
    UNIT,
    VALUE,
    carrying,
    companion,
    distinct,
    identity,
    require,
)
from service.cohort.settle import texts
from service.cohort.settle.moments import AsOf, Dated
from service.language.vocabulary import Scope
from service.query import combine
from service.query.columns import LESION, PATIENT, FactColumns, column
from service.rulebook.model import Rulebook

#: which column an observation fills; the item's own column, which is another for what a list lacks; whether it is a word of a list
WHAT, OF, IS_WORD = "what", "of", "is_word"
#: why an observation cannot be used; whether the latest ones differ
PROBLEM, DIFFER = "problem", "differ"
#: calendar days, and hours where an instant is told
_DAYS, _HOURS = "days", "hours"
_SCOPES: Final[tuple[Scope, ...]] = ("patient", "lesion")


class Observations:
    """The observations of a cohort, under one rulebook at one moment."""

    def __init__(self, raw: ir.Table, rulebook: Rulebook, asof: AsOf) -> None:
        """Raises SourceError when a column that is required is missing."""
        self._raw, self._own = raw, distinct(OBSERVATIONS, raw.columns)
        require(OBSERVATIONS, self._own, LONG_REQUIRED)
        self._asof = asof
        self._vocabulary = rulebook.vocabulary
        self.asked = FactColumns(rulebook).items
        self._lists = [item for item in rulebook.vocabulary if item.type == "set"]
        self._dated = Dated("on", DATE, raw[self._own[DATE]].type(), asof, value=True)
        self._text = raw[self._own[VALUE]].type().is_string()

    # ---- reading ----

    def read(self, columns: set[str]) -> ir.Table:
        """Every observation that rules ask about or that cannot be used: what it fills, how old it is, what is wrong.

        `columns` are those that the two other tables have.
        """
        table = self._raw.select(**self._cleaned())
        for step in self._dated.steps():
            same = {name: table[name] for name in (PATIENT, LESION, WHAT, VALUE, UNIT)}
            table = table.select(**same, **step(table))
        exact = self._dated.exact
        table = table.mutate(
            **{
                DATE: table[self._dated.given],
                _DAYS: self._asof.days(table[self._dated.day]),
                _HOURS: self._asof.hours(table[self._dated.seconds]) if exact else ibis.null("float64"),
                OF: self._of(table[WHAT]),
                IS_WORD: self._is_word(table[WHAT]),
            }
        )
        told = (PATIENT, LESION, WHAT, OF, IS_WORD, VALUE, UNIT, DATE, _DAYS, _HOURS)
        judged = table.select(*told, **{PROBLEM: self._problem(table, columns)})
        asked = [column(item.id) for item in self.asked]
        return cast("ir.Table", judged.filter(judged[PROBLEM].notnull() | judged[OF].isin(asked)))

    def _cleaned(self) -> dict[str, ir.Value]:
        raw, own = self._raw, self._own
        value = raw[own[VALUE]]
        unit = raw[own[UNIT]].cast("string") if UNIT in own else ibis.null("string")
        return {
            PATIENT: identity(OBSERVATIONS, raw, own[PATIENT]),
            LESION: identity(OBSERVATIONS, raw, own[LESION]) if LESION in own else ibis.null("string"),
            WHAT: texts.trimmed(raw[own[ITEM]].cast("string")).replace(".", "__"),
            VALUE: texts.trimmed(value) if self._text else value,
            UNIT: texts.trimmed(unit),
            DATE: raw[own[DATE]],
        }

    def _of(self, what: ir.Value) -> ir.Value:
        parts = [
            (ibis.literal(companion(item.id, part)), ibis.literal(column(item.id)))
            for item in self._lists
            for part in (ABSENT, COMPLETE)
        ]
        return cast("ir.Value", what.cases(*parts, else_=what)) if parts else what

    def _is_word(self, what: ir.Value) -> ir.BooleanValue:
        words = [name for item in self._lists for name in (column(item.id), companion(item.id, ABSENT))]
        return what.isin(words) if words else combine.NO

    def _problem(self, t: ir.Table, columns: set[str]) -> ir.Value:
        of = t[OF]
        mine = {scope: [column(name) for name in self._vocabulary.of(scope)] for scope in _SCOPES}
        also = [column(item.id) for item in self._vocabulary if columns.intersection(carrying(item))]
        known = [name for of_scope in mine.values() for name in of_scope]
        cases: list[tuple[ir.BooleanValue, str]] = [
            (t[PATIENT].isnull(), "no_patient_id"),
            (of.isnull() | ~of.isin(known), "unknown_item"),
            (t[LESION].isnull().ifelse(of.isin(mine["lesion"]), of.isin(mine["patient"])), "wrong_scope"),
            (of.isin(also) if also else combine.NO, "also_a_column"),
            (t[VALUE].isnull(), "no_value"),
            (~self._dated.told(t), "no_date"),
            (t[_DAYS].isnull(), "wrong_date"),
            ((t[_DAYS] < 0) | (t[_HOURS] < 0).fill_null(False), "in_the_future"),
        ]
        return ibis.cases(*cases, else_=ibis.null("string"))

    # ---- choosing ----

    def latest(self, read: ir.Table) -> ir.Table:
        """What the latest usable observations say of each column, and whether they differ.

        Of observations of one day of which one is told to the day alone, none is known to be the latest: all of them count.
        The words of a list that were told on its latest day are the list.
        """
        usable = read.filter(read[PROBLEM].isnull())
        of_day = usable.mutate(latest=usable[_DAYS].min().over(_each_item(usable)))
        of_day = of_day.filter(of_day[_DAYS] == of_day["latest"])
        hours = of_day[_HOURS].fill_null(-1.0)
        least = of_day.mutate(hour=hours, latest=hours.min().over(_each_item(of_day)))
        lists = [column(item.id) for item in self._lists]
        a_list = least[OF].isin(lists) if lists else combine.NO
        return self._agreed(least.filter(a_list | (least["latest"] < 0) | (least["hour"] == least["latest"])))

    def _agreed(self, latest: ir.Table) -> ir.Table:
        number = texts.number(cast("ir.StringValue", latest[VALUE])) if self._text else ibis.null("float64")
        latest = latest.mutate(number=number)
        value, unit = latest[VALUE], latest[UNIT]
        each = latest.group_by(PATIENT, LESION, WHAT, OF, IS_WORD).aggregate(
            **{DATE: latest[DATE].min(), UNIT: unit.max()},
            low_unit=unit.min(),
            units=unit.count(),
            low_value=value.min(),
            high_value=value.max(),
            low_number=latest["number"].min(),
            high_number=latest["number"].max(),
            numbers=latest["number"].count(),
            rows=latest.count(),
            words=value.group_concat(" ", where=latest[IS_WORD]) if self._text else value.max(),
        )
        # 140 and 140.0 are one value.
        same_number = (each["numbers"] == each["rows"]) & (each["low_number"] == each["high_number"])
        values = (each["low_value"] != each["high_value"]) & ~same_number.fill_null(False)
        some_units = (each["units"] > 0) & (each["units"] < each["rows"])
        units = (each["low_unit"] != each[UNIT]).fill_null(False) | some_units
        return each.select(
            *(PATIENT, LESION, WHAT, OF, UNIT, DATE),
            **{
                VALUE: each[IS_WORD].ifelse(each["words"], each["high_value"]),
                DIFFER: ~each[IS_WORD] & (values | units),
            },
        )


def _each_item(table: ir.Table) -> ibis.expr.builders.WindowBuilder:
    return ibis.window(group_by=[table[PATIENT], table[LESION], table[OF]])
