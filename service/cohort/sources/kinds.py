"""What a SOURCE is, told by its name and its first bytes, before any engine is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from service.cohort.layout import LESIONS, OBSERVATIONS, PATIENTS
from service.cohort.sources.errors import SourceError
from service.language.errors import nearest

#: `files`: tables in files of their own. `wide`: one table with a row for each lesion. `bulk`: FHIR, to be converted first
Kind: TypeAlias = Literal["files", "wide", "bulk", "duckdb", "postgres"]

ACCEPTED: Final = (
    "a SOURCE is: a folder with patients and lesions (.parquet, .csv, .csv.gz, or a folder of Parquet files each);",
    "one .parquet or .csv file with a row for each lesion; a folder of .ndjson files (FHIR Bulk Data); a DuckDB file;",
    "or a postgresql:// URL. The layout is described in docs/cohort-layout.md",
)
_ENDINGS: Final = (".parquet", ".csv", ".csv.gz")
_TABLES: Final = (PATIENTS, LESIONS, OBSERVATIONS)
#: where a DuckDB file says what it is
_MAGIC, _AT = b"DUCK", 8


@dataclass(frozen=True, slots=True)
class Files:
    """One table of a source: files of one format."""

    paths: tuple[Path, ...]
    parquet: bool


@dataclass(frozen=True, slots=True)
class Where:
    """What a SOURCE is, and for files, which there are of each table (of the one table of a wide form: `patients`)."""

    kind: Kind
    files: dict[str, Files]


def look(source: str) -> Where:
    """What a SOURCE is. Raises SourceError when it is nothing that can be read."""
    if source.startswith(("postgresql://", "postgres://")):
        return Where("postgres", {})
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _file(path)
    near = nearest(path.name, [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else [])
    hint = f"did you mean {path.parent / near}?" if near else "look for a slip in the path"
    raise SourceError(f"{source}: there is no such file or folder; {hint}", *ACCEPTED)


def _folder(path: Path) -> Where:
    files = {name: found for name in _TABLES if (found := _table(path, name)) is not None}
    if files:
        missing = [name for name in (PATIENTS, LESIONS) if name not in files]
        if missing:
            there = ", ".join(sorted(other.name for other in path.iterdir())[:20])
            raise SourceError(f"{path}: no table {' and no table '.join(missing)}; there are: {there}", *ACCEPTED)
        return Where("files", files)
    if any(path.glob("*.ndjson")) or any(path.glob("*.ndjson.gz")):
        return Where("bulk", {})
    if parts := _parts(path):
        return Where("wide", {PATIENTS: Files(parts, parquet=True)})
    raise SourceError(f"{path}: a folder without patients, lesions or .ndjson files", *ACCEPTED)


def _table(folder: Path, name: str) -> Files | None:
    """The files of one table. Raises SourceError when it is there in two forms."""
    candidates = [folder / f"{name}{ending}" for ending in _ENDINGS] + [folder / name]
    there = [path for path in candidates if path.exists()]
    if len(there) > 1:
        raise SourceError(
            f"{folder}: {name} is there twice: {there[0].name} and {there[1].name}",
            "which of them is meant is not guessed: move one elsewhere",
        )
    if not there:
        return None
    path = there[0]
    if path.is_dir():
        parts = _parts(path)
        if not parts:
            raise SourceError(f"{path}: a folder without Parquet files in it", *ACCEPTED)
        return Files(parts, parquet=True)
    return Files((path,), path.suffix == ".parquet")


def _parts(folder: Path) -> tuple[Path, ...]:
    """The Parquet files of a folder, at any depth; not what Spark and others leave beside them (`_SUCCESS`, `.crc`)."""
    found = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    return tuple(path for path in found if not _hidden(path.relative_to(folder).parts))


def _hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "_")) for part in parts)


def _file(path: Path) -> Where:
    if path.name.endswith(_ENDINGS):
        return Where("wide", {PATIENTS: Files((path,), path.suffix == ".parquet")})
    with path.open("rb") as stream:
        if stream.read(_AT + len(_MAGIC))[_AT:] == _MAGIC:
            return Where("duckdb", {})
    raise SourceError(f"{path}: neither Parquet nor CSV by its name, nor a DuckDB file", *ACCEPTED)
