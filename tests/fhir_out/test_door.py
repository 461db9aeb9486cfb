"""POST /fhir/$recommend and what is published beside it."""

import json
import logging
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from service.recommend.judge import Disagreement
from service.web import fhir_door
from tests.fhir_out.conftest import ADDRESS, AT, ROOT
from tests.fhir_out.judging import faults
from tests.fhir_out.written import criteria, every, named, part, said

BASE = "https://indication.example"
#: a lesion is known of, and nothing of it
NAMELESS = [{"id": "lesion-1"}]


def outcome(response, status, code=None):
    """Checks that a refusal is an OperationOutcome, and gives the texts of its issues."""
    assert response.status_code == status, response.get_data(as_text=True)[:500]
    assert response.content_type == "application/fhir+json"
    assert response.headers["Cache-Control"] == "no-store"
    told = json.loads(response.data)
    assert told["resourceType"] == "OperationOutcome"
    if code is not None:
        assert {issue["code"] for issue in told["issue"]} == {code}
    return [issue["details"]["text"] for issue in told["issue"]]


def test_a_record_is_answered(ask, bundle, record):
    response = ask(bundle(record))
    assert response.status_code == 200, response.get_data(as_text=True)[:500]
    assert response.content_type == "application/fhir+json"
    assert response.headers["Content-Language"] == "en"
    told = json.loads(response.data)
    guidance = part(told, "GuidanceResponse")
    assert guidance["subject"] == {"reference": "Patient/test-1"}
    assert guidance["occurrenceDateTime"] == AT
    assert guidance["moduleCanonical"].startswith("http://localhost/fhir/PlanDefinition/indication-bone-metastases|")
    assert guidance["dataRequirement"]
    lesions = named(part(told, "Parameters")["parameter"], "lesion")
    assert len(lesions) == 1


def test_a_value_is_traced_to_its_resource_and_what_is_no_use_is_told(ask, bundle, record):
    told = json.loads(ask(bundle(record)).data)
    found = [
        leaf
        for leaf in criteria(part(told, "Parameters")["parameter"])
        if said(leaf, "item") == "blood.platelets" and said(leaf, "value")
    ]
    assert found
    for leaf in found:
        assert said(leaf, "value") == {"value": 32, "unit": "G/L"}
        assert said(leaf, "from") == {"reference": "Observation/test-platelets"}
    unused = {issue["diagnostics"]: issue for issue in part(told, "OperationOutcome")["issue"]}
    assert unused["Observation/test-crp"]["details"]["coding"][0]["code"] == "unit"


def test_the_same_record_gives_the_same_bytes(ask, bundle, record):
    first = ask(bundle(record)).data
    assert ask(bundle(record)).data == first
    assert ask(bundle(record), content_type="application/json").data == first
    assert ask({**bundle(record), "type": "searchset"}).data == first


@pytest.fixture(scope="module")
def records():
    """Every record of fixtures/fhir that comes as one Bundle and nothing beside it, with what is expected of its reading."""
    files = sorted((ROOT / "fixtures" / "fhir").glob("*.json"))
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
    return {
        name: each
        for name, each in found.items()
        if each.keys() == {"why", "at", "bundle", "expect"} and each["bundle"].get("resourceType") == "Bundle"
    }


def test_every_record_of_the_fixtures_is_answered_in_valid_fhir_or_refused_with_a_reason(open_app, records):
    client = open_app.test_client()
    answers, refused = {}, {}
    for name, record in records.items():
        response = client.post(ADDRESS, json=record["bundle"], query_string={"at": record["at"]})
        assert response.content_type == "application/fhir+json"
        assert response.status_code in (200, 422), (name, response.status_code)
        (answers if response.status_code == 200 else refused)[name] = json.loads(response.data)
    assert faults({**answers, **refused}) == {}
    assert len(answers) >= 10
    for name, told in answers.items():
        lesions = records[name]["expect"]["referral"]["lesions"]
        traced = named(part(told, "Parameters")["parameter"], "lesion")
        assert sorted(said(lesion, "id") for lesion in traced) == sorted(each["id"] for each in lesions or NAMELESS), (
            name
        )
    for name, told in refused.items():
        (issue,) = told["issue"]
        strangers = any("patient" in code for _, code in records[name]["expect"]["unused"])
        assert issue["code"] == ("multiple-matches" if strangers else "business-rule"), name


