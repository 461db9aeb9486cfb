"""The files of an export, and how the work on them is cut up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.cohort.bulk.gather import Task
from service.cohort.bulk.lines import Stretch, is_compressed
from service.cohort.running.errors import RunError

_ENDINGS: Final = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
#: what text of this kind is larger than when it is compressed, about
_COMPRESSED: Final = 10
#: bytes of one task of the first pass, at least and at most; and about how many tasks there should be
_LEAST, _MOST, _TASKS = 8_000_000, 2_000_000_000, 64
#: bytes of text in one bucket, about; and how many buckets at most, since a file of each is open at once
_BUCKET, _MOST_BUCKETS = 128_000_000, 512


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file; `modified` in nanoseconds."""

    name: str
    size: int
    modified: int
    compressed: bool

    @property
    def text(self) -> int:
        """Bytes of text in it, about."""
        return self.size * _COMPRESSED if self.compressed else self.size


@dataclass(frozen=True, slots=True)
class Export:
    folder: Path
    files: tuple[ExportFile, ...]
    #: what else lies in the folder, and is not read
    others: tuple[str, ...]

    @property
    def text(self) -> int:
        return sum(file.text for file in self.files)

    @property
    def fingerprint(self) -> dict[str, str]:
        """File -> its size and when it was last changed."""
        return {file.name: f"{file.size} {file.modified}" for file in self.files}

    @property
    def buckets(self) -> int:
        """How many buckets the patients are spread over: the same for the same files."""
        return max(1, min(_MOST_BUCKETS, self.text // _BUCKET))

    def tasks(self) -> tuple[Task, ...]:
        """The first pass in tasks of about one size: stretches of large files, several small ones together."""
        most = max(_LEAST, min(_MOST, self.text // _TASKS))
        tasks: list[Task] = []
        gathered: list[Stretch] = []
        held = 0
        for stretch, size in self._stretches(most):
            if gathered and held + size > most:
                tasks.append(Task(len(tasks), tuple(gathered)))
                gathered, held = [], 0
            gathered.append(stretch)
            held += size
        return (*tasks, Task(len(tasks), tuple(gathered)))

    def _stretches(self, most: int) -> Iterator[tuple[Stretch, int]]:
        for file in self.files:
            if file.compressed:
                yield Stretch(file.name, compressed=True), file.text
                continue
            for start in range(0, file.size, most):
                end = min(start + most, file.size)
                yield Stretch(file.name, start, end), end - start


def look(folder: Path) -> Export:
    """What lies in the folder. Raises RunError when that is no export, or cannot be read."""
    try:
        present = sorted(path for path in folder.iterdir() if path.is_file())
        named = [path for path in present if path.name.casefold().endswith(_ENDINGS)]
        files = tuple(_file(path) for path in named)
    except NotADirectoryError:
        raise RunError(f"{folder}: is a file; give the folder that the files of the export lie in") from None
    except FileNotFoundError:
        raise RunError(f"{folder}: no such folder") from None
    except OSError as error:
        raise RunError(f"{error.filename or folder}: cannot be read: {error.strerror}") from None
    if not files:
        raise RunError(
            f"{folder}: no file of FHIR Bulk Data lies here; their names end in {', '.join(_ENDINGS)}",
            "give the folder that the export was downloaded to",
        )
    return Export(folder, files, tuple(path.name for path in present if path not in named))


def _file(path: Path) -> ExportFile:
    found = path.stat()
    return ExportFile(path.name, found.st_size, found.st_mtime_ns, is_compressed(path))
