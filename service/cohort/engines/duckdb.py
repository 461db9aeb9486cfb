"""DuckDB, embedded: within the memory it is told, on disk beyond that, never on the network."""

from pathlib import Path
from typing import Final

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from service.cohort.engines import Dialect, EngineError
from service.cohort.engines.sql import as_sql, compiler
from service.cohort.engines.steps import SETTINGS, dropping, kept, making, without_values

#: errors of DuckDB that quote the value they stumbled on
WITH_VALUES: Final = (duckdb.DataError, duckdb.InvalidInputException)


class DuckDBEngine:
    """An engine over one connection of DuckDB."""

    dialect: Dialect = "duckdb"

    def __init__(self, connection: Backend) -> None:
        self.connection = connection
        self.connection.compiler = compiler(self.dialect)
        self._run(SETTINGS[self.dialect])

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """Computes a step into a temporary table; on disk when it is larger than the memory."""
        statements = making(self.dialect, name, expr, as_sql(self.dialect, expr))
        with without_values(name, *WITH_VALUES):
            self._run(statements)
        return kept(self.dialect, name, expr.schema(), self.connection)

    def drop(self, name: str) -> None:
        self._run(dropping(self.dialect, name))

    def read(self, expr: ir.Table) -> pa.Table:
        return self.connection.to_pyarrow(expr)

    def close(self) -> None:
        self.connection.disconnect()

    def _run(self, statements: tuple[str, ...]) -> None:
        for statement in statements:
            self.connection.con.execute(statement)


def connect(
    database: Path | None = None,
    *,
    memory: int | None = None,
    threads: int | None = None,
    scratch: Path | None = None,
) -> DuckDBEngine:
    """An engine over a DuckDB file, which is only read, or over none.

    `memory` is DuckDB's own limit in bytes, `scratch` the folder it goes on in beyond that.
    Raises EngineError when the file cannot be opened.
    """
    # What it would load from the network is not needed: Parquet, JSON and time zones are built in.
    config: dict[str, str | bool | int] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    if memory is not None:
        config["memory_limit"] = f"{memory}B"
    if threads is not None:
        config["threads"] = threads
    if scratch is not None:
        config["temp_directory"] = str(scratch)
    where = ":memory:" if database is None else database
    if database is not None and not database.is_file():
        raise EngineError(f"{database}: there is no such file")
    try:
        return DuckDBEngine(ibis.duckdb.connect(where, read_only=database is not None, **config))
    except duckdb.Error as error:
        raise EngineError(
            f"{database}: cannot be opened as a DuckDB file: {_first_line(error)}",
            "it may be another kind of file, be broken, or be open for writing in another program",
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
