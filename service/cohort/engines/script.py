"""An engine that computes nothing: it writes down, in one dialect, the SQL that the others would run."""

from typing import NoReturn

import ibis
import ibis.expr.types as ir

from service.cohort.engines import Dialect
from service.cohort.engines.sql import as_sql
from service.cohort.engines.steps import SETTINGS, dropping, making, unbound


class ScriptEngine:
    """Collects statements. Tables are unbound: they are read by name where the script is run."""

    connection: None = None

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self.statements: list[str] = list(SETTINGS[dialect])

    def table(self, name: str, schema: ibis.Schema) -> ir.Table:
        """A table of the warehouse, found by its search path."""
        return ibis.table(schema, name=name)

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """Writes down how a step is computed."""
        self.statements += making(self.dialect, name, expr, self.sql(expr))
        return unbound(self.dialect, name, expr.schema())

    def drop(self, name: str) -> None:
        self.statements += dropping(self.dialect, name)

    def result(self, name: str, expr: ir.Table) -> None:
        """Writes down a table that stays; the script stops when there is one of that name."""
        self.statements.append(f"CREATE TABLE {name} AS\n{self.sql(expr)}")

    def sql(self, expr: ir.Table) -> str:
        """One query."""
        return as_sql(self.dialect, expr)

    def text(self) -> str:
        """The script so far."""
        return "".join(f"{statement};\n\n" for statement in self.statements).rstrip("\n") + "\n"

    def read(self, expr: ir.Table) -> NoReturn:
        raise TypeError("a script computes nothing")

    def close(self) -> None:
        """Nothing is open."""
