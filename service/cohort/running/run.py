"""The run itself: part after part, each recorded once it is safe; the same run given again goes on where it stopped."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Protocol, TypeAlias

from service.cohort.running.errors import RunError
from service.cohort.running.place import Place, Size, Step
from service.cohort.running.record import Identity, Record

#: is told of every part that is done, and at the start what was done before
Told: TypeAlias = Callable[[Record], None]


class Output(Protocol):
    """Where the parts are written, and the run recorded."""

    def record(self, *, force: bool) -> Record | None:
        """The run that is there, finished or not. Raises RunError when something else is there: with `force` only when
        it is something that no run wrote."""
        ...

    def clear(self) -> None:
        """Takes a run away that is there."""
        ...

    def begin(self, record: Record) -> None:
        """Makes ready for the parts that are not done, and records the run."""
        ...

    def save(self, place: Place, record: Record, number: int, started: float) -> Record:
        """Writes the part that was computed last and records it, so that it is there whole or not at all. `started`: when
        it was begun, on the clock of `monotonic`."""
        ...

    def finish(self, record: Record) -> Record:
        """Puts together what is not left in parts, and records that the run is complete."""
        ...


def found(output: Output, identity: Identity, *, force: bool) -> Record | None:
    """The run to go on with; None to start one, which `force` always does.

    Raises RunError when the run that is there is another one.
    """
    record = output.record(force=force)
    if record is None or force:
        return None
    differences = list(record.identity.differences(identity))
    if differences:
        raise RunError(
            "the result that is there, finished or not, is of another run:",
            *(f"  {each}" for each in differences),
            "go on with what it was begun with, write elsewhere, or start anew with --force",
        )
    return record


def run(
    place: Place,
    output: Output,
    identity: Callable[[], Identity],
    parts: Callable[[Size], int],
    step: Step,
    told: Told,
    *,
    force: bool = False,
) -> Record:
    """Computes what is not computed yet. `identity` looks at the source anew each time; `parts` says into how many parts
    a cohort of some size is cut.

    Raises RunError, and whatever the place raises about its source.
    """
    record = found(output, identity(), force=force)
    if record is None:
        # Nothing of an earlier source may be left in the working files.
        output.clear()
        record = Record(identity(), parts(place.size()))
    if record.complete:
        return record
    # Recorded before the source is copied anywhere: what is copied is then known to be of this source.
    output.begin(record)
    number = place.prepare(record.parts, step, begun=bool(record.done))
    record = replace(record, parts=number, missing=place.missing())
    told(record)
    for number in record.open():
        started = monotonic()
        place.compute(number, step)
        record = output.save(place, record, number, started)
        place.forget()
        told(record)
    changed = list(record.identity.differences(identity()))
    if changed:
        raise RunError(
            "the source was changed while it was read, so that some parts are of one state of it and some of another:",
            *(f"  {each}" for each in changed),
            "start anew with --force",
        )
    return output.finish(record)
