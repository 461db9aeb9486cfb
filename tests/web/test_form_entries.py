"""What is typed in the form and the referral that it says are one and the same, both ways."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.language.vocabulary import Text
from service.referral.case import canonical_input
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from service.web.form.entries import Unreadable, filled, lesion_owners, read_number, typed_from

PARIS = ZoneInfo("Europe/Paris")
FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "referrals").glob("*.yaml"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_referral_survives_the_form(path: Path, rulebook: Rulebook) -> None:
    referral = yaml.safe_load(path.read_text(encoding="utf-8"))["referral"]
    typed = typed_from(referral, rulebook.vocabulary, PARIS)
    back = filled(typed, rulebook.vocabulary, PARIS)
    assert back.faults == {}
    if path.stem == "platelets-implausible":
        assert back.referral["patient"]["blood.platelets"] == referral["patient"]["blood.platelets"]
        return
    read = ReferralReader(rulebook.vocabulary).read
    again, once = canonical_input(read(back.referral)), canonical_input(read(referral))
    # A list that names nothing and may hold anything says nothing: the form leaves it out.
    empty = {"items": [], "absent": [], "complete": False}
    assert again["patient"] == {item: value for item, value in once["patient"].items() if value != empty}
    assert again["lesions"] == once["lesions"]
    assert again["recorded_at"] == once["recorded_at"]


def test_nothing_typed_says_nothing(rulebook: Rulebook) -> None:
    form = filled(
        {"patient:blood.platelets:value": (" ",), "patient:blood.platelets:on": ("2026-11-20",)},
        rulebook.vocabulary,
        PARIS,
    )
    assert (form.referral["patient"], form.referral["lesions"], form.faults) == ({}, [], {})


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ({"patient:neuro.new_deficit:value": ("?",)}, {"neuro.new_deficit": None}),
        ({"patient:neuro.new_deficit:value": ("no",)}, {"neuro.new_deficit": False}),
        (
            {"patient:blood.platelets:unknown": ("yes",)},
            {"blood.platelets": None},
        ),
        ({"patient:blood.platelets:value": ("48 000 /mm3",)}, {"blood.platelets": {"value": 48000, "unit": "/mm3"}}),
        (
            {
                "patient:blood.platelets:value": ("48",),
                "patient:blood.platelets:unit": ("G/L",),
                "patient:blood.platelets:on": ("2026-11-20",),
            },
            {"blood.platelets": {"value": 48, "unit": "G/L", "date": "2026-11-20"}},
        ),
        ({"patient:medications:complete": ("yes",)}, {"medications": {"items": [], "complete": True}}),
        (
            {"patient:medications:present": ("apixaban", "aspirin")},
            {"medications": {"items": ["apixaban", "aspirin"], "complete": False}},
        ),
        (
            {"patient:medications:absent": ("apixaban",)},
            {"medications": {"items": [], "absent": ["apixaban"], "complete": False}},
        ),
        (
            {"patient:last_dose.apixaban:day": ("2026-11-22",), "patient:last_dose.apixaban:time": ("20:30",)},
            {"last_dose.apixaban": "2026-11-22T20:30:00+01:00"},
        ),
        (
            {"patient:last_dose.apixaban:day": ("2026-07-22",), "patient:last_dose.apixaban:time": ("20:30",)},
            {"last_dose.apixaban": "2026-07-22T20:30:00+02:00"},
        ),
    ],
)
def test_what_is_typed_is_what_is_said(typed: dict[str, tuple[str, ...]], value: Any, rulebook: Rulebook) -> None:
    form = filled(typed, rulebook.vocabulary, PARIS)
    assert (form.referral["patient"], form.faults) == (value, {})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12", (12, "")),
        ("12,5", (12.5, "")),
        ("12.5", (12.5, "")),
        ("1 234", (1234, "")),
        ("1\u202f234,5 mg/L", (1234.5, "mg/L")),
        ("150 10^9/L", (150, "10^9/L")),
        ("0,125", (0.125, "")),
        ("-4 °", (-4, "°")),
        ("−4", (-4, "")),
        ("95%", (95, "%")),
        ("2,75 mo", (2.75, "mo")),
    ],
)
def test_numbers_as_clinicians_write_them(text: str, read: tuple[float, str]) -> None:
    assert read_number(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "1,234",
        "1.234",
        "150,000",
        "12/13",
        "10-12",
        "1.2.3",
        "12 13",
        "abc",
        "> 50",
        "<5",
        "",
        "1,234,567",
        "٣",
        "1e3,5",
    ],
)
def test_a_number_that_could_mean_two_is_refused(text: str) -> None:
    """Or read with a unit that no item has, which the referral's own checks refuse."""
    try:
        _, unit = read_number(text)
    except Unreadable:
        return
    assert unit == "e3,5"


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        number, unit = read_number(text)
    except Unreadable as error:
        refused = error.text
    else:
        refused = Text("", "")
        assert isinstance(number, int | float)
        assert unit == unit.strip()
    assert bool(refused.fr) == bool(refused.en)


def test_an_hour_without_its_day_is_refused_beside_its_control(rulebook: Rulebook) -> None:
    form = filled({"patient:last_dose.apixaban:time": ("08:00",)}, rulebook.vocabulary, PARIS)
    assert list(form.faults) == ["patient:last_dose.apixaban"]


def test_lesions_keep_their_order_and_gaps_do_no_harm(rulebook: Rulebook) -> None:
    typed = {"lesion10:id:value": ("b",), "lesion2:id:value": ("a",), "lesion2:lesion.site:value": ("rib",)}
    assert lesion_owners(typed) == ("lesion2", "lesion10")
    assert filled(typed, rulebook.vocabulary, PARIS).referral["lesions"] == [
        {"id": "a", "lesion.site": "rib"},
        {"id": "b"},
    ]


@pytest.mark.parametrize(
    "referral",
    [None, [], "x", {"patient": 3, "lesions": "x"}, {"lesions": [3, {"id": 4}]}, {"patient": {"patient.age": [1]}}],
)
def test_what_is_no_referral_opens_without_a_crash(referral: Any, rulebook: Rulebook) -> None:
    filled(typed_from(referral, rulebook.vocabulary, PARIS), rulebook.vocabulary, PARIS)
