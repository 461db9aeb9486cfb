"""Records that once read as more than they say. Each must leave the item unknown, or the resource aside."""

from datetime import datetime
from typing import Any

import pytest

from service.fhir.bundle import resources_of
from service.fhir.read import Reading, read
from service.rulebook.model import Rulebook

AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
SUBJECT = {"reference": "Patient/test-p"}
PATIENT = {"resourceType": "Patient", "id": "test-p", "gender": "female", "birthDate": "1965-03-02"}


def coded(code: str, system: str = "http://snomed.info/sct", **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **more}


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": name, "subject": SUBJECT, **more}


def platelets(name: str = "a", **more: Any) -> dict[str, Any]:
    said = {"status": "final", "effectiveDateTime": "2026-11-20", "valueQuantity": {"value": 150, "unit": "G/L"}}
    return resource("Observation", name, **{"code": coded("777-3", "http://loinc.org"), **said, **more})


def condition(name: str, snomed: str, **more: Any) -> dict[str, Any]:
    return resource("Condition", name, **{"code": coded(snomed), "clinicalStatus": coded("active"), **more})


def metastasis(name: str = "m", **more: Any) -> dict[str, Any]:
    return condition(name, "94222008", **more)


def allergy(name: str = "n", code: Any = None, **more: Any) -> dict[str, Any]:
    code = code or coded("716186003")
    return {"resourceType": "AllergyIntolerance", "id": name, "patient": SUBJECT, "code": code, **more}


def radiotherapy(name: str, **more: Any) -> dict[str, Any]:
    said = {"status": "completed", "bodySite": [{"text": "L2"}], "performedDateTime": "2026-02-14"}
    return resource("Procedure", name, code=coded("1217123003"), **{**said, **more})


def told(rulebook: Rulebook, *resources: dict[str, Any]) -> Reading:
    return read(resources, rulebook, AT)


