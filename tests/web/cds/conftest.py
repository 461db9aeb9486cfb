"""An EHR in a few lines: calls as it makes them, and what every answer must hold to."""

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.audit.store import Record
from service.fhir.read import Reading
from service.fhir.unused import Unused
from service.web import create_app, record, store
from service.web.cds import clients, services, trust

ROOT = Path(__file__).resolve().parents[3]
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
SELECT, SIGN, VIEW = "indication-order-select", "indication-order-sign", "indication-patient-view"
HOOKS = {SELECT: "order-select", SIGN: "order-sign", VIEW: "patient-view"}
SNOMED = "http://snomed.info/sct"
BONE_METASTASIS = {"coding": [{"system": SNOMED, "code": "94222008"}]}
#: attributes that may be null or empty
MAY_BE_EMPTY = {"cards", "services"}


@pytest.fixture(scope="session")
def cds_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(
        {
            "RULES": ROOT / "rules",
            "TESTING": True,
            "WARM": True,
            "CDS_OPEN": True,
            "CLIENTS": None,
            "STORE": tmp_path_factory.mktemp("store") / "store.sqlite",
        }
    )


@pytest.fixture
def cds(cds_app: Flask, monkeypatch: pytest.MonkeyPatch, at: datetime, tmp_path: Path) -> FlaskClient:
    """A client of the door, at the moment `at`, with a store of its own; its cards are named from one known seed."""
    monkeypatch.setattr(services, "now", lambda: at)
    monkeypatch.setattr(services, "seed", lambda: "known")
    monkeypatch.setitem(cds_app.extensions, store.EXTENSION, store.Store(tmp_path / "store.sqlite"))
    return cds_app.test_client()


class Kept(record.Recorder):
    """A record of one test's own."""

    def feedback_kept(self) -> list[dict[str, Any]]:
        assert self.record is not None
        rows = [row for row in self.record.rows() if row.recorded.kind == "feedback" and row.content is not None]
        return [{**json.loads(row.recorded.line), **json.loads(row.content.body)} for row in rows if row.content]


@pytest.fixture
def kept(cds: FlaskClient, cds_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    held = Kept(Record.open(f"sqlite:///{tmp_path / 'record' / 'record.sqlite'}"), keep_input=True)
    monkeypatch.setitem(cds_app.extensions, record.EXTENSION, held)
    yield held
    assert held.record is not None
    held.record.close()


@pytest.fixture
def known_as(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Whoever calls is a client with these settings."""

    def be(**settings: Any) -> None:
        client = dataclasses.replace(clients.Clients(open_=True).anonymous, **settings)

        def authenticate(request: Any, known: Any, held: Any, audience: str, hook: str | None = None) -> clients.Client:
            if hook is not None:
                trust.permit(client, hook)
            return client

        monkeypatch.setattr(trust, "authenticate", authenticate)

    return be


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the reader of FHIR finds, whatever is sent: the cards are looked at here, not the reading."""

    def find(
        referral: dict[str, Any], *, concerned: bool = True, unused: tuple[Unused, ...] = (), origins: Any = None
    ) -> None:
        found = Reading(referral=copy.deepcopy(referral), origins=origins or {}, unused=unused, concerned=concerned)
        monkeypatch.setattr(services, "read", lambda *args, **kwargs: found)

    return find


def service_request(name: str = "s1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": name,
        "status": "draft",
        "intent": "order",
        "code": {"text": "avis spécialisé"},
        "subject": {"reference": "Patient/test-1"},
        "reasonReference": [{"reference": "Condition/c1"}],
        **more,
    }


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in resources],
        **more,
    }


def condition(name: str = "c1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": name,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": BONE_METASTASIS,
        "subject": {"reference": "Patient/test-1"},
        **more,
    }


PATIENT = {"resourceType": "Patient", "id": "test-1", "gender": "female", "birthDate": "1965-03-01"}


