"""Traces: one span for each request with deciding in it, nothing of the patient, and nothing imported unless asked for."""

import json
import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from service.recommend.judge import Disagreement
from service.web import create_app, tracing

PLANTED = "planted-1948"
ROUTE = "/v1/recommendations"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def traced(root):
    app = create_app({"RULES": root / "rules", "TESTING": True, "AUDIT_STORE": "off"})
    exporter = InMemorySpanExporter()
    tracing.install(app, SimpleSpanProcessor(exporter))
    return app, exporter


@pytest.fixture
def spans(traced):
    exporter = traced[1]
    exporter.clear()
    return exporter.get_finished_spans


@pytest.fixture
def caller(traced):
    return traced[0].test_client()


def test_a_span_for_each_request(caller, spans, referral, at):
    sent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "tracestate": f"a={PLANTED}", "baggage": PLANTED}
    response = caller.post(ROUTE, json=referral, query_string={"at": at.isoformat()}, headers=sent)
    assert response.status_code == 200
    decide, whole = (span for span in spans() if span.name != "record")
    assert (decide.name, whole.name) == ("decide", f"POST {ROUTE}")
    assert decide.parent.span_id == whole.context.span_id
    assert whole.kind is SpanKind.SERVER
    assert f"{whole.context.trace_id:032x}" == TRACE, "the caller's own trace goes on"
    assert dict(whole.attributes) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 200,
        "indication.request_id": response.headers["X-Request-Id"],
        "indication.rulebook.digest": response.headers["Indication-Rulebook-Digest"],
    }
    assert dict(decide.attributes) == {}


def test_a_batch_is_one_span_with_its_decisions(caller, spans, referral):
    line = json.dumps(referral).encode()
    with caller.post(f"{ROUTE}/batch", data=line + b"\n" + line, content_type="application/x-ndjson") as response:
        assert len(response.data.splitlines()) == 2
    told = [span for span in spans() if span.name != "record"]
    assert [span.name for span in told] == ["decide", "decide", f"POST {ROUTE}/batch"]
    assert {span.context.trace_id for span in told} == {told[0].context.trace_id}
    assert told[-1].attributes["indication.rulebook.digest"] == response.headers["Indication-Rulebook-Digest"]


def test_nothing_that_was_sent_is_told(caller, spans, referral, traced, monkeypatch):
    caller.get(
        f"/{PLANTED}?{PLANTED}", headers={"X-Request-Id": PLANTED, "User-Agent": PLANTED, "traceparent": PLANTED}
    )
    caller.get(f"/v1/rulebook/rules/{PLANTED}")
    caller.open("/livez", method=PLANTED)
    caller.post(ROUTE, json={PLANTED: PLANTED})

    def fail(*_, **__):
        raise Disagreement([PLANTED])

    monkeypatch.setattr(traced[0].extensions["indication"].desk().decider, "considered", fail)
    assert caller.post(ROUTE, json=referral).status_code == 500
    told = spans()
    assert len(told) >= 7
    assert PLANTED not in "".join(span.to_json() for span in told).lower()
    assert [span.status.status_code for span in told][-1] is StatusCode.ERROR
    assert all(span.parent is None for span in told if span.name != "decide"), "no trace goes on where none was named"


IMPORTED = """
import sys
from service.web import create_app
create_app({"RULES": "rules"})
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


def test_without_the_setting_nothing_is_imported(root):
    run = subprocess.run([sys.executable, "-c", IMPORTED], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_without_the_packages_it_serves_untraced(root):
    hidden = "import sys\nsys.modules['opentelemetry'] = None\n" + IMPORTED.replace(
        '"RULES"', '"TRACING_ENDPOINT": "http://127.0.0.1:1", "RULES"'
    )
    environment = {**os.environ, "INDICATION_TRACING_ENDPOINT": "http://127.0.0.1:1"}
    run = subprocess.run(
        [sys.executable, "-c", hidden], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert "nothing is traced: tracing.endpoint is set" in run.stderr
    assert "requirements-otel.lock" in run.stderr
