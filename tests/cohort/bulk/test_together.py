"""What an export holds twice, of nobody, of two, or not at all: never one patient's value given to another, never a guess."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cohort.bulk.account import account
from service.cohort.bulk.gather import Gathering, Task, gather
from service.cohort.bulk.join import together
from service.cohort.bulk.lines import Stretch
from service.cohort.bulk.run import import_folder
from service.rulebook.model import Rulebook
from tests.cohort.bulk.exports import AT, Resource, coding, lesion_of, person, platelets, rebuilt, write_export

#: imports resources, or lines of a file each; what came out, and the report
Import = Callable[..., tuple[dict[str, dict[str, Any]], dict[str, Any]]]

EARLIER, LATER = {"lastUpdated": "2026-10-01T00:00:00Z"}, {"lastUpdated": "2026-10-02T00:00:00+05:00"}


@pytest.fixture
def imported(tmp_path: Path, rulebook: Rulebook) -> Import:
    def run(*resources: Resource, **files: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        source = write_export(tmp_path / "export", resources)
        for name, text in files.items():
            (source / f"{name}.ndjson").write_text(text, encoding="utf-8", errors="surrogatepass")
        result = import_folder(source, tmp_path / "cohort", rulebook, AT)
        return rebuilt(tmp_path / "cohort", rulebook.vocabulary), result

    return run


def count_of(referral: dict[str, Any]) -> float | None:
    value: float | None = referral["patient"].get("blood.platelets", {}).get("value")
    return value


# ---- the same resource twice ----


def test_the_same_resource_in_two_files_counts_once(imported: Import) -> None:
    again = json.dumps(platelets("a", 90), indent=None, separators=(",", ":"))
    found, result = imported(person("a"), lesion_of("a"), platelets("a", 90), more=again + "\n" + again)
    assert count_of(found["a"]) == 90
    assert result["resources"]["left_out"] == {"repeated": 1}


def test_of_two_versions_the_later_counts(imported: Import) -> None:
    old, new = platelets("a", 90, meta=EARLIER), platelets("a", 80, meta=LATER)
    found, result = imported(person("a"), lesion_of("a"), new, more=json.dumps(old))
    assert count_of(found["a"]) == 80
    assert result["resources"]["left_out"] == {"older_version": 1}


@pytest.mark.parametrize("meta", [{}, EARLIER])
def test_versions_of_which_none_is_the_latest_contradict_one_another(imported: Import, meta: dict[str, Any]) -> None:
    found, result = imported(
        person("a"), lesion_of("a"), platelets("a", 90, meta=EARLIER), more=json.dumps(platelets("a", 80, meta=meta))
    )
    assert count_of(found["a"]) is None
    assert result["unused"]["Observation"] == {"conflict": 1}


def test_two_versions_of_a_patient(imported: Import) -> None:
    found, result = imported(
        person("a", gender="male", meta=EARLIER),
        person("a", meta=LATER),
        lesion_of("a"),
        person("b", gender="male"),
        person("b"),
        lesion_of("b"),
    )
    assert set(found) == {"a"}
    assert found["a"]["patient"]["patient.sex"]["value"] == "female"
    assert result["patients"]["refused"] == {"several-patients": 1}


# ---- whose it is ----


def test_one_resource_that_two_patients_claim_is_the_one_of_the_later_version(imported: Import) -> None:
    people = [resource for name in "ab" for resource in (person(name), lesion_of(name))]
    was, is_now = platelets("a", 90, "x", meta=EARLIER), platelets("b", 90, "x", meta=LATER)
    found, result = imported(*people, {**was, "id": "x"}, {**is_now, "id": "x"})
    assert [count_of(found[name]) for name in "ab"] == [None, 90]
    assert result["resources"]["left_out"] == {"moved": 1}


@pytest.mark.parametrize("meta", [{}, EARLIER])
def test_when_it_cannot_be_told_whose_it_is_neither_is_taken(imported: Import, meta: dict[str, Any]) -> None:
    people = [resource for name in "abc" for resource in (person(name), lesion_of(name))]
    one, other = platelets("a", 90, meta=EARLIER), platelets("b", 90, meta=meta)
    found, result = imported(*people, {**one, "id": "x"}, {**other, "id": "x"})
    assert set(found) == {"c"}
    assert result["patients"]["refused"] == {"disputed": 2}
    assert any("patients refused: 2: one resource names two" in line for line in account(result, "cohort", "en"))


def test_one_id_on_two_servers_is_not_one_patient(imported: Import) -> None:
    one, other = ({"reference": f"https://{name}.example/fhir/Patient/a"} for name in ("one", "other"))
    found, result = imported(
        person("a"), lesion_of("a", subject=one), platelets("a", 90, subject=other), person("b"), lesion_of("b")
    )
    assert set(found) == {"b"}
    assert result["patients"]["refused"] == {"several-servers": 1}


def test_every_way_to_name_a_patient(imported: Import) -> None:
    ways = ["Patient/a", "https://one.example/fhir/Patient/a", "Patient/a/_history/3", "urn:uuid:a"]
    readings = [
        platelets("a", 90, str(number), subject={"reference": way}, effectiveDateTime=f"2026-11-1{number}T08:00:00Z")
        for number, way in enumerate(ways)
    ]
    found, _ = imported(person("a"), lesion_of("a"), *readings)
    assert found["a"]["patient"]["blood.platelets"]["date"] == "2026-11-13T08:00:00+00:00"


def test_a_bundle_of_several_patients_in_one_line(imported: Import) -> None:
    """In it a patient may be called by the address of its entry."""
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": person("a")},
        {"resource": lesion_of("a", subject={"reference": "urn:uuid:1"})},
        {"fullUrl": "urn:uuid:2", "resource": {**person("b"), "id": None}},
        {"resource": lesion_of("b", "T4", subject={"reference": "urn:uuid:2"})},
    ]
    found, result = imported(bundle=json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    assert {name: len(referral["lesions"]) for name, referral in found.items()} == {"a": 1, "2": 1}
    assert result["patients"]["without_patient_resource"] == 0


def test_a_patient_without_a_patient_resource(imported: Import) -> None:
    found, result = imported(lesion_of("a"), platelets("a", 90))
    assert set(found["a"]["patient"]) == {"blood.platelets"}
    assert result["patients"]["without_patient_resource"] == 1


def test_of_nobody_or_of_no_patient(imported: Import) -> None:
    group = platelets("g", 50, subject={"reference": "Group/a"})
    nobody = platelets("n", 50)
    del nobody["subject"]
    found, result = imported(person("a"), lesion_of("a"), group, nobody)
    assert count_of(found["a"]) is None
    assert result["resources"]["of_no_patient"] == {"Observation": 2}


def test_more_than_one_patient_has_is_not_read(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cohort.bulk.bucket.MAX_PATIENT", 5_000)
    many = [platelets("a", 90, str(number)) for number in range(30)]
    found, result = imported(person("a"), lesion_of("a"), *many, person("b"), lesion_of("b"))
    assert set(found) == {"b"}
    assert result["patients"]["refused"] == {"too-large": 1}


# ---- what is looked up ----


def test_a_drug_that_stands_apart_is_looked_up(imported: Import) -> None:
    def order(patient: str, drug: str) -> Resource:
        return {
            "resourceType": "MedicationRequest",
            "id": f"order.of.{patient}",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{patient}"},
            "medicationReference": {"reference": drug},
        }

    drug = {"resourceType": "Medication", "id": "m", "code": coding("http://www.whocc.no/atc", "B01AF02")}
    people = [resource for name in "ab" for resource in (person(name), lesion_of(name))]
    found, result = imported(*people, order("a", "Medication/m"), order("b", "Medication/other"), drug)
    assert found["a"]["patient"]["medications"]["items"] == ["apixaban"]
    assert "medications" not in found["b"]["patient"]
    assert result["unused"]["MedicationRequest"] == {"no-medication": 1}


# ---- what is deleted ----


def deletion(*addresses: str) -> str:
    entries = [{"request": {"method": "DELETE", "url": address}} for address in addresses]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def test_what_the_server_deleted_since_is_left_out(imported: Import) -> None:
    people = [resource for name in "ab" for resource in (person(name), lesion_of(name))]
    gone = deletion("Observation/platelets.of.a", "Patient/b", "Observation/never")
    found, result = imported(*people, platelets("a", 90), platelets("b", 80), deleted=gone)
    assert set(found) == {"a"}
    assert count_of(found["a"]) is None
    assert result["patients"]["refused"] == {"deleted": 1}
    assert result["resources"]["deletions"] == 3
    assert result["lines"]["broken_entries_of_bundles"] == 0


# ---- what cannot be read ----

NO_ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "id": "none",
    "patient": {"reference": "Patient/a"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": coding("http://snomed.info/sct", "716186003"),
}


@pytest.mark.parametrize(
    ("text", "incomplete"),
    [
        (json.dumps(platelets("a", 90)) + "\n{", ["Observation"]),
        ('{"resourceType": "Encounter"}\n{', []),
        ("{\n" + json.dumps(NO_ALLERGY), ["AllergyIntolerance"]),
        ("{", ["Resource"]),
        (json.dumps(platelets("a", 90)) + "\n{\n" + '{"resourceType": "Encounter"}', ["Resource"]),
        ('{"resourceType": "Bundle"}\n{', ["Resource"]),
        ('{"resourceType": "AllergyIntolerance", "id": "x"}', ["AllergyIntolerance"]),
        ('{"resourceType": "AllergyIntolerance", "id": "x", "patient": {"reference": "Group/1"}}', []),
        ('{"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}', ["Resource"]),
        ('{"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}', []),
        ('{"resourceType": "Bundle", "entry": [7]}', ["Resource"]),
    ],
)
def test_of_what_more_may_exist(tmp_path: Path, text: str, incomplete: list[str]) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    gather(Gathering(tmp_path, tmp_path / "gathered", 1), Task(0, (Stretch("x", 0, len(text)),)))
    told = json.loads((tmp_path / "gathered" / "00000" / "gathered.json").read_text(encoding="utf-8"))
    assert together([told])["incomplete"] == incomplete


@pytest.mark.parametrize(("files", "complete"), [({}, True), ({"more": "{"}, None)])
def test_no_allergy_is_certain_while_one_may_not_have_been_read(
    imported: Import, files: dict[str, str], complete: bool | None
) -> None:
    found, _ = imported(person("a"), lesion_of("a"), NO_ALLERGY, **files)
    assert found["a"]["patient"].get("allergies", {}).get("complete") is complete


def test_broken_lines_are_told_by_file_and_line_and_never_quoted(imported: Import, rulebook: Rulebook) -> None:
    good = json.dumps(platelets("a", 90))
    body = f'\n{good}\ntest-secret\n\n["test-secret"]\n{{"resourceType": "Patient", "id": "test-secret\n'
    found, result = imported(person("a"), lesion_of("a"), x=body)
    assert count_of(found["a"]) == 90
    assert result["lines"]["broken"] == {"not-a-resource": 1, "not-json": 2}
    first = [(each["file"], each["line"], each["why"]) for each in result["lines"]["first_broken"]]
    assert first == [("x.ndjson", 3, "not-json"), ("x.ndjson", 5, "not-a-resource"), ("x.ndjson", 6, "not-json")]
    told = list(account(result, "cohort", "en"))
    assert "test-secret" not in json.dumps(result) + "\n".join(told)
    assert any("x.ndjson:3: not JSON" in line for line in told)


def test_line_numbers_hold_where_a_file_is_cut_up(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cohort.bulk.export._LEAST", 100)
    body = "".join(f"{'{' * (number % 3 == 0)}\n" for number in range(1, 1000))
    _, result = imported(person("a"), x=body)
    assert result["lines"]["broken"] == {"not-json": 333}
    assert [each["line"] for each in result["lines"]["first_broken"]] == list(range(3, 301, 3))


def test_values_that_cannot_be_written_down_do_no_harm(imported: Import) -> None:
    half = '{"resourceType": "Patient", "id": "\\ud800"}\n'
    half += '{"resourceType": "Observation", "id": "\\udfff", "subject": {"reference": "Patient/a"}, "status": "final"}'
    found, result = imported(person("a"), lesion_of("a"), x=half)
    assert set(found) == {"a"}
    assert result["resources"]["of_no_patient"] == {"Patient": 1}
