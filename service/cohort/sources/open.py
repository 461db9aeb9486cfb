"""Opens a SOURCE on an engine: its tables as expressions, what stands out in its columns, nothing read beyond the first rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ibis.expr.types as ir

from service.cohort.engines import Engine
from service.cohort.engines.sql import as_sql
from service.cohort.layout import (
    LESIONS,
    LONG,
    LONG_REQUIRED,
    OBSERVATIONS,
    PATIENTS,
    Unknown,
    distinct,
    found,
    identity,
    require,
)
from service.cohort.sources.csvs import header
from service.cohort.sources.errors import SourceError, readable
from service.cohort.sources.kinds import Files, Where, look
from service.cohort.sources.wide import two_tables
from service.language.vocabulary import Scope, Vocabulary
from service.query.columns import LESION, PATIENT

_SCOPES: Final[dict[str, tuple[Scope, ...]]] = {PATIENTS: ("patient",), LESIONS: ("lesion",)}
#: columns named in one warning
_MOST_NAMED: Final = 20
#: a line of a CSV file may be as long as a thousand columns of text
_LONGEST_LINE: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """`tables`: patients and lesions, and observations if there are any, as they were brought."""

    tables: Mapping[str, ir.Table]
    #: what a person should know of the columns, a line each
    warnings: tuple[str, ...]
    #: whether they stand in text files, which are read from their beginning every time
    text_files: bool = False


def open_source(source: str, engine: Engine, vocabulary: Vocabulary) -> Source:
    """The tables of a SOURCE. `engine` is one that can reach it: for a DuckDB file or a database, one connected to that.

    Raises SourceError when something that is needed is missing or cannot be read.
    """
    where = look(source)
    # What a URL holds beside the place is a password.
    name = "the database" if where.kind == "postgres" else source
    match where.kind:
        case "bulk":
            raise SourceError(
                f"{source}: FHIR Bulk Data is converted first", "run flask cohort import-fhir, and use what it writes"
            )
        case "files":
            tables = {table: _files(files, engine) for table, files in where.files.items()}
        case "wide":
            return _wide(name, where, engine, vocabulary)
        case "duckdb" | "postgres":
            tables = _of_database(name, where, engine)
    warnings: list[str] = []
    for table, opened in tables.items():
        what = f"{name}: {table}"
        if table == OBSERVATIONS:
            warnings += _long(what, opened)
        else:
            warnings += _unknown(what, found(what, opened.columns, vocabulary, _SCOPES[table]).unknown)
            _check_ids(what, opened, _SCOPES[table])
    return Source(tables, tuple(warnings), _text(where))


def _text(where: Where) -> bool:
    return any(not files.parquet for files in where.files.values())


def _wide(name: str, where: Where, engine: Engine, vocabulary: Vocabulary) -> Source:
    table = _files(where.files[PATIENTS], engine)
    both: tuple[Scope, ...] = ("patient", "lesion")
    if LESION not in map(str.lower, table.columns) and PATIENT in table.columns:
        raise SourceError(
            f"{name}: no column «{LESION}»: one file alone must have a row for each lesion",
            "if it is the table of the patients, name the folder that holds it and the table of the lesions",
        )
    unknown = found(name, table.columns, vocabulary, both).unknown
    return Source(two_tables(name, table, vocabulary), tuple(_unknown(name, unknown)), _text(where))


# ---- files ----


def _files(files: Files, engine: Engine) -> ir.Table:
    if engine.dialect == "postgres":
        raise SourceError(
            f"{files.paths[0]}: a PostgreSQL server does not read files of this machine",
            "leave out the engine: files are read by DuckDB, which needs no server",
        )
    with readable(str(files.paths[0])):
        return _parquet(files.paths, engine) if files.parquet else _csv(files.paths[0], engine)


def _parquet(paths: tuple[Path, ...], engine: Engine) -> ir.Table:
    if empty := next((path for path in paths if path.stat().st_size == 0), None):
        raise SourceError(f"{empty}: the file is empty", "write it anew, or remove it from the folder")
    connection: Any = engine.connection
    if engine.dialect == "pyspark":
        table: ir.Table = engine.parquet(*paths)  # type: ignore[attr-defined]  # what only this engine has
        return table
    several = {"union_by_name": True} if len(paths) > 1 else {}
    # Folders are not columns, whatever their names: a part is a part.
    table = connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False, **several)
    connection.con.execute(as_sql("duckdb", table.limit(1))).fetchall()
    return table


def _csv(path: Path, engine: Engine) -> ir.Table:
    first = header(path)
    distinct(str(path), first.names)
    connection: Any = engine.connection
    if engine.dialect == "pyspark":
        spark: ir.Table = connection.read_csv(
            str(path), header=True, inferSchema=False, sep=first.separator, escape='"', multiLine=True, mode="FAILFAST"
        )
        return spark
    table: ir.Table = connection.read_csv(
        _literal(path),
        header=True,
        auto_detect=False,
        columns=dict.fromkeys(first.names, "VARCHAR"),
        delim=first.separator,
        quote='"',
        escape='"',
        max_line_size=_LONGEST_LINE,
        **({"compression": "gzip"} if path.suffix == ".gz" else {}),
    )
    connection.con.execute(as_sql("duckdb", table.limit(1_000))).fetchall()
    return table


def _literal(path: Path) -> str:
    """A path of which no sign stands for others."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


# ---- databases ----


def _of_database(name: str, where: Where, engine: Engine) -> dict[str, ir.Table]:
    if engine.dialect != where.kind:
        raise SourceError(f"{name}: is read by its own engine, not by {engine.dialect}")
    tables: dict[str, ir.Table] = {}
    for table in (PATIENTS, LESIONS, OBSERVATIONS):
        opened = _table_of(engine, table)
        if opened is not None:
            tables[table] = opened
        elif table != OBSERVATIONS:
            raise SourceError(
                f"{name}: no table «{table}» in it" + (", in its search path" if where.kind == "postgres" else ""),
                "make a view of that name, with the columns that docs/cohort-layout.md describes",
            )
    return tables


def _table_of(engine: Engine, name: str) -> ir.Table | None:
    connection: Any = engine.connection
    if engine.dialect == "postgres":
        opened: ir.Table | None = engine.table(name)  # type: ignore[attr-defined]  # what only this engine has
        return opened
    there = connection.con.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?", [name]
    )
    return connection.table(name) if there.fetchall() else None


# ---- what stands out ----


def _check_ids(what: str, table: ir.Table, scopes: tuple[Scope, ...]) -> None:
    own = distinct(what, table.columns)
    for id_ in (PATIENT, *((LESION,) if "lesion" in scopes else ())):
        identity(what, table, own[id_])


def _long(what: str, table: ir.Table) -> list[str]:
    own = distinct(what, table.columns)
    require(what, own, LONG_REQUIRED)
    identity(what, table, own[PATIENT])
    return _unknown(what, tuple(Unknown(raw) for name, raw in own.items() if name not in LONG))


def _unknown(what: str, unknown: tuple[Unknown, ...]) -> list[str]:
    """One line for all columns that the layout does not know: a registry may well hold more."""
    if not unknown:
        return []
    named = [f"«{column.name}»" + (f" ({column.hint})" if column.hint else "") for column in unknown[:_MOST_NAMED]]
    more = f", and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    return [f"{what}: not of the layout, and not read: {', '.join(named)}{more}"]
