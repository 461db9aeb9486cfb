"""Traces, for whoever runs OpenTelemetry: a span for each request, and in it deciding and recording. Never a value in one.

Without `tracing.endpoint` nothing of OpenTelemetry is imported: it is an extra (requirements-otel.txt).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, g, has_app_context, request

from service import ENGINE_VERSION
from service.web import logs, request_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

EXTENSION = "indication-tracing"
#: where a collector takes traces over HTTP
PATH = "/v1/traces"
NAME = "indication"
SERVER_ERRORS = 500


def register(app: Flask, endpoint: str | None) -> None:
    """Traces the requests of this application, if it is told where to. Without the extra it says so, and serves untraced."""
    if endpoint is None:
        return
    try:
        install(app, _sender(endpoint))
    except ImportError:
        log.error(  # noqa: TRY400 - what is missing is said, and how to mend it
            "nothing is traced: tracing.endpoint is set, and the packages of requirements-otel.txt are not installed "
            "(.venv/bin/pip install --require-hashes -r requirements-otel.lock)"
        )


def install(app: Flask, processor: "SpanProcessor") -> None:
    """Hands the spans of this application's requests to `processor`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    # Not Resource.create, which adds what it finds of this machine.
    provider = TracerProvider(resource=Resource({"service.name": NAME, "service.version": ENGINE_VERSION}))
    provider.add_span_processor(processor)
    app.extensions[EXTENSION] = provider.get_tracer(NAME)
    app.before_request(_begun)
    app.after_request(_answered)
    app.teardown_request(_ended)


@contextmanager
def span(name: str) -> Iterator[None]:
    """A part of the current request: `decide`, `record`. Nothing when nobody traces."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    # An exception is not recorded: its message could quote a patient.
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
        yield


def rulebook(digest: str) -> None:
    """The current request is answered with these rules."""
    if _tracer() is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attribute("indication.rulebook.digest", digest)


def _tracer() -> "Tracer | None":
    found: Tracer | None = current_app.extensions.get(EXTENSION) if has_app_context() else None
    return found


def _begun() -> None:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    tracer = _tracer()
    if tracer is None:
        return
    # Of the caller's trace its two numbers alone: what else it carries along could say anything.
    context = TraceContextTextMapPropagator().extract({"traceparent": request.headers.get("traceparent", "")})
    method = logs.method(request.method)
    route = request_id.route()
    attributes = {
        "http.request.method": method,
        "http.route": route,
        "indication.request_id": request_id.current() or "",
    }
    begun = tracer.start_span(f"{method} {route}", context, kind=trace.SpanKind.SERVER, attributes=attributes)
    current = trace.use_span(begun, end_on_exit=False, record_exception=False, set_status_on_exception=False)
    current.__enter__()  # left in `_ended`, which Flask calls whatever happens
    g.tracing = begun, current


def _answered(response: Response) -> Response:
    from opentelemetry.trace import Status, StatusCode

    if (begun := g.get("tracing")) is not None:
        begun[0].set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= SERVER_ERRORS:
            begun[0].set_status(Status(StatusCode.ERROR))
        if response.is_streamed:
            # A batch is decided while it is sent.
            response.call_on_close(lambda: _close(begun))
            g.pop("tracing")
    return response


def _ended(_: BaseException | None) -> None:
    if (begun := g.pop("tracing", None)) is not None:
        _close(begun)


def _close(begun: Any) -> None:
    span_, current_ = begun
    current_.__exit__(None, None, None)
    span_.end()


def _sender(endpoint: str) -> "SpanProcessor":
    """Sends spans in the background, some at a time; those that cannot be sent are dropped."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint + PATH))
