"""The tables that steps are kept in: their names and the SQL that makes and drops them, run by the engines and printed by scripts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from service.cohort.engines import Dialect, EngineError

#: so that a step never hides a table of the source, whatever that is called
PREFIX: Final = "indication_"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
#: PostgreSQL cuts a longer name off, and then two columns may have the same
_LONGEST_COLUMN: Final = 63

#: what the engines set for their own sessions, whatever the defaults of a warehouse, and a script for its own
SETTINGS: Final[dict[Dialect, tuple[str, ...]]] = {
    "duckdb": ("SET TimeZone = 'UTC'", "SET preserve_insertion_order = false"),
    # Dates are texts in one way only. Compiling such long expressions to machine code takes longer than computing them.
    "postgres": ("SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, YMD'", "SET jit = off"),
    # local_time.py reads local times as instants of UTC. What cannot be converted is an error, never silently nothing.
    # What the optimiser may infer from one condition for others is never of use here, and takes it minutes on such expressions.
    "pyspark": (
        "SET spark.sql.session.timeZone = UTC",
        "SET spark.sql.ansi.enabled = true",
        "SET spark.sql.constraintPropagation.enabled = false",
    ),
}

#: where temporary tables are, said in full: a table of the source with this very name is never read in their place
_NAMESPACE: Final[dict[Dialect, ops.Namespace]] = {
    "duckdb": ops.Namespace(catalog="temp", database="main"),
    "postgres": ops.Namespace(database="pg_temp"),
    "pyspark": ops.Namespace(),
}
_PLACE: Final[dict[Dialect, str]] = {"duckdb": "temp.main.", "postgres": "pg_temp.", "pyspark": ""}


def table_name(name: str) -> str:
    """The table of a step."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a step: small letters, digits and underscores, 50 at most")
    return PREFIX + name


def check(dialect: Dialect, name: str, expr: ir.Table) -> None:
    """Raises when `expr` cannot be kept under this name."""
    if any(expr.op().find(ops.InMemoryTable)):
        raise ValueError(f"the step {name!r} holds a table of this process, which no database can read")
    table_name(name)
    for column in expr.columns:
        if dialect == "postgres" and len(column.encode()) > _LONGEST_COLUMN:
            raise EngineError(f"the column {column} of the step {name} has a name too long for PostgreSQL")


def making(dialect: Dialect, name: str, expr: ir.Table, sql: str) -> tuple[str, ...]:
    """The statements that keep the step `expr`, compiled as `sql`."""
    check(dialect, name, expr)
    table = table_name(name)
    match dialect:
        case "duckdb":
            return (f"CREATE OR REPLACE TEMP TABLE {table} AS\n{sql}",)
        case "postgres":
            # Without statistics the planner takes every table for a small one, and joins it row by row.
            making = f"CREATE TEMP TABLE {table} AS\n{sql}"
            return (*dropping(dialect, name), making, f"ANALYZE {_PLACE[dialect]}{table}")
        case "pyspark":
            # A table, since Spark plans a view anew, down to the source, for each query that reads it.
            return (*dropping(dialect, name), f"CREATE TABLE {table} USING parquet AS\n{sql}")


def dropping(dialect: Dialect, name: str) -> tuple[str, ...]:
    """The statements that free what a step takes, if it was kept."""
    return (f"DROP TABLE IF EXISTS {_PLACE[dialect]}{table_name(name)}",)


def kept(dialect: Dialect, name: str, schema: ibis.Schema, source: Any) -> ir.Table:
    """The table of a step that `source` keeps, with the types that its expression had.

    They are not asked of the database: Spark has no type that tells an instant from a local time.
    """
    return ops.DatabaseTable(table_name(name), schema, source, _NAMESPACE[dialect]).to_expr()


def unbound(dialect: Dialect, name: str, schema: ibis.Schema) -> ir.Table:
    """The table of a step in a script."""
    return ops.UnboundTable(table_name(name), schema, _NAMESPACE[dialect]).to_expr()


def value_error(name: str, error: Exception) -> EngineError:
    """In place of an error that quotes the value it stumbled on: a patient's."""
    return EngineError(
        f"the step {name} stopped at a value that the database could not read or convert ({type(error).__name__})",
        "the value is not shown here, since it is a patient's; please report the step",
    )


@contextmanager
def without_values(name: str, *with_values: type[Exception]) -> Iterator[None]:
    """Raises EngineError in place of these errors, which quote values."""
    try:
        yield
    except with_values as error:
        raise value_error(name, error) from None
