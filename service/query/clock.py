"""When what defers an act is corrected, as one whole number for each row: so that the latest of several is their maximum.

The number is twice the microseconds from the evaluation, on the clock on the wall, plus one if only the day is known; moved
up so that it is never negative. It orders as `recommend.options` orders dates: a day, which begins at midnight, comes after
the same instant given exactly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import ibis
import ibis.expr.types as ir

from service.query.columns import days_column, low_column
from service.rulebook.model import Correction

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
#: more microseconds than lie between any two moments of a patient (some 285 years)
_OFFSET = 2**53
#: days before and after the evaluation within which changes to and from summer time are known
_HORIZON = 1_200


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock on the wall where the rulebook is used, at the moment of evaluation (with its time zone)."""

    at: datetime

    def code(self, correction: Correction, table: ir.Table) -> ir.IntegerValue:
        """When a contraindication can be corrected at the earliest (`OptionMaker.corrected`)."""
        hours = correction.lead_time
        general = _literal(self._date(round(hours / 24)) if hours % 24 == 0 else self._instant(round(hours * _HOUR)))
        after = correction.earliest
        if after is None:
            return general
        if after.days is not None:
            days = cast(ir.IntegerValue, table[days_column(after.item)])
            computed = _coded((_literal(after.days) - days) * _DAY - self._of_day, is_date=True)
        else:
            assert after.hours is not None
            waited = cast(ir.FloatingValue, table[low_column(after.item)])
            left = (ibis.literal(float(after.hours)) - waited) * float(_HOUR)
            computed = _coded(left.round().cast("int64"), is_date=False)
        return computed.fill_null(general)

    def wait(self, code: ir.IntegerValue) -> ir.IntegerValue:
        """Microseconds from the evaluation; whole calendar days for a date (`OptionMaker.hours_until`)."""
        wall = (code >> _literal(1, "int32")) - _OFFSET
        shifts = self.shifts()
        shift = ibis.cases(*((wall < start, before) for start, before in shifts[:-1]), else_=shifts[-1][1]).cast(
            "int64"
        )
        return ((code & 1) == 1).ifelse(wall + self._of_day, wall + shift)

    @property
    def _of_day(self) -> int:
        """Microseconds of the day that the wall clock shows."""
        midnight = self.at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return (self.at.replace(tzinfo=None) - midnight) // timedelta(microseconds=1)

    def _date(self, days: int) -> int:
        return (days * _DAY - self._of_day + _OFFSET) * 2 + 1

    @staticmethod
    def _instant(microseconds: int) -> int:
        return (microseconds + _OFFSET) * 2

    def shifts(self) -> list[tuple[int, int]]:
        """(end, shift): up to `end` on the wall clock, exclusive, so much more time passes than it shows. The last has no end."""
        found: list[tuple[int, int]] = []
        low, shift = -_HORIZON * _DAY, self._shift(-_HORIZON * _DAY)
        while low < _HORIZON * _DAY:
            high = low + _DAY
            if self._shift(high) != shift:
                a, b = low, high
                while b - a > 1:
                    middle = (a + b) // 2
                    a, b = (middle, b) if self._shift(middle) == shift else (a, middle)
                found.append((b, shift))
                shift = self._shift(high)
            low = high
        return [*found, (0, shift)]

    def _shift(self, wall: int) -> int:
        then = self.at + timedelta(microseconds=wall)
        now, later = self.at.utcoffset(), then.utcoffset()
        assert now is not None
        assert later is not None
        return (now - later) // timedelta(microseconds=1)


def _coded(wall: ir.IntegerValue, *, is_date: bool) -> ir.IntegerValue:
    return (wall + _OFFSET) * 2 + int(is_date)


def _literal(value: int, kind: str = "int64") -> ir.IntegerValue:
    return cast(ir.IntegerValue, ibis.literal(value, kind))
