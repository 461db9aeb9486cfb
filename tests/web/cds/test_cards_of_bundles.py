"""Every FHIR fixture as a prefetch: a card where a bone metastasis is known, silence where none is, a refusal where nothing is sure."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUNDLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "fixtures" / "fhir").glob("*.json")
}
#: refused as a whole: neither patient nor conditions are usable (412), or nothing says that they are all of the patient in context
#: (422; the address that a `urn:` stands for does not come with a prefetch)
REFUSED = {"two-patients": 422, "another-patient": 422, "outcome-in-searchset": 412, "urn-references": 422}
KEYS = {
    "conditions": ("Condition",),
    "labs": ("Observation",),
    "medicationRequests": ("MedicationRequest", "Medication"),
    "medicationStatements": ("MedicationStatement",),
    "allergies": ("AllergyIntolerance",),
    "procedures": ("Procedure",),
    "devices": ("Device", "DeviceUseStatement"),
}


def call(fixture: dict[str, Any]) -> dict[str, Any]:
    """The order-select call of an EHR that has prefetched the bundle."""
    entries = [entry for entry in fixture["bundle"].get("entry") or [] if isinstance(entry, dict)]
    resources = [entry["resource"] for entry in entries if isinstance(entry.get("resource"), dict)]
    patients = [each for each in resources if each.get("resourceType") == "Patient"]
    spoken_of = [(each.get("subject") or each.get("patient") or {}).get("reference", "") for each in resources]
    patient = patients[0].get("id", "test-p1") if patients else next(filter(None, spoken_of), "Patient/test-p1")
    patient = patient.rpartition("/")[2]
    drafts = fixture.get("drafts") or [
        {
            "resourceType": "ServiceRequest",
            "id": "test-order",
            "status": "draft",
            "intent": "order",
            "code": {"text": "Radiologie interventionnelle"},
            "subject": {"reference": f"Patient/{patient}"},
        }
    ]
    prefetch: dict[str, Any] = {"patient": patients[0] if len(patients) == 1 else None}
    for key, kinds in KEYS.items():
        found = [entry for entry in entries if (entry.get("resource") or {}).get("resourceType") in kinds]
        prefetch[key] = {"resourceType": "Bundle", "type": "searchset", "entry": found} if found else None
    if len(patients) > 1:
        prefetch["conditions"] = fixture["bundle"]
    return {
        "hook": "order-select",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/test-1",
            "patientId": patient,
            "selections": [f"ServiceRequest/{drafts[0].get('id', 'test-order')}"],
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft} for draft in drafts]},
        },
        "prefetch": prefetch,
    }


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_each_bundle_has_its_card(name, cds):
    fixture = BUNDLES[name]
    expected = fixture["expect"]
    response = cds.post("/cds-services/indication-order-select", json=call(fixture), headers={"Accept-Language": "en"})
    assert response.status_code == REFUSED.get(name, 200), response.text[:500]
    if name in REFUSED:
        return
    cards = response.json["cards"]
    if not expected["concerned"]:
        assert cards == []
        return
    (card,) = [card for card in cards if card["indicator"] == "info"]
    for lesion in expected["referral"]["lesions"]:
        assert lesion["id"] in card["detail"]
    assert {card["indicator"] for card in cards} <= {"info", "warning"}


# ---- whose data they are -----------------------------------------------------------------------------------------------


def of_another(body, kind):
    """The same call, of which one part speaks of somebody else, or of nobody."""
    patient = body["prefetch"]["patient"]
    if kind == "context":
        body["context"]["patientId"] = "test-somebody-else"
    elif kind == "patient":
        body["prefetch"]["patient"] = {**patient, "id": "test-somebody-else"}
    elif kind == "nameless":
        body["prefetch"]["patient"] = {key: value for key, value in patient.items() if key != "id"}
    else:
        body["context"]["draftOrders"]["entry"][0]["resource"]["subject"] = {"reference": "Patient/test-somebody-else"}
    return body


@pytest.mark.parametrize("kind", ["context", "patient", "nameless", "order"])
def test_data_of_somebody_else_are_never_evaluated(kind, cds):
    body = call(BUNDLES["french-l2-apixaban"])
    assert cds.post("/cds-services/indication-order-select", json=body).json["cards"]
    refused = cds.post("/cds-services/indication-order-select", json=of_another(copy.deepcopy(body), kind))
    assert refused.status_code == 422
    assert refused.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("kind", [["Condition"], {"a": 1}, 3, None])
def test_a_resource_type_that_is_no_word_is_no_crash(kind, cds):
    body = call(BUNDLES["french-l2-apixaban"])
    body["prefetch"] = {"conditions": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": kind}}]}}
    assert cds.post("/cds-services/indication-order-select", json=body).status_code == 412
