"""/livez, /readyz, /version, and the headers of every answer."""

import pytest

from service import ENGINE_VERSION
from service.recommend.judge import Disagreement
from service.web import state
from service.web.reload import RULES_STATUS, Status, write_status


def test_livez(client):
    assert client.get("/livez").json == {"status": "alive"}


def test_readyz(client, rulebook):
    told = client.get("/readyz").json
    assert told["status"] == "ready"
    assert told["last_reload"] is None
    assert told["rulebook"]["digest"] == rulebook.digest


def test_readyz_tells_of_a_reload_refused(client, tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    write_status(
        Status(False, "2026-11-23T09:00:00+00:00", "/somewhere/rules-1", ("rules/site.yaml:3:1: given twice",)), path
    )
    monkeypatch.setenv(RULES_STATUS, str(path))
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json["last_reload"] == {
        "taken": False,
        "checked_at": "2026-11-23T09:00:00+00:00",
        "errors": ["rules/site.yaml:3:1: given twice"],
    }


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_readyz_survives_a_status_it_cannot_read(client, tmp_path, monkeypatch, content):
    path = tmp_path / "status.json"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(RULES_STATUS, str(path))
    assert client.get("/readyz").json["last_reload"]["taken"] is False


def test_readyz_is_red_when_the_self_test_fails(client, app, monkeypatch):
    def disagree(*_, **__):
        raise Disagreement(["some.rule"])

    monkeypatch.setattr(state, "TESTED_SECONDS", -1.0)
    monkeypatch.setattr(app.extensions["indication"].desk().decider, "decide", disagree)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "some.rule" in response.json["errors"][0]


def test_readyz_is_red_when_the_self_test_crashes(client, app, monkeypatch):
    def crash(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(state, "TESTED_SECONDS", -1.0)
    monkeypatch.setattr(app.extensions["indication"].desk().decider, "decide", crash)
    assert client.get("/readyz").status_code >= 500


def test_version(client, rulebook):
    told = client.get("/version").json
    assert told["engine"] == ENGINE_VERSION
    assert told["durable_rules"] == "2.0.28"
    assert told["rulebook"]["version"] == rulebook.info.version


@pytest.mark.parametrize(
    "address", ["/livez", "/readyz", "/version", "/v1/docs", "/v1/rulebook", "/static/docs.css", "/nowhere"]
)
def test_headers(client, address):
    with client.get(address) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers
    assert ("no-store" in headers["Cache-Control"]) == (address != "/static/docs.css")
