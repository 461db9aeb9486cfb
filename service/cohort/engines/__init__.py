"""Where a cohort is computed: DuckDB in this process, a PostgreSQL server, Spark, or nowhere (a script of SQL).

The libraries are heavy and optional: this module imports none of them, and each engine's own module does.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from service.cohort.running.errors import RunError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

#: as Ibis names them
Dialect: TypeAlias = Literal["duckdb", "postgres", "pyspark"]

#: dialect -> modules that it cannot do without, and what installs them
_NEEDS: Final[dict[Dialect, tuple[tuple[str, ...], str]]] = {
    "duckdb": (("ibis", "duckdb", "pyarrow", "matplotlib"), "cohort"),
    "postgres": (("ibis", "psycopg", "pyarrow"), "cohort"),
    "pyspark": (("ibis", "pyspark", "pyarrow"), "spark"),
}


class EngineError(RunError):
    """An engine cannot be had or cannot go on. `lines` say what and how to mend it, without a secret or a patient's value."""


class Engine(Protocol):
    """Computes tables where the data is. `close` leaves nothing behind."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def connection(self) -> Any:
        """Ibis's backend; a script has none."""

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """Computes a step once, and returns the table to go on from. A step of the same name is replaced."""

    def drop(self, name: str) -> None:
        """Frees what a step takes, if it was kept. What was derived from it and kept stays."""

    def read(self, expr: "ir.Table") -> "pa.Table":
        """The rows of a table that fits in the memory of this process."""

    def close(self) -> None: ...


def check_installed(dialect: Dialect = "duckdb") -> None:
    """Raises EngineError, saying what to run, when the packages of a dialect are not installed."""
    modules, kind = _NEEDS[dialect]
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise EngineError(
            f"cohorts need Python packages that are not installed here: {', '.join(missing)}",
            f"run script/setup {kind}, then give the same command again",
        )
