"""The figures of a cohort: plain counts, of which some may be hidden because they speak of too few people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from service.rulebook.model import Status


class Count(NamedTuple):
    """Patients, and their lesions. A patient with several lesions may stand in several cells."""

    patients: int
    lesions: int


#: a count, or None when it is hidden
Cell: TypeAlias = Count | None
#: a plain number, or None when it is hidden
Number: TypeAlias = int | None

#: how near a lesion, or the nearest lesion of a patient, is to a percutaneous act
Way: TypeAlias = Literal["now", "later", "questions", "suspended", "ruled_out", "not_indicated"]
#: the nearest first: the first that applies counts
WAYS: Final[tuple[Way, ...]] = ("now", "later", "questions", "suspended", "ruled_out", "not_indicated")

#: statuses of an option that can be done as things are
NOW: Final[tuple[Status, ...]] = ("eligible", "provisional", "cautioned")
#: statuses in which something known stands against an option. Of these alone the status does not say that it is indicated
BLOCKED: Final[tuple[Status, ...]] = ("deferred", "excluded", "preempted")


@dataclass(frozen=True, slots=True)
class TechniqueFigures:
    """One technique over all lesions of the cohort."""

    technique: str
    by_status: Mapping[Status, Cell]
    #: of the blocked statuses: those whose indication is established
    indicated: Mapping[Status, Cell]
    #: it stands first and may be offered, now or later
    first: Cell
    #: of those: under which anaesthesia; "" where none is needed
    anaesthesia: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A contraindication or an alert that holds, for those of whom it blocks at least one indicated option."""

    rule: str
    count: Cell


@dataclass(frozen=True, slots=True)
class MissingItem:
    """An item without which options stay undetermined, for those of whom it holds up at least one option."""

    item: str
    count: Cell
    #: for those of whom it is all that one option waits for
    alone: Cell
    options: Number
    #: options that wait for nothing else
    alone_options: Number


@dataclass(frozen=True, slots=True)
class Problem:
    """Values of one item that could not be used; `item` is "" when a whole row could not."""

    table: str
    item: str
    problem: str
    number: Number


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is told of a cohort."""

    #: patients with at least one lesion that was judged, and these lesions
    cohort: Count
    ways: Mapping[Way, Cell]
    techniques: tuple[TechniqueFigures, ...]
    #: most patients first
    obstacles: tuple[Obstacle, ...]
    #: most patients first
    questions: tuple[MissingItem, ...]
    problems: tuple[Problem, ...]
    #: patients without a recommendation, by reason
    refused: Mapping[str, Number]
    #: items that no column of the source gives
    unread: tuple[str, ...] = ()
    #: rules named in the result that the rulebook at hand does not know: they are counted nowhere
    strangers: tuple[str, ...] = ()
    #: counts of fewer patients are hidden
    smallest: int = 1
