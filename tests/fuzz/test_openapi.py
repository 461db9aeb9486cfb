"""Requests made from the OpenAPI document by schemathesis: what fits it, and what does not.

Every answer must be one that the document tells of: its status, its type, its headers, its shape. Answers of 500 and more
are none, but for the 503 of what is not there yet. `--hypothesis-show-statistics` counts the cases.
"""

import copy
import json
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, SerializationContext
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.web import create_app
from tests.fuzz.conftest import AUTHORIZED
from tests.strategies import RULES, Sent, examples, guided

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BATCH = "POST /v1/recommendations/batch"


@schemathesis.serializer("application/x-ndjson")
def _lines(_: SerializationContext, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _operations() -> dict[str, APIOperation]:
    document = create_app({"RULES": RULES, "AUDIT_STORE": "off"}).test_client().get("/v1/openapi.json").get_json()
    found = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    return {each.label: each for each in found}


OPERATIONS = _operations()


def _may_not_fit(operation: APIOperation) -> bool:
    """Whether a request can be made that does not fit: any text may stand in an address or a header."""
    return bool(operation.body or operation.query)


MODES = [
    (label, mode)
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode.is_positive or _may_not_fit(operation)
]


def _of_our_time(case: Case) -> None:
    """Decided in this century: whoever draws from all moments seldom gets further than to be told so."""
    if "at" in (case.query or {}):
        case.query["at"] = "2026-11-23T09:00:00+01:00"
    if isinstance(case.body, dict) and "recorded_at" in case.body:
        case.body["recorded_at"] = "2026-11-20"


def judged(case: Case, app: Flask, *, fits: bool) -> int:
    response = case.call(app=app, headers=AUTHORIZED)
    status: int = response.status_code
    assert status < 500 or status == 503, response.text[:500]
    assert response.headers["cache-control"] == ["no-store"]
    rejected = [] if fits or case.operation.label == BATCH else [negative_data_rejection]
    case.validate_response(response, checks=[*CHECKS, *rejected])
    return status


@pytest.mark.parametrize(("label", "mode"), MODES, ids=[f"{label}-{mode}" for label, mode in MODES])
@given(data=st.data())
@examples(10)
def test_every_answer_is_told_of(label: str, mode: GenerationMode, data: st.DataObject, fuzzed: Flask) -> None:
    operation = OPERATIONS[label]
    case = data.draw(operation.as_strategy(generation_mode=mode))
    if mode.is_positive and data.draw(st.booleans()):
        _of_our_time(case)
    judged(case, fuzzed, fits=mode.is_positive)


@given(sent=guided(), detail=st.sampled_from(["decisive", "full"]), language=st.sampled_from(["fr", "en"]))
@examples(8)
def test_what_is_decided_is_recorded_and_decided_again_alike(
    sent: Sent, detail: str, language: str, fuzzed: Flask
) -> None:
    """From one door to the next by what each answer gives: the referral, its record, the decision made again, the end of the chain."""

    def ask(label: str, **parts: Any) -> Any:
        case = OPERATIONS[label].Case(**parts)
        response = case.call(app=fuzzed, headers=AUTHORIZED | {"Accept-Language": language})
        assert response.headers["cache-control"] == ["no-store"]
        case.validate_response(response, checks=CHECKS)
        return response

    query = {"at": sent.at.isoformat(), "trace": detail}
    decided = ask("POST /v1/recommendations", body=sent.data, media_type="application/json", query=query)
    head = ask("GET /v1/record").json()["head"]
    if decided.status_code != 200:
        assert decided.status_code == 422
        assert "indication-record" not in decided.headers
        return
    (name,) = decided.headers["indication-record"]
    record = ask("GET /v1/record/{id}", path_parameters={"id": name})
    assert record.json()["id"] == name
    assert record.json()["content"]["input_digest"] == decided.json()["input_digest"]
    again = ask("POST /v1/record/{id}/replay", path_parameters={"id": name})
    assert (again.status_code, again.json()["same"]) == (200, True)
    assert again.json()["answer"] == decided.json()
    # To read and to replay add nothing.
    assert ask("GET /v1/record").json()["head"] == head


def test_the_checks_would_see_it(fuzzed: Flask) -> None:
    """A status, a type, a shape that the document does not have: each is noticed."""
    case = OPERATIONS["GET /v1/scores"].Case()
    response = case.call(app=fuzzed, headers=AUTHORIZED)
    for part, bent in (
        ("status_code", 418),
        ("headers", {**response.headers, "content-type": ["text/csv"]}),
        ("content", b"[7]"),
    ):
        changed = copy.copy(response)
        setattr(changed, part, bent)
        with pytest.raises(FailureGroup):
            case.validate_response(changed, checks=CHECKS)
    case.validate_response(response, checks=CHECKS)
