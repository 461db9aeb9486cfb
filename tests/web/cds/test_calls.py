"""Calls of the three services: what is refused, when nothing is said, and what is."""

import copy
import gzip
import json
import re

import pytest

from service.web.cds import services
from service.web.cds.body import MAX_BODY, MAX_DEPTH
from tests.web.cds.conftest import (
    INSTANCE,
    PATIENT,
    SELECT,
    SIGN,
    SNOMED,
    VIEW,
    bundle,
    call_body,
    condition,
    holds,
    outcome,
    service_request,
)

LAB_TEST = service_request(code={"coding": [{"system": "http://loinc.org", "code": "718-7"}]})


# ---- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("hook", "order-sign"),
        ("hook", None),
        ("hookInstance", "1"),
        ("hookInstance", None),
        ("context", None),
        ("context", []),
        ("context.userId", None),
        ("context.userId", ""),
        ("context.patientId", 7),
        ("context.patientId", None),
        ("context.selections", "ServiceRequest/s1"),
        ("context.selections", [1]),
        ("context.selections", None),
        ("context.draftOrders", None),
        ("context.draftOrders", []),
        ("context.encounterId", 3),
        ("prefetch", []),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named(ehr, where, value):
    body = call_body(SELECT)
    holder = body["context"] if where.startswith("context.") else body
    holder[where.rpartition(".")[2]] = value
    told = outcome(ehr.ask(SELECT, body), 400)
    assert where in {issue["expression"][0] for issue in told["issue"]} or where == "context"


def test_every_fault_is_told_at_once(ehr):
    told = outcome(ehr.ask(SELECT, {"hook": "x"}), 400)
    assert {issue["expression"][0] for issue in told["issue"]} == {"hook", "hookInstance", "context"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"hook": NaN}',
        b'{"hook": 1e999}',
        b'{"hook": 1, "hook": 2}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b"[]",
        b"null",
        b"7",
    ],
)
def test_what_is_not_usable_json_is_refused(ehr, body):
    outcome(ehr.ask(SELECT, body), 400)


def test_a_call_may_be_larger_than_a_referral_but_not_without_bound(ehr, reads, referral):
    reads(referral)
    body = call_body(SELECT)
    body["padding"] = "x" * 2_000_000
    assert ehr.ask(SELECT, body).status_code == 200
    body["padding"] = "x" * MAX_BODY
    outcome(ehr.ask(SELECT, body), 413)


def test_other_content_is_refused(ehr):
    body = json.dumps(call_body(SELECT))
    path = f"/cds-services/{SELECT}"
    outcome(ehr.client.post(path, data=body, content_type="text/plain"), 415)
    outcome(ehr.client.post(path, data=body, content_type="application/json; charset=latin-1"), 415)
    packed = gzip.compress(body.encode())
    headers = {"Content-Encoding": "gzip"}
    outcome(ehr.client.post(path, data=packed, content_type="application/json", headers=headers), 415)


@pytest.mark.parametrize("path", ["/cds-services/x", "/cds-services/x/feedback", f"/cds-services/{SELECT}/x"])
def test_unknown_addresses(ehr, path):
    outcome(ehr.client.post(path, json={}), 404)
    outcome(ehr.client.get(path), 404)


@pytest.mark.parametrize("path", [f"/cds-services/{SELECT}", f"/cds-services/{SELECT}/feedback"])
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods(ehr, path, method):
    response = getattr(ehr.client, method)(path)
    outcome(response, 405)
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    "prefetch",
    [
        None,
        {},
        {"patient": None, "conditions": None},
        {"patient": None, "labs": bundle()},
        {"patient": {"resourceType": "OperationOutcome", "issue": []}},
        {"conditions": bundle({"resourceType": "OperationOutcome", "issue": []})},
    ],
)
def test_without_patient_and_conditions_nothing_can_be_said(ehr, prefetch):
    told = outcome(ehr.ask(SELECT, call_body(SELECT, prefetch=prefetch)), 412)
    assert [issue["expression"] for issue in told["issue"]] == [["prefetch.patient"], ["prefetch.conditions"]]
    for key, issue in zip(("patient", "conditions"), told["issue"], strict=True):
        assert key in issue["details"]["text"]
        assert issue["code"] == "required"


