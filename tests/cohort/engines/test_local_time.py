"""Local time, on every engine, is what Python's zoneinfo makes of it: to the microsecond and to the last bit."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from service.cohort.engines import Engine
from service.cohort.engines.local_time import epoch, local_date, start_of_day
from tests.warehouses import fill

#: Paris is the rulebook's; the others have two midnights, none at all, half an hour of summer time
ZONES = ("Europe/Paris", "Atlantic/Azores", "America/Santiago", "Australia/Lord_Howe")
_AROUND = [timedelta(microseconds=-1), timedelta(), timedelta(microseconds=1)] + [
    sign * timedelta(minutes=minutes) for minutes in (29, 30, 31, 59, 60, 61, 119, 120, 121, 1440) for sign in (1, -1)
]


def changes(zone: ZoneInfo, years: range) -> list[datetime]:
    """The hours, in UTC, at which the offset of a zone changes, to half an hour."""
    found = []
    for year in years:
        moment = datetime(year, 1, 1, tzinfo=UTC)
        for _ in range(366):
            after = moment + timedelta(days=1)
            if moment.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                while moment.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                    before, moment = moment, moment + timedelta(minutes=30)
                    if before.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
                        break
                found.append(moment)
            moment = after
    return found


def moments(zone: ZoneInfo) -> list[datetime]:
    """Instants on both sides of every change, and at random."""
    near = [change + apart for change in changes(zone, range(2023, 2027)) for apart in _AROUND]
    random = Random(20261101)  # noqa: S311 (a fixed choice of moments, nothing secret)
    begin = datetime(1950, 1, 1, tzinfo=UTC)
    far = [begin + timedelta(microseconds=random.randrange(100 * 365 * 86_400 * 10**6)) for _ in range(500)]
    return near + far


@pytest.mark.parametrize("zone", ZONES)
def test_as_python_has_it(engine: Engine, zone: str, tmp_path: Path) -> None:
    place = ZoneInfo(zone)
    instants = moments(place)
    # What a clock on the wall there may show, whether it ever did or did twice.
    walls = [instant.astimezone(place).replace(tzinfo=None, fold=0) for instant in instants]
    walls += [wall + timedelta(minutes=30) for wall in walls]
    instants += instants
    days = [wall.date() for wall in walls]
    table = fill(
        engine,
        "moments",
        pa.table(
            {
                "number": list(range(len(walls))),
                "instant": pa.array(instants, pa.timestamp("us", "UTC")),
                "wall": pa.array(walls, pa.timestamp("us")),
                "day": days,
            }
        ),
        tmp_path,
    )
    found = engine.read(
        table.select(
            "number",
            instant=epoch(table.instant, zone, engine.dialect),
            wall=epoch(table.wall, zone, engine.dialect),
            day=start_of_day(table.day, zone, engine.dialect),
            date_of_instant=local_date(table.instant, zone, engine.dialect),
            date_of_wall=local_date(table.wall, zone, engine.dialect),
        ).order_by("number")
    ).to_pydict()
    assert found == {
        "number": list(range(len(walls))),
        "instant": [instant.timestamp() for instant in instants],
        "wall": [wall.replace(tzinfo=place).timestamp() for wall in walls],
        "day": [datetime.combine(day, time(), place).timestamp() for day in days],
        "date_of_instant": [instant.astimezone(place).date() for instant in instants],
        "date_of_wall": days,
    }


def test_what_is_missing_stays_missing(engine: Engine, tmp_path: Path) -> None:
    row = {"instant": pa.array([None], pa.timestamp("us", "UTC")), "wall": pa.array([None], pa.timestamp("us"))}
    table = fill(engine, "moments", pa.table({**row, "day": pa.array([None], pa.date32())}), tmp_path)
    zone, dialect = "Atlantic/Azores", engine.dialect
    asked = table.select(
        a=epoch(table.instant, zone, dialect),
        b=epoch(table.wall, zone, dialect),
        c=start_of_day(table.day, zone, dialect),
        d=local_date(table.instant, zone, dialect),
        e=local_date(table.wall, zone, dialect),
    )
    assert engine.read(asked).to_pylist() == [dict.fromkeys("abcde")]


def test_a_change_of_summer_time_is_among_them() -> None:
    # The last Sundays of March and October at one o'clock UTC, by law.
    assert changes(ZoneInfo("Europe/Paris"), range(2024, 2025)) == [
        datetime(2024, 3, 31, 1, tzinfo=UTC),
        datetime(2024, 10, 27, 1, tzinfo=UTC),
    ]
    assert date(2024, 10, 27) in {moment.date() for moment in moments(ZoneInfo("Europe/Paris"))}