def test_french_by_default(ask, bundle, record):
    told = json.loads(ask(bundle(record), headers={}).data)
    assert part(told, "GuidanceResponse")["language"] == "fr"


def test_audit_on_demand(ask, bundle, record):
    plain = json.loads(ask(bundle(record)).data)
    assert not [entry for entry in plain["entry"] if entry["resource"]["resourceType"] == "AuditEvent"]
    told = json.loads(ask(bundle(record), query_string={"at": AT, "audit": "1"}).data)
    assert faults({"told": told}) == {}
    event = part(told, "AuditEvent")
    assert event["agent"] == [{"who": {"display": "anonymous"}, "requestor": True}]
    # When it was asked, not as of when it was evaluated.
    assert not event["recorded"].startswith(AT[:10])
    told["entry"].pop()
    assert told == plain


def test_two_patients_are_refused(ask, bundle, record):
    record[2]["subject"] = {"reference": "https://ehr.example/fhir/Patient/test-2"}
    (text,) = outcome(ask(bundle(record)), 422, "multiple-matches")
    assert "test-2" not in text


def test_a_patient_who_is_not_our_concern(ask, bundle, record):
    del record[1]
    (text,) = outcome(ask(bundle(record)), 422, "business-rule")
    assert "No bone metastasis" in text
    outcome(ask(bundle([])), 422, "business-rule")


@pytest.mark.parametrize(
    ("body", "settings", "status", "code"),
    [
        (b"{", {}, 400, "structure"),
        (b'{"resourceType":"Bundle","resourceType":"Bundle"}', {}, 400, "structure"),
        (b'{"resourceType":"Bundle","x":NaN}', {}, 400, "structure"),
        (b'{"resourceType":"Bundle","x":' + b"[" * 60 + b"]" * 60 + b"}", {}, 400, "structure"),
        (b"[]", {}, 400, "structure"),
        ({"resourceType": "Patient", "id": "test-1"}, {}, 400, "structure"),
        ({"resourceType": "Bundle", "entry": 7}, {}, 422, "business-rule"),
        ({"resourceType": "Bundle"}, {"content_type": "application/fhir+xml"}, 415, "not-supported"),
        ({"resourceType": "Bundle"}, {"query_string": {"at": "yesterday"}}, 400, "invalid"),
        ({"resourceType": "Bundle"}, {"query_string": {"audit": "yes"}}, 400, "invalid"),
        ({"resourceType": "Bundle"}, {"query_string": {"pretty": "1"}}, 400, "invalid"),
        (b" " * 5_000_001, {}, 413, "too-long"),
    ],
)
def test_refusals_are_fhir_too(ask, body, settings, status, code):
    outcome(ask(body, **settings), status, code)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_refused(open_app, method):
    response = getattr(open_app.test_client(), method)(ADDRESS)
    outcome(response, 405, "not-supported")
    assert response.headers["Allow"] == "OPTIONS, POST"


def test_other_addresses_are_refused(open_app):
    client = open_app.test_client()
    for address in ("/fhir/Patient/1", "/fhir/", "/fhir/PlanDefinition/other", "/fhir/$other"):
        outcome(client.get(address), 404, "not-found")
    for address in ("/fhir/metadata", "/fhir/PlanDefinition/indication-bone-metastases"):
        response = client.post(address)
        outcome(response, 405, "not-supported")
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
        outcome(client.get(address, query_string={"_format": "xml"}), 400, "invalid")
        assert client.head(address).status_code == 200


