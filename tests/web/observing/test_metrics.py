"""GET /metrics in one process: what is counted, under which labels, and that counting harms nobody."""

import json
import re
from datetime import UTC, datetime

import pytest

from service.audit.errors import NotRecorded
from service.audit.store import Record
from service.clients.callers import digest, new_key
from service.recommend.judge import Disagreement
from service.web import create_app
from service.web.metrics import counting
from service.web.reload import RULES_STATUS, Status, write_status
from tests.web.observing.reading import samples, value


@pytest.fixture
def told(client):
    def read() -> str:
        response = client.get("/metrics")
        assert response.status_code == 200
        assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
        return response.get_data(as_text=True)

    return read


def test_requests_by_the_template_of_their_address(client, told):
    def counted(**labels):
        return value(told(), "indication_requests_total", **labels)

    wanted = {"route": "/v1/rulebook/rules/<name>", "method": "GET"}
    before = counted(**wanted), counted(route="unmatched"), counted(method="OTHER")
    client.get("/v1/rulebook/rules/planted-1948")
    client.get("/planted-1948")
    client.open("/livez", method="PLANTED")
    assert counted(**wanted, status="404") >= 1
    rules, unmatched, other = before
    after = counted(**wanted), counted(route="unmatched"), counted(method="OTHER")
    assert after == (rules + 1, unmatched + 2, other + 1)
    assert "planted" not in told().lower()


def test_how_long_requests_took(client, told):
    name = "indication_request_seconds"
    before = value(told(), f"{name}_count", route="/livez")
    client.get("/livez")
    text = told()
    assert value(text, f"{name}_count", route="/livez") == before + 1
    assert value(text, f"{name}_bucket", route="/livez", le="30.0") == before + 1
    assert 0 < value(text, f"{name}_sum", route="/livez") < 30


def test_a_stream_is_measured_to_its_end(client, told, referral, post):
    route = "/v1/recommendations/batch"
    before = value(told(), "indication_requests_total", route=route)
    with post(referral, route, content_type="application/x-ndjson") as response:
        assert value(told(), "indication_requests_total", route=route) == before
        assert response.data
    assert value(told(), "indication_requests_total", route=route) == before + 1


def test_decisions(told, post, referral):
    before = samples(told())
    answer = post(referral).json
    post("{")
    moved = {
        key: number - before.get(key, 0) for key, number in samples(told()).items() if number != before.get(key, 0)
    }

    def counted(name, **labels):
        return sum(
            number for (named, having), number in moved.items() if named == name and labels.items() <= set(having)
        )

    firsts = [lesion["options"][0]["status"] for lesion in answer["lesions"] if lesion["options"]]
    assert counted("indication_decisions_total") == 1, "what was refused is no decision"
    assert counted("indication_decisions_total", door="api", status=firsts[0]) == 1
    for lesion in answer["lesions"]:
        for option in lesion["options"]:
            assert counted("indication_options_total", technique=option["technique"], status=option["status"]) >= 1
    assert counted("indication_options_total") == sum(len(lesion["options"]) for lesion in answer["lesions"])
    assert counted("indication_alerts_total") == len(answer["alerts"])
    items = {question["item"] for question in answer["questions"]}
    assert items
    assert {dict(having)["item"] for name, having in moved if name == "indication_unknown_items_total"} == items


def test_an_answer_that_was_withheld(app, told, post, referral, monkeypatch):
    before = value(told(), "indication_withheld_answers_total", kind="disagreement")

    def disagree(*_, **__):
        raise Disagreement(["some.rule"])

    monkeypatch.setattr(app.extensions["indication"].desk().decider, "considered", disagree)
    assert post(referral).status_code == 500
    assert value(told(), "indication_withheld_answers_total", kind="disagreement") == before + 1


def test_the_rules(told, rulebook):
    info = rulebook.info
    labels = {"name": info.name, "version": info.version, "digest": rulebook.digest, "status": info.status}
    assert value(told(), "indication_rulebook_info", **labels) == 1
    assert value(told(), "indication_workers") == 1
    assert value(told(), "indication_start_time_seconds") > 1.7e9


