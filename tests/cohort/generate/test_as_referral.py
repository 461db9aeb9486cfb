"""A row of a registry becomes the referral that the API takes; what it would refuse is left out, item by item."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.cohort.as_referral import AsReferral, grouped
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from tests.cohort.generate.made import AT
from tests.strategies import rulebook, seeded

PARIS = ZoneInfo("Europe/Paris")
RECORDED = date(2026, 11, 22)


def given(row: dict[str, Any], lesion: dict[str, Any] | None = None, recorded: Any = RECORDED) -> dict[str, Any]:
    """The values of the patient in the referral of a row. The referral must be one that the service takes."""
    return whole(row, lesion, recorded)["patient"]


def whole(row: dict[str, Any], lesion: dict[str, Any] | None = None, recorded: Any = RECORDED) -> dict[str, Any]:
    book = rulebook()
    patient = {"patient": 7, "recorded_at": recorded, **row}
    referral = AsReferral(book, AT).referral(patient, [{"patient": 7, "lesion": "a", **(lesion or {})}])
    CaseMaker(book).make(ReferralReader(book.vocabulary).read(referral), AT)
    return referral


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"blood__platelets": 210}, 210),
        ({"blood.platelets": 210.0}, 210.0),
        ({"blood__platelets": " 210.5 "}, 210.5),
        ({"blood__platelets": Decimal("210.5")}, 210.5),
        ({"blood__platelets": 210, "blood__platelets__unit": None}, 210),
        ({"blood__platelets": 210, "blood__platelets__unit": " "}, 210),
        ({"blood__platelets": 210000, "blood__platelets__unit": "/mm3"}, {"value": 210000, "unit": "/mm3"}),
        ({"blood__platelets": 210000, "blood__platelets__unit": " /mm3 "}, {"value": 210000, "unit": "/mm3"}),
        ({"blood__platelets": 210, "blood__platelets__date": date(2026, 11, 20)}, {"value": 210, "date": "2026-11-20"}),
        (
            {"blood__platelets": 210, "blood__platelets__unit": "G/L", "blood__platelets__date": "2026-11-20"},
            {"value": 210, "unit": "G/L", "date": "2026-11-20"},
        ),
    ],
)
def test_numbers(row: dict[str, Any], value: Any) -> None:
    assert given(row) == {"blood.platelets": value}


@pytest.mark.parametrize(
    "row",
    [
        {"blood__platelets": None},
        {"blood__platelets": ""},
        {"blood__platelets": "2,1"},
        {"blood__platelets": "2e2"},
        {"blood__platelets": "NaN"},
        {"blood__platelets": float("nan")},
        {"blood__platelets": float("inf")},
        {"blood__platelets": Decimal("NaN")},
        {"blood__platelets": True},
        {"blood__platelets": 5001},
        {"blood__platelets": -1},
        {"blood__platelets": 10**18},
        {"blood__platelets": "9" * 41},
        {"blood__platelets": 210, "blood__platelets__unit": "mmol/L"},
        {"blood__platelets": 6_000_000, "blood__platelets__unit": "/mm3"},
        {"blood__inr": 1.1, "blood__inr__unit": "1"},
        {"blood__platelets": 210, "blood__platelets__date": date(2026, 11, 24)},
        {"blood__platelets": 210, "blood__platelets__date": "last week"},
        {"blood__platelets": 210, "blood__platelets__date": datetime(2026, 11, 23, 9, 1, tzinfo=PARIS)},
    ],
)
def test_numbers_that_nobody_can_use_are_left_out(row: dict[str, Any]) -> None:
    assert given(row) == {}


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, True), (False, False), ("true", True), (" FALSE", False), ("yes", None), (1, None), ("", None)],
)
def test_flags(value: Any, read: bool | None) -> None:
    assert given({"history__diabetes": value}) == ({} if read is None else {"history.diabetes": read})


@pytest.mark.parametrize(
    ("value", "read"), [("male", "male"), (" male ", "male"), ("Male", None), ("m", None), (1, None)]
)
def test_choices(value: Any, read: str | None) -> None:
    assert given({"patient__sex": value}) == ({} if read is None else {"patient.sex": read})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (date(2026, 11, 20), "2026-11-20"),
        ("2026-11-20", "2026-11-20"),
        (datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "2026-11-20T08:30:00+00:00"),
        (datetime(2026, 11, 20, 8, 30, tzinfo=PARIS), "2026-11-20T07:30:00+00:00"),
        (datetime(2026, 11, 20, 8, 30), "2026-11-20T08:30:00"),  # noqa: DTZ001  # a registry's local time
        ("2026-11-20 08:30", "2026-11-20T08:30:00"),
        ("2026-11-20T08:30:00.25Z", "2026-11-20T08:30:00.250000+00:00"),
        ("2026-11-20T08:30+01", "2026-11-20T07:30:00+00:00"),
        (datetime(1905, 1, 2, tzinfo=PARIS), "1905-01-01T23:50:39+00:00"),
        ("2026-11-24", None),
        ("2026-11-23T09:00:01+01:00", None),
        ("2026-02-30", None),
        ("20.11.2026", None),
        ("1899-12-31", None),
        (20261120, None),
    ],
)
def test_moments(value: Any, read: str | None) -> None:
    # A date of the value's own keeps it from being too old to say anything.
    assert given({"cardiac__stent_date": value}) == ({} if read is None else {"cardiac.stent_date": read})


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"medications": ["aspirin"]}, (["aspirin"], [], False)),
        ({"medications": "aspirin, warfarin;aspirin "}, (["aspirin", "warfarin"], [], False)),
        ({"medications": ["aspirin"], "medications__complete": True}, (["aspirin"], [], True)),
        ({"medications": [], "medications__complete": "true"}, ([], [], True)),
        ({"medications": None, "medications__complete": True}, ([], [], True)),
        ({"medications": [], "medications__absent": ["warfarin"]}, ([], ["warfarin"], False)),
        ({"medications__absent": "warfarin"}, ([], ["warfarin"], False)),
        ({"medications": []}, None),
        ({"medications": "", "medications__complete": False}, None),
        ({"medications": ["aspirine"], "medications__complete": True}, None),
        ({"medications": ["aspirin", None], "medications__complete": True}, None),
        ({"medications": ["aspirin"], "medications__absent": ["aspirin"]}, None),
        ({"medications": ["aspirin"], "medications__complete": "perhaps"}, None),
        ({"medications": ["aspirin"], "medications__complete": 1}, None),
        ({"medications": 3}, None),
    ],
)
def test_lists(row: dict[str, Any], value: tuple[list[str], list[str], bool] | None) -> None:
    read = given(row).get("medications")
    if value is None:
        assert read is None
    else:
        assert read is not None
        assert (list(read["items"]), list(read["absent"]), read["complete"]) == value


def test_a_list_has_its_date() -> None:
    row = {"medications": ["aspirin"], "medications__date": date(2026, 11, 1)}
    assert given(row)["medications"]["date"] == "2026-11-01"


# ---- the date of the whole ----

_AGED = {"blood__platelets": 210, "patient__sex": "male", "blood__inr": 1.1, "blood__inr__date": date(2026, 11, 20)}


@pytest.mark.parametrize(
    ("recorded", "kept"),
    [
        (RECORDED, {"blood.platelets", "patient.sex", "blood.inr"}),
        # Without it, what ages and has no date of its own is unknown.
        (None, {"patient.sex", "blood.inr"}),
        ("", {"patient.sex", "blood.inr"}),
        ("no date", {"patient.sex", "blood.inr"}),
        # Nothing was seen tomorrow.
        (date(2026, 11, 24), {"blood.inr"}),
    ],
)
def test_when_a_row_was_recorded(recorded: Any, kept: set[str]) -> None:
    assert set(given(_AGED, recorded=recorded)) == kept


def test_values_of_a_lesion_share_the_date_of_their_patient() -> None:
    lesion = {"pain__nrs": 7, "lesion__fracture": True}
    assert whole({}, lesion, RECORDED)["lesions"] == [{"id": "a", "pain.nrs": 7, "lesion.fracture": True}]
    assert whole({}, lesion, None)["lesions"] == [{"id": "a", "lesion.fracture": True}]
    assert whole({}, lesion, date(2026, 11, 24))["lesions"] == [{"id": "a"}]


def test_lesions_are_found_by_their_patient() -> None:
    rows = [{"patient": 1, "lesion": "a"}, {"patient": 2, "lesion": "a"}, {"patient": 1, "lesion": "b"}]
    assert {patient: [row["lesion"] for row in found] for patient, found in grouped(rows).items()} == {
        1: ["a", "b"],
        2: ["a"],
    }


# ---- whatever a registry holds, the service takes what is made of it ----


def test_nothing_in_a_row_makes_a_referral_that_is_refused() -> None:
    book, random = rulebook(), seeded(11)
    reader, maker, convert = ReferralReader(book.vocabulary), CaseMaker(book), AsReferral(book, AT)
    moments = [AT + timedelta(hours=hours) for hours in (-9000, -200, -30, -1, 0, 1, 30)]
    anything: list[Any] = [
        None, "", " ", "?", True, False, "true", "False", 0, 1, -1, 5, 60, 99.5, 1e20, "12", "12.50", "1e5", "½", "-3",
        [], ["x"], "a b", *moments, *(moment.date() for moment in moments), *(moment.isoformat() for moment in moments),
        *(moment.replace(tzinfo=None) for moment in moments), "2026-11-22", "2026-13-01", b"bytes", Decimal("4.5"),
    ]  # fmt: skip
    words = sorted({word for item in book.vocabulary for word in item.choices})
    units = sorted({unit for item in book.vocabulary for unit in item.units})
    kept = refused = 0
    for _ in range(300):
        rows: dict[str, dict[str, Any]] = {"patient": {}, "lesion": {}}
        for item in book.vocabulary:
            own = [*item.choices, *item.units, [*item.choices][:2], " ".join(item.choices), item.low, item.high]
            pool = anything if random.random() < 0.5 else [*own, *random.sample(words, 3), *random.sample(units, 3)]
            for part in ("", "__unit", "__date", "__absent", "__complete"):
                if not part or random.random() < 0.3:
                    rows[item.scope][item.id.replace(".", random.choice([".", "__"])) + part] = random.choice(pool)
        patient = {"patient": "p", "recorded_at": random.choice(anything), **rows["patient"]}
        referral = convert.referral(patient, [{"patient": "p", "lesion": "a", **rows["lesion"]}])
        kept += len(referral["patient"])
        codes = _refusal(lambda sent=referral: maker.make(reader.read(sent), AT))
        refused += bool(codes)
        assert codes <= {"contradiction"}
    assert kept > 1000
    assert refused < 250


def _refusal(make: Callable[[], object]) -> set[str]:
    try:
        make()
    except ReferralError as error:
        return {complaint.code for complaint in error.complaints}
    return set()
