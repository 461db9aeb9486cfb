"""DuckDB for an import: within a fixed memory, spilling beside the work, and never reaching for the network."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

#: what one connection may take; sorting and joining go on on disk beyond it
MEMORY: Final = "512MB"
#: rows fetched at once
_ROWS: Final = 500


@contextmanager
def connected(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """`spill`: a folder for what does not fit in memory, in a folder of its own: two connections would take one name twice."""
    spill.mkdir(parents=True, exist_ok=True)
    own = tempfile.mkdtemp(dir=spill)
    config: dict[str, Any] = {
        "memory_limit": MEMORY,
        "threads": 1,
        "temp_directory": own,
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(config=config)
    try:
        connection.execute("SET enable_progress_bar = false").fetchall()
        yield connection
    finally:
        connection.close()
        shutil.rmtree(own, ignore_errors=True)


def rows(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, a few at a time."""
    found = connection.execute(query, parameters)
    while batch := found.fetchmany(_ROWS):
        yield from batch


def write(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], path: Path, group: int = 100_000
) -> int:
    """Writes what a query gives as Parquet, `group` rows in a row group; how many rows that were."""
    target = str(path).replace("'", "''")
    copy = f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})"
    return int(connection.execute(copy, parameters).fetchall()[0][0])


def filled(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Any], always: frozenset[str]) -> list[str]:
    """The columns of Parquet files in which some row has a value, in their order, and those of `always`."""
    described = connection.execute("SELECT * FROM read_parquet($files) LIMIT 0", files)
    names = [str(column[0]) for column in described.description or ()]
    described.fetchall()
    counted = ", ".join(f'count("{name}")' for name in names)
    query = f"SELECT {counted} FROM read_parquet($files)"  # noqa: S608 - names of our own columns
    numbers = connection.execute(query, files).fetchall()[0]
    return [name for name, number in zip(names, numbers, strict=True) if number or name in always]
