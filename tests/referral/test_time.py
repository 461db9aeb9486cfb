"""What is too old is unknown: to the day when a day is given, to the hour when an hour is, in the site's time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.language.facts import Moment
from service.language.vocabulary import Item
from tests.fixtures.reading import decider
from tests.referral.referring import AT, case_of, ordinary, places, small

PARIS = ZoneInfo("Europe/Paris")
AGEING = [item for item in decider().rulebook.vocabulary if item.fresh_for is not None]


def value_of(item: Item) -> object:
    match item.type:
        case "flag":
            return False
        case "number":
            return (item.low + item.high) / 2
        case "choice":
            return next(iter(item.choices))
        case "set":
            return None
        case _:
            return "2020-01-01"


def known(item: Item, on: str, at: datetime = AT) -> bool:
    dated = {"value": value_of(item), "date": on} if item.type != "set" else {"items": [], "date": on}
    referral = small({item.id: dated}) if item.scope == "patient" else small(lesion={item.id: dated})
    case = case_of(referral, at)
    facts = case.patient if item.scope == "patient" else case.lesions[0].facts
    note = facts.notes[item.id]
    assert (note.unknown == "stale") == (item.id not in facts.known)
    return item.id in facts.known


def test_the_rulebook_has_items_that_age() -> None:
    assert len(AGEING) >= 10
    assert decider().rulebook.info.timezone == "Europe/Paris"


@pytest.mark.parametrize("item", AGEING, ids=lambda item: item.id)
def test_a_dated_value_is_known_for_its_number_of_days_and_not_one_more(item: Item) -> None:
    assert item.fresh_for is not None
    days = int(item.fresh_for // 24)
    last = AT.date() - timedelta(days=days)
    assert known(item, last.isoformat())
    assert not known(item, (last - timedelta(days=1)).isoformat())


@pytest.mark.parametrize("item", AGEING, ids=lambda item: item.id)
def test_a_timed_value_is_known_to_the_very_second(item: Item) -> None:
    assert item.fresh_for is not None
    last = AT - timedelta(hours=item.fresh_for)
    assert known(item, last.isoformat())
    assert not known(item, (last - timedelta(seconds=1)).isoformat())


def test_without_a_date_of_its_own_a_value_is_as_old_as_the_referral() -> None:
    referral = ordinary()
    platelets = referral["patient"]["blood.platelets"]
    referral["patient"]["blood.platelets"] = platelets["value"]
    fresh_for = decider().rulebook.vocabulary["blood.platelets"].fresh_for
    assert fresh_for is not None
    limit = timedelta(hours=fresh_for)
    recorded = date.fromisoformat(referral["recorded_at"])
    last = datetime.combine(recorded, datetime.min.time(), PARIS) + limit
    assert "blood.platelets" in case_of(referral, last).patient.known
    later = case_of(referral, last + timedelta(days=1)).patient
    assert "blood.platelets" not in later.known
    assert later.notes["blood.platelets"].unknown == "stale"
    assert "patient.sex" in later.known


def test_a_value_that_does_not_age_stays_known_for_ever() -> None:
    case = case_of(small({"patient.sex": {"value": "male", "date": "1990-01-01"}}))
    assert case.patient.known["patient.sex"] == "male"


# ---- the future ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("referral", "where"),
    [
        ({**small(), "recorded_at": "2026-11-24"}, "/recorded_at"),
        ({**small(), "recorded_at": "2026-11-23T09:00:01+01:00"}, "/recorded_at"),
        (small({"blood.inr": {"value": 1, "date": "2026-11-24"}}), "/patient/blood.inr"),
        (small({"blood.inr": {"value": 1, "date": "2026-11-23T08:00:01Z"}}), "/patient/blood.inr"),
        (small({"last_dose.apixaban": "2027-01-01"}), "/patient/last_dose.apixaban"),
        (small({"fasting.last_meal": "2026-11-23T09:01:00"}), "/patient/fasting.last_meal"),
        (small(lesion={"imaging.mri": "2026-11-24"}), "/lesions/0/imaging.mri"),
        (small({"medications": {"items": [], "date": "2026-12-01"}}), "/patient/medications"),
    ],
)
def test_a_date_in_the_future_is_refused_at_its_place(referral: dict[str, object], where: str) -> None:
    assert ("in_the_future", where) in places(referral)


def test_a_referral_recorded_in_the_future_is_told_once() -> None:
    assert places({**ordinary(), "recorded_at": "2027-01-01"}) == [("in_the_future", "/recorded_at")]


def test_every_date_in_the_future_is_told_at_once() -> None:
    referral = small(
        {"last_dose.apixaban": "2027-01-01", "last_dose.warfarin": "2027-01-02"}, {"imaging.ct": "2027-01-03"}
    )
    assert [where for _, where in places(referral)] == [
        "/lesions/0/imaging.ct",
        "/patient/last_dose.apixaban",
        "/patient/last_dose.warfarin",
    ]


def test_now_is_not_the_future() -> None:
    case_of({**small(), "recorded_at": "2026-11-23"})
    case_of({**small({"fasting.last_meal": "2026-11-23T09:00:00+01:00"}), "recorded_at": "2026-11-23T08:00:00Z"})


def test_today_is_the_day_at_the_site_not_elsewhere() -> None:
    """Half past midnight in Paris is still yesterday in Greenwich, and the other way round for a value."""
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    case_of({**small(), "recorded_at": "2026-11-23"}, at)
    assert places({**small(), "recorded_at": "2026-11-24"}, at) == [("in_the_future", "/recorded_at")]


# ---- elapsed time ----------------------------------------------------------------------------------------------------


def moment(given: str, at: datetime = AT) -> Moment:
    referral = {**small({"last_dose.apixaban": given}), "recorded_at": given[:10]}
    value = case_of(referral, at).patient.known["last_dose.apixaban"]
    assert isinstance(value, Moment)
    return value


def test_an_hour_gives_an_instant_and_a_day_every_instant_of_it() -> None:
    assert moment("2026-11-22T09:00:00+01:00").since == (24, 24)
    assert moment("2026-11-22").since == (9, 33)
    assert moment("2026-11-23").since == (0, 9)
    assert moment("2026-11-20").days == 3
    assert moment("2026-11-23").days == 0


@pytest.mark.parametrize(
    "written", ["2026-11-22T09:00", "2026-11-22T09:00:00", "2026-11-22T08:00:00Z", "2026-11-22T03:00:00-05:00"]
)
def test_the_same_instant_in_any_zone_is_the_same(written: str) -> None:
    """A time without a zone is the site's own."""
    assert moment(written).since == (24, 24)
    assert moment(written).day == date(2026, 11, 22)


