"""One referral, one digest: however its keys, lesions, lists and units are written."""

import copy
import json
import random
from typing import Any

import pytest

from service.referral.case import canonical_input, input_digest
from service.referral.strict_json import canonical, parse
from tests.fixtures.reading import fixtures
from tests.referral.referring import ordinary, reader, small


def digest(referral: Any) -> str:
    return input_digest(reader().read(parse(json.dumps(referral).encode())))


BOTH = ["pmma", "titanium"]


def in_unit(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def shuffled(value: Any, luck: random.Random) -> Any:
    """The same value, its keys and lists in another order."""
    if isinstance(value, dict):
        keys = list(value)
        luck.shuffle(keys)
        return {key: shuffled(value[key], luck) for key in keys}
    if isinstance(value, list):
        return [shuffled(inner, luck) for inner in luck.sample(value, len(value))]
    return value


@pytest.mark.parametrize("name", ["three-sites", "five-vertebrae", "vertebroplasty-complete-referral"])
def test_order_does_not_matter(name: str) -> None:
    referral = fixtures()[name].data["referral"]
    luck = random.Random(1)  # noqa: S311  # any order will do
    assert {digest(shuffled(referral, luck)) for _ in range(5)} == {digest(referral)}


@pytest.mark.parametrize(
    ("item", "one", "same", "other"),
    [
        ("blood.platelets", 50, [50.0, {"value": 50}, *(in_unit(50, "G/L"), in_unit(50_000, "/uL"), in_unit(50, "10*9/L"))], 51),
        ("patient.life_expectancy", {"value": 90, "unit": "d"}, [{"value": 3, "unit": "mo"}, 90], {"value": 3, "unit": "wk"}),
        ("patient.sex", "male", [{"value": "male"}, {"value": "male", "date": None}], "female"),
        ("patient.cooperative", True, [{"value": True}], False),
        ("allergies", BOTH, [{"items": BOTH[::-1]}, {"items": BOTH, "complete": False, "absent": []}, BOTH * 2], ["pmma"]),
    ],
)  # fmt: skip
def test_the_way_a_value_is_written_does_not_matter_and_the_value_does(
    item: str, one: Any, same: list[Any], other: Any
) -> None:
    assert {digest(small({item: written})) for written in same} == {digest(small({item: one}))}
    assert digest(small({item: other})) != digest(small({item: one}))


def test_null_and_absent_are_one() -> None:
    assert digest(small({"blood.inr": None})) == digest(small())


def test_what_is_known_apart_has_a_digest_apart() -> None:
    """Each item of an ordinary referral, taken out, and each date, changed."""
    referral = ordinary()
    digests = {digest(referral)}
    expected = 1
    for part in ("patient", "lesion"):
        for item in referral["patient"] if part == "patient" else referral["lesions"][0]:
            if item == "id":
                continue
            less = copy.deepcopy(referral)
            del (less["patient"] if part == "patient" else less["lesions"][0])[item]
            digests.add(digest(less))
            expected += 1
    dated = copy.deepcopy(referral)
    dated["patient"]["blood.platelets"]["date"] = "2026-11-19"
    digests |= {digest(dated), digest({**referral, "recorded_at": "2026-11-22"})}
    assert len(digests) == expected + 2


def test_a_completeness_and_an_explicit_absence_count() -> None:
    written: list[Any] = [[], {"items": [], "complete": True}, {"items": [], "absent": ["pmma"]}]
    assert len({digest(small({"allergies": each})) for each in written}) == 3


def test_the_name_of_a_lesion_counts() -> None:
    assert digest(small(lesions=[{"id": "a"}])) != digest(small(lesions=[{"id": "b"}]))


def test_the_canonical_form_is_itself_a_referral_with_the_same_digest() -> None:
    for name in ("three-sites", "vertebroplasty-complete-referral", "apixaban-yesterday", "matrix-unknown"):
        referral = fixtures()[name].data["referral"]
        form = canonical_input(reader().read(referral))
        assert digest(form) == digest(referral)
        assert canonical(form) == canonical(canonical_input(reader().read(form)))


def test_lists_stand_in_one_order_in_the_canonical_form() -> None:
    """Not in the order of a set, which changes from one process to the next."""
    words = ["aspirin", "apixaban", "warfarin", "sunitinib", "denosumab", "clopidogrel", "bevacizumab", "edoxaban"]
    given = {"items": words[:4], "absent": words[4:], "complete": True}
    form = canonical_input(reader().read(small({"medications": given})))["patient"]["medications"]
    assert form == {"items": sorted(words[:4]), "absent": sorted(words[4:]), "complete": True}
