"""The statements that compute one part, compiled once: only the rows under the names of the raw tables change."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import ibis
import ibis.expr.types as ir

from service.cohort.engines import Dialect
from service.cohort.engines.sql import as_sql
from service.cohort.engines.steps import dropping, making, table_name, unbound
from service.cohort.layout import PATIENTS
from service.query.columns import PATIENT
from service.query.criteria import Keep

#: what a part comes to, and by what its rows are told apart
RESULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "refused": ("patient", "reason"),
    "problems": ("table", "item", "problem"),
    "recommendations": ("patient", "lesion", "rank"),
    "lesions": ("patient", "lesion"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What comes of the patients of a part."""

    recommendations: ir.Table
    lesions: ir.Table
    refused: ir.Table
    problems: ir.Table
    #: items that no column gives
    missing: tuple[str, ...] = ()

    def result(self, name: str) -> ir.Table:
        table: ir.Table = getattr(self, name)
        return table


#: from the raw tables, by name, to what comes of them
Judge: TypeAlias = Callable[[Mapping[str, ir.Table], Dialect, Keep], Judged]


@dataclass(frozen=True, slots=True)
class Step:
    """A table that is computed once: the statements that make it, and those that drop what nothing later reads."""

    name: str
    making: tuple[str, ...]
    dropping: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a part; the query of each result, its rows as they come and in order, and its columns; the query of
    `numbers` (patients, problems) and of `refused` by reason; and what drops all that is left."""

    steps: tuple[Step, ...]
    results: Mapping[str, str]
    ordered: Mapping[str, str]
    schemas: Mapping[str, ibis.Schema]
    counts: Mapping[str, str]
    clearing: tuple[str, ...]
    missing: tuple[str, ...]


def raw_name(table: str) -> str:
    """The step under which the rows of a part of a raw table stand."""
    return f"raw_{table}"


def compiled(judge: Judge, schemas: Mapping[str, ibis.Schema], dialect: Dialect) -> Plan:
    """The plan over raw tables of these types. Nothing is executed."""
    steps: dict[str, tuple[tuple[str, ...], str]] = {}

    def keep(name: str, expr: ir.Table) -> ir.Table:
        if name in steps:
            raise ValueError(f"two steps are called {name!r}")
        sql = as_sql(dialect, expr)
        steps[name] = (making(dialect, name, expr, sql), sql)
        return unbound(dialect, name, expr.schema())

    raw = {name: unbound(dialect, raw_name(name), schema) for name, schema in schemas.items()}
    judged = judge(raw, dialect, keep)
    results = {name: as_sql(dialect, judged.result(name)) for name in RESULTS}
    patients = raw[PATIENTS].agg(patients=raw[PATIENTS][PATIENT].nunique())
    problems = judged.problems.agg(problems=judged.problems.number.sum().fill_null(0))
    refused = judged.refused.group_by("reason").agg(number=judged.refused.count())
    queries = {name: sql for name, (_, sql) in steps.items()}
    spent = _spent(queries, results.values())
    return Plan(
        tuple(
            Step(name, statements, tuple(drop for each in spent[name] for drop in dropping(dialect, each)))
            for name, (statements, _) in steps.items()
        ),
        results,
        {name: sql + _in_order(name) for name, sql in results.items()},
        {name: judged.result(name).schema() for name in RESULTS},
        {"numbers": as_sql(dialect, patients.cross_join(problems)), "refused": as_sql(dialect, refused)},
        tuple(drop for name in steps for drop in dropping(dialect, name)),
        judged.missing,
    )


def _in_order(name: str) -> str:
    return "\nORDER BY " + ", ".join(f'"{column}"' for column in RESULTS[name])


def _spent(queries: Mapping[str, str], results: Iterable[str]) -> dict[str, list[str]]:
    """For each step the tables of which it is the last reader: they need not stay in memory."""
    last = {name: name for name in queries}
    for reader, sql in queries.items():
        last |= {name: reader for name in queries if _reads(sql, name)}
    for sql in results:
        for name in queries:
            if _reads(sql, name):
                last.pop(name, None)
    spent: dict[str, list[str]] = {name: [] for name in queries}
    for name, reader in last.items():
        spent[reader].append(name)
    return spent


def _reads(sql: str, name: str) -> bool:
    return re.search(rf"\b{table_name(name)}\b", sql) is not None
