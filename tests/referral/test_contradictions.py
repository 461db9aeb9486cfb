"""Data that cannot be true of a patient is refused, for a person to correct, with the reason."""

from typing import Any

import pytest

from tests.fixtures.reading import decider
from tests.referral.referring import case_of, complaints_of, ordinary, small

#: rule -> a referral that fulfils it, where that is told, and the same made possible
IMPOSSIBLE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "impossible.pregnant-male": (
        small({"patient.sex": "male", "patient.pregnant": True}),
        "/patient",
        small({"patient.sex": "female", "patient.pregnant": True}),
    ),
    "impossible.pregnant-child": (
        small({"patient.pregnant": True, "patient.age": 9.9}),
        "/patient",
        small({"patient.pregnant": True, "patient.age": 10}),
    ),
    "impossible.pregnant-late": (
        small({"patient.pregnant": True, "patient.age": 56}),
        "/patient",
        small({"patient.pregnant": True, "patient.age": 55}),
    ),
    "impossible.collapse-without-fracture": (
        small(lesion={"lesion.fracture": False, "lesion.height_loss": 60}),
        "/lesions/0",
        small(lesion={"lesion.fracture": True, "lesion.height_loss": 60}),
    ),
    "impossible.displaced-without-fracture": (
        small(lesion={"lesion.fracture": False, "lesion.fracture_displaced": True}),
        "/lesions/0",
        small(lesion={"lesion.fracture_displaced": True}),
    ),
    "impossible.level-off-the-spine": (
        small(lesion={"lesion.site": "rib", "lesion.level": "T8"}),
        "/lesions/0",
        small(lesion={"lesion.site": "vertebra", "lesion.level": "T8"}),
    ),
    "impossible.vertebra-at-sacral-level": (
        small(lesion={"lesion.site": "vertebra", "lesion.level": "S1"}),
        "/lesions/0",
        small(lesion={"lesion.site": "sacrum", "lesion.level": "S1"}),
    ),
    "impossible.sacrum-at-vertebral-level": (
        small(lesion={"lesion.site": "sacrum", "lesion.level": "L5"}),
        "/lesions/0",
        small(lesion={"lesion.site": "sacrum", "lesion.level": "S5"}),
    ),
    "impossible.lesser-trochanter-off-the-femur": (
        small(lesion={"lesion.site": "humeral_head", "lesion.lesser_trochanter_fracture": True}),
        "/lesions/0",
        small(lesion={"lesion.site": "trochanter", "lesion.lesser_trochanter_fracture": True}),
    ),
}


def test_every_impossibility_of_the_rulebook_is_tried_here() -> None:
    assert sorted(IMPOSSIBLE) == sorted(entry.id for entry in decider().rulebook.impossible)


@pytest.mark.parametrize("rule", IMPOSSIBLE)
def test_a_contradiction_is_refused_with_its_reason_and_its_rule(rule: str) -> None:
    referral, where, _ = IMPOSSIBLE[rule]
    (complaint,) = complaints_of(referral)
    assert (complaint.code, complaint.pointer) == ("contradiction", where)
    because = next(entry.because for entry in decider().rulebook.impossible if entry.id == rule)
    assert because.fr in complaint.text.fr
    assert because.en in complaint.text.en
    assert rule in complaint.text.fr
    assert rule in complaint.text.en


@pytest.mark.parametrize("rule", IMPOSSIBLE)
def test_what_is_possible_or_merely_unknown_is_not_refused(rule: str) -> None:
    referral, _, possible = IMPOSSIBLE[rule]
    case_of(possible)
    for part in (referral["patient"], referral["lesions"][0]):
        for item in [key for key in part if key not in ("id", "lesion.site")]:
            case_of({**referral, **_without(referral, item)})


def _without(referral: dict[str, Any], item: str) -> dict[str, Any]:
    return {
        "patient": {key: value for key, value in referral["patient"].items() if key != item},
        "lesions": [{key: value for key, value in lesion.items() if key != item} for lesion in referral["lesions"]],
    }


def test_the_lesion_that_contradicts_itself_is_named_by_its_place_as_sent() -> None:
    referral = ordinary()
    good = referral["lesions"][0]
    bad = {"id": "A", "lesion.site": "rib", "lesion.fracture": False, "lesion.height_loss": 60}
    referral["lesions"] = [{**good, "id": "Z"}, bad]
    (complaint,) = complaints_of(referral)
    assert complaint.pointer == "/lesions/1"


def test_every_contradiction_is_told_at_once() -> None:
    referral = small(
        {"patient.sex": "male", "patient.pregnant": True},
        {"lesion.fracture": False, "lesion.height_loss": 60, "lesion.fracture_displaced": True},
    )
    assert [complaint.pointer for complaint in complaints_of(referral)] == ["/patient", "/lesions/0", "/lesions/0"]


def test_a_value_that_is_too_old_contradicts_nothing() -> None:
    """Not pregnant any more, a year later."""
    aged = {"value": True, "date": "2025-01-01"}
    assert "patient.pregnant" not in case_of(small({"patient.sex": "male", "patient.pregnant": aged})).patient.known
