"""Raw dates against the as-of moment: how old, and how long ago, as `CaseMaker` has it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, cast

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.engines import Dialect
from service.cohort.engines.local_time import epoch, local_date, start_of_day
from service.cohort.settle import texts
from service.cohort.settle.steps import Columns, Step, same
from service.referral.schema import YEARS

#: the age of a value whose date cannot be read; whatever is below zero lies in the future
UNREADABLE: Final = -1e18
_FIRST, _LAST = date(YEARS[0], 1, 1), date(YEARS[1], 12, 31)
_HOURS_OF_DAY: Final = 24.0
_SECONDS_OF_HOUR: Final = 3600.0
_LOCAL: Final = dt.Timestamp()
_INSTANT: Final = dt.Timestamp(timezone="UTC")


def real(value: float) -> ir.FloatingValue:
    """A number as a database's own double."""
    return cast("ir.FloatingValue", ibis.literal(float(value), "float64"))


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment of evaluation, in the rulebook's zone."""

    at: datetime
    zone: str
    dialect: Dialect

    def days(self, day: ir.Value) -> ir.IntegerValue:
        """Calendar days since a day."""
        return cast("ir.IntegerValue", ibis.literal(self.at.date()).delta(day, unit="day").cast("int64"))

    def hours(self, seconds: ir.Value) -> ir.FloatingValue:
        """Hours since an instant, in the very operations of the run reading."""
        return cast("ir.FloatingValue", (real(self.at.timestamp()) - seconds) / real(_SECONDS_OF_HOUR))

    def hours_of_day(self, day: ir.Value) -> tuple[ir.FloatingValue, ir.FloatingValue]:
        """The fewest and the most hours since a day, which is every instant of it."""
        following = (day + ibis.interval(days=1)).cast("date")
        fewest = self.hours(self.midnight(following))
        # GREATEST passes over NULL.
        bounded = day.isnull().ifelse(ibis.null("float64"), ibis.greatest(real(0.0), fewest))
        return cast("ir.FloatingValue", bounded), self.hours(self.midnight(day))

    def midnight(self, day: ir.Value) -> ir.FloatingValue:
        return start_of_day(cast("ir.DateValue", day), self.zone, self.dialect)

    def day_of(self, moment: ir.Value) -> ir.Value:
        return local_date(cast("ir.TimestampValue", moment), self.zone, self.dialect)

    def seconds(self, moment: ir.Value) -> ir.Value:
        return epoch(cast("ir.TimestampValue", moment), self.zone, self.dialect)


class Dated:
    """One column of dates on its way: days, timestamps, or text with a form of its own in each row.

    After its steps there are `{name}__given` (as it stands), `{name}__day` (NULL where it cannot be
    read) and, if instants are possible, `{name}__seconds` (NULL where only the day is known). The day is that of the
    rulebook's zone for a value, and of any zone for a date beside one, where the instant goes before it.
    """

    def __init__(self, name: str, raw: str, kind: dt.DataType, asof: AsOf, *, value: bool = False) -> None:
        """`value`: the day counts even where the instant is known, as of a moment that is a value itself."""
        self._name, self._raw, self._kind, self._asof, self._value = name, raw, kind, asof, value
        self.given, self.day, self.seconds = (f"{name}__{what}" for what in ("given", "day", "seconds"))
        self.exact = kind.is_string() or kind.is_timestamp()

    def steps(self) -> tuple[Step, Step, Step]:
        if self._kind.is_string():
            return self._formed, self._moments, self._placed_text
        return (lambda t: {self.given: t[self._raw]}), same(self.given), self._placed

    # ---- text ----

    def _formed(self, t: ir.Table) -> Columns:
        return {self.given: t[self._raw], f"{self._name}__form": texts.moment(t[self._raw])}

    def _moments(self, t: ir.Table) -> Columns:
        text = cast("ir.StringValue", t[f"{self._name}__form"])
        zoned = texts.has_zone(text)
        return {
            self.given: t[self.given],
            f"{self._name}__written": texts.day(text),
            f"{self._name}__unzoned": ibis.cases(
                (texts.has_clock(text) & ~zoned, texts.local(text)), else_=ibis.null(_LOCAL)
            ),
            f"{self._name}__instant": ibis.cases((zoned, texts.instant(text)), else_=ibis.null(_INSTANT)),
        }

    def _placed_text(self, t: ir.Table) -> Columns:
        written, instant, local = (t[f"{self._name}__{what}"] for what in ("written", "instant", "unzoned"))
        return {
            self.given: t[self.given],
            self.day: ibis.coalesce(self._asof.day_of(instant), written) if self._value else written,
            self.seconds: ibis.coalesce(self._asof.seconds(instant), self._asof.seconds(local)),
        }

    # ---- dates and timestamps ----

    def _placed(self, t: ir.Table) -> Columns:
        value = t[self.given]
        if self._kind.is_date():
            return {self.given: value, self.day: _within(value, ibis.literal(_FIRST), ibis.literal(_LAST))}
        if not isinstance(self._kind, dt.Timestamp):
            # Nothing of it can be read: what is told there is told as unusable.
            return {self.given: value, self.day: ibis.null("date")}
        zoned = self._kind.timezone is not None
        moment = _within(value, _edge(_FIRST, zoned=zoned), _edge(_LAST + timedelta(days=1), zoned=zoned))
        if self._kind.scale not in (None, 6):
            moment = moment.cast(_INSTANT if zoned else _LOCAL)
        return {self.given: value, self.day: self._asof.day_of(moment), self.seconds: self._asof.seconds(moment)}

    # ---- what follows from it ----

    def age(self, t: ir.Table) -> ir.Value:
        """Hours by which freshness is judged, from the last step: when only the day is known, calendar days are compared.

        NULL where nothing is told, `UNREADABLE` where what is told cannot be read.
        """
        by_day = self._asof.days(t[self.day]).cast("float64") * real(_HOURS_OF_DAY)
        age = ibis.coalesce(self._asof.hours(t[self.seconds]), by_day) if self.exact else by_day
        return ibis.coalesce(age, self.told(t).ifelse(real(UNREADABLE), ibis.null("float64")))

    def told(self, t: ir.Table) -> ir.BooleanValue:
        """Whether something stands there, readable or not."""
        given = t[self.given]
        return texts.trimmed(given).notnull() if self._kind.is_string() else given.notnull()

    def elapsed(self, t: ir.Table) -> tuple[ir.Value, ir.Value, ir.Value]:
        """The fewest and the most hours since, and calendar days, from the last step."""
        fewest, most = self._asof.hours_of_day(t[self.day])
        days = self._asof.days(t[self.day])
        if not self.exact:
            return fewest, most, days
        hours = self._asof.hours(t[self.seconds])
        return ibis.coalesce(hours, fewest), ibis.coalesce(hours, most), days


def _within(value: ir.Value, first: ir.Value, last: ir.Value) -> ir.Value:
    """NULL beyond the years of a patient: time zones leave the calendar there, and `infinity` is no date."""
    return cast("ir.Value", value.between(first, last).ifelse(value, ibis.null(value.type())))


def _edge(day: date, *, zoned: bool) -> ir.Value:
    edge = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return ibis.literal(edge.isoformat()).cast(_INSTANT) if zoned else ibis.literal(edge.replace(tzinfo=None))
