"""Time since an event and freshness: days and hours, days only, and the days on which the clock changes."""

from datetime import datetime
from typing import Any

import pytest

from service.language.facts import Case, Moment
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from tests.strategies import rulebook

ITEM = "last_dose.apixaban"


def case(at: str, recorded_at: str | None = None, **values: Any) -> Case:
    """The facts of a referral decided at `at`, its items named with two underscores for a dot."""
    book = rulebook()
    data = {
        "recorded_at": recorded_at or at[:10],
        "patient": {name.replace("__", "."): value for name, value in values.items()},
        "lesions": [{"id": "L1"}],
    }
    return CaseMaker(book).make(ReferralReader(book.vocabulary).read(data), datetime.fromisoformat(at))


def elapsed(at: str, dose: str) -> Moment:
    found = case(at, last_dose__apixaban=dose).patient.known[ITEM]
    assert isinstance(found, Moment)
    return found


@pytest.mark.parametrize(
    ("at", "dose", "hours", "days"),
    [
        # an ordinary day
        ("2026-11-23T09:00:00+01:00", "2026-11-22T21:00:00+01:00", (12, 12), 1),
        ("2026-11-23T09:00:00+01:00", "2026-11-22", (9, 33), 1),
        ("2026-11-23T09:00:00+01:00", "2026-11-23", (0, 9), 0),
        ("2026-11-23T00:00:00+01:00", "2026-11-22", (0, 24), 1),
        ("2026-11-23T09:00:00+01:00", "2026-11-20", (57, 81), 3),
        # a moment without a zone is of the site; one of another zone is the same instant
        ("2026-11-23T09:00:00+01:00", "2026-11-22T21:00:00", (12, 12), 1),
        ("2026-11-23T09:00:00+01:00", "2026-11-22T20:00:00Z", (12, 12), 1),
        ("2026-11-23T08:00:00+00:00", "2026-11-22T21:00:00+01:00", (12, 12), 1),
        # just after midnight at the site, still the day before in UTC
        ("2026-11-23T09:00:00+01:00", "2026-11-22T23:30:00Z", (8.5, 8.5), 0),
        ("2026-11-22T23:30:00+00:00", "2026-11-22", (0.5, 24.5), 1),
        # the clock goes forward on 29 March 2026: that day has 23 hours
        ("2026-03-29T12:00:00+02:00", "2026-03-28T12:00:00+01:00", (23, 23), 1),
        ("2026-03-29T12:00:00+02:00", "2026-03-28", (11, 35), 1),
        ("2026-03-30T00:00:00+02:00", "2026-03-29", (0, 23), 1),
        ("2026-03-30T12:00:00+02:00", "2026-03-29", (12, 35), 1),
        # and back on 25 October 2026: that day has 25
        ("2026-10-25T12:00:00+01:00", "2026-10-24T12:00:00+02:00", (25, 25), 1),
        ("2026-10-26T00:00:00+01:00", "2026-10-25", (0, 25), 1),
        ("2026-10-26T12:00:00+01:00", "2026-10-25", (12, 37), 1),
        # the hour that comes twice
        ("2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+02:00", (1, 1), 0),
        # a leap day, and a year's end
        ("2028-03-01T12:00:00+01:00", "2028-02-28", (36, 60), 2),
        ("2027-01-01T12:00:00+01:00", "2026-12-31", (12, 36), 1),
    ],
)
def test_the_time_since_a_moment(at: str, dose: str, hours: tuple[float, float], days: int) -> None:
    found = elapsed(at, dose)
    assert found.since == pytest.approx(hours)
    assert found.days == days


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-11-20"])
def test_every_hour_of_a_day_lies_within_what_is_known_of_the_day(day: str) -> None:
    at = "2026-11-23T09:00:00+01:00"
    low, high = elapsed(at, day).since
    for hour in range(24):
        for minute in ("00", "59"):
            instant = elapsed(at, f"{day}T{hour:02}:{minute}:00").since[0]
            assert low <= instant <= high
    assert elapsed(at, f"{day}T00:00:00").since[0] == pytest.approx(high)


@pytest.mark.parametrize(
    ("given", "at", "known"),
    [
        # 7 days, by days when only the day is told
        ({"value": 200, "date": "2026-11-16"}, "2026-11-23T23:59:00+01:00", True),
        ({"value": 200, "date": "2026-11-15"}, "2026-11-23T00:00:00+01:00", False),
        # and by hours when the hour is
        ({"value": 200, "date": "2026-11-16T09:00:00+01:00"}, "2026-11-23T09:00:00+01:00", True),
        ({"value": 200, "date": "2026-11-16T08:59:00+01:00"}, "2026-11-23T09:00:00+01:00", False),
        ({"value": 200, "date": "2026-11-16T08:00:00Z"}, "2026-11-23T09:00:00+01:00", True),
        # the clock goes back in between: a week later by the clock is an hour more
        ({"value": 200, "date": "2026-10-20T09:00:00+02:00"}, "2026-10-27T09:00:00+01:00", False),
        ({"value": 200, "date": "2026-10-20T10:00:00+02:00"}, "2026-10-27T09:00:00+01:00", True),
        # without a date of its own it is as old as the referral
        (200, "2026-11-23T09:00:00+01:00", True),
    ],
)
def test_a_value_is_known_while_it_is_fresh(given: Any, at: str, known: bool) -> None:
    item = rulebook().vocabulary["blood.platelets"]
    assert item.fresh_for == 168.0, "the examples are written for seven days"
    found = case(at, blood__platelets=given)
    assert ("blood.platelets" in found.patient.known) == known
    assert found.patient.notes["blood.platelets"].unknown == (None if known else "stale")


def test_an_old_referral_has_old_values() -> None:
    found = case("2026-11-23T09:00:00+01:00", recorded_at="2026-11-01", blood__platelets=200, patient__age=60)
    assert "blood.platelets" not in found.patient.known
    assert found.patient.notes["blood.platelets"].unknown == "stale"


def test_what_does_not_age_is_known_whenever_it_was_written() -> None:
    ageless = next(
        item.id
        for item in rulebook().vocabulary.of("patient").values()
        if item.fresh_for is None and item.type == "flag"
    )
    found = case("2026-11-23T09:00:00+01:00", recorded_at="2016-11-01", **{ageless.replace(".", "__"): True})
    assert found.patient.known[ageless] is True


@pytest.mark.parametrize(
    "dose", ["2026-11-24", "2026-11-23T09:00:01+01:00", "2026-11-23T08:00:01Z", "2026-11-23T10:00:00"]
)
def test_what_has_not_happened_yet_is_refused(dose: str) -> None:
    with pytest.raises(ReferralError) as refused:
        case("2026-11-23T09:00:00+01:00", last_dose__apixaban=dose)
    assert [complaint.pointer for complaint in refused.value.complaints] == [f"/patient/{ITEM}"]
