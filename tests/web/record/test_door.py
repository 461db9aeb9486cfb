"""The record over HTTP: what a reader of records is given, and nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from jsonschema import Draft202012Validator

from service.clients.callers import digest, new_key
from service.web import create_app, record
from tests.strategies import ROOT

AT = "2026-11-23T09:00:00+01:00"
READER, EHR = new_key()[0], new_key()[0]


def application(folder: Path, **settings: Any) -> Flask:
    entries = [
        {"name": name, "roles": [role], "api_keys": [{"id": key.split("_")[1], "sha256": digest(key).hex()}]}
        for name, role, key in (("auditor", "read_record", READER), ("portal", "evaluate", EHR))
    ]
    (folder / "clients.yaml").write_text(yaml.safe_dump({"clients": entries}), encoding="utf-8")
    return create_app(
        {
            "RULES": ROOT / "rules",
            "TESTING": True,
            "ACCESS_API": "clients",
            "CLIENTS": folder / "clients.yaml",
            "STORE": folder / "store.sqlite",
            "AUDIT_STORE": f"sqlite:///{folder / 'record.sqlite'}",
            **settings,
        }
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return application(tmp_path_factory.mktemp("door"))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def decided(app: Flask, referral: dict[str, Any]) -> tuple[str, Any]:
    response = app.test_client().post(
        "/v1/recommendations", json=referral, query_string={"at": AT}, headers=bearer(EHR)
    )
    return response.headers["Indication-Record"], response.json


def test_a_record_says_who_asked_and_what_was_decided(recording: Flask, referral: dict[str, Any]) -> None:
    name, answer = decided(recording, referral)
    told = recording.test_client().get(f"/v1/record/{name}", headers=bearer(READER)).json
    assert told is not None
    assert (told["id"], told["kind"], told["line"]["client"], told["line"]["door"]) == (
        name,
        "decision",
        "portal",
        "api",
    )
    assert told["line"]["rulebook"] == answer["rulebook"]["digest"]
    assert told["content"]["input_digest"] == answer["input_digest"]
    first = [option["status"] for option in answer["lesions"][0]["options"]]
    assert [status for _, status in told["content"]["lesions"][0]["options"]] == first
    assert told["feedback"] == []


def test_what_it_tells_fits_the_openapi_document(recording: Flask, referral: dict[str, Any]) -> None:
    name, _ = decided(recording, referral)
    visitor = recording.test_client()
    document = visitor.get("/v1/openapi.json").json
    assert document is not None
    for method, address, path in (
        ("get", "/v1/record", "/v1/record"),
        ("get", f"/v1/record/{name}", "/v1/record/{id}"),
        ("post", f"/v1/record/{name}/replay", "/v1/record/{id}/replay"),
    ):
        response = visitor.open(address, method=method.upper(), headers=bearer(READER))
        schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(response.json)


def test_it_is_made_again_byte_for_byte(recording: Flask, referral: dict[str, Any]) -> None:
    name, answer = decided(recording, referral)
    told = recording.test_client().post(f"/v1/record/{name}/replay", headers=bearer(READER)).json
    assert told is not None
    assert (told["same"], told["differences"], told["answer"]) == (True, [], answer)


def test_who_may_only_decide_may_not_read(recording: Flask, referral: dict[str, Any]) -> None:
    name, _ = decided(recording, referral)
    visitor = recording.test_client()
    for address in ("/v1/record", f"/v1/record/{name}"):
        assert visitor.get(address).status_code == 401
        assert visitor.get(address, headers=bearer(EHR)).status_code == 403
    assert visitor.post(f"/v1/record/{name}/replay", headers=bearer(EHR)).status_code == 403


def test_nobody_unknown_reads_it_where_the_api_is_open(tmp_path: Path, referral: dict[str, Any]) -> None:
    app = application(tmp_path, ACCESS_API="open", CLIENTS=None)
    visitor = app.test_client()
    name = visitor.post("/v1/recommendations", json=referral, query_string={"at": AT}).headers["Indication-Record"]
    assert visitor.get(f"/v1/record/{name}").status_code == 401


def test_the_end_of_the_chain_is_an_anchor(recording: Flask, referral: dict[str, Any]) -> None:
    decided(recording, referral)
    told = recording.test_client().get("/v1/record", headers=bearer(READER)).json
    with recording.app_context():
        kept = record.current().record
    assert kept is not None
    assert told == {"head": str(kept.head()), "waiting": 0}


@pytest.mark.parametrize("name", ["0" * 32, "x", "0" * 33, "%00"])
def test_what_is_not_there_is_not_found(name: str, recording: Flask) -> None:
    visitor = recording.test_client()
    assert visitor.get(f"/v1/record/{name}", headers=bearer(READER)).status_code == 404
    assert visitor.post(f"/v1/record/{name}/replay", headers=bearer(READER)).status_code == 404


def test_where_only_the_digest_is_kept_the_referral_must_come_along(tmp_path: Path, referral: dict[str, Any]) -> None:
    app = application(tmp_path, AUDIT_KEEP="digest")
    name, _ = decided(app, referral)
    visitor, address = app.test_client(), f"/v1/record/{name}/replay"
    refused = visitor.post(address, headers=bearer(READER))
    assert refused.status_code == 409
    assert "give the referral" in visitor.post(address, headers={**bearer(READER), "Accept-Language": "en"}).text
    told = visitor.post(address, json=referral, headers=bearer(READER)).json
    assert told is not None
    assert told["same"] is True
    other = json.loads(json.dumps(referral))
    other["lesions"] = other["lesions"][:1]
    assert visitor.post(address, json=other, headers=bearer(READER)).status_code == 409


def test_erased_content_is_told_as_erased(tmp_path: Path, referral: dict[str, Any]) -> None:
    app = application(tmp_path)
    name, _ = decided(app, referral)
    with app.app_context():
        kept = record.current().record
    assert kept is not None
    kept.erase([name], "asked for", "2026-11-26T09:00:00.000000+00:00", "test")
    visitor = app.test_client()
    told = visitor.get(f"/v1/record/{name}", headers=bearer(READER)).json
    assert told is not None
    assert told["content"] is None
    assert visitor.post(f"/v1/record/{name}/replay", headers=bearer(READER)).status_code == 409
