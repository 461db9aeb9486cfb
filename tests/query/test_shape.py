"""What a cluster would have to do: rows of different patients never meet, so nothing is moved but by patient."""

from datetime import datetime
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from service.query.columns import LESION, PATIENT, FactColumns
from service.query.reading import recommend
from tests.strategies import rulebook

AT = datetime(2026, 11, 24, 18, 0, tzinfo=ZoneInfo("Europe/Paris"))
#: each row by itself, or rows put below one another
_BY_ROW = (ops.Project, ops.Filter, ops.Union, ops.UnboundTable, ops.JoinReference)
#: columns that PostgreSQL takes in one table, and letters in the name of one
_MOST_COLUMNS, _LONGEST = 1600, 63


def steps() -> dict[str, ir.Table]:
    """Every step, each over the table of the one before."""
    columns = FactColumns(rulebook())
    patients = ibis.table({PATIENT: "string", **columns.of("patient")}, name="patients")
    lesions = ibis.table({PATIENT: "string", LESION: "string", **columns.of("lesion")}, name="lesions")
    found: dict[str, ir.Table] = {}

    def keep(name: str, expr: ir.Table) -> ir.Table:
        assert name not in found, f"the step {name} stands there twice"
        found[name] = expr
        return ibis.table(expr.schema(), name=name)

    outcome = recommend(rulebook(), AT, patients, lesions, keep)
    return {**found, "recommendations": outcome.recommendations, "lesions": outcome.lesions}


def test_rows_meet_by_patient_alone_and_fit_every_database() -> None:
    for name, expr in steps().items():
        assert len(expr.columns) <= _MOST_COLUMNS, name
        assert max(len(column) for column in expr.columns) <= _LONGEST, name
        for node in expr.op().find(ops.Relation):
            match node:
                case ops.JoinChain():
                    keys = [predicate for link in node.rest for predicate in link.predicates]
                    assert keys, name
                    for key in keys:
                        assert isinstance(key, ops.Equals), name
                        assert {key.left.name, key.right.name} == {PATIENT}, name
                case ops.Aggregate():
                    assert set(node.groups) == {PATIENT}, name
                case _:
                    assert isinstance(node, _BY_ROW), (name, type(node).__name__)
        assert not expr.op().find(ops.WindowFunction), name