def test_what_is_published(open_app, rulebook):
    client = open_app.test_client()
    capability, plan = (
        client.get(address, headers={"Accept-Language": "en"})
        for address in ("/fhir/metadata", "/fhir/PlanDefinition/indication-bone-metastases")
    )
    told = {"capability": json.loads(capability.data), "plan": json.loads(plan.data)}
    assert told["capability"]["rest"][0]["operation"][0]["name"] == "recommend"
    assert told["plan"]["url"] == "http://localhost/fhir/PlanDefinition/indication-bone-metastases"
    assert told["plan"]["title"] == rulebook.info.label.en
    assert plan.headers["Indication-Rulebook-Digest"] == rulebook.digest


def test_no_token_no_answer(closed_app, bundle, record):
    client = closed_app(None).test_client()
    response = client.post(ADDRESS, json=bundle(record))
    assert response.status_code == 401
    assert response.data == b""
    assert client.get("/fhir/metadata").status_code == 200


def test_the_token_of_a_known_client_for_this_address(closed_app, bundle, record, tmp_path):
    key = ECKey.generate_key("P-384")
    entry = {
        "name": "test-ehr",
        "issuer": "https://ehr.example/oauth",
        "keys": {"jwks": {"keys": [{**key.as_dict(private=False), "kid": "k1"}]}},
        "audiences": BASE,
        "language": "fr",
    }
    path = tmp_path / "clients.yaml"
    path.write_text(json.dumps({"clients": [entry]}), encoding="utf-8")
    client = closed_app(path).test_client()

    def send(audience, jti):
        now = int(time.time())
        claims = {"iss": entry["issuer"], "aud": audience, "iat": now, "exp": now + 300, "jti": jti}
        header = {"alg": "ES384", "typ": "JWT", "kid": "k1"}
        token = jwt.encode(header, claims, key, algorithms=["ES384"])
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return client.post(ADDRESS, json=bundle(record), headers=headers, query_string={"at": AT})

    first = send(BASE + ADDRESS, "test-1")
    assert first.status_code == 200, first.get_data(as_text=True)[:300]
    guidance = part(json.loads(first.data), "GuidanceResponse")
    # The client's own language, and the address under which it knows this service.
    assert guidance["language"] == "fr"
    assert guidance["moduleCanonical"].startswith(f"{BASE}/fhir/PlanDefinition/")
    assert send(BASE + ADDRESS, "test-1").status_code == 401
    assert send(f"{BASE}/cds-services", "test-2").status_code == 401


def test_an_answer_withheld_is_told_and_nothing_of_the_patient_logged(ask, bundle, record, monkeypatch, caplog):
    def disagree(*_, **__):
        raise Disagreement(("some.rule",))

    monkeypatch.setattr(fhir_door, "decided", disagree)
    with caplog.at_level(logging.DEBUG):
        response = ask(bundle(record))
    outcome(response, 500, "exception")
    assert "some.rule" in caplog.text
    assert not any(word in caplog.text for word in ("test-1", "test-platelets", "1965"))


def test_a_fault_of_ours_quotes_nobody(ask, bundle, record, monkeypatch, caplog):
    def fail(*_, **__):
        raise KeyError("test-1965")

    monkeypatch.setattr(fhir_door, "guidance_bundle", fail)
    response = ask(bundle(record))
    outcome(response, 500, "exception")
    assert "test-1965" not in caplog.text + response.get_data(as_text=True)


def test_no_name_or_identifier_of_the_record_comes_back(ask, bundle, record):
    record[0] |= {
        "name": [{"family": "test-family"}],
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "test-ins"}],
        "telecom": [{"value": "test-telephone"}],
    }
    told = json.loads(ask(bundle(record)).data)
    texts = [value for value in every(told) if isinstance(value, str)]
    assert not any("test-family" in text or "test-ins" in text or "test-telephone" in text for text in texts)
