"""Second pass: the patients of one bucket, one after the other, to rows of the two tables."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from service.cohort.bulk import duck, store
from service.cohort.bulk.join import AMISS, LOOKED_UP
from service.cohort.bulk.kinds import Key
from service.cohort.bulk.person import Bystanders, Mapper, Row
from service.cohort.bulk.table import lesion_rows, patient_row, schema_of
from service.language.vocabulary import Scope
from service.rulebook.model import Rulebook

#: the tables that come out
TABLES: Final[tuple[Scope, ...]] = ("patient", "lesion")
COUNTS: Final = "mapped.json"
#: characters of all resources of one patient
MAX_PATIENT: Final = 50_000_000
TOO_LARGE: Final = "too-large"
#: rows of a table held before they are written
_MOST_HELD: Final = 2_000


@dataclass(frozen=True, slots=True)
class Mapping:
    """What all buckets of the second pass have in common."""

    gathered: Path
    joined: Path
    folder: Path
    spill: Path
    rulebook: Rulebook
    at: datetime
    #: kinds of resources of which something cannot be read, or may be anybody's
    incomplete: tuple[str, ...]


def done(folder: Path, bucket: int) -> Path:
    """Where the result of a bucket stands once it is whole."""
    return folder / f"{bucket:05}"


def map_bucket(common: Mapping, bucket: int) -> None:
    """Writes the folder of the bucket: `patient.parquet`, `lesion.parquet`, and `mapped.json` with what was counted."""
    final = done(common.folder, bucket)
    unfinished = final.with_name(f"{final.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    mapper = Mapper(common.rulebook, common.at, common.incomplete)
    counts: Counter[str] = Counter()
    tables = {
        scope: _Table(unfinished / f"{scope}.parquet", schema_of(common.rulebook.vocabulary, scope)) for scope in TABLES
    }
    with duck.connected(common.spill) as connection:
        bystanders = _bystanders(common, bucket, connection)
        for patient, rows in _patients(common, bucket, connection):
            if rows is None:
                counts.update(["patients/seen", f"refused/{TOO_LARGE}"])
                continue
            person = mapper.person(patient, rows, bystanders)
            counts.update(person.counts)
            if person.referral is not None:
                tables["patient"].add(patient_row(patient, person.referral))
                for row in lesion_rows(patient, person.referral):
                    tables["lesion"].add(row)
    for table in tables.values():
        table.close()
    store.write_json(unfinished / COUNTS, dict(counts))
    unfinished.rename(final)


def _patients(common: Mapping, bucket: int, connection: DuckDBPyConnection) -> Iterator[tuple[str, list[Row] | None]]:
    """Each patient with their rows; None instead of more rows than may be held at once."""
    files = [str(path) for path in sorted(common.gathered.glob(f"*/b{bucket:05}.parquet"))]
    if not files:
        return
    query = "SELECT patient, kind, id, updated, server, text FROM read_parquet($files) ORDER BY patient"
    for patient, group in groupby(duck.rows(connection, query, {"files": files}), key=lambda row: str(row[0])):
        rows: list[Row] = []
        size = 0
        for row in group:
            size += len(row[-1])
            if size <= MAX_PATIENT:
                rows.append(Row(*row[1:]))
        yield patient, rows if size <= MAX_PATIENT else None


def _bystanders(common: Mapping, bucket: int, connection: DuckDBPyConnection) -> Bystanders:
    shared: dict[Key, list[Row]] = {}
    query = "SELECT kind, id, updated, text FROM read_parquet($file) WHERE bucket = $bucket"
    for kind, name, updated, text in duck.rows(
        connection, query, {"file": str(common.joined / LOOKED_UP), "bucket": bucket}
    ):
        shared.setdefault((kind, name), []).append(Row(kind, name, updated, None, text))
    amiss: dict[str, dict[Key, str]] = {}
    query = "SELECT patient, kind, id, reason FROM read_parquet($file) WHERE bucket = $bucket"
    for patient, kind, name, reason in duck.rows(
        connection, query, {"file": str(common.joined / AMISS), "bucket": bucket}
    ):
        amiss.setdefault(patient, {})[kind, name] = reason
    return Bystanders(shared, amiss)


class _Table:
    """One of the two tables, written a few thousand rows at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._schema = schema
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _MOST_HELD:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []
