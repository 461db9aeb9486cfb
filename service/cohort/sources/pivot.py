"""Observations as columns of the patients' and the lesions' tables, and a count of those that cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import ibis
import ibis.expr.types as ir

from service.cohort.layout import (
    ABSENT,
    COMPLETE,
    DATE,
    ITEM,
    OBSERVATIONS,
    UNIT,
    VALUE,
    carrying,
    companion,
)
from service.cohort.sources.observations import DIFFER, OF, PROBLEM, WHAT, Observations
from service.language.vocabulary import Item, Scope
from service.query.columns import LESION, PATIENT, column
from service.query.criteria import Keep

#: names of items that the vocabulary does not know: so many are told, and so many signs of each
_MOST_NAMES, _LONGEST_NAME = 50, 60
_OTHERS: Final = "…"


@dataclass(frozen=True, slots=True)
class Pivoted:
    """The two raw tables with the columns that observations fill, and (table, item, problem, number)."""

    patients: ir.Table
    lesions: ir.Table
    problems: ir.Table


def pivoted(observations: Observations, patients: ir.Table, lesions: ir.Table, keep: Keep) -> Pivoted:
    """`patients` and `lesions`: raw, under the layout's names."""
    read = keep("observations_read", observations.read({*patients.columns, *lesions.columns}))
    latest = keep("observations_latest", observations.latest(read))
    told = latest.filter(~latest[DIFFER])
    of_known = told.semi_join(patients, PATIENT)
    of_lesions = of_known.filter(of_known[LESION].notnull())
    counted = [
        _unusable(read),
        _differing(latest.filter(latest[DIFFER])),
        _unmatched(told.anti_join(patients, PATIENT), PATIENT, "unknown_patient"),
        _unmatched(of_lesions.anti_join(lesions, [PATIENT, LESION]), LESION, "unknown_lesion"),
    ]
    return Pivoted(
        _joined(observations, patients, told.filter(told[LESION].isnull()), "patient", (PATIENT,)),
        _joined(observations, lesions, told.filter(told[LESION].notnull()), "lesion", (PATIENT, LESION)),
        ibis.union(*counted, distinct=False),
    )


def _joined(
    observations: Observations, table: ir.Table, told: ir.Table, scope: Scope, ids: tuple[str, ...]
) -> ir.Table:
    """A raw table beside columns of the items that it has no column of: one aggregation and one join for all of them."""
    there = set(table.columns)
    items = [item for item in observations.asked if item.scope == scope and not there.intersection(carrying(item))]
    filled = {name: value for item in items for name, value in _columns_of(item, told).items()}
    if not filled:
        return table
    pivot = told.group_by(*ids).aggregate(**filled)
    beside = pivot.select(**{f"{id_}_": pivot[id_] for id_ in ids}, **{name: pivot[name] for name in filled})
    joined = table.left_join(beside, [table[id_] == beside[f"{id_}_"] for id_ in ids])
    return joined.select(*(joined[name] for name in (*table.columns, *filled)))


def _columns_of(item: Item, told: ir.Table) -> Mapping[str, ir.Value]:
    own = column(item.id)

    def of(what: str) -> ir.Value:
        return cast("ir.Value", told[VALUE].max(where=told[WHAT] == what))

    columns: dict[str, ir.Value] = {own: of(own)}
    if item.type == "number":
        columns[companion(item.id, UNIT)] = told[UNIT].max(where=told[WHAT] == own)
    if item.type == "set":
        columns |= {name: of(name) for name in (companion(item.id, part) for part in (ABSENT, COMPLETE))}
    columns[companion(item.id, DATE)] = told[DATE].min(where=told[OF] == own)
    return columns


# ---- counting ----


def _row(item: ir.Value, problem: ir.Value | str, number: ir.Value) -> dict[str, ir.Value]:
    return {
        "table": ibis.literal(OBSERVATIONS),
        ITEM: item,
        PROBLEM: ibis.literal(problem) if isinstance(problem, str) else problem,
        "number": number.cast("int64"),
    }


def _dotted(name: ir.Value) -> ir.Value:
    """The id of an item, from the name of its column."""
    return cast("ir.StringValue", name).replace("__", ".")


def _unusable(read: ir.Table) -> ir.Table:
    wrong = read.filter(read[PROBLEM].notnull())
    # What stands where an item should is cut short, and only the commonest are named: it may be anything.
    name = cast("ir.StringValue", wrong[WHAT]).fill_null("").left(_LONGEST_NAME)
    named = wrong.mutate(name=name)
    each = named.group_by("name", PROBLEM).aggregate(rows=named.count())
    order = ibis.window(group_by=each[PROBLEM], order_by=[each["rows"].desc(), each["name"]])
    placed = each.mutate(place=ibis.row_number().over(order))
    other = (placed[PROBLEM] == "unknown_item") & (placed["place"] >= _MOST_NAMES)
    shown = placed.mutate(shown=other.ifelse(_OTHERS, _dotted(placed["name"])))
    total = shown.group_by("shown", PROBLEM).aggregate(rows=shown["rows"].sum())
    return total.select(**_row(total["shown"], total[PROBLEM], total["rows"]))


def _differing(latest: ir.Table) -> ir.Table:
    each = latest.group_by(WHAT).aggregate(rows=latest.count())
    return each.select(**_row(_dotted(each[WHAT]), "contradictory", each["rows"]))


def _unmatched(told: ir.Table, id_: str, problem: str) -> ir.Table:
    counted = told.aggregate(rows=told.count())
    return counted.filter(counted["rows"] > 0).select(**_row(ibis.literal(id_), problem, counted["rows"]))
