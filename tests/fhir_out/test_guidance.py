"""What the Bundle says is what the answer says, no more and no less."""

import copy
import json
import re

import pytest

from service.fhir.frame import SYSTEMS, Frame, codings, filled, reference
from service.fhir.plan import plan_definition
from service.fhir.subject import patients
from service.fhir.write import annotate, status
from service.referral.strict_json import canonical
from service.tell.answer import OFFERED
from tests.fhir_out.written import (
    MODULE,
    UNUSED,
    Reading,
    bundle_of,
    criteria,
    decided,
    every,
    named,
    part,
    said,
    written,
)
from tests.fixtures.reading import accepted, decider

NAMES = sorted(accepted())[::4]
PATIENT = "Patient/test-1"


@pytest.mark.parametrize("name", NAMES)
def test_every_question_is_a_data_requirement(name):
    answer = decided(name)
    vocabulary = decider().rulebook.vocabulary
    wanted = part(bundle_of(answer), "GuidanceResponse").get("dataRequirement", [])
    asked = []
    for entry in wanted:
        (codes,) = [each["code"] for each in entry["codeFilter"]]
        item = vocabulary[codes[0]["code"]]
        assert codes[0]["display"] == item.label.en
        assert codes[1:] == codings(item)
        asked.append((item.id, next((each["valueString"] for each in entry.get("extension", [])), None)))
    assert asked == [(question["item"], question.get("lesion")) for question in answer["questions"]]


def test_codes_by_which_a_record_knows_an_item():
    """A question about blood says its LOINC code; one about a drug, that it is a prescription."""
    answer = decided("seed-typical-patient")
    items = {"blood.platelets": "Observation", "medications": "MedicationRequest", "lesion.fracture": "Observation"}
    answer["questions"] = [{"item": item, "effects": [], "alerts": []} for item in items]
    wanted = part(bundle_of(answer), "GuidanceResponse")["dataRequirement"]
    assert [entry["type"] for entry in wanted] == list(items.values())
    coded = [[code["system"] for code in entry["codeFilter"][0]["code"][1:]] for entry in wanted]
    assert SYSTEMS["loinc"] in coded[0]
    assert SYSTEMS["atc"] in coded[1]
    assert wanted[1]["codeFilter"][0]["path"] == "medication"


@pytest.mark.parametrize("name", NAMES)
def test_every_offered_option_is_one_proposal_in_its_place(name):
    answer = decided(name)
    group = part(bundle_of(answer), "RequestGroup")
    contained = {f"#{inner['id']}": inner for inner in group["contained"]}
    groups = list(group["action"])
    if answer["alerts"]:
        alerts = groups.pop(0)
        assert group["priority"] == alerts["priority"] == "urgent"
        assert [action["code"][0]["coding"][0]["code"] for action in alerts["action"]] == [
            alert["rule"] for alert in answer["alerts"]
        ]
        assert all(contained[action["resource"]["reference"]]["priority"] == "urgent" for action in alerts["action"])
    else:
        assert group["priority"] == "routine"
    offered = [[each for each in lesion["options"] if each["status"] in OFFERED] for lesion in answer["lesions"]]
    offered = [options for options in offered if options]
    assert len(groups) == len(offered)
    for told, options in zip(groups, offered, strict=True):
        assert told["selectionBehavior"] == "at-most-one"
        assert [action["prefix"] for action in told["action"]] == [str(option["rank"]) for option in options]
        for action, option in zip(told["action"], options, strict=True):
            request = contained[action["resource"]["reference"]]
            assert request["code"]["coding"][0]["code"] == option["technique"]
            assert action["title"] == option["label"]
            assert option["why"] in action["description"]
            assert ("occurrencePeriod" in request) == ("earliest" in option)
    requests = [inner for inner in group["contained"] if inner["resourceType"] == "ServiceRequest"]
    assert {(request["status"], request["intent"]) for request in requests} == {("draft", "proposal")}
    assert len(requests) == len(answer["alerts"]) + sum(map(len, offered))


@pytest.mark.parametrize("name", NAMES)
def test_every_citation_resolves_and_every_source_of_an_alert_is_cited(name):
    sources = decider().rulebook.sources
    answer = decided(name)
    bundle = bundle_of(answer)
    cited = [inner for inner in every(bundle) if isinstance(inner, dict) and inner.get("type") == "citation"]
    for entry in cited:
        assert entry["citation"].startswith(sources[entry["label"]].citation)
    assert {source for alert in answer["alerts"] for source in alert["sources"]} <= {entry["label"] for entry in cited}