def call_body(service: str, *drafts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A call as an EHR makes it: every draft selected, a patient with one bone metastasis."""
    drafts = drafts or (service_request(),)
    context: dict[str, Any] = {"userId": "Practitioner/p1", "patientId": "test-1"}
    if service != VIEW:
        context["draftOrders"] = bundle(*drafts)
    if service == SELECT:
        context["selections"] = [f"{draft['resourceType']}/{draft['id']}" for draft in drafts]
    return {
        "hook": HOOKS[service],
        "hookInstance": INSTANCE,
        "context": context,
        "prefetch": {"patient": PATIENT, "conditions": bundle(condition())},
        **more,
    }


@dataclass
class Ehr:
    client: FlaskClient

    def ask(self, service: str, body: Any, language: str = "en") -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            f"/cds-services/{service}",
            data=data,
            content_type="application/json",
            headers={"Accept-Language": language},
        )

    def cards(self, service: str, body: Any = None, language: str = "en") -> list[dict[str, Any]]:
        response = self.ask(service, body or call_body(service), language)
        assert response.status_code == 200, response.get_data(as_text=True)[:500]
        assert response.content_type == "application/json"
        found: list[dict[str, Any]] = json.loads(response.data)["cards"]
        holds(json.loads(response.data))
        return found

    def feedback(self, service: str, *entries: Any) -> TestResponse:
        return self.client.post(f"/cds-services/{service}/feedback", json={"feedback": list(entries)})


@pytest.fixture
def seed() -> dict[str, Any]:
    """One lesion, well described: options with every kind of status."""
    read: dict[str, Any] = json.loads((ROOT / "docs" / "seed-patient.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def ehr(cds: FlaskClient) -> Ehr:
    return Ehr(cds)


def outcome(response: TestResponse, status: int) -> dict[str, Any]:
    """A refusal: its OperationOutcome."""
    assert response.status_code == status, response.get_data(as_text=True)[:300]
    assert response.content_type == "application/fhir+json"
    body: dict[str, Any] = json.loads(response.data)
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"]
    for issue in body["issue"]:
        assert issue["severity"] in ("fatal", "error")
        assert issue["details"]["text"]
    assert list(empties(body)) == []
    return body


def empties(value: Any, key: str = "") -> Iterator[str]:
    """Where something is null or empty that may not be."""
    if value in (None, "", [], {}) and key not in MAY_BE_EMPTY:
        yield key or "(whole)"
    for name, inner in (
        value.items()
        if isinstance(value, dict)
        else ((key, each) for each in value or ())
        if isinstance(value, list)
        else ()
    ):
        yield from empties(inner, name)


def holds(body: dict[str, Any]) -> None:
    """What CDS Hooks 2.0.1 asks of a response, and what we ask of ourselves."""
    assert body.keys() == {"cards"}
    assert list(empties(body)) == []
    cards = body["cards"]
    assert sum(card["indicator"] == "info" for card in cards) <= 1
    names = [card["uuid"] for card in cards]
    for card in cards:
        assert {"uuid", "summary", "detail", "indicator", "source", "overrideReasons"} <= card.keys()
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning")
        assert card["source"]["label"]
        assert ("selectionBehavior" in card) == ("suggestions" in card)
        assert card.get("selectionBehavior", "at-most-one") == "at-most-one"
        assert sum(each.get("isRecommended", False) for each in card.get("suggestions", ())) <= 1
        assert 6 <= len(card["overrideReasons"]) <= 8
        for reason in card["overrideReasons"]:
            assert reason.keys() == {"code", "system", "display"}
        for suggestion in card.get("suggestions", ()):
            names.append(suggestion["uuid"])
            assert suggestion["label"]
            for action in suggestion["actions"]:
                assert action["type"] == "create"
                assert action["description"]
                assert action["resource"]["resourceType"] == "ServiceRequest"
                assert action["resource"]["status"] == "draft"
        for link in card.get("links", ()):
            assert link["type"] == "absolute"
            assert link["url"].startswith(("http://", "https://"))
            assert link["label"]
            assert "appContext" not in link
    assert len(names) == len(set(names))
