"""Moments before the as-of moment, as hours, days and texts, in the rulebook's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from service.cohort.generate.tables import Numbers, Whole

_SECONDS: Final = 3600
_MILLISECONDS: Final = 3_600_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Clock:
    """The as-of moment of a cohort, with its zone."""

    at: datetime

    @classmethod
    def of(cls, at: datetime, zone: str) -> "Clock":
        """`at` in `zone`; one without a zone is taken as being in it. Whole minutes: seconds are cut off."""
        place = ZoneInfo(zone)
        local = at.replace(tzinfo=place) if at.tzinfo is None else at.astimezone(place)
        return cls(local.replace(second=0, microsecond=0))

    def moments(self, ago: Numbers) -> list[datetime]:
        """The moments so many hours before, in the zone."""
        zone, at = self.at.tzinfo, self.at.timestamp()
        return [datetime.fromtimestamp(at - hours * _SECONDS, zone) for hours in ago.tolist()]

    def milliseconds(self, ago: Numbers) -> Whole:
        """The same as milliseconds since 1970 (UTC)."""
        return (round(self.at.timestamp() * 1000) - np.rint(ago * _MILLISECONDS)).astype(np.int64)

    def days(self, ago: Numbers) -> Whole:
        """Their calendar days in the zone, as days since 1970."""
        return np.array([moment.toordinal() - _EPOCH for moment in self.moments(ago)], np.int64)

    def days_since(self, ago: Numbers) -> Numbers:
        """Calendar days from theirs to the as-of moment's."""
        return (self.at.toordinal() - _EPOCH - self.days(ago)).astype(np.float64)

    def day_texts(self, ago: Numbers) -> list[str]:
        """Their days as text, as in 2026-11-23."""
        return [moment.date().isoformat() for moment in self.moments(ago)]

    def time_texts(self, ago: Numbers) -> list[str]:
        """The moments as text, with the distance of the zone from UTC, as in 2026-11-23T09:15+01:00."""
        return [moment.isoformat(timespec="minutes") for moment in self.moments(ago)]

    def later(self, days: int) -> date:
        """The calendar day so many days after the as-of moment."""
        return self.at.date() + timedelta(days=days)
