"""POST /v1/recommendations: what a good referral gets."""

import json
from typing import Any

import pytest
from flask import Flask

from service import ENGINE_VERSION
from service.referral.strict_json import canonical


def test_answer_is_canonical_and_says_who_gave_it(post, referral, rulebook, at):
    response = post(referral)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Indication-Rulebook"] == f"{rulebook.info.name} {rulebook.info.version}"
    assert response.headers["Indication-Rulebook-Digest"] == rulebook.digest
    assert response.headers["Indication-Engine"] == ENGINE_VERSION
    assert response.headers["Content-Language"] == "en"
    assert response.headers["Cache-Control"] == "no-store"
    answer = json.loads(response.data)
    assert response.data == canonical(answer).encode()
    assert answer["rulebook"]["digest"] == rulebook.digest
    assert answer["evaluated_at"] == at.isoformat()
    assert [lesion["id"] for lesion in answer["lesions"]] == ["L2", "rib"]


def test_same_bytes_whatever_the_order(post, referral):
    def turned(data: Any) -> Any:
        return {key: turned(data[key]) for key in reversed(data)} if isinstance(data, dict) else data

    other = turned(referral)
    other["lesions"] = [turned(lesion) for lesion in reversed(referral["lesions"])]
    assert json.dumps(other) != json.dumps(referral)
    assert post(referral).data == post(other).data == post(referral).data


def test_moment_may_be_written_with_a_plus_in_the_address(client, referral, post, at):
    assert "+" in at.isoformat()
    response = client.post(f"/v1/recommendations?at={at.isoformat()}", json=referral, headers={"Accept-Language": "en"})
    assert response.data == post(referral).data


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "fr"),
        ("fr", "fr"),
        ("en", "en"),
        ("en-GB", "en"),
        ("de", "fr"),
        ("de, en;q=0.5, fr;q=0.1", "en"),
        ("fr-CA, en;q=0.9", "fr"),
        ("*", "fr"),
        ("nonsense;;;q=x", "fr"),
    ],
)
def test_language(client, referral, accepted, language):
    headers = {} if accepted is None else {"Accept-Language": accepted}
    response = client.post("/v1/recommendations", json=referral, headers=headers)
    assert response.headers["Content-Language"] == language
    assert response.json["language"] == language
    assert "Accept-Language" in response.headers["Vary"]


def test_full_trace_holds_more(post, referral, at):
    decisive = post(referral)
    full = post(referral, query_string={"at": at.isoformat(), "trace": "full"})
    assert (decisive.json["detail"], full.json["detail"]) == ("decisive", "full")
    assert len(full.data) > len(decisive.data)


def test_now_is_the_moment_by_default(client, referral):
    referral["recorded_at"] = "2020-01-01"
    for lesion in referral["lesions"]:
        lesion.pop("imaging.mri", None)
    referral["patient"] = {}
    assert client.post("/v1/recommendations", json=referral).status_code == 200


@pytest.mark.parametrize("charset", ["application/json; charset=utf-8", "application/json; charset=UTF-8"])
def test_charset_may_be_said(post, referral, charset):
    assert post(referral, content_type=charset).status_code == 200


def test_nothing_is_kept_between_requests(app: Flask, referral, at):
    client = app.test_client()
    response = client.post("/v1/recommendations", json=referral)
    assert "Set-Cookie" not in response.headers


def test_answer_can_be_read_as_text(post, referral):
    response = post(referral, headers={"Accept-Language": "en", "Accept": "text/plain"})
    assert response.status_code == 200
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Indication-Rulebook-Digest"]
    assert {"Accept", "Accept-Language"} <= set(response.vary)
    text = response.get_data(as_text=True)
    assert "== Lesion L2 ==" in text
    assert "Decision support under a draft rulebook" in text


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html, */*", "application/json;q=0.9, text/plain;q=0.5"]
)
def test_answer_is_json_unless_text_is_preferred(post, referral, accept):
    assert post(referral, headers={"Accept": accept}).content_type == "application/json"
