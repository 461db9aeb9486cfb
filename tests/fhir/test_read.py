"""Every bundle of `fixtures/fhir/` gives the referral, the origins and the list of unused resources written beside it."""

from datetime import datetime
from typing import Any

import pytest

from service.fhir.bundle import resources_of
from service.fhir.codebook import Codebook, codebook_of
from service.fhir.read import Reading, read
from service.fhir.unused import REASONS
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from tests.fhir.reading import bundles

NAMES = sorted(bundles())


def reading_of(fixture: dict[str, Any], rulebook: Rulebook) -> Reading:
    contents = resources_of(fixture["bundle"])
    at = datetime.fromisoformat(fixture["at"])
    return read(contents.resources, rulebook, at, drafts=fixture.get("drafts", ()), partial=contents.partial)


def accepted(reading: Reading) -> dict[str, Any]:
    """The referral, with a lesion where there is none: the API asks for one at least."""
    return {**reading.referral, "lesions": reading.referral["lesions"] or [{"id": "x"}]}


def test_there_are_enough_bundles() -> None:
    assert len(NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_reads_as_expected(name: str, rulebook: Rulebook) -> None:
    fixture, expect = bundles()[name], bundles()[name]["expect"]
    reading = reading_of(fixture, rulebook)
    assert reading.referral == expect["referral"], fixture["why"]
    assert {"|".join(key): origin for key, origin in reading.origins.items()} == expect["origins"]
    assert sorted((one.resource, one.code) for one in reading.unused) == sorted(map(tuple, expect["unused"]))
    assert reading.concerned is expect["concerned"]
    faults = [(fault.resource, fault.code) for fault in resources_of(fixture["bundle"]).faults]
    assert faults == [tuple(fault) for fault in expect.get("faults", [])]


@pytest.mark.parametrize("name", NAMES)
def test_the_referral_is_one_the_api_takes(name: str, rulebook: Rulebook) -> None:
    ReferralReader(rulebook.vocabulary).read(accepted(reading_of(bundles()[name], rulebook)))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_resources_does_not_matter(name: str, rulebook: Rulebook) -> None:
    """But for the names by position of resources without a legal id."""
    fixture = bundles()[name]
    contents = resources_of(fixture["bundle"])
    at, drafts = datetime.fromisoformat(fixture["at"]), fixture.get("drafts", ())
    turned = read(contents.resources[::-1], rulebook, at, drafts=drafts, partial=contents.partial)
    assert turned.referral == fixture["expect"]["referral"]


def test_every_value_has_an_origin(rulebook: Rulebook) -> None:
    for fixture in bundles().values():
        reading = reading_of(fixture, rulebook)
        stated = {("", item) for item in reading.referral["patient"]}
        stated |= {(one["id"], item) for one in reading.referral["lesions"] for item in one if item != "id"}
        assert set(reading.origins) == stated


def test_identifying_elements_are_never_read(rulebook: Rulebook) -> None:
    """A patient full of them reads as one without, and none of it comes out."""
    plain = {"resourceType": "Patient", "id": "test-p", "gender": "female", "birthDate": "1965-03-02"}
    private = "test-private"
    full = {
        **plain,
        "identifier": [{"value": private}],
        "name": [{"text": private, "family": private}],
        "address": [{"text": private}],
        "telecom": [{"value": private}],
        "text": {"status": "generated", "div": f"<div>{private}</div>"},
        "contact": [{"name": {"text": private}}],
    }
    at = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
    assert read([full], rulebook, at) == read([plain], rulebook, at)
    assert private not in repr(read([full], rulebook, at))


def test_every_reason_is_used_by_a_fixture_or_named_here(rulebook: Rulebook) -> None:
    told = {one.code for fixture in bundles().values() for one in reading_of(fixture, rulebook).unused}
    told |= {fault.code for fixture in bundles().values() for fault in resources_of(fixture["bundle"]).faults}
    assert set(REASONS) - told == {"components", "too-many"}


def test_components_are_noted_and_many_lesions_are_cut(rulebook: Rulebook) -> None:
    at = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
    loinc = [{"system": "http://loinc.org", "code": "777-3"}]
    panel = {
        "resourceType": "Observation",
        "id": "a",
        "status": "final",
        "effectiveDateTime": "2026-11-20",
        "code": {"coding": loinc},
        "component": [{"code": {"coding": loinc}, "valueQuantity": {"value": 12, "unit": "G/L"}}],
    }
    reading = read([panel], rulebook, at)
    assert reading.referral["patient"] == {}
    assert {one.code for one in reading.unused} == {"components", "value"}
    levels = [*(f"C{n}" for n in range(1, 8)), *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6))]
    places = [{"text": f"{level} {side}"} for level in levels for side in ("left", "right")]
    bone = {"coding": [{"system": "http://snomed.info/sct", "code": "94222008"}]}
    many = {"resourceType": "Condition", "id": "m", "code": bone, "bodySite": places}
    reading = read([many], rulebook, at)
    assert len(reading.referral["lesions"]) == 40
    assert {one.code for one in reading.unused} == {"too-many"}


def test_the_codes_of_the_vocabulary_hold_together(rulebook: Rulebook) -> None:
    """What one item says of another exists, every code has its check digit, and no text names two places."""
    codebook = codebook_of(rulebook)
    for (item, word), (other, implied) in codebook.implied.items():
        assert word in rulebook.vocabulary[item].choices
        assert implied in rulebook.vocabulary[other].choices
    for phrase, named in codebook.phrases.items():
        assert phrase
        assert named is None or len(named) == 1, phrase
    tables = [*codebook.tables.values(), *codebook.nothing.values(), *codebook.answers.values(), codebook.with_site]
    codes = {code for table in tables for code in table.exact}
    assert {code for code in codes if code[0] == "snomed" and not _verhoeff(code[1])} == set()
    # LOINC's answers (LA…) are numbered otherwise.
    loinc = {code for system, code in codes if system == "loinc" and not code.startswith("LA")}
    assert {code for code in loinc if not _mod10(code)} == set()


def test_every_part_named_in_the_vocabulary_is_read(rulebook: Rulebook) -> None:
    assert set(Codebook(rulebook.vocabulary).tables) == {
        "Patient.birthDate",
        "Patient.gender",
        "Observation.value",
        "Condition.code",
        "Condition.bodySite",
        "Medication.code",
        "AllergyIntolerance.code",
        "Procedure.code",
        "Procedure.performed",
        "Device.type",
    }


def _verhoeff(code: str) -> bool:
    """SNOMED CT's check digit: the dihedral group of order ten, with a permutation that depends on the place."""
    turned = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for place, digit in enumerate(map(int, reversed(code))):
        for _ in range(place % 8):
            digit = turned[digit]
        check = _dihedral(check, digit)
    return check == 0


def _dihedral(one: int, other: int) -> int:
    if one < 5:
        return (one + other) % 5 if other < 5 else (one + other - 5) % 5 + 5
    return (one - other) % 5 + 5 if other < 5 else (one - other) % 5


def _mod10(code: str) -> bool:
    """LOINC's check digit: every second figure doubled, counted from the right."""
    body, _, check = code.partition("-")
    doubled = [int(figure) * 2 if place % 2 == 0 else int(figure) for place, figure in enumerate(reversed(body))]
    total = sum(figure // 10 + figure % 10 for figure in doubled)
    return (-total) % 10 == int(check)
