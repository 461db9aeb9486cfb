"""POST /v1/recommendations/batch: one line out for each line in, whatever the others hold."""

import json

import pytest

from service.recommend.judge import Disagreement
from service.web import api

ADDRESS = "/v1/recommendations/batch"
NDJSON = "application/x-ndjson"


@pytest.fixture
def send(post):
    def send(*lines, **kwargs):
        body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return post(body, ADDRESS, content_type=kwargs.pop("content_type", NDJSON), **kwargs)

    return send


def test_each_line_is_the_answer_it_would_get_alone(send, post, referral):
    other = {**referral, "patient": {}}
    response = send(referral, other, referral)
    assert response.status_code == 200
    assert response.content_type == NDJSON
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Indication-Rulebook-Digest"]
    first, second, third, rest = response.data.split(b"\n")
    assert (first, second, third, rest) == (post(referral).data, post(other).data, first, b"")


def test_it_is_streamed(send, referral):
    response = send(referral, referral, buffered=False)
    assert response.content_length is None
    parts = iter(response.response)
    assert next(parts).count(b"\n") == 1
    assert next(parts).count(b"\n") == 1
    assert next(parts, None) is None


def test_bad_lines_stop_no_other(send, referral):
    response = send(b"{", referral, b"", {"a": 1}, b"\xff", referral)
    lines = [json.loads(line) for line in response.data.splitlines()]
    assert [line.get("line") for line in lines] == [1, None, 3, 4, 5, None]
    assert [line.get("status") for line in lines] == [400, None, 400, 422, 400, None]
    assert lines[3]["errors"][0]["pointer"] == "/a"
    assert lines[2]["errors"][0]["code"] == "empty_line"
    assert lines[1] == lines[5]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_line_endings(post, referral, ending):
    line = json.dumps(referral).encode()
    response = post(line + b"\r\n" + line + ending, ADDRESS, content_type=NDJSON)
    first, second = response.data.splitlines()
    assert first == second == post(referral).data


def test_faults_of_the_service_stay_on_their_line(send, referral, app, monkeypatch, caplog):
    decider = app.extensions["indication"].desk().decider
    considered = decider.considered

    def fail_at_times(body, *rest):
        if body == "disagree":
            raise Disagreement(["some.rule"])
        if body == "crash":
            raise ZeroDivisionError(body)
        return considered(body, *rest)

    monkeypatch.setattr(decider, "considered", fail_at_times)
    lines = [json.loads(line) for line in send(b'"disagree"', b'"crash"', referral).data.splitlines()]
    assert [line.get("type", "").rpartition("-")[2] for line in lines] == ["disagreement", "error", ""]
    assert "some.rule" in caplog.text
    assert "crash" not in caplog.text


def test_too_many_lines(send, is_problem):
    assert send(*[b"0"] * api.MAX_LINES).data.count(b"\n") == api.MAX_LINES
    problem = is_problem(send(*[b"0"] * (api.MAX_LINES + 1)), 413)
    assert str(api.MAX_LINES) in problem["detail"]


def test_a_line_too_long(send, referral):
    lines = send(b" " * (api.MAX_BODY + 1), referral).data.splitlines()
    assert json.loads(lines[0])["status"] == 413
    assert "lesions" in json.loads(lines[1])


def test_too_much_in_all(post, is_problem):
    is_problem(post(b" " * (api.MAX_BATCH + 1), ADDRESS, content_type=NDJSON), 413)


def test_when_its_time_is_over_the_rest_is_told_so(send, referral, monkeypatch):
    monkeypatch.setattr(api, "BATCH_SECONDS", -1)
    lines = [json.loads(line) for line in send(referral, referral).data.splitlines()]
    assert [(line["line"], line["status"]) for line in lines] == [(1, 503), (2, 503)]
    assert lines[0]["type"].endswith("#problem-batch-interrupted")


def test_nothing_sent(send):
    assert send().data == b""


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_other_content_types(send, is_problem, content_type, referral):
    response = send(referral, content_type=content_type)
    is_problem(response, 415)
    assert NDJSON in response.headers["Accept"]


@pytest.mark.parametrize("query", ["trace=all", "at=now", "page=2"])
def test_parameters(send, is_problem, referral, query):
    is_problem(send(referral, query_string=query), 400)
