"""Whatever door an answer leaves by, it stands in the record first, and can be made again from there."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.audit.errors import NotRecorded
from service.audit.store import Record
from service.bundle.kept import unpacked
from service.decision import Decider
from service.referral.strict_json import canonical
from service.replay import NotReplayable, digest_of, replay
from service.web import api, create_app, logs, record
from service.web.cds import cards
from tests.strategies import ROOT

AT = "2026-11-23T09:00:00+01:00"
FORM = {
    "lesion0:id:value": "L2",
    "lesion0:lesion.site:value": "vertebra",
    "lesion0:lesion.level:value": "L2",
    "lesion0:pain.nrs:value": "8",
    "patient:recorded_at:day": "2026-11-23",
    "at": AT,
}
HOOK_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
SUBJECT = {"reference": "Patient/test-1"}
SNOMED = "http://snomed.info/sct"
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "test-1", "gender": "female", "birthDate": "1965-03-02"}},
        {
            "resource": {
                "resourceType": "Condition",
                "id": "test-metastasis",
                "code": {"coding": [{"system": SNOMED, "code": "94222008"}]},
                "subject": SUBJECT,
            }
        },
    ],
}


def application(folder: Path, **settings: Any) -> Flask:
    return create_app(
        {
            "RULES": ROOT / "rules",
            "TESTING": True,
            "CDS_OPEN": True,
            "STORE": folder / "store.sqlite",
            "AUDIT_STORE": f"sqlite:///{folder / 'record.sqlite'}",
            **settings,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record")


@pytest.fixture(scope="module")
def recording(folder: Path) -> Flask:
    return application(folder)


@pytest.fixture
def visitor(recording: Flask) -> FlaskClient:
    return recording.test_client()


def held(app: Flask) -> Record:
    with app.app_context():
        found = record.current().record
        assert found is not None
        return found


@cache
def loaded(body: bytes, digest: str) -> Decider:
    return Decider(unpacked(body, digest))


def decider(store: Record, digest: str) -> Decider:
    """Over the rulebook as the record keeps it."""
    return loaded(store.rulebook(digest), digest)


def by_api(client: FlaskClient, referral: Any) -> TestResponse:
    return client.post("/v1/recommendations", json=referral, query_string={"at": AT})


def by_full_trace_in_english(client: FlaskClient, referral: Any) -> TestResponse:
    query = {"at": AT, "trace": "full"}
    return client.post("/v1/recommendations", json=referral, query_string=query, headers={"Accept-Language": "en"})


def by_batch(client: FlaskClient, referral: Any) -> TestResponse:
    lines = "\n".join([json.dumps(referral)] * 3)
    query = {"at": AT}
    return client.post("/v1/recommendations/batch", data=lines, query_string=query, content_type="application/x-ndjson")


def by_fhir(client: FlaskClient, _: Any) -> TestResponse:
    query = {"at": AT}
    return client.post(
        "/fhir/$recommend", data=json.dumps(BUNDLE), query_string=query, content_type="application/fhir+json"
    )


def by_hook(client: FlaskClient, _: Any) -> TestResponse:
    call = {
        "hook": "patient-view",
        "hookInstance": HOOK_INSTANCE,
        "context": {"userId": "Practitioner/test-1", "patientId": "test-1"},
        "prefetch": {"patient": BUNDLE["entry"][0]["resource"], "conditions": {**BUNDLE, "type": "searchset"}},
    }
    return client.post("/cds-services/indication-patient-view", json=call)


def by_form(client: FlaskClient, _: Any) -> TestResponse:
    return client.post("/", data=FORM, headers={"Sec-Fetch-Site": "same-origin"})


def by_what_if(client: FlaskClient, _: Any) -> TestResponse:
    asked = {**FORM, "what-if": "lesion0:pain.nrs", "if|lesion0:pain.nrs:value": "2", "do": "what-if"}
    return client.post("/", data=asked, headers={"Sec-Fetch-Site": "same-origin"})


DOORS: dict[str, tuple[Callable[[FlaskClient, Any], TestResponse], list[str]]] = {
    "api": (by_api, ["api"]),
    "api, in English, whole": (by_full_trace_in_english, ["api"]),
    "batch": (by_batch, ["batch"] * 3),
    "fhir": (by_fhir, ["fhir"]),
    "hook": (by_hook, ["cds-hooks"]),
    "form": (by_form, ["form"]),
    "what if": (by_what_if, ["form", "what-if"]),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_answer_is_recorded_and_can_be_made_again(
    door: str, recording: Flask, visitor: FlaskClient, referral: dict[str, Any]
) -> None:
    ask, doors = DOORS[door]
    before = held(recording).head().seq
    response = ask(visitor, referral)
    assert response.status_code == 200, response.text[:500]
    body = response.data
    rows = [row for row in held(recording).rows(before + 1, before + 100) if row.recorded.kind == "decision"]
    lines = [json.loads(row.recorded.line) for row in rows]
    assert [line["door"] for line in lines] == doors
    if door != "batch":
        assert response.headers["Indication-Record"].split(", ") == [row.recorded.id for row in rows]
    for row, line in zip(rows, lines, strict=True):
        assert row.content is not None
        content = json.loads(row.content.body)
        again = replay(line, content, decider(held(recording), line["rulebook"]))
        assert again.same, again.differences
        if line["door"] == "api":
            assert digest_of(json.loads(body)) == content["answer_digest"]
    assert held(recording).verify() is None


@pytest.mark.parametrize("door", DOORS)
def test_nothing_leaves_when_it_cannot_be_recorded(
    door: str, recording: Flask, visitor: FlaskClient, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, _ = DOORS[door]
    with recording.app_context():
        recorder = record.current()

    def fail(*_: Any) -> None:
        raise NotRecorded("the database does not answer")

    monkeypatch.setattr(recorder.record, "append_many", fail)
    response = ask(visitor, referral)
    if door == "batch":
        lines = [json.loads(line) for line in response.data.splitlines()]
        assert [(line["status"], line["type"], line["line"]) for line in lines] == [
            (503, "/v1/docs#problem-not-recorded", number) for number in (1, 2, 3)
        ]
        return
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "Indication-Record" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert "nosniff" in response.headers["X-Content-Type-Options"]
    for word in ("eligible", "vertebroplasty", "Vertébroplastie", "cimentoplastie"):
        assert word not in response.text
    if door in ("fhir", "hook"):
        assert response.json is not None
        assert response.json["resourceType"] == "OperationOutcome"


def test_a_decision_whose_door_failed_is_not_recorded(
    recording: Flask, visitor: FlaskClient, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held(recording).head()
    with monkeypatch.context() as broken:
        broken.setattr(api, "json_response", lambda *_: 1 / 0)
        response = by_api(visitor, referral)
    assert response.status_code == 500
    assert "Indication-Record" not in response.headers
    assert held(recording).head() == before

    failures = iter([ZeroDivisionError])

    def fails_once(value: Any) -> str:
        for failure in failures:
            raise failure
        return canonical(value)

    monkeypatch.setattr(api, "canonical", lambda value: fails_once(value) if "lesions" in value else canonical(value))
    lines = [json.loads(line) for line in by_batch(visitor, referral).data.splitlines()]
    assert [line.get("status", 200) for line in lines] == [500, 200, 200]
    assert held(recording).head().seq == before.seq + 2


@pytest.mark.parametrize(
    "what", ["answer withheld: it cannot be recorded (its disk is full)", "feedback cannot be kept"]
)
def test_the_log_says_why_nothing_was_recorded(
    what: str,
    recording: Flask,
    visitor: FlaskClient,
    referral: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with recording.app_context():
        recorder = record.current()

    def fail(*_: Any) -> None:
        raise NotRecorded("its disk is full")

    monkeypatch.setattr(recorder.record, "append_many", fail)
    feedback = {
        "feedback": [{"card": HOOK_INSTANCE, "outcome": "overridden", "outcomeTimestamp": "2026-11-26T09:00:00Z"}]
    }
    by_api(visitor, referral)
    visitor.post("/cds-services/indication-patient-view/feedback", json=feedback)
    lines = [logs.Plain().format(each) for each in caplog.records if each.levelname == "ERROR"]
    assert any(what in line and "its disk is full" in line for line in lines), lines


def test_the_printed_sheet_names_its_record(recording: Flask, visitor: FlaskClient) -> None:
    response = visitor.post("/print", data=FORM, headers={"Sec-Fetch-Site": "same-origin"})
    name = response.headers["Indication-Record"]
    assert f"enregistrement {name}" in response.text
    assert json.loads(held(recording).get(name).recorded.line)["door"] == "form"


def test_a_refused_referral_is_no_decision(recording: Flask, visitor: FlaskClient, referral: dict[str, Any]) -> None:
    before = held(recording).head()
    assert by_api(visitor, {**referral, "patient": {"age": "old"}}).status_code == 422
    assert held(recording).head() == before


def test_only_the_digest_is_kept_where_the_settings_say_so(
    tmp_path: Path, referral: dict[str, Any], at: datetime
) -> None:
    app = application(tmp_path, AUDIT_KEEP="digest")
    response = by_api(app.test_client(), referral)
    row = held(app).get(response.headers["Indication-Record"])
    assert row.content is not None
    content, line = json.loads(row.content.body), json.loads(row.recorded.line)
    assert "input" not in content
    book = decider(held(app), line["rulebook"])
    with pytest.raises(NotReplayable, match="give the referral itself"):
        replay(line, content, book)
    assert replay(line, content, book, referral).same
    with pytest.raises(NotReplayable, match="not the referral"):
        replay(line, content, book, {**referral, "lesions": referral["lesions"][:1], "patient": {}})


@pytest.mark.parametrize("when_down", ["refuse", "spool"])
def test_a_state_folder_that_cannot_be_made(
    when_down: str, tmp_path: Path, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused and told as any store that is down, until it can be made; without it nothing can wait either."""
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("INDICATION_STATE", str(tmp_path / "no-folder" / "state"))
    visitor = application(tmp_path, AUDIT_STORE=None, AUDIT_WHEN_DOWN=when_down).test_client()
    assert by_api(visitor, referral).status_code == 503
    ready = visitor.get("/readyz")
    assert ready.status_code == 503
    assert "the folder of all that the service keeps cannot be used: Not a directory" in ready.text
    (tmp_path / "no-folder").unlink()
    assert by_api(visitor, referral).status_code == 200
    assert visitor.get("/readyz").status_code == 200


