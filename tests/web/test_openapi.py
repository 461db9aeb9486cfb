"""The OpenAPI document is valid, complete and true."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    response = app.test_client().get("/v1/openapi.json")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    read: dict[str, Any] = json.loads(response.data)
    return read


def validator(document: dict[str, Any], component: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{component}", "components": document["components"]})


def closed(schema: Any) -> Any:
    """The same schema, where an object may only have the properties that it declares."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(part) for key, part in schema.items()}
    is_record = inner.get("type") == "object" and isinstance(inner.get("properties"), dict)
    return {"additionalProperties": False, **inner} if is_record else inner


def test_it_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_address_is_in_it(app, document):
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    served = {
        (re.sub(r"<(?:\w+:)?\w+>", "{id}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        # The form's pages are for people; FHIR and CDS Hooks describe themselves, each as its own standard has it.
        if rule.endpoint != "static"
        and not rule.endpoint.startswith(("form.", "fhir.", "cds.", "rulebook.", "committee."))
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == served


def test_every_reference_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        found = document
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]


def test_every_item_is_in_it(document, rulebook):
    for component, scope in (("Patient", "patient"), ("Lesion", "lesion")):
        told = document["components"]["schemas"][component]["properties"].keys() - {"id"}
        assert told == rulebook.vocabulary.of(scope).keys()
    platelets = document["components"]["schemas"]["Patient"]["properties"]["blood.platelets"]
    assert "G/L" in platelets["anyOf"][1]["properties"]["unit"]["enum"]
    assert platelets["title"] == rulebook.vocabulary["blood.platelets"].label.en


def test_its_example_is_answered(document, post):
    operation = document["paths"]["/v1/recommendations"]["post"]
    assert post(operation["requestBody"]["content"]["application/json"]["example"]).status_code == 200


def referrals() -> list[Path]:
    return sorted((Path(__file__).parents[2] / "fixtures" / "referrals").glob("*.yaml"))


def answered() -> list[Path]:
    """Those that are not there to be refused."""
    return [path for path in referrals() if "refused:" not in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", referrals(), ids=lambda path: path.stem)
def test_fixtures_fit_the_referral(document, path):
    referral = yaml.safe_load(path.read_text(encoding="utf-8"))["referral"]
    errors = [
        f"{error.json_path}: {error.message[:200]}" for error in validator(document, "Referral").iter_errors(referral)
    ]
    assert not errors


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient.sex": "femal"},
        {"blood.platlets": 1},
        {"blood.inr": 99},
        {"blood.platelets": {"value": 1, "unit": "mg"}},
        {"medications": ["apixabam"]},
        {"neuro.new_deficit": 1},
    ],
    ids=str,
)
def test_the_referral_refuses_what_the_service_refuses(document, referral, post, wrong):
    check = validator(document, "Referral")
    assert not list(check.iter_errors(referral))
    referral["patient"] |= wrong
    assert list(check.iter_errors(referral))
    assert post(referral).status_code == 422


@pytest.mark.parametrize("trace", ["decisive", "full"])
@pytest.mark.parametrize("path", answered()[::9], ids=lambda path: path.stem)
def test_answers_fit(document, client, path, trace):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    response = client.post(
        "/v1/recommendations", json=case["referral"], query_string={"at": case["at"], "trace": trace}
    )
    assert response.status_code == 200
    errors = [
        f"{error.json_path}: {error.message[:300]}"
        for error in validator(closed(document), "Recommendation").iter_errors(response.json)
    ]
    assert not errors


def test_the_rest_fits(document, client, rulebook):
    """Every GET address with an example gives what it declares."""
    shut = closed(document)
    for path, methods in document["paths"].items():
        if "get" not in methods or path in ("/v1/docs", "/v1/openapi.json", "/metrics"):
            continue
        if path.startswith("/v1/record"):
            continue  # not for whoever comes: tests/web/record/test_door.py
        operation = methods["get"]
        example = next((each["example"] for each in operation.get("parameters", []) if "example" in each), "")
        response = client.get(path.replace("{id}", example))
        assert response.status_code == 200, path
        schema = shut["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check = Draft202012Validator({**schema, "components": shut["components"]})
        assert not [f"{path} {error.json_path}: {error.message[:200]}" for error in check.iter_errors(response.json)]


def test_every_rule_item_score_and_technique_fits(document, client, rulebook):
    shut = closed(document)
    for component, address, names in (
        ("Rule", "/v1/rulebook/rules", rulebook.rules),
        ("Item", "/v1/vocabulary", rulebook.vocabulary.items),
        ("Score", "/v1/scores", rulebook.scores),
        ("Technique", "/v1/techniques", rulebook.techniques),
    ):
        check = validator(shut, component)
        for name in names:
            response = client.get(f"{address}/{name}")
            assert response.status_code == 200, name
            assert not [
                f"{name} {error.json_path}: {error.message[:200]}" for error in check.iter_errors(response.json)
            ]


def test_problems_fit(document, client, post, referral):
    check = validator(closed(document), "Problem")
    for response in (
        client.get("/nowhere"),
        client.get("/v1/rulebook?x=1"),
        post(b"{"),
        post({"a": 1}),
        post(b"", content_type=None),
    ):
        assert response.status_code >= 400
        assert not [error.message for error in check.iter_errors(json.loads(response.data))]
