"""One shape for every refusal, on every address; and nothing of an exception leaves the service."""

import json
import re

import pytest

from service.recommend.judge import Disagreement
from service.run.adapter import EngineError
from service.web import create_app

NAMED = "Jane Doe 1957"


@pytest.mark.parametrize(
    "address",
    ["/nowhere", "/v1", "/v1/rulebook/", "/v1/rulebook/rules/", "/static/nothing.css", "/static/../app.py", "/%FF"],
)
def test_unknown_address(client, is_problem, address):
    assert is_problem(client.get(address), 404)["type"].endswith("#problem-not-found")


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
@pytest.mark.parametrize("address", ["/v1/recommendations", "/v1/recommendations/batch"])
def test_method(client, is_problem, address, method):
    response = getattr(client, method)(address)
    is_problem(response, 405)
    assert response.headers["Allow"] == "OPTIONS, POST"


def test_every_get_refuses_other_methods_and_parameters(app, client, is_problem):
    for rule in app.url_map.iter_rules():
        # FHIR and CDS Hooks refuse with an OperationOutcome: tests/fhir_out, tests/web/cds. The record is not for whoever comes.
        theirs = rule.endpoint.startswith(("form.", "fhir.", "cds.", "rulebook.", "committee.", "record."))
        if rule.endpoint == "static" or theirs or "GET" not in rule.methods:
            continue
        address = re.sub(r"<\w+>", "x", rule.rule)
        is_problem(client.post(address), 405)
        problem = is_problem(client.get(address, query_string={"pretty": "1"}), 400)
        assert [error["parameter"] for error in problem["errors"]] == ["pretty"]


@pytest.mark.parametrize(("language", "title"), [("fr", "Introuvable"), ("en", "Not found")])
def test_language(client, is_problem, language, title):
    response = client.get("/nowhere", headers={"Accept-Language": language})
    assert is_problem(response, 404)["title"] == title
    assert response.headers["Content-Language"] == language


@pytest.fixture
def broken(app, monkeypatch):
    """Makes every decision fail with this exception."""

    def break_with(error: Exception) -> None:
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(app.extensions["indication"].desk().decider, "considered", fail)

    return break_with


@pytest.mark.parametrize(
    ("error", "kind", "counted", "logged"),
    [
        (
            Disagreement(["bleeding.platelets-low", "alert.sepsis"]),
            "engine-disagreement",
            "disagreement",
            "alert.sepsis, bleeding.platelets-low",
        ),
        (EngineError(NAMED), "engine-disagreement", "engine_error", "the engine failed"),
        (KeyError(NAMED), "internal-error", None, "KeyError at "),
        (RecursionError(NAMED), "internal-error", None, "RecursionError at "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_faults_of_the_service(post, referral, client, broken, is_problem, caplog, app, error, kind, counted, logged):
    before = dict(app.extensions["indication"].withheld)
    broken(error)
    problem = is_problem(post(referral), 500)
    assert problem["type"].endswith(f"#problem-{kind}")
    assert "errors" not in problem
    assert NAMED not in json.dumps(problem)
    assert len(caplog.records) == 1
    assert logged in caplog.text
    assert NAMED not in caplog.text
    after = client.get("/readyz").json["withheld_answers"]
    expected = {**before, counted: before.get(counted, 0) + 1} if counted else before
    assert after == expected


def test_without_rules(tmp_path, is_problem, referral, caplog):
    (tmp_path / "rulebook.yaml").write_text("name: x\n", encoding="utf-8")
    client = create_app({"RULES": tmp_path}).test_client()
    assert client.get("/livez").status_code == 200
    for address in ("/v1/rulebook", "/v1/vocabulary", "/v1/openapi.json", "/v1/docs"):
        assert is_problem(client.get(address), 503)["type"].endswith("#problem-not-ready")
    is_problem(client.post("/v1/recommendations", json=referral), 503)
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json["status"] == "not ready"
    assert any("rulebook.yaml" in line for line in ready.json["errors"])
    assert client.get("/version").json["rulebook"] is None
    assert "cannot serve" in caplog.text


def test_a_fault_while_building_stops_nothing(monkeypatch, root, is_problem):
    def crash(_):
        raise KeyError("somewhere")

    monkeypatch.setattr("service.web.state.fit", crash)
    client = create_app({"RULES": root / "rules", "WARM": True}).test_client()
    assert client.get("/livez").status_code == 200
    assert "KeyError" in client.get("/readyz").json["errors"][0]
    is_problem(client.get("/v1/rulebook"), 503)
