"""What Ibis does not say of time zones, for each dialect: local time to instants and back, as Python's zoneinfo has it.

A timestamp with a zone is an instant. One without is local time in `zone`; of a local time that comes twice, when summer time
ends, the first is meant, and one that never was is counted on from before the change: as `datetime.replace(tzinfo=zone)` does.
Spark's session must run in UTC (the engine and the scripts see to it); the other dialects do not care.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.engines import Dialect

_LOCAL: Final = dt.Timestamp()
_INSTANT: Final = dt.Timestamp(timezone="UTC")
_MILLION: Final = ibis.literal(1e6, dt.float64)
#: the years in which a day that begins twice is looked for: what a referral dates lies in them
_YEARS: Final = range(1945, 2101)


def start_of_day(day: ir.DateValue, zone: str, dialect: Dialect) -> ir.FloatingValue:
    """The moment at which a calendar day begins in `zone`, in seconds since 1970 (UTC)."""
    start = _seconds(_to_instant(cast("ir.TimestampValue", day.cast(_LOCAL)), zone, dialect), dialect)
    if dialect == "pyspark" or not (twice := _days_that_begin_twice(zone)):
        return start
    return cast("ir.FloatingValue", day.cases(*twice, else_=start))


def local_date(moment: ir.TimestampValue, zone: str, dialect: Dialect) -> ir.DateValue:
    """The calendar day of a moment in `zone`; of a local time, the day that is written."""
    return (_to_local(moment, zone, dialect) if _is_instant(moment) else moment).date()


def epoch(moment: ir.TimestampValue, zone: str, dialect: Dialect) -> ir.FloatingValue:
    """Seconds since 1970 (UTC), microseconds included: the same double as Python's `datetime.timestamp()`."""
    return _seconds(moment.cast(_INSTANT) if _is_instant(moment) else _instant(moment, zone, dialect), dialect)


def _is_instant(moment: ir.TimestampValue) -> bool:
    return cast("dt.Timestamp", moment.type()).timezone is not None


def _instant(local: ir.TimestampValue, zone: str, dialect: Dialect) -> ir.TimestampValue:
    """The instant of a local time; the first, where it comes twice."""
    instant = _to_instant(local, zone, dialect)
    if dialect == "pyspark":
        return instant
    # DuckDB and PostgreSQL mean the second. The first is reached with the offset that was in force a day before.
    day = ibis.interval(hours=24)
    plain = local.cast(_LOCAL)
    before = _to_local(instant - day, zone, dialect) + day
    first = instant + (plain - before)
    return ibis.ifelse(_to_local(first, zone, dialect) == plain, first, instant)


@lru_cache
def _days_that_begin_twice(zone: str) -> tuple[tuple[date, float], ...]:
    """Days with two midnights, since summer time ends there at midnight, as in the Azores; with the first in epoch seconds."""
    place = ZoneInfo(zone)
    found = []
    day = date(_YEARS.start, 1, 1)
    while day.year < _YEARS.stop:
        midnight = datetime.combine(day, time(), place)
        if midnight.timestamp() < midnight.replace(fold=1).timestamp():
            found.append((day, midnight.timestamp()))
        day += timedelta(days=1)
    return tuple(found)


# ---- the functions of each dialect that Ibis does not know: declared by their types alone, nothing of them runs here ----


def _of_one(value: Any) -> None: ...


def _of_two(first: Any, second: Any) -> None: ...


_known: Final[Any] = ibis.udf.scalar.builtin
_TIMEZONE_OF_LOCAL: Final = _known(_of_two, name="timezone", signature=((dt.string, _LOCAL), _INSTANT))
_TIMEZONE_OF_INSTANT: Final = _known(_of_two, name="timezone", signature=((dt.string, _INSTANT), _LOCAL))
_TO_UTC_TIMESTAMP: Final = _known(_of_two, name="to_utc_timestamp", signature=((_LOCAL, dt.string), _INSTANT))
_FROM_UTC_TIMESTAMP: Final = _known(_of_two, name="from_utc_timestamp", signature=((_INSTANT, dt.string), _LOCAL))
_EPOCH_US: Final = _known(_of_one, name="epoch_us", signature=((_INSTANT,), dt.int64))
_DATE_PART: Final = _known(_of_two, name="date_part", signature=((dt.string, _INSTANT), dt.float64))
_UNIX_MICROS: Final = _known(_of_one, name="unix_micros", signature=((_INSTANT,), dt.int64))


def _to_instant(local: ir.TimestampValue, zone: str, dialect: Dialect) -> ir.TimestampValue:
    """The instant of a local time, by the database's own choice where it comes twice."""
    if dialect == "pyspark":
        return cast("ir.TimestampValue", _TO_UTC_TIMESTAMP(local.cast(_LOCAL), zone))
    return cast("ir.TimestampValue", _TIMEZONE_OF_LOCAL(zone, local.cast(_LOCAL)))


def _to_local(instant: ir.TimestampValue, zone: str, dialect: Dialect) -> ir.TimestampValue:
    """The local time of an instant. In Spark it stays a timestamp of the session, which is why that runs in UTC."""
    if dialect == "pyspark":
        return cast("ir.TimestampValue", _FROM_UTC_TIMESTAMP(instant.cast(_INSTANT), zone))
    return cast("ir.TimestampValue", _TIMEZONE_OF_INSTANT(zone, instant.cast(_INSTANT)))


def _seconds(instant: ir.TimestampValue, dialect: Dialect) -> ir.FloatingValue:
    # Whole microseconds divided once, as Python does: DuckDB's own `epoch` differs in the last bit.
    match dialect:
        case "duckdb":
            seconds = _EPOCH_US(instant).cast(dt.float64) / _MILLION
        case "postgres":
            seconds = _DATE_PART("epoch", instant)
        case "pyspark":
            seconds = _UNIX_MICROS(instant).cast(dt.float64) / _MILLION
    return cast("ir.FloatingValue", seconds)