def test_a_day_is_counted_in_the_zone_of_the_site() -> None:
    """23:30 in Greenwich is the next day in Paris."""
    assert moment("2026-11-21T23:30:00Z").day == date(2026, 11, 22)
    assert moment("2026-11-21T23:30:00Z").days == 1


def test_the_same_moment_of_evaluation_in_any_zone_decides_the_same() -> None:
    for at in (AT, AT.astimezone(UTC), AT.astimezone(ZoneInfo("Asia/Tokyo")), datetime(2026, 11, 23, 9, 0)):  # noqa: DTZ001
        assert case_of(small({"last_dose.apixaban": "2026-11-22"}), at).at == AT
        assert moment("2026-11-22", at) == moment("2026-11-22")


def test_hours_are_real_hours_when_summer_time_ends_or_begins() -> None:
    """25 October 2026, 3:00 becomes 2:00; 29 March 2026, 2:00 becomes 3:00."""
    autumn = datetime(2026, 10, 25, 12, 0, tzinfo=PARIS)
    assert moment("2026-10-24T12:00", autumn).since == (25, 25)
    assert moment("2026-10-24", autumn).since == (13, 37)
    spring = datetime(2026, 3, 29, 12, 0, tzinfo=PARIS)
    assert moment("2026-03-28T12:00", spring).since == (23, 23)


def test_in_the_hour_that_comes_twice_a_moment_just_past_is_past() -> None:
    """25 October 2026, 2:10 in winter time, half an hour after 2:40 in summer time."""
    at = datetime.fromisoformat("2026-10-25T01:10:00+00:00")
    item = next(item for item in AGEING if item.type == "flag" and item.scope == "patient")
    dated = {"value": False, "date": "2026-10-25T00:40:00+00:00"}
    case = case_of({**small({item.id: dated}), "recorded_at": "2026-10-25"}, at)
    assert item.id in case.patient.known
