"""The door as a client meets it: open, or with the tokens that are asked of everybody."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service.web import create_app

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "/fhir/$recommend"
AT = "2026-11-23T09:00:00+01:00"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
SUBJECT = {"reference": "Patient/test-1"}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _observation(name: str, code: str, value: float, unit: str, when: str = "2026-11-20") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": _coded(LOINC, code),
        "subject": SUBJECT,
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


@pytest.fixture
def record() -> list[dict[str, Any]]:
    """The resources of one patient with a bone metastasis, to be changed at will."""
    return [
        {"resourceType": "Patient", "id": "test-1", "gender": "female", "birthDate": "1965-03-02"},
        {
            "resourceType": "Condition",
            "id": "test-metastasis",
            "clinicalStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "verificationStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
            "code": _coded(SNOMED, "94222008"),
            "subject": SUBJECT,
        },
        _observation("test-platelets", "777-3", 32, "10*9/L"),
        # Grams of what, in which volume? Nothing is guessed.
        _observation("test-crp", "1988-5", 12, "furlong"),
    ]


def _app(folder: Path, **config: Any) -> Flask:
    return create_app({"RULES": ROOT / "rules", "TESTING": True, "STORE": folder / "store.sqlite", **config})


@pytest.fixture(scope="session")
def open_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return _app(tmp_path_factory.mktemp("store"), CDS_OPEN=True, CLIENTS=None)


@pytest.fixture
def closed_app(tmp_path: Path) -> Callable[[Path | None], Flask]:
    return lambda path: _app(tmp_path, CDS_OPEN=False, CLIENTS=path)


@pytest.fixture
def bundle() -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    def make(resources: list[dict[str, Any]]) -> dict[str, Any]:
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}

    return make


@pytest.fixture
def ask(open_app: Flask) -> Callable[..., TestResponse]:
    """Sends a body, data or bytes, asking for English, to be evaluated at AT."""

    def send(body: Any, **settings: Any) -> TestResponse:
        given: dict[str, Any] = {
            "content_type": "application/fhir+json",
            "query_string": {"at": AT},
            "headers": {"Accept-Language": "en"},
        } | settings
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return open_app.test_client().post(ADDRESS, data=data, **given)

    return send
