"""The lines of an export: a stretch of a file at a time, each line strictly JSON or told as broken. No line is ever quoted."""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

#: bytes of one line; a resource with scanned documents inside may be longer, and is none that we read
MAX_LINE: Final = 10_000_000
#: of one resource: as deep as the other doors to FHIR allow
MAX_DEPTH: Final = 40
_CHUNK: Final = 1_000_000
_GZIP: Final = b"\x1f\x8b"
_MARK: Final = b"\xef\xbb\xbf"

TOO_LONG: Final = "too-long"
NOT_JSON: Final = "not-json"
NOT_A_RESOURCE: Final = "not-a-resource"
CUT_OFF: Final = "cut-off"


class Broken(Exception):
    """A line that cannot be used; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stretch:
    """The lines of a file that begin at the bytes from `start` up to `end`; a compressed file is one stretch."""

    name: str
    start: int = 0
    end: int = 0
    compressed: bool = False


def is_compressed(path: Path) -> bool:
    """By what it begins with: what was sent compressed may be kept so under any name."""
    with path.open("rb") as handle:
        return handle.read(len(_GZIP)) == _GZIP


def lines(folder: Path, stretch: Stretch) -> Iterator[bytes | Broken]:
    """Each line without its end, blank ones included; for one that is too long, and where a compressed file breaks off, why."""
    path = folder / stretch.name
    if not stretch.compressed:
        with path.open("rb") as handle:
            yield from _from(handle, stretch.start, stretch.end)
        return
    with gzip.open(path) as unpacked:
        try:
            yield from _from(unpacked, 0, None)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield Broken(CUT_OFF)


def _from(handle: BinaryIO | gzip.GzipFile, start: int, end: int | None) -> Iterator[bytes | Broken]:
    place = start
    if start:
        # The line that began before belongs to the stretch before, even when it begins exactly there.
        handle.seek(start - 1)
        place += _skip(handle) - 1
    while end is None or place < end:
        line = handle.readline(MAX_LINE + 1)
        if not line:
            return
        begins = place == 0
        place += len(line)
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            place += _skip(handle)
            yield Broken(TOO_LONG)
            continue
        line = line.rstrip(b"\r\n")
        yield line.removeprefix(_MARK) if begins else line


def _skip(handle: BinaryIO | gzip.GzipFile) -> int:
    """Reads to the end of the line; how many bytes that were."""
    skipped = 0
    while chunk := handle.readline(_CHUNK):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


def resource_of(line: bytes) -> tuple[dict[str, Any], str]:
    """The resource in a line, and its text. Raises Broken."""
    try:
        said = line.decode("utf-8")
        value = _STRICT.decode(said)
    except (ValueError, RecursionError):
        # Also UnicodeDecodeError, JSONDecodeError, and integers of thousands of digits.
        raise Broken(NOT_JSON) from None
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise Broken(NOT_A_RESOURCE)
    # Counting brackets is quick, and settles it for nearly every resource.
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _too_deep(value):
        raise Broken(NOT_JSON)
    return value, said


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _refused(_name: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refused, parse_float=_float)
