"""From arrays to the columns of a table of Arrow, without a loop over the values."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from service.cohort.generate.tables import Flags, Numbers, Whole

#: an instant; what reads it need not know the rulebook's zone
INSTANT: Final = pa.timestamp("ms", tz="UTC")
_BITS: Final = "little"


def _bitmap(flags: Flags) -> Any:
    return pa.py_buffer(np.packbits(flags, bitorder=_BITS))


def _column(kind: Any, known: Flags, data: Any) -> Any:
    return pa.Array.from_buffers(kind, len(known), [_bitmap(known), data])


def flags(values: Flags, known: Flags) -> Any:
    """A column of yes and no."""
    return _column(pa.bool_(), known, _bitmap(values))


def numbers(values: Numbers, known: Flags) -> Any:
    """A column of floating-point numbers."""
    return _column(pa.float64(), known, pa.py_buffer(np.ascontiguousarray(values, np.float64)))


def whole_numbers(values: Numbers, known: Flags) -> Any:
    """A column of whole numbers."""
    return _column(pa.int64(), known, pa.py_buffer(values.astype(np.int64)))


def days(values: Whole, known: Flags) -> Any:
    """A column of calendar days, from days since 1970."""
    return _column(pa.date32(), known, pa.py_buffer(values.astype(np.int32)))


def instants(values: Whole, known: Flags) -> Any:
    """A column of instants, from milliseconds since 1970."""
    return _column(INSTANT, known, pa.py_buffer(np.ascontiguousarray(values, np.int64)))


def texts(places: Any, known: Flags, words: Sequence[str]) -> Any:
    """A column of texts, from the place of each in `words`."""
    # Parquet's writer takes each word of a dictionary for another one: of two that are the same it writes foreign memory.
    once = {word: at for at, word in enumerate(dict.fromkeys(words))}
    place = np.array([once[word] for word in words], np.int32)
    indices = _column(pa.int32(), known, pa.py_buffer(place[np.where(known, places, 0).astype(np.int64)]))
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(once), pa.string()))


def lists(held: Flags, known: Flags, words: Sequence[str]) -> Any:
    """A column of lists of texts, from one row of flags for each list: which of `words` it holds."""
    held = held & known[:, None]
    ends = np.zeros(len(known) + 1, np.int32)
    np.cumsum(held.sum(axis=1), out=ends[1:])
    places = np.nonzero(held)[1].astype(np.int32)
    values = pa.array(words, pa.string()).take(pa.array(places))
    return pa.ListArray.from_buffers(
        pa.list_(pa.string()), len(known), [_bitmap(known), pa.py_buffer(ends)], children=[values]
    )
