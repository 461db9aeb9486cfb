"""The folder of a finished run, opened for reading."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis.expr.types as ir

from service.cohort.engines.duckdb import DuckDBEngine, connect
from service.cohort.running.errors import RunError
from service.cohort.running.record import Record, from_json
from service.cohort.summary.counting import Tables

#: table -> columns that are read, with their types
_COLUMNS: Final = {
    "recommendations": {
        "patient": "string",
        "lesion": "string",
        "technique": "string",
        "rank": "int64",
        "status": "string",
        "anaesthesia": "string",
        "reasons": "string",
        "questions": "string",
    },
    "lesions": {"patient": "string", "lesion": "string"},
    "problems": {"table": "string", "item": "string", "problem": "string", "number": "int64"},
    "refused": {"patient": "string", "reason": "string"},
}
#: tables that stay in parts
_IN_PARTS: Final = ("recommendations", "lesions")
_RECORD: Final = "run.json"
_AGAIN: Final = "give `flask cohort recommend` again with the same source and --out {}; add --force to start anew"


class SummaryError(RunError):
    """No summary can be made. `lines` say what, where and how to mend it; they quote no patient's value."""


def record_of(folder: Path) -> Record:
    """What the run wrote down of itself. Raises SummaryError when there is no finished run."""
    file = folder / _RECORD
    try:
        record = from_json(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SummaryError(
            f"{file}: there is no such file",
            "a summary is made of the folder that `flask cohort recommend SOURCE --out FOLDER` writes",
        ) from None
    except OSError as error:
        raise SummaryError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, json.JSONDecodeError) as error:
        raise SummaryError(f"{file}: {error}", _AGAIN.format(folder)) from None
    if not record.complete:
        done = record.parts - len(list(record.open()))
        raise SummaryError(
            f"{folder}: this run is not finished: {done} of {record.parts} parts are done, and a summary of these would mislead",
            f"to go on, give the same `flask cohort recommend` again with --out {folder}: what is done is kept",
        )
    return record


@contextmanager
def opened(
    folder: Path, record: Record, memory: int, threads: int, scratch: Path
) -> Iterator[tuple[DuckDBEngine, Tables]]:
    """The tables of a run, in a DuckDB that keeps to `memory` bytes and goes on in `scratch`.

    Raises SummaryError, also in place of what DuckDB raises while they are read.
    """
    engine = connect(memory=memory, threads=threads, scratch=scratch)
    try:
        with _plainly(folder):
            tables = Tables(**{name: _table(engine, folder, name, record.identity.written_as) for name in _COLUMNS})
            _check(tables, folder, record)
            yield engine, tables
    finally:
        engine.close()


@contextmanager
def _plainly(folder: Path) -> Iterator[None]:
    """Says what DuckDB says of files, memory and room so that it can be mended."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise SummaryError("the summary needs more memory than it was given", "give more with --memory") from None
    except duckdb.IOException as error:
        text = str(error).partition("\n")[0]
        if "no space left" in text.lower() or "max_temp_directory_size" in text:
            raise SummaryError(
                "no room is left for the working files of the summary",
                "make room where temporary files go, or name another place with TMPDIR, or give more --memory",
            ) from None
        raise SummaryError(f"{folder}: cannot be read: {text}", _AGAIN.format(folder)) from None
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        if isinstance(error, duckdb.ProgrammingError) and not isinstance(error, duckdb.InvalidInputException):
            # A query of ours is wrong, not a file.
            raise
        # What it says can quote a value, and that is a patient's.
        raise SummaryError(
            f"{folder}: one of its files is broken ({type(error).__name__})", _AGAIN.format(folder)
        ) from None
    except RuntimeError as error:
        if "query interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise


def _table(engine: DuckDBEngine, folder: Path, name: str, written_as: str) -> ir.Table:
    suffix = "csv" if written_as == "csv" else "parquet"
    path = folder / name if name in _IN_PARTS else folder / f"{name}.{suffix}"
    files = sorted(path.glob(f"*.{suffix}")) if name in _IN_PARTS else [path] if path.is_file() else []
    if not files:
        raise SummaryError(f"{path}: there is no such table, which the run wrote", _AGAIN.format(folder))
    names = [str(file) for file in files]
    connection: Any = engine.connection
    table: ir.Table
    if suffix == "csv":
        table = connection.read_csv(names, all_varchar=True, header=True)
    else:
        table = connection.read_parquet(names)
    columns = _COLUMNS[name]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise SummaryError(f"{path}: has no column {', '.join(missing)}", _AGAIN.format(folder))
    return table.select(**{column: table[column].cast(kind) for column, kind in columns.items()})


def _check(tables: Tables, folder: Path, record: Record) -> None:
    """That no part was lost or added since the run."""
    for name, table in (("lesions", tables.lesions), ("options", tables.recommendations)):
        rows = int(table.count().to_pyarrow().as_py())
        if rows != record.total(name):
            raise SummaryError(
                f"{folder}: holds {rows} {name}, and {_RECORD} says {record.total(name)}: files were lost, added or changed",
                _AGAIN.format(folder),
            )
