"""Files written by DuckDB: one result of a part, or the parts of one put together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ibis.backends.duckdb import Backend

from service.cohort.engines.sql import as_sql
from service.cohort.running.place import Form
from service.cohort.running.plan import RESULTS

_FORMS: Final[dict[Form, str]] = {
    "parquet": "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000",
    "csv": "FORMAT csv, HEADER",
}


def written(connection: Any, query: str, path: Path, form: Form) -> int:
    """Writes the rows of a query. How many there are."""
    done = connection.execute(f"COPY ({query}) TO {text(path)} ({_FORMS[form]})").fetchone()
    return int(done[0])


def gather(connection: Backend, name: str, files: Sequence[Path], path: Path, form: Form) -> None:
    """Puts Parquet files of one result together. The same problem of several parts is one, its numbers summed."""
    rows = connection.read_parquet(list(files))
    if name == "problems":
        # DuckDB's sum of whole numbers is wider than any that Parquet has; the cast from a double keeps them whole.
        rows = rows.group_by(*RESULTS[name]).agg(number=lambda t: t.number.cast("float64").sum().cast("int64"))
    written(connection.con, as_sql("duckdb", rows.order_by(*RESULTS[name])), path, form)


def text(path: Path) -> str:
    """A path as SQL's text."""
    return "'" + str(path).replace("'", "''") + "'"