def test_when_keys_end(tmp_path):
    """By the client's name and the key's public id; of the key itself, and of its digest, nothing."""
    secret, other = new_key()[0], new_key()[0]
    keys = [
        {"id": secret.split("_")[1], "sha256": digest(secret).hex(), "expires": "2027-01-31"},
        {"id": other.split("_")[1], "sha256": digest(other).hex()},
    ]
    path = tmp_path / "clients.yaml"
    path.write_text(json.dumps({"clients": [{"name": "portal", "api_keys": keys}]}), encoding="utf-8")
    text = create_app({"CLIENTS": path, "TESTING": True}).test_client().get("/metrics").get_data(as_text=True)
    ends = {having: number for (name, having), number in samples(text).items() if "key_expires" in name}
    wanted = frozenset({("client", "portal"), ("key", keys[0]["id"])})
    assert ends == {wanted: datetime(2027, 1, 31, tzinfo=UTC).timestamp()}
    assert digest(secret).hex() not in text
    assert secret.split("_", 2)[2] not in text


def test_rules_that_cannot_be_loaded(tmp_path):
    told = create_app({"RULES": tmp_path, "TESTING": True}).test_client().get("/metrics")
    assert told.status_code == 200
    assert "indication_rulebook_info{" not in told.text


def test_rules_that_were_refused(told, tmp_path, monkeypatch):
    assert value(told(), "indication_rules_refused") == 0
    path = tmp_path / "status.json"
    monkeypatch.setenv(RULES_STATUS, str(path))
    assert value(told(), "indication_rules_refused") == 1, "nobody can tell"
    write_status(Status(False, "2026-11-23T09:00:00+00:00", "/somewhere/rules-1", ("a mistake",)), path)
    assert value(told(), "indication_rules_refused") == 1
    write_status(Status(True, "2026-11-23T09:00:00+00:00", "/somewhere/rules-1", ()), path)
    assert value(told(), "indication_rules_refused") == 0


def counts(told) -> tuple[float, float, float]:
    text = told()
    refused, spooled = (
        value(text, "indication_audit_not_recorded_total", policy=policy) for policy in ("refuse", "spool")
    )
    return value(text, "indication_audit_recorded_total"), refused, spooled


def test_the_record(told, post, referral, monkeypatch):
    recorded, refused, spooled = counts(told)
    assert post(referral).status_code == 200
    assert counts(told) == (recorded + 1, refused, spooled)

    monkeypatch.setattr(Record, "waiting", lambda self: 7)
    assert value(told(), "indication_audit_spool_length") == 7
    assert post(referral).status_code == 200
    assert counts(told) == (recorded + 1, refused, spooled + 1)

    def fail(*_):
        raise NotRecorded("the store is down")

    monkeypatch.setattr(Record, "waiting", fail)
    assert "indication_audit_spool_length" not in told(), "the other metrics are told"
    assert post(referral).status_code == 200, "it is recorded, whatever the queue says"
    assert counts(told) == (recorded + 1, refused, spooled + 2)
    monkeypatch.setattr(Record, "append_many", fail)
    assert post(referral).status_code == 503
    assert counts(told) == (recorded + 1, refused + 1, spooled + 2)


def test_a_count_that_fails_costs_no_answer(app, post, referral, monkeypatch, caplog):
    def fail(*_):
        raise OSError("planted-1948")

    for name in ("decisions", "requests"):
        monkeypatch.setattr(getattr(counting.meters_of(app), name), "labels", fail)
    assert post(referral).status_code == 200
    assert "not counted: OSError at test_metrics.py" in caplog.text
    assert "planted" not in caplog.text


def test_names_have_units_and_few_labels(told, client):
    client.get("/livez")
    for name, labels in samples(told()):
        assert re.fullmatch(
            r"indication_\w+(_total|_seconds|_seconds_(bucket|sum|count)|_created|_info|_length|_workers|_refused)"
            r"|indication_workers",
            name,
        ), name
        assert {label for label, _ in labels} <= {
            "route", "method", "status", "le", "door", "technique", "rule", "item", "kind", "policy", "reason",
            "name", "version", "digest", "shadow",
        }  # fmt: skip


def test_parameters_are_refused(client):
    assert client.get("/metrics?name=1").status_code == 400


@pytest.mark.parametrize("address", ["/v1/rulebook", "/cds-services/indication-patient-view"])
def test_a_call_that_was_turned_away(client, told, address):
    before = value(told(), "indication_access_refused_total")
    method = "GET" if address.startswith("/v1") else "POST"
    response = client.open(address, method=method, headers={"Authorization": "Bearer planted-1948"})
    assert response.status_code == 401
    assert value(told(), "indication_access_refused_total") == before + 1
    assert "planted" not in told()
