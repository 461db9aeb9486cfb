"""How much memory a run may take, and what follows: the engine's limit, its threads, the size of a part."""

import os
import re
from dataclasses import dataclass

from service.cohort.running.errors import RunError
from service.cohort.running.place import Size

MEGABYTE = 1_000_000
#: below this the rules alone, compiled, leave too little for the patients
LEAST = 1_000 * MEGABYTE
_UNITS = {"": 1, "K": 1_000, "M": MEGABYTE, "G": 1_000 * MEGABYTE, "T": 1_000_000 * MEGABYTE}
_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a run may take in all, in bytes, and in how many threads."""

    total: int
    threads: int

    @property
    def engine(self) -> int:
        """The limit set for the engine: the rest is for Python, the compiled plan, and what the engine does not count."""
        return self.total - _OUTSIDE - _OUTSIDE_EACH_THREAD * self.threads

    @property
    def lesions(self) -> int:
        """Lesions in one part: as many as their widest step fits in the engine's limit with room to spare."""
        return max(_FEWEST, min(_MOST, self.engine // _EACH_LESION))

    def parts(self, size: Size) -> int:
        """Into how many parts a cohort is cut."""
        return max(1, -(-max(size.lesions, size.patients) // self.lesions))

    def __str__(self) -> str:
        return written(self.total)


#: measured (docs/cohorts.md): Python with its libraries and the rulebook; buffers of the allocator per thread
_OUTSIDE = 350 * MEGABYTE
_OUTSIDE_EACH_THREAD = 50 * MEGABYTE
#: what one lesion takes, in bytes, at the widest step
_EACH_LESION = 24_000
#: smaller parts waste time on planning the query anew, larger ones are long to lose when a run is interrupted
_FEWEST, _MOST = 5_000, 300_000


def granted(text: str, threads: int | None) -> Memory:
    """What `--memory` and `--threads` say. Raises RunError when it is no size, or too little to work with."""
    cores = os.cpu_count() or 1
    memory = Memory(size(text), threads if threads is not None else cores)
    if memory.total < LEAST:
        raise RunError(
            f"--memory {text}: too little: the rules alone, compiled, take a good part of it; "
            f"give at least {written(LEAST)}"
        )
    if memory.engine < LEAST // 2:
        most = (memory.total - _OUTSIDE - LEAST // 2) // _OUTSIDE_EACH_THREAD
        raise RunError(f"--memory {text}: too little for {memory.threads} threads; add --threads {max(1, most)}")
    return memory


def size(text: str) -> int:
    """Bytes, from a text such as 4GB, 1500 MB or 2GiB. Raises RunError."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise RunError(f"--memory {text}: no size; write it as 4GB, 1500MB or 2GiB")
    number, unit, binary = found.groups()
    return int(float(number) * (_BINARY if binary else _UNITS)[unit.upper()])


def written(size_: int) -> str:
    """A size as a person writes it, in the decimal units."""
    for unit, each in (("GB", 1_000 * MEGABYTE), ("MB", MEGABYTE)):
        if size_ >= each:
            return f"{size_ / each:.3g} {unit}"
    return f"{size_} B"
