"""Every field of a referral is checked against the vocabulary; all that is wrong is told at once, each at its place."""

import time
from typing import Any

import pytest

from service.language.vocabulary import Item
from service.referral.complaints import pointer
from service.referral.schema import MAX_LESIONS, MOST_SUGGESTIONS
from tests.fixtures.reading import decider
from tests.referral.referring import case_of, complaints_of, ordinary, places, small, well_said

ITEMS = {item.id: item for item in decider().rulebook.vocabulary}


def with_item(item: Item, value: Any) -> tuple[dict[str, Any], str]:
    """A referral with this value, and the pointer to it."""
    if item.scope == "patient":
        return small({item.id: value}), pointer("patient", item.id)
    return small(lesion={item.id: value}), pointer("lesions", 0, item.id)


def test_the_ordinary_referral_is_accepted() -> None:
    case = case_of(ordinary())
    assert case.patient.known
    assert case.lesions[0].facts.known


# ---- unknown fields --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("referral", "where", "suggestion"),
    [
        (small({"blood.platelet": 100}), "/patient/blood.platelet", "blood.platelets"),
        (small({"platelets": 100}), "/patient/platelets", "blood.platelets"),
        (small({"Blood.Platelets": 100}), "/patient/Blood.Platelets", None),
        (small(lesion={"lesion.matrx": "lytic"}), "/lesions/0/lesion.matrx", "lesion.matrix"),
        (small(lesions=[{"id": "L2"}], lesion_count=1), "/lesion_count", None),
        ({**small(), "recordedat": "2026-11-23"}, "/recordedat", "recorded_at"),
        (small({"blood.inr": {"value": 1, "units": "x"}}), "/patient/blood.inr/units", None),
        (small({"blood.inr": {"value": 1, "dat": "2026-11-20"}}), "/patient/blood.inr/dat", "date"),
        (small({"patient.sex": {"value": "male", "unit": "x"}}), "/patient/patient.sex/unit", None),
        (small({"allergies": {"item": ["pmma"]}}), "/patient/allergies/item", "items"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_name(
    referral: Any, where: str, suggestion: str | None
) -> None:
    (complaint,) = complaints_of(referral)
    assert (complaint.code, complaint.pointer) == ("unknown_field", where)
    if suggestion:
        assert f"« {suggestion} »" in complaint.text.fr
        assert f"«{suggestion}»" in complaint.text.en


def test_an_item_of_the_patient_is_unknown_on_a_lesion_and_the_other_way_round() -> None:
    assert places(small({"lesion.matrix": "lytic"}, {"blood.inr": 1})) == [
        ("unknown_field", "/lesions/0/blood.inr"),
        ("unknown_field", "/patient/lesion.matrix"),
    ]


def test_a_pointer_is_escaped_as_the_standard_says() -> None:
    assert places(small({"a/b~c": 1})) == [("unknown_field", "/patient/a~1b~0c")]
    assert pointer("a/b", "~", 0) == "/a~1b/~0/0"


# ---- types, words, units, ranges -------------------------------------------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "flag": ["true", 1, 0, "yes", "oui", [], {}, {"value": "false"}],
    "choice": [1, True, [], ["male"], {}, {"value": 3}],
    "number": ["12", "12,5", True, False, [], [12], {}, {"value": "12"}, {"value": None, "unit": 3}],
    "moment": [20261123, "23/11/2026", "2026-13-01", "2026-02-30", "2026-11-23T25:00", "hier", "2026-11-23 09:00", {}, True],
    "set": ["pmma", 3, True, {"items": "pmma"}, {"items": [3]}, {"items": [None]}, {"complete": "true"}, {"absent": 1}],
}  # fmt: skip


@pytest.mark.parametrize("item", ITEMS.values(), ids=lambda item: item.id)
def test_each_item_refuses_each_wrong_type_at_its_place(item: Item) -> None:
    for wrong in WRONG[item.type]:
        referral, where = with_item(item, wrong)
        found = complaints_of(referral)
        assert found, wrong
        assert all(each.pointer == where or each.pointer.startswith(where + "/") for each in found), (wrong, found)
        assert all(well_said(each) for each in found)


@pytest.mark.parametrize("item", [item for item in ITEMS.values() if item.type == "number"], ids=lambda item: item.id)
def test_each_number_is_accepted_to_its_very_bounds_and_no_further(item: Item) -> None:
    for value in (item.low, item.high):
        case_of(with_item(item, value)[0])
    for value in (item.low - item.step / 10, item.high + item.step / 10, item.low - 10**6, item.high + 10**6):
        referral, where = with_item(item, value)
        assert places(referral) == [("out_of_range", where)]


@pytest.mark.parametrize("item", [item for item in ITEMS.values() if item.unit], ids=lambda item: item.id)
def test_each_number_takes_its_accepted_units_and_no_other(item: Item) -> None:
    middle = round((item.low + item.high) / 2, 3)
    for unit, factor in item.units.items():
        referral, _ = with_item(item, {"value": middle / factor, "unit": unit})
        case = case_of(referral)
        known = case.patient.known if item.scope == "patient" else case.lesions[0].facts.known
        assert known[item.id] == pytest.approx(middle), unit
    referral, where = with_item(item, {"value": middle, "unit": "furlong"})
    assert places(referral) == [("unit_refused", where + "/unit")]


def test_a_number_without_unit_takes_none() -> None:
    referral, where = with_item(ITEMS["blood.inr"], {"value": 1.1, "unit": "%"})
    assert places(referral) == [("unit_refused", where + "/unit")]


def test_a_number_in_a_wrong_unit_is_caught_by_its_range() -> None:
    """182 000 /µL sent as G/L."""
    (complaint,) = complaints_of(small({"blood.platelets": 182_000}))
    assert (complaint.code, complaint.pointer) == ("out_of_range", "/patient/blood.platelets")
    assert "182000 G/L" in complaint.text.en


@pytest.mark.parametrize(
    "item", [item for item in ITEMS.values() if item.type in ("choice", "set")], ids=lambda item: item.id
)
def test_each_word_is_accepted_and_a_slip_is_refused_with_the_right_word(item: Item) -> None:
    word = max(item.choices, key=len)
    for right in item.choices:
        value = right if item.type == "choice" else [right]
        for complaint in _complaints_about_form(with_item(item, value)[0]):
            raise AssertionError(f"{right}: {complaint}")
    slip = word + "x"
    referral, where = with_item(item, slip if item.type == "choice" else [word, slip])
    (complaint,) = complaints_of(referral)
    assert complaint.code == "unknown_word"
    assert complaint.pointer == (where if item.type == "choice" else f"{where}/items/1")
    assert f"«{word}»" in complaint.text.en
    assert f"« {word} »" in complaint.text.fr


def _complaints_about_form(referral: Any) -> list[Any]:
    try:
        case_of(referral)
    except Exception as refused:  # noqa: BLE001  # a contradiction with the site is no matter of form
        return [
            each for each in getattr(refused, "complaints", [refused]) if getattr(each, "code", "") != "contradiction"
        ]
    return []


def test_null_is_unknown_everywhere() -> None:
    patient = {item.id: None for item in ITEMS.values() if item.scope == "patient"}
    lesion = {item.id: None for item in ITEMS.values() if item.scope == "lesion"}
    case = case_of(small(patient, lesion))
    assert case.patient.known == {}
    assert case.lesions[0].facts.known == {}


def test_a_list_is_known_only_as_far_as_it_says() -> None:
    def allergies(value: Any) -> Any:
        return case_of(small({"allergies": value})).patient.known["allergies"]

    assert allergies({"items": ["pmma"], "complete": True}).holds("titanium") is False
    assert allergies({"items": ["pmma"]}).holds("titanium") is None
    assert allergies(["pmma"]).holds("titanium") is None
    assert allergies(["pmma"]).holds("pmma") is True
    assert allergies({"items": [], "absent": ["titanium"]}).holds("titanium") is False
    assert allergies([]).holds("pmma") is None
    assert places(small({"allergies": {"items": ["pmma"], "absent": ["pmma"]}})) == [
        ("contradiction", "/patient/allergies")
    ]
    assert places(small({"allergies": ["pmma"] * 300})) == [("wrong_type", "/patient/allergies/items")]


# ---- the whole -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, [], "referral", 3, True])
def test_what_is_no_object_is_refused(data: Any) -> None:
    assert places(data) == [("wrong_type", "")]


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [
        ({"patient": {}, "lesions": [{"id": "a"}]}, [("missing", "/recorded_at")]),
        ({"recorded_at": "2026-11-23", "patient": {}}, [("missing", "/lesions")]),
        ({}, [("missing", "/lesions"), ("missing", "/recorded_at")]),
        (small(lesions=[]), [("wrong_type", "/lesions")]),
        (small(lesions={"id": "a"}), [("wrong_type", "/lesions")]),
        (small(lesions=[None]), [("wrong_type", "/lesions/0")]),
        (small(lesions=["L2"]), [("wrong_type", "/lesions/0")]),
        (small(patient=None) | {"patient": None}, [("wrong_type", "/patient")]),
        (small() | {"patient": []}, [("wrong_type", "/patient")]),
        (small() | {"recorded_at": None}, [("bad_moment", "/recorded_at")]),
        (small() | {"recorded_at": 20261123}, [("bad_moment", "/recorded_at")]),
        (small(lesions=[{}]), [("missing", "/lesions/0/id")]),
        (small(lesions=[{"id": 2}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": ""}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": "a b"}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": "é"}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": "a\n"}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": "x" * 41}]), [("wrong_type", "/lesions/0/id")]),
        (small(lesions=[{"id": "a"}, {"id": "b"}, {"id": "a"}]), [("duplicate_lesion", "/lesions/2/id")]),
    ],
)  # fmt: skip
def test_the_frame_of_a_referral_is_checked(spoilt: Any, expected: list[tuple[str, str]]) -> None:
    assert places(spoilt) == expected


def test_a_referral_without_a_patient_is_one_of_whom_nothing_is_known() -> None:
    assert case_of({"recorded_at": "2026-11-23", "lesions": [{"id": "a"}]}).patient.known == {}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    spoilt = {
        "recorded_at": "yesterday",
        "patient": {"blood.inr": "high", "blood.platelet": 3, "patient.sex": "f", "allergies": ["pmna", 3]},
        "lesions": [{"id": "a", "pain.nrs": 11}, {"id": "a", "lesion.site": "vertebrae"}, 7],
        "comment": "none",
    }
    assert places(spoilt) == [
        ("unknown_field", "/comment"),
        ("out_of_range", "/lesions/0/pain.nrs"),
        ("duplicate_lesion", "/lesions/1/id"),
        ("unknown_word", "/lesions/1/lesion.site"),
        ("wrong_type", "/lesions/2"),
        ("unknown_word", "/patient/allergies/items/0"),
        ("wrong_type", "/patient/allergies/items/1"),
        ("wrong_type", "/patient/blood.inr"),
        ("unknown_field", "/patient/blood.platelet"),
        ("unknown_word", "/patient/patient.sex"),
        ("bad_moment", "/recorded_at"),
    ]


def test_every_wrong_word_of_a_list_is_told_at_once() -> None:
    assert places(small({"allergies": ["pmna", "pmma", 3]})) == [
        ("unknown_word", "/patient/allergies/items/0"),
        ("wrong_type", "/patient/allergies/items/2"),
    ]


def test_ten_thousand_lesions_are_refused_in_milliseconds() -> None:
    lesions = [{"id": f"m{at}", "lesion.site": "vertebra"} for at in range(10_000)]
    begun = time.perf_counter()
    assert places(small(lesions=lesions)) == [("wrong_type", "/lesions")]
    assert time.perf_counter() - begun < 1
    case_of(small(lesions=lesions[:MAX_LESIONS]))
    assert places(small(lesions=lesions[: MAX_LESIONS + 1])) == [("wrong_type", "/lesions")]


def test_a_flood_of_unknown_fields_is_refused_in_a_moment() -> None:
    """Looking for the nearest name takes time: it is done for a few, and everything is still told."""
    begun = time.perf_counter()
    found = complaints_of(small({f"blood.plateletz{at}": at for at in range(20_000)}))
    # Looked for every name it takes minutes; a busy machine may take some seconds.
    assert time.perf_counter() - begun < 20
    assert len(found) == 20_000
    assert {each.code for each in found} == {"unknown_field"}
    assert sum("blood.platelets" in each.text.en for each in found) == MOST_SUGGESTIONS
