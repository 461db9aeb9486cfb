"""Every resource that the service writes is FHIR R4 in the eyes of three judges that are not ours."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.fhir.outcome import issue, of_issues, operation_outcome
from service.fhir.plan import capability_statement
from service.fhir.write import audit_event, plan_definition
from tests.fhir_out.judging import faults
from tests.fhir_out.written import MODULE, UNUSED, Reading, Resource, bundle_of, decided, every, part, written
from tests.fixtures.reading import accepted, decider

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KINDS = {
    "Bundle",
    "GuidanceResponse",
    "RequestGroup",
    "Parameters",
    "OperationOutcome",
    "PlanDefinition",
    "CapabilityStatement",
    "AuditEvent",
}


def _chosen() -> list[str]:
    """Situations of every kind: all alerts, all with several lesions, and some of the others."""
    several = [name for name in sorted(accepted()) if "five" in name or "several" in name or "two-lesions" in name]
    return sorted({*sorted(accepted())[::6], *(name for name in accepted() if name.startswith("alert-")), *several})


@pytest.fixture(scope="module")
def produced() -> dict[str, Resource]:
    """Name -> resource: each bundle, and each resource in it on its own."""
    rulebook = decider().rulebook
    found: dict[str, Resource] = {}
    for at, name in enumerate(_chosen()):
        found[name] = written(name, ("en", "fr")[at % 2], Reading(unused=UNUSED), "Patient/test-1" if at % 3 else None)
    sample = decided("seed-typical-patient")
    nothing = copy.deepcopy(sample)
    for lesion in nothing["lesions"]:
        lesion["options"] = [option for option in lesion["options"] if option["status"] == "not_indicated"]
    found["nothing to propose"] = bundle_of(nothing)
    for name in ("alert-sepsis", "seed-typical-patient"):
        bundle = written(name, reading=Reading({("", "blood.platelets"): "Observation/a, Observation/b"}, UNUSED))
        found |= {f"{name}: {kind}": part(bundle, kind) for kind in sorted(KINDS - {"Bundle"}) if _has(bundle, kind)}
    for language in ("fr", "en"):
        found[f"plan {language}"] = plan_definition(rulebook, language, MODULE)
        found[f"capability {language}"] = capability_statement(rulebook, language, MODULE, "0.1.0")
    for outcome in ("success", "refused", "failed"):
        found[f"audit {outcome}"] = audit_event(sample, "test client", outcome, recorded=NOW)
    found["outcome"] = operation_outcome("error", "invalid", "no", "Bundle.entry[0]")
    found["outcome of several"] = of_issues(
        [issue("warning", "value", "why", about="Observation/x", kind=("urn:x", "y"))]
    )
    return found


def _has(bundle: Resource, kind: str) -> bool:
    return any(entry["resource"]["resourceType"] == kind for entry in bundle["entry"])


def test_every_kind_of_resource_is_judged(produced):
    assert {resource["resourceType"] for resource in produced.values()} == KINDS


def test_the_judges_find_no_fault(produced):
    assert faults(produced) == {}


Spoil = Callable[[Resource], Any]

SPOILT: dict[str, Spoil] = {
    "no status": lambda bundle: part(bundle, "GuidanceResponse").pop("status"),
    "a status that is not one": lambda bundle: part(bundle, "GuidanceResponse").update(status="fine"),
    "a field that FHIR does not have": lambda bundle: part(bundle, "GuidanceResponse").update(foo="x"),
    "neither resource nor action (rqg-1)": lambda bundle: _leaf(bundle).pop("resource"),
    "resource and action (rqg-1)": lambda bundle: _leaf(bundle).update(action=[{"title": "x"}]),
    "a priority that is not one": lambda bundle: part(bundle, "RequestGroup").update(priority="high"),
    "a value beside parts (inv-1)": lambda bundle: part(bundle, "Parameters")["parameter"][0].update(valueString="x"),
    "an address twice (bdl-7)": lambda bundle: bundle["entry"][1].update(fullUrl=bundle["entry"][0]["fullUrl"]),
    "a request for nobody": lambda bundle: part(bundle, "RequestGroup")["contained"][1].pop("subject"),
    "an empty word": lambda bundle: part(bundle, "Parameters").update(language=""),
    "null": lambda bundle: part(bundle, "Parameters").update(language=None),
}
SPOILT_ALONE: dict[str, Spoil] = {
    "an id with an underscore": lambda guidance: guidance.update(id="a_b"),
    "a time without a zone": lambda guidance: guidance.update(occurrenceDateTime="2026-11-20T08:00:00"),
}


def _leaf(bundle: Resource) -> Resource:
    leaf: Resource = part(bundle, "RequestGroup")["action"][0]["action"][0]
    return leaf


def test_the_judges_can_find_fault():
    spoilt = {}
    for name, spoil in SPOILT.items():
        spoilt[name] = copy.deepcopy(written("seed-typical-patient"))
        spoil(spoilt[name])
    for name, spoil in SPOILT_ALONE.items():
        spoilt[name] = copy.deepcopy(part(written("seed-typical-patient"), "GuidanceResponse"))
        spoil(spoilt[name])
    assert faults(spoilt).keys() == spoilt.keys()


# ---- what none of the three looks at ---------------------------------------------------------------------------------


def test_nothing_is_null_or_empty(produced):
    for name, resource in produced.items():
        for value in every(resource):
            assert value is not None, name
            assert value not in ("", [], {}), name
            assert not isinstance(value, str) or value.strip(), name


def test_references_inside_resolve(produced):
    for name, bundle in produced.items():
        if bundle["resourceType"] != "Bundle":
            continue
        urls = {entry["fullUrl"] for entry in bundle["entry"]}
        for entry in bundle["entry"]:
            resource = entry["resource"]
            assert entry["fullUrl"] == f"urn:uuid:{resource['id']}"
            contained = {f"#{inner['id']}" for inner in resource.get("contained", [])}
            pointed = set(_references(resource))
            assert {text for text in pointed if text.startswith("#")} == contained, name
            assert {text for text in pointed if text.startswith("urn:")} <= urls, name


def _references(value: Any) -> Iterator[str]:
    for inner in every(value):
        if isinstance(inner, dict) and isinstance(inner.get("reference"), str):
            yield inner["reference"]


def test_ids_are_legal(produced):
    for resource in produced.values():
        for inner in every(resource):
            if isinstance(inner, dict) and "resourceType" in inner and "id" in inner:
                assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", inner["id"])


def test_no_rulebook_word_is_taken_for_markup(produced):
    """No narrative is written, so nothing needs escaping."""
    assert all(
        "div" not in inner for resource in produced.values() for inner in every(resource) if isinstance(inner, dict)
    )


def test_an_outcome_without_issue_is_refused():
    with pytest.raises(ValueError, match="without issue"):
        of_issues([])


def test_audit_holds_no_clinical_word():
    answer = decided("alert-sepsis")
    text = json.dumps(audit_event(answer, "test client", "success", recorded=NOW))
    for lesion in answer["lesions"]:
        assert lesion["id"] not in text.replace(answer["input_digest"], "")
        assert not any(option["label"] in text for option in lesion["options"])
    assert answer["alerts"][0]["label"] not in text
    assert answer["input_digest"] in text
    assert answer["rulebook"]["digest"] in text
