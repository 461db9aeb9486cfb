"""CSV: every column as text, so that no value is changed by what a reader takes it for."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.cohort.layout import normal
from service.cohort.sources.errors import SourceError
from service.query.columns import PATIENT

#: signs that part columns; the first line tells which
_SEPARATORS: Final = ",;\t|"
#: characters of the longest first line
_LONGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV file."""

    names: tuple[str, ...]
    separator: str


def header(path: Path) -> Header:
    """The columns of a CSV file. Raises SourceError when its first line cannot be read."""
    text = _first_line(path)
    if not text.strip():
        raise SourceError(f"{path}: the file is empty; its first line must name the columns")
    readings = [Header(tuple(name.strip() for name in _cells(text, sign)), sign) for sign in _SEPARATORS]
    with_patient = [reading for reading in readings if PATIENT in map(normal, reading.names)]
    return max(with_patient or readings, key=lambda reading: len(reading.names))


def _first_line(path: Path) -> str:
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            return stream.readline(_LONGEST)
    except UnicodeDecodeError:
        raise SourceError(f"{path}: is not UTF-8; write the file anew in that encoding") from None
    except (OSError, EOFError) as error:
        raise SourceError(f"{path}: cannot be read ({type(error).__name__})", "write the file anew") from None


def _cells(line: str, separator: str) -> Sequence[str]:
    return next(csv.reader([line], delimiter=separator), [])
