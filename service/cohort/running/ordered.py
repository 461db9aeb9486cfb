"""A working copy of a table whose rows stand in no order of patients: runs of rows, each in order, so that a part need not
read everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from service.query.columns import PATIENT

#: rows taken from the engine at once
_BATCH: Final = 10_000
#: rows in the smallest group that can be skipped or read by itself
_SMALLEST_GROUP: Final = 2_000


def copy_in_runs(reader: Any, folder: Path, run: int, parts: int) -> None:
    """Writes the rows of an Arrow `reader` to files of about `run` bytes, each ordered by patient."""
    folder.mkdir(parents=True)
    for number, rows in enumerate(_runs(reader, run)):
        ordered = rows.take(pc.sort_indices(rows, [(PATIENT, "ascending")]))
        group = max(_SMALLEST_GROUP, ordered.num_rows // parts)
        pq.write_table(ordered, folder / f"{number:05}.parquet", row_group_size=group)


def _runs(reader: Any, run: int) -> Iterator[Any]:
    held: list[Any] = []
    size = 0
    for batch in reader:
        held.append(batch)
        size += batch.nbytes
        if size >= run:
            yield pa.Table.from_batches(held)
            held, size = [], 0
    # A table without a row must be there all the same, for its columns.
    yield pa.Table.from_batches(held, reader.schema)