def test_one_of_the_two_is_enough(ehr):
    assert ehr.cards(SELECT, call_body(SELECT, prefetch={"conditions": bundle(condition())}))
    assert ehr.cards(SELECT, call_body(SELECT, prefetch={"patient": PATIENT, "conditions": None})) == []


def test_two_patients_are_never_made_one(ehr):
    other = condition(subject={"reference": "Patient/test-2"})
    told = outcome(ehr.ask(SELECT, call_body(SELECT, prefetch={"patient": PATIENT, "conditions": bundle(other)})), 422)
    assert "test-2" not in json.dumps(told)


def test_no_refusal_quotes_what_was_sent(ehr):
    body = call_body(SELECT)
    body["context"] |= {"userId": "", "selections": ["Secret/1"], "patientId": "test-secret"}
    assert b"ecret" not in ehr.ask(SELECT, body).data


def test_our_own_fault_is_told_without_its_cause(ehr, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("test-secret")

    monkeypatch.setattr(services, "read", broken)
    told = outcome(ehr.ask(SELECT, call_body(SELECT)), 500)
    assert "secret" not in json.dumps(told) + caplog.text
    assert told["issue"][0]["severity"] == "fatal"


# ---- nothing to say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [SELECT, SIGN])
@pytest.mark.parametrize(
    "drafts",
    [
        ({"resourceType": "MedicationRequest", "id": "m1", "status": "draft"},),
        (LAB_TEST,),
        (service_request(category=[{"coding": [{"system": SNOMED, "code": "108252007"}]}]),),
    ],
    ids=["no request", "a measurement", "laboratory"],
)
def test_drafts_that_are_not_referrals_are_answered_before_anything_is_read(ehr, monkeypatch, service, drafts):
    monkeypatch.setattr(services, "read", None)
    # Not even the prefetch is asked for.
    assert ehr.cards(service, call_body(service, *drafts, prefetch={})) == []


def test_a_referral_that_is_not_the_one_selected_is_not_answered(ehr, reads, referral):
    reads(referral)
    body = call_body(SELECT, service_request("s1"), {"resourceType": "MedicationRequest", "id": "m1"})
    assert ehr.cards(SELECT, body)
    body["context"]["selections"] = ["MedicationRequest/m1"]
    assert ehr.cards(SELECT, body) == []
    body["context"]["selections"] = []
    assert ehr.cards(SELECT, body) == []


@pytest.mark.parametrize("service", [SELECT, SIGN, VIEW])
def test_a_patient_without_bone_metastasis_is_not_our_concern(ehr, reads, referral, service):
    reads(referral, concerned=False)
    assert ehr.cards(service) == []


def test_nothing_to_say_is_exactly_that(ehr):
    assert ehr.ask(SELECT, call_body(SELECT, LAB_TEST)).data == b'{"cards":[]}'


def test_with_configured_codes_only_those_or_a_reason_of_ours(ehr, known_as, reads, referral):
    ours = service_request(code={"coding": [{"system": "urn:test", "code": "IR"}]}, reasonReference=[])
    known_as(referral_codes=frozenset({("urn:test", "IR")}))
    other = service_request(code={"coding": [{"system": "urn:test", "code": "DIET"}]}, reasonReference=[])
    assert ehr.cards(SELECT, call_body(SELECT, other, prefetch={})) == []
    outcome(ehr.ask(SELECT, call_body(SELECT, ours, prefetch={})), 412)
    reads(referral, concerned=False)
    assert ehr.cards(SELECT, call_body(SELECT, other)) == []
    assert ehr.cards(SELECT, call_body(SELECT, ours))


# ---- something to say ------------------------------------------------------------------------------------------------


def test_a_card_is_given(ehr, reads, referral, rulebook):
    reads(referral)
    (card,) = ehr.cards(SELECT)
    assert card["indicator"] == "info"
    assert "| # | Technique | Status | Anaesthesia | Earliest | Why |" in card["detail"]
    assert "Computed at 2026-" in card["detail"]
    assert rulebook.digest in card["detail"]
    assert rulebook.info.version in card["source"]["label"]
    assert "not a certified device" in card["detail"]


def test_the_same_call_gives_the_same_bytes_but_for_names(ehr, reads, referral, monkeypatch):
    reads(referral)
    first, again = (ehr.ask(SELECT, call_body(SELECT)).data for _ in range(2))
    assert first == again, "at one moment, with names made of one seed"
    monkeypatch.setattr(services, "seed", lambda: "another")
    (card,), (other,) = (json.loads(body)["cards"] for body in (first, ehr.ask(SELECT, call_body(SELECT)).data))
    assert card["uuid"] != other["uuid"]
    for each in (card, other):
        del each["uuid"]
        for suggestion in each.get("suggestions", ()):
            del suggestion["uuid"]
    assert card == other


def test_both_languages(ehr, reads, referral, known_as):
    reads(referral)
    (english,), (french,) = ehr.cards(SELECT), ehr.cards(SELECT, language="fr")
    for text in ("summary", "detail"):
        assert english[text] != french[text]
    assert {each["display"] for each in english["overrideReasons"]}.isdisjoint(
        each["display"] for each in french["overrideReasons"]
    )
    assert "Anesthésie" in french["detail"]
    known_as(language="fr")
    assert ehr.cards(SELECT) == [french]


def test_fields_that_are_not_known_are_ignored(ehr, reads, referral):
    reads(referral)
    body = call_body(SELECT)
    plain = ehr.ask(SELECT, body).data
    more = copy.deepcopy(body) | {
        "extension": {"com.example": 1},
        "fhirServer": "https://ehr.example/fhir",
        "fhirAuthorization": {"access_token": "test-secret"},
        "later": [{}],
    }
    more["context"] |= {"later": None, "encounterId": None}
    assert ehr.ask(SELECT, more).data == plain


def test_shapes_that_ehrs_really_send(ehr, reads, referral):
    reads(referral)
    body = call_body(SELECT, service_request(reasonCode=[], category=[], code={"coding": [{}]}, intent="plan"))
    del body["context"]["draftOrders"]["type"]
    body["context"]["selections"] = ["https://ehr.example/fhir/ServiceRequest/s1/_history/2"]
    assert ehr.cards(SELECT, body)
    del body["context"]["draftOrders"]["entry"][0]["resource"]["id"]
    body["context"]["draftOrders"]["entry"][0]["fullUrl"] = "https://ehr.example/fhir/ServiceRequest/s1"
    assert ehr.cards(SELECT, body)
    body["context"]["draftOrders"] = {"resourceType": "Bundle"}
    assert ehr.cards(SELECT, body) == []


def test_a_lesion_of_which_nothing_is_known_gives_the_questions(ehr):
    (card,) = ehr.cards(SELECT)
    assert card["detail"].startswith("### Lesion lesion")
    assert "Missing data" in card["detail"]
    assert re.search(r"\d+ data missing", card["summary"])
    assert "suggestions" not in card


def test_a_value_that_the_referral_refuses_is_told_and_counts_as_unknown(ehr, reads, referral):
    referral["patient"]["blood.inr"] = 99
    reads(referral, origins={("", "blood.inr"): "Observation/o1"})
    (card,) = ehr.cards(SELECT)
    assert "Observation/o1" in card["detail"]
    assert "Received but not used" in card["detail"]


def test_a_list_of_which_one_page_came_is_told(ehr):
    pages = bundle(condition(), link=[{"relation": "next", "url": "https://ehr.example/fhir?page=2"}])
    (card,) = ehr.cards(SELECT, call_body(SELECT, prefetch={"conditions": pages}))
    assert "Condition: list sent in part only" in card["detail"]


def test_a_key_that_holds_no_resource_is_told(ehr):
    prefetch = {"conditions": bundle(condition()), "labs": {"resourceType": "OperationOutcome", "issue": []}, "x": 7}
    (card,) = ehr.cards(SELECT, call_body(SELECT, prefetch=prefetch))
    assert "labs OperationOutcome/" in card["detail"]
    assert "x Resource/" in card["detail"]


def test_a_concern_without_a_lesion_becomes_one_of_which_nothing_is_known(ehr, reads, seed):
    reads(seed | {"lesions": []})
    (card,) = ehr.cards(SELECT)
    assert card["detail"].startswith("### Lesion lesion-1")


def test_patient_view_only_for_clients_that_asked_for_it(ehr, reads, referral, known_as):
    reads(referral)
    assert ehr.cards(VIEW)
    known_as(hooks=frozenset({"order-select"}))
    outcome(ehr.ask(VIEW, call_body(VIEW)), 403)
    outcome(ehr.feedback(VIEW, {}), 403)
    assert ehr.cards(SELECT)


# ---- order-sign ------------------------------------------------------------------------------------------------------


def status_of(cds_app, referral, at):
    answer = cds_app.extensions["indication"].desk().decider.decide(referral, at, "en")
    return {option["label"]: option["status"] for option in answer["lesions"][0]["options"]}


def test_signing_is_silent_unless_the_act_should_wait(ehr, reads, seed, cds_app, at):
    reads(seed)
    statuses = status_of(cds_app, seed, at)
    assert {"provisional", "undetermined", "excluded"} <= set(statuses.values())
    spoken = {}
    for label, status in statuses.items():
        cards = ehr.cards(SIGN, call_body(SIGN, service_request(code={"text": label.upper()})))
        spoken.setdefault(status, set()).add(tuple(card["indicator"] for card in cards))
        for card in cards:
            assert label.split(" (")[0] in card["detail"]
    for status, indicators in spoken.items():
        expected = {
            "undetermined": ("info",),
            "deferred": ("info",),
            "excluded": ("warning",),
            "preempted": ("warning",),
        }
        assert indicators == {expected.get(status, ())}, status


def test_signing_an_act_that_is_not_named_is_silent_without_alert(ehr, reads, referral):
    reads(referral)
    assert ehr.cards(SIGN) == []


def test_signing_speaks_when_there_is_an_alert(ehr, reads, referral):
    referral["patient"] |= {"neuro.new_deficit": True}
    referral["lesions"][0] |= {"lesion.epidural_grade": "grade_3"}
    reads(referral)
    (card,) = ehr.cards(SIGN)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Alert: ")


def test_an_order_is_known_by_our_own_code_too(ehr, reads, seed, cds_app, at):
    reads(seed)
    answer = cds_app.extensions["indication"].desk().decider.decide(seed, at, "en")
    excluded = next(each["technique"] for each in answer["lesions"][0]["options"] if each["status"] == "excluded")
    code = {"coding": [{"system": "https://indication.example/fhir/CodeSystem/technique", "code": excluded}]}
    (card,) = ehr.cards(SIGN, call_body(SIGN, service_request(code=code)))
    assert card["indicator"] == "warning"


def test_the_instance_may_be_written_in_capitals(ehr, reads, referral):
    reads(referral)
    assert ehr.cards(SELECT, call_body(SELECT, hookInstance=INSTANCE.upper())) == ehr.cards(SELECT)


def test_the_checks_see_what_they_look_for():
    with pytest.raises(AssertionError):
        holds({"cards": [{"summary": "", "indicator": "info"}]})
    with pytest.raises(AssertionError):
        holds({"cards": [], "systemActions": []})