@pytest.mark.parametrize("when_down", ["refuse", "spool"])
def test_it_is_ready_only_when_decisions_are_recorded_or_wait(
    when_down: str, tmp_path: Path, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is healthy; what waits goes in first, and whether anything waits cannot be told."""
    queue = tmp_path / "state" / "spool.sqlite"
    queue.parent.mkdir(mode=0o700)
    queue.write_bytes(b"no database" * 1000)
    monkeypatch.setenv("INDICATION_STATE", str(queue.parent))
    visitor = application(tmp_path, AUDIT_WHEN_DOWN=when_down).test_client()
    assert by_api(visitor, referral).status_code == 503
    ready = visitor.get("/readyz")
    assert ready.status_code == 503
    assert f"the queue on disk, {queue}, is damaged" in ready.text
    queue.unlink()
    assert by_api(visitor, referral).status_code == 200
    assert visitor.get("/readyz").status_code == 200


@pytest.mark.parametrize(("when_down", "code"), [("refuse", 503), ("spool", 200)])
def test_a_store_that_can_be_read_and_not_written_to_is_down(
    when_down: str, code: int, tmp_path: Path, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, a database that follows another: it is tried with every probe, until it takes again."""
    monkeypatch.setenv("INDICATION_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("service.audit.circuit.PAUSE_SECONDS", 0.0)
    app = application(tmp_path, AUDIT_WHEN_DOWN=when_down)
    visitor = app.test_client()
    assert by_api(visitor, referral).status_code == 200

    def full(_: Any) -> Any:
        raise NotRecorded("the record's store cannot be used: its disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(held(app).database, "write", full)
        assert by_api(visitor, referral).status_code == code
        ready = visitor.get("/readyz")
        assert ready.status_code == code
        assert "its disk is full" in ready.text
        assert ready.json is not None
        assert ready.json["record"]["store"] == "down"
        assert ready.json["record"].get("waiting") == (1 if when_down == "spool" else None)
    assert visitor.get("/readyz").status_code == 200
    assert held(app).head().seq == (2 if when_down == "spool" else 1)


def test_a_service_that_records_nothing_says_so(tmp_path: Path, referral: dict[str, Any]) -> None:
    app = application(tmp_path, AUDIT_STORE="off")
    response = by_api(app.test_client(), referral)
    assert response.status_code == 200
    assert "Indication-Record" not in response.headers
    told = app.test_client().get("/readyz").json
    assert told is not None
    assert told["record"] == {"store": "off"}


def test_feedback_stands_in_the_record_with_the_cards_of_its_decision(recording: Flask, visitor: FlaskClient) -> None:
    response = by_hook(visitor, None)
    assert response.json is not None
    names = [card["uuid"] for card in response.json["cards"]]
    row = held(recording).get(response.headers["Indication-Record"])
    assert row.content is not None
    assert set(names) == set(json.loads(row.content.body)["cards"])
    assert "cards" not in row.recorded.line
    feedback = {"feedback": [{"card": names[0], "outcome": "overridden", "outcomeTimestamp": "2026-11-26T09:00:00Z"}]}
    assert visitor.post("/cds-services/indication-patient-view/feedback", json=feedback).status_code == 200
    head = held(recording).head()
    (last,) = held(recording).rows(head.seq, head.seq)
    assert last.recorded.kind == "feedback"
    line = json.loads(last.recorded.line)
    assert (line["card"], line["outcome"]) == (names[0], "overridden")
    assert visitor.post("/cds-services/indication-patient-view/feedback", json=feedback).status_code == 200
    assert held(recording).head() == head, "said twice, recorded once"


def test_no_name_of_a_card_can_be_computed_once_its_decision_is_erased(recording: Flask, visitor: FlaskClient) -> None:
    """It stands in the line of the feedback for ever: whoever has the call could try every referral."""
    first, again = (by_hook(visitor, None) for _ in range(2))
    assert first.json is not None
    assert again.json is not None
    names = [card["uuid"] for card in first.json["cards"]]
    assert not {*names} & {card["uuid"] for card in again.json["cards"]}, "each answer has names of its own"
    row = held(recording).get(first.headers["Indication-Record"])
    assert row.content is not None
    secret = json.loads(row.content.body)["cards_named_from"]
    assert len(secret) == 32
    assert str(uuid.uuid5(cards._NAMESPACE, f"{secret}|info")) in names, (
        "while it is kept the same cards can be made again"
    )
    assert secret not in row.recorded.line
    assert secret not in first.text


def test_decisions_wait_with_their_rulebook_while_the_store_is_down(
    tmp_path: Path, referral: dict[str, Any], monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("INDICATION_STATE", str(tmp_path / "state"))
    down = "postgresql://nobody@127.0.0.1:1/none"
    app = application(tmp_path, AUDIT_STORE=down, AUDIT_WHEN_DOWN="spool")
    visitor = app.test_client()
    ids = [by_api(visitor, referral).headers["Indication-Record"] for _ in range(3)]
    ready = visitor.get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["record"]["store"] == "down"

    later = application(tmp_path, AUDIT_STORE=postgres_url, AUDIT_WHEN_DOWN="spool")
    ids.append(by_api(later.test_client(), referral).headers["Indication-Record"])
    store = held(later)
    assert [row.recorded.id for row in store.rows()] == ids, "in the order in which they were answered"
    assert store.verify() is None
    assert store.waiting() == 0
    line = json.loads(store.get(ids[0]).recorded.line)
    assert decider(store, line["rulebook"]).rulebook.digest == line["rulebook"]
    store.close()
