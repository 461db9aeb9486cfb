"""What is wrong with a source, said so that whoever brought it can mend it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.cohort.running.errors import RunError


class SourceError(RunError):
    """A source that cannot be used. `lines` say what, where and how to mend it; they quote no patient's value."""


_CSV: Final = re.compile(r"CSV Error on Line: (\d+)")
#: what DuckDB says of a line that cannot be read -> what that means. All it says beside quotes the line.
_CSV_REASONS: Final = {
    "expected number of columns": "it has more or fewer columns than the first line",
    "unterminated quote": "a quotation mark that opens there is never closed",
    "maximum line size": "it is longer than two megabytes: perhaps a quotation mark that is never closed",
    "utf-8": "it is not UTF-8; write the file anew in that encoding",
    "unicode": "it is not UTF-8; write the file anew in that encoding",
}
_FILE: Final = re.compile(r"[\"']([^\"'\n]+\.(?:csv|csv\.gz|parquet))[\"']")
_PARQUET: Final = ("parquet", "thrift", "snappy", "zstd", "decompress", "page header", "footer", "tprotocol")


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Raises SourceError in place of what DuckDB says of a file that cannot be read, which may quote a patient's values."""
    try:
        yield
    except Exception as error:
        told = broken(what, error)
        if told is None:
            raise
        raise told from None


def broken(what: str, error: Exception) -> SourceError | None:
    """A broken file, if that is what `error` of DuckDB means; None when it means something else."""
    if not type(error).__module__.startswith(("_duckdb", "duckdb")):
        return None
    text = str(error)
    file = _FILE.search(text)
    where = file.group(1) if file else what
    if line := _CSV.search(text):
        reasons = [reason for words, reason in _CSV_REASONS.items() if words in text.lower()]
        return SourceError(
            f"{where}: line {line.group(1)} cannot be read: {reasons[0] if reasons else 'it is not CSV'}",
            "mend the file (or leave that line out), and give the same command again",
        )
    first = text.partition("\n")[0].lower()
    if any(word in first for word in _PARQUET) or "too small" in first:
        return SourceError(
            f"{where}: this Parquet file is broken or was not written to its end",
            "write it anew; nothing was computed from it",
        )
    return None