def patient(rulebook: Rulebook, *resources: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = told(rulebook, PATIENT, *resources).referral["patient"]
    return values


def why(reading: Reading) -> set[tuple[str, str]]:
    return {(one.resource, one.code) for one in reading.unused}


def items_of(rulebook: Rulebook, *resources: dict[str, Any]) -> set[str]:
    return set(patient(rulebook, *resources)) - {"patient.age", "patient.sex"}


@pytest.mark.parametrize("subject", [{"identifier": {"value": "test-1"}}, {"reference": "#p2"}, {"display": "x"}, "x"])
def test_a_subject_that_leads_to_nobody_is_another_patient(rulebook: Rulebook, subject: Any) -> None:
    assert items_of(rulebook, platelets())
    reading = told(rulebook, PATIENT, platelets(subject=subject))
    assert ("Observation/a", "other-patient") in why(reading)
    assert not items_of(rulebook, platelets(subject=subject))


def test_a_patient_without_id_owns_nothing_that_names_a_patient(rulebook: Rulebook) -> None:
    nameless = {name: value for name, value in PATIENT.items() if name != "id"}
    reading = told(rulebook, nameless, platelets())
    assert ("Observation/a", "other-patient") in why(reading)


@pytest.mark.parametrize("focus", [{"reference": "Patient/foetus"}, {"reference": "Device/d"}, {"display": "donor"}])
def test_an_observation_of_something_else_is_not_of_the_patient(rulebook: Rulebook, focus: Any) -> None:
    assert not items_of(rulebook, platelets(focus=[focus]))
    assert not items_of(rulebook, platelets(focus=[SUBJECT, focus]))
    assert items_of(rulebook, platelets(focus=[SUBJECT]))
    assert items_of(rulebook, metastasis(), platelets(focus=[{"reference": "Condition/m"}]))


NEWER: list[dict[str, Any]] = [
    {"status": "preliminary"},
    {"status": "registered", "valueQuantity": None},
    {"effectiveDateTime": "2027-01-01"},
    {"effectiveDateTime": None},
    {"effectiveDateTime": "2026-11"},
    {"effectiveDateTime": "2026"},
    {"modifierExtension": [{"url": "http://example.org/x", "valueBoolean": True}]},
]


@pytest.mark.parametrize("newer", NEWER)
def test_a_newer_result_that_cannot_be_used_hides_the_older(rulebook: Rulebook, newer: dict[str, Any]) -> None:
    older = platelets("old", effectiveDateTime="2026-11-01")
    assert items_of(rulebook, older)
    reading = told(rulebook, PATIENT, older, platelets("new", **{"effectiveDateTime": "2026-11-22", **newer}))
    assert ("Observation/old", "superseded") in why(reading)
    assert set(reading.referral["patient"]) == {"patient.age", "patient.sex"}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_result_hides_nothing(rulebook: Rulebook, status: str) -> None:
    assert items_of(rulebook, platelets("old"), platelets("new", effectiveDateTime="2026-11-22", status=status))


def test_an_older_result_that_cannot_be_used_hides_nothing(rulebook: Rulebook) -> None:
    assert items_of(rulebook, platelets("new"), platelets("old", effectiveDateTime="2026-10", status="preliminary"))


def closed(reading: Reading) -> bool:
    return any(isinstance(one, dict) and one.get("complete") for one in reading.referral["patient"].values())


OTHERS: list[dict[str, Any]] = [
    allergy("o", coded("91936005"), modifierExtension=[{"url": "http://example.org/x", "valueBoolean": True}]),
    allergy("o", coded("91936005"), patient={"identifier": {"value": "test-1"}}),
    {"id": "o"},
]


@pytest.mark.parametrize("other", OTHERS)
def test_no_known_allergy_beside_a_refused_entry_closes_nothing(rulebook: Rulebook, other: dict[str, Any]) -> None:
    assert closed(told(rulebook, PATIENT, allergy()))
    assert not closed(told(rulebook, PATIENT, allergy(), other))


def test_no_known_allergy_that_names_something_else_closes_nothing(rulebook: Rulebook) -> None:
    both = {"coding": [*coded("716186003")["coding"], *coded("91936005")["coding"]]}
    assert not closed(told(rulebook, PATIENT, allergy(code=both)))
    both = {"coding": [*coded("716186003")["coding"], *coded("x", "http://example.org/local")["coding"]]}
    assert not closed(told(rulebook, PATIENT, allergy(code=both)))


@pytest.mark.parametrize("status", [{"text": "refuted"}, coded("unconfirmed"), coded("refuted"), {"coding": [{}]}])
def test_no_known_allergy_of_another_status_closes_nothing(rulebook: Rulebook, status: Any) -> None:
    assert not closed(told(rulebook, PATIENT, allergy(verificationStatus=status)))


@pytest.mark.parametrize("entry", [{"resource": {"id": "x"}}, {"resource": "text"}, "text", 3, {"resource": []}])
def test_no_known_allergy_beside_an_entry_that_cannot_be_read_closes_nothing(rulebook: Rulebook, entry: Any) -> None:
    """What it was nobody can tell; a null says that there is nothing."""

    def read_of(*more: Any) -> Reading:
        entries = [{"resource": PATIENT}, {"resource": allergy()}, *more]
        contents = resources_of({"resourceType": "Bundle", "type": "collection", "entry": entries})
        return read(contents.resources, rulebook, AT, partial=contents.partial)

    assert closed(read_of())
    assert closed(read_of({"resource": None}, None))
    assert not closed(read_of(entry))


def test_a_link_may_be_an_object_and_the_total_counts_what_was_found() -> None:
    entries = [{"resource": platelets(), "search": {"mode": "match"}}]
    entries += [{"resource": PATIENT, "search": {"mode": "include"}}]
    assert not resources_of({"resourceType": "Bundle", "entry": entries, "total": 1}).partial
    assert resources_of({"resourceType": "Bundle", "entry": entries, "total": 2}).partial
    assert resources_of({"resourceType": "Bundle", "entry": entries, "link": {"relation": "next"}}).partial


@pytest.mark.parametrize("element", ["clinicalStatus", "verificationStatus"])
def test_a_status_without_a_code_is_refused(rulebook: Rulebook, element: str) -> None:
    said: dict[str, Any] = {element: {"text": "refuted"}}
    reading = told(rulebook, PATIENT, metastasis(**said))
    assert ("Condition/m", "status") in why(reading)
    assert not reading.referral["lesions"]
    reading = told(rulebook, PATIENT, allergy("c", coded("293637006"), **said))
    assert ("AllergyIntolerance/c", "status") in why(reading)


@pytest.mark.parametrize("recorded", ["2026-11-01", "2026-11-22", None])
def test_a_pregnancy_on_the_problem_list_is_not_outdated_by_a_test(rulebook: Rulebook, recorded: str | None) -> None:
    answer = coded("LA26683-5", "http://loinc.org")
    test = platelets(code=coded("82810-3", "http://loinc.org"), valueQuantity=None, valueCodeableConcept=answer)
    assert "patient.pregnant" in items_of(rulebook, test)
    assert "patient.pregnant" not in items_of(rulebook, test, condition("g", "77386006", recordedDate=recorded))


def test_a_pregnancy_contradicts_a_gender(rulebook: Rulebook) -> None:
    pregnant = condition("g", "77386006", recordedDate="2026-11-20")
    assert "patient.sex" not in told(rulebook, {**PATIENT, "gender": "male"}, pregnant).referral["patient"]
    assert patient(rulebook, pregnant)["patient.sex"] == "female"


def test_a_sex_at_birth_contradicts_a_gender(rulebook: Rulebook) -> None:
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
    for code, sex in (("M", None), ("F", "female"), ("UNK", "female")):
        said = told(rulebook, {**PATIENT, "extension": [{"url": url, "valueCode": code}]}).referral["patient"]
        assert said.get("patient.sex") == sex


@pytest.mark.parametrize("said", [{"effectivePeriod": {"start": "2026-11-20"}}, {"effectiveTiming": {"event": ["x"]}}])
def test_the_issue_date_dates_no_result_that_has_another(rulebook: Rulebook, said: dict[str, Any]) -> None:
    bare = platelets(effectiveDateTime=None, issued="2026-11-22T08:00:00Z")
    assert items_of(rulebook, bare)
    assert ("Observation/a", "undated") in why(told(rulebook, PATIENT, {**bare, **said}))


def test_a_side_of_its_own_goes_to_the_one_bone(rulebook: Rulebook) -> None:
    ilium, left = {"text": "ilium"}, {"text": "left"}
    (lesion,) = told(rulebook, PATIENT, metastasis(bodySite=[ilium, left])).referral["lesions"]
    assert lesion["lesion.side"] == "left"
    assert lesion["lesion.site"] == "ilium"
    for sites in ([ilium, left, {"text": "sacrum"}], [left], [ilium, left, {"text": "right"}]):
        reading = told(rulebook, PATIENT, metastasis(bodySite=sites))
        assert ("Condition/m", "site") in why(reading)
        assert not any("lesion.side" in lesion for lesion in reading.referral["lesions"])


DENIALS = ["Pas de métastase osseuse", "No bone metastasis", "L2 ruled out", "métastase exclue", "Absence de métastase"]


@pytest.mark.parametrize("said", DENIALS)
def test_a_denied_metastasis_is_no_lesion(rulebook: Rulebook, said: str) -> None:
    reading = told(rulebook, PATIENT, metastasis(code=coded("94222008", text=said)))
    assert ("Condition/m", "unconfirmed") in why(reading)
    assert not reading.referral["lesions"]


LATER: list[dict[str, Any]] = [
    {"status": "in-progress"},
    {"performedDateTime": "2026-10"},
    {"performedDateTime": None, "performedPeriod": {"start": "2026-10-01"}},
    {"bodySite": None},
    {"bodySite": [{"text": "somewhere"}]},
    {"modifierExtension": [{"url": "http://example.org/x", "valueBoolean": True}]},
]


@pytest.mark.parametrize("later", LATER)
def test_a_later_radiotherapy_that_cannot_be_placed_hides_the_date(rulebook: Rulebook, later: dict[str, Any]) -> None:
    spine, older = metastasis(bodySite=[{"text": "L2"}]), radiotherapy("old")
    assert "lesion.last_radiotherapy" in told(rulebook, PATIENT, spine, older).referral["lesions"][0]
    newer = radiotherapy("new", **{"performedDateTime": "2026-10-01", **later})
    reading = told(rulebook, PATIENT, spine, older, newer)
    assert "lesion.last_radiotherapy" not in reading.referral["lesions"][0]
    assert ("Procedure/old", "superseded") in why(reading)


@pytest.mark.parametrize("later", [{"status": "not-done"}, {"bodySite": [{"text": "sacrum"}]}])
def test_a_radiotherapy_elsewhere_or_not_given_hides_nothing(rulebook: Rulebook, later: dict[str, Any]) -> None:
    spine, newer = metastasis(bodySite=[{"text": "L2"}]), radiotherapy("new", performedDateTime="2026-10-01")
    reading = told(rulebook, PATIENT, spine, radiotherapy("old"), {**newer, **later})
    assert "lesion.last_radiotherapy" in reading.referral["lesions"][0]
