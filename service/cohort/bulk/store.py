"""The working tables of an import: their columns, and Parquet files that are filled row by row."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

#: a resource of a patient; `id` and `updated` (microseconds since 1970) may be missing
RESOURCES: Final = pa.schema(
    [
        ("patient", pa.string()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("updated", pa.int64()),
        ("server", pa.string()),
        ("text", pa.string()),
    ]
)
#: who claims which resource
CLAIMS: Final = pa.schema(
    [
        ("bucket", pa.int32()),
        ("patient", pa.string()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("updated", pa.int64()),
    ]
)
#: which shared resources the patients of a bucket refer to
REFERRED: Final = pa.schema([("bucket", pa.int32()), ("kind", pa.string()), ("id", pa.string())])
SHARED: Final = pa.schema([("kind", pa.string()), ("id", pa.string()), ("updated", pa.int64()), ("text", pa.string())])
#: `bucket` is where the patient would be, when it is a patient who was deleted
DELETED: Final = pa.schema([("bucket", pa.int32()), ("kind", pa.string()), ("id", pa.string())])

#: rows, and bytes of text, held before they are written
_MOST_ROWS: Final = 20_000
_MOST_BYTES: Final = 16_000_000


class Sheet:
    """One Parquet file. Rows are held until they are many, then written as one group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []
        self.held = 0

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, row: tuple[Any, ...], size: int = 0) -> None:
        """`size`: bytes of the row's text, where it counts."""
        self._rows.append(row)
        self.held += size
        if len(self._rows) >= _MOST_ROWS or self.held >= _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            columns = [
                pa.array(column, field.type)
                for column, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
            ]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows = []
        self.held = 0

    def close(self) -> None:
        self.flush()
        self._writer.close()


def write_json(path: Path, value: Any) -> None:
    """In one step: the file is there whole, or as it was before."""
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    publish(unfinished, path)


def publish(unfinished: Path, final: Path) -> None:
    """Gives a file its final name, once it is safely on the disk."""
    handle = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    unfinished.replace(final)