def test_some_citation_is_written():
    action = part(written("seed-typical-patient"), "RequestGroup")["action"][0]["action"][0]
    assert {"CHEW11", "RCTMA21"} <= {entry["label"] for entry in action["documentation"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_trace_holds_every_rule_that_mattered(name):
    answer = decided(name)
    trace = part(bundle_of(answer), "Parameters")["parameter"]
    told = named(trace, "lesion")
    assert [said(lesion, "id") for lesion in told] == [lesion["id"] for lesion in answer["lesions"]]
    for parameter, lesion in zip(told, answer["lesions"], strict=True):
        rules = named(parameter["part"], "rule")
        assert [said(rule, "key") for rule in rules] == list(lesion["rules"])
        for rule, entry in zip(rules, lesion["rules"].values(), strict=True):
            assert said(rule, "verdict") == entry["verdict"]
            assert said(rule, "because") == entry["because"]
            assert said(rule, "verified") is entry["verified"]
            assert [part_["valueString"] for part_ in named(rule["part"], "source")] == entry["sources"]
            leaves = [leaf for leaf in every(entry["criteria"]) if isinstance(leaf, dict) and "criterion" in leaf]
            assert [
                (said(leaf, "text"), said(leaf, "verdict"), said(leaf, "unknown")) for leaf in criteria(rule["part"])
            ] == [(leaf["text"], leaf["verdict"], leaf.get("unknown")) for leaf in leaves]
    assert len(named(trace, "question")) == len(answer["questions"])
    assert len(named(trace, "alert")) == len(answer["alerts"])


def test_a_value_is_told_with_its_unit_its_date_and_its_resource():
    reading = Reading({("", "blood.platelets"): "Observation/test-a,Observation/test-b, a strange_name"})
    trace = part(written("platelets-32", reading=reading), "Parameters")["parameter"]
    found = [leaf for leaf in criteria(trace) if said(leaf, "item") == "blood.platelets"]
    assert found
    for leaf in found:
        assert said(leaf, "value") == {"value": 32, "unit": "G/L"}
        assert re.fullmatch(r"2026-\d\d-\d\d", said(leaf, "date"))
        origins = [entry.get("valueReference", entry.get("valueString")) for entry in named(leaf["part"], "from")]
        assert origins == [
            {"reference": "Observation/test-a"},
            {"reference": "Observation/test-b"},
            "a strange_name",
        ]


def test_a_moment_without_zone_is_in_that_of_the_site():
    frame = Frame(decider().rulebook, "en", MODULE)
    assert frame.moment("2026-07-01T08:00:00") == "2026-07-01T08:00:00+02:00"
    assert frame.moment("2026-11-20T08:00:00+00:00") == "2026-11-20T08:00:00+00:00"
    assert frame.moment("2026-11-20") == "2026-11-20"


@pytest.mark.parametrize("name", NAMES)
def test_status(name):
    answer = decided(name)
    undetermined = any(
        option["status"] == "undetermined" for lesion in answer["lesions"] for option in lesion["options"]
    )
    found = part(bundle_of(answer), "GuidanceResponse")["status"]
    assert (found == "data-required") == undetermined
    assert found != "success" or not answer["questions"]


def test_status_of_an_answer_that_more_data_would_only_refine():
    answer = decided("seed-typical-patient")
    assert status(answer) == "data-required"
    for option in answer["lesions"][0]["options"]:
        if option["status"] == "undetermined":
            option["if_well"] = "not_indicated"
    assert status(answer) == "data-requested"
    answer["questions"] = []
    assert status(answer) == "success"


def test_what_could_not_be_used_is_told():
    bundle = written("seed-typical-patient", "fr", Reading(unused=UNUSED))
    outcome = part(bundle, "OperationOutcome")
    assert [
        (told["severity"], told["details"]["coding"][0]["code"], told["details"]["text"], told["diagnostics"])
        for told in outcome["issue"]
    ] == [("warning", entry.code, entry.text.fr, entry.resource) for entry in UNUSED]
    guidance = part(bundle, "GuidanceResponse")
    assert guidance["evaluationMessage"] == [{"reference": f"urn:uuid:{outcome['id']}"}]
    assert "evaluationMessage" not in part(written("seed-typical-patient"), "GuidanceResponse")


def test_what_identifies_the_answer():
    answer = decided("seed-typical-patient")
    guidance = part(bundle_of(answer, subject=PATIENT), "GuidanceResponse")
    assert guidance["moduleCanonical"] == f"{MODULE}|{answer['rulebook']['version']}"
    assert guidance["occurrenceDateTime"] == answer["evaluated_at"]
    assert guidance["note"] == [{"text": answer["notice"]}]
    assert guidance["subject"] == {"reference": PATIENT}
    (device,) = guidance["contained"]
    assert [version["value"] for version in device["version"]][1] == answer["engine_version"]
    assert answer["rulebook"]["digest"] in device["note"][0]["text"]


def test_without_a_patient_no_reference_is_invented():
    assert part(written("seed-typical-patient"), "GuidanceResponse")["subject"].keys() == {"type", "display"}
    assert (
        "reference" not in part(written("seed-typical-patient", subject="Patient/a b"), "GuidanceResponse")["subject"]
    )


def test_the_same_answer_gives_the_same_bytes_and_two_patients_two_names():
    answer = decided("seed-typical-patient")
    first = bundle_of(answer, subject=PATIENT)
    assert canonical(first) == canonical(bundle_of(copy.deepcopy(answer), subject=PATIENT))
    other = bundle_of(answer, subject="Patient/test-2")
    assert not {entry["fullUrl"] for entry in first["entry"]} & {entry["fullUrl"] for entry in other["entry"]}


def test_annotate_marks_every_leaf_and_changes_nothing_else():
    answer = decided("platelets-32")
    before = json.dumps(answer, sort_keys=True)
    lesion = answer["lesions"][0]["id"]
    reading = Reading(
        {
            ("", "blood.platelets"): "Observation/p",
            (lesion, "lesion.site"): "Condition/s",
            ("", "lesion.site"): "Condition/wrong",
            ("another", "pain.nrs"): "Observation/wrong",
        }
    )
    told = annotate(answer, reading)
    assert json.dumps(answer, sort_keys=True) == before
    leaves = [
        leaf
        for rule in told["lesions"][0]["rules"].values()
        for leaf in every(rule["criteria"])
        if isinstance(leaf, dict) and "item" in leaf
    ]
    expected = {"blood.platelets": "Observation/p", "lesion.site": "Condition/s"}
    assert {leaf["item"] for leaf in leaves} >= expected.keys()
    assert all(leaf.get("from") == expected.get(leaf["item"]) for leaf in leaves)
    for leaf in leaves:
        leaf.pop("from", None)
    assert json.dumps(told, sort_keys=True) == before


def test_the_plan_names_every_technique_and_source():
    rulebook = decider().rulebook
    plan = plan_definition(rulebook, "fr", MODULE)
    assert [action["code"][0]["coding"][0]["code"] for action in plan["action"]] == sorted(rulebook.techniques)
    assert {entry["label"] for entry in plan["relatedArtifact"]} == set(rulebook.sources)
    assert (plan["url"], plan["version"], plan["status"]) == (MODULE, rulebook.info.version, "draft")
    assert plan["experimental"] is True
    assert "useContext" not in plan
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", plan["name"])


def test_reference_and_filled():
    assert reference("Observation/a.1-b") == {"reference": "Observation/a.1-b"}
    assert [reference(text) for text in ("Observation/", "observation/a", "Observation/a_b", "#a", "")] == [None] * 5
    assert filled({"a": None, "b": [{}, "", 0, False, {"c": [" "]}]}) == {"b": [0, False]}


def _bundle(*resources):
    return {"entry": [{"fullUrl": "urn:uuid:1", "resource": resources[0]}]}, resources


@pytest.mark.parametrize(
    ("about", "count"),
    [
        ("Patient/a", 1),
        ("https://ehr.example/fhir/Patient/a", 1),
        ("https://ehr.example/fhir/Patient/a/_history/2", 1),
        ("urn:uuid:1", 1),
        ("urn:uuid:2", 2),
        ("Patient/b", 2),
        ("https://ehr.example/fhir/Patient/b", 2),
        ("Group/b", 1),
        ("Patient", 1),
        (7, 1),
    ],
)
def test_two_patients_are_two(about, count):
    given = _bundle(
        {"resourceType": "Patient", "id": "a"},
        {"resourceType": "Observation", "subject": {"reference": about}},
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/a"}},
        {"resourceType": "Condition", "subject": "Patient/c"},
    )
    found = patients(*given)
    assert "Patient/a" in found
    assert len(found) == count
