"""Discovery: three services, templates that 2.0 allows, in the language of the client."""

import re

import pytest

from service.rulebook.model import Rulebook
from service.web.cds.discovery import templates
from tests.web.cds.conftest import HOOKS, VIEW, Ehr, empties, outcome

#: parameters that CDS Hooks recommends a client to support
ALLOWED = {"patient", "code", "status", "_count", "_sort"}
TOKEN = re.compile(r"\{\{(.*?)\}\}")


def services(ehr: Ehr, language: str = "en") -> list[dict]:
    response = ehr.client.get("/cds-services", headers={"Accept-Language": language})
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Content-Language"] == language
    assert list(empties(response.json)) == []
    return response.json["services"]


def test_there_are_three_each_with_its_own_id(ehr):
    found = services(ehr)
    assert {each["id"]: each["hook"] for each in found} == HOOKS
    for each in found:
        assert {"hook", "id", "title", "description", "prefetch", "usageRequirements", "version"} == each.keys()
        assert re.fullmatch(r"\d+\.\d+\.\d+", each["version"])
        assert re.fullmatch(r"[a-z-]+", each["id"])


def test_both_languages(ehr):
    french, english = services(ehr, "fr"), services(ehr, "en")
    for one, other in zip(french, english, strict=True):
        assert one["id"] == other["id"]
        for text in ("title", "description", "usageRequirements"):
            assert one[text] != other[text]


def test_the_language_of_the_client_comes_before_that_of_the_request(ehr, known_as):
    known_as(language="fr")
    response = ehr.client.get("/cds-services", headers={"Accept-Language": "en"})
    assert response.headers["Content-Language"] == "fr"


def test_only_what_the_client_may_use(ehr, known_as):
    known_as(hooks=frozenset({"order-select", "order-sign"}))
    assert VIEW not in {each["id"] for each in services(ehr)}
    known_as(hooks=frozenset())
    assert services(ehr) == []


def test_templates_hold_root_tokens_and_allowed_parameters_only(ehr):
    for service in services(ehr):
        assert len(service["prefetch"]) <= 9
        for key, template in service["prefetch"].items():
            assert re.fullmatch(r"\w+", key)
            assert TOKEN.findall(template) == ["context.patientId"]
            path, _, query = template.partition("?")
            assert re.fullmatch(r"[A-Z]\w+(/\{\{context\.patientId\}\})?", path)
            parameters = [part.partition("=")[0] for part in query.split("&")] if query else []
            assert set(parameters) <= ALLOWED
            assert ":" not in "".join(parameters)


def test_there_is_one_laboratory_query_with_the_codes_of_the_vocabulary(rulebook: Rulebook):
    found = templates(rulebook.vocabulary)
    asked = {code for key in ("labs", "scores") for code in re.findall(r"http://loinc\.org\|([\d-]+)", found[key])}
    known = {str(code) for item in rulebook.vocabulary for code in item.codes.get("loinc", ())}
    assert asked == known
    assert "777-3" in found["labs"]
    assert "777-3" not in found["scores"]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_other_methods_are_refused(ehr, method):
    response = getattr(ehr.client, method)("/cds-services")
    outcome(response, 405)
    assert "GET" in response.headers["Allow"]
