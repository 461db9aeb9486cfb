"""What a run needs of wherever the parts are computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol, TypeAlias

from service.cohort.running.record import Part

#: is told what begins
Step: TypeAlias = Callable[[str], None]
#: how the result is written
Form: TypeAlias = Literal["parquet", "csv"]


@dataclass(frozen=True, slots=True)
class Size:
    """Rows of the two tables that every source has."""

    patients: int
    lesions: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the part that was computed last: how many patients it held, how many values or rows of it could not be used, and
    how many patients were refused, by reason."""

    patients: int
    problems: int
    refused: Mapping[str, int] = field(default_factory=dict)


def done(number: int, counts: Counts, rows: Mapping[str, int], started: float) -> Part:
    """The part that was computed last, begun at `started` (seconds, monotonic) and written: so many rows of each result."""
    return Part(
        number,
        counts.patients,
        rows["lesions"],
        rows["recommendations"],
        counts.problems,
        counts.refused,
        round(monotonic() - started, 3),
    )


class Place(Protocol):
    """Computes the parts of one cohort: `prepare`, then for each part `compute`, write what came of it, `forget`."""

    def computed_by(self) -> str:
        """The engine and its version."""
        ...

    def size(self) -> Size:
        """How large the cohort is."""
        ...

    def prepare(self, parts: int, step: Step, *, begun: bool) -> int:
        """Cuts the cohort into as many parts, or somewhat fewer: how many. `begun`: parts are done already, and the cohort
        must be cut as it was then; raises RunError when that is not known any more."""
        ...

    def missing(self) -> tuple[str, ...]:
        """Items that no column gives."""
        ...

    def compute(self, number: int, step: Step) -> None:
        """Computes one part, from 1."""
        ...

    def counts(self) -> Counts: ...

    def write(self, name: str, path: Path, form: Form) -> int:
        """Writes one result of the part that was computed last. How many rows it has."""
        ...

    def forget(self) -> None:
        """Frees what the part took."""
        ...
