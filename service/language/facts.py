"""What is known of one patient at one moment: the facts every reading works from.

Only usable, fresh values are in `known`: an item that is not there is unknown, whatever the reason. The reasons and
dates are kept beside it in `notes`, for the trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of which some words are known to be in it, some known not to be, and the rest unknown unless complete."""

    present: frozenset[str]
    absent: frozenset[str]
    complete: bool

    def holds(self, word: str) -> bool | None:
        if word in self.present:
            return True
        return False if self.complete or word in self.absent else None


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: an instant, or only a day, which is every instant of that day.

    `since` is the interval of hours elapsed until the evaluation; `days` the calendar days, in the site's time zone.
    """

    day: date
    since: tuple[float, float]
    days: int
    instant: datetime | None = None


Value: TypeAlias = bool | str | float | Listing | Moment
WhyUnknown: TypeAlias = Literal["absent", "stale"]


@dataclass(frozen=True, slots=True)
class Note:
    """When a value was true, and why it is unknown if it is."""

    date: str | None
    unknown: WhyUnknown | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    known: Mapping[str, Value]
    notes: Mapping[str, Note] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lesion:
    id: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Case:
    """One referral, checked: a patient, the lesions, and the moment of evaluation (with its time zone)."""

    at: datetime
    patient: Facts
    lesions: tuple[Lesion, ...]
