"""SQL of an expression, in one dialect, in which a fraction is what it is to Ibis: a double, as everywhere in this service.

Ibis writes `0.1`, which is a decimal number to every one of the three databases: `0.1 + 0.2` would be `0.3`, and a table made of such
expressions would have columns of another type than its expression says.
"""

import math
from functools import cache
from typing import Any

import ibis
import ibis.backends.sql.compilers as compilers
import ibis.expr.types as ir
from ibis.config import Config

from service.cohort.engines import Dialect


def as_sql(dialect: Dialect, expr: ir.Table) -> str:
    """One query. Tables are named as they are in `expr`; it needs no connection."""
    made_by = compiler(dialect)
    sql: str = made_by.to_sqlglot(expr.unbind()).sql(dialect=made_by.dialect, pretty=True)
    return sql


@cache
def compiler(dialect: Dialect) -> Any:
    """Ibis's compiler of a dialect, with fractions as doubles; for a backend too."""
    if dialect == "pyspark":
        _know_options_of_spark()
    known = {"duckdb": compilers.duckdb, "postgres": compilers.postgres, "pyspark": compilers.pyspark}
    parent = type(known[dialect].compiler)

    def literal(self: Any, op: Any, *, value: Any, dtype: Any) -> Any:
        if dtype.is_floating() and math.isfinite(value):
            # As a text, since the way over a decimal number may lose the last bit.
            return self.cast(repr(float(value)), dtype)
        return parent.visit_NonNullLiteral(self, op, value=value, dtype=dtype)

    return type(parent.__name__, (parent,), {"__slots__": (), "visit_NonNullLiteral": literal})()


def _know_options_of_spark() -> None:
    """Ibis asks for these options while it compiles, and knows them only once pyspark, which a script needs not, is loaded."""
    if ibis.options.pyspark is None:
        defaults = {"treat_nan_as_null": False}
        ibis.options.pyspark = type(
            "Options", (Config,), {"__annotations__": {"treat_nan_as_null": bool}, **defaults}
        )()
