"""Whatever goes wrong becomes a problem, and is logged without a word of the patient."""

import logging

from flask import Flask, Response
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from service.language.vocabulary import Text
from service.recommend.judge import Disagreement
from service.referral.strict_json import canonical
from service.run.adapter import EngineError
from service.web import asked, problem
from service.web.logs import whereabouts
from service.web.metrics import counting
from service.web.problem import Problem
from service.web.state import NotReady, state
from service.web.unread import drain

log = logging.getLogger(__name__)

_HTTP = {
    BadRequest: "bad-request",
    NotFound: "not-found",
    MethodNotAllowed: "method-not-allowed",
    RequestEntityTooLarge: "too-large",
    UnsupportedMediaType: "unsupported-media-type",
}


def register(app: Flask) -> None:
    app.register_error_handler(Exception, _handled)


def _handled(error: Exception) -> Response:
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        # A redirect is no refusal.
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    if isinstance(error, RequestEntityTooLarge):
        drain()
    response = respond(refusal(error))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def refusal(error: Exception) -> Problem:
    """The problem that an exception becomes, once it is logged and counted."""
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, NotReady):
        return Problem("not-ready")
    if isinstance(error, Disagreement):
        state().withheld["disagreement"] += 1
        counting.withheld("disagreement")
        log.error("answer withheld: the two engines disagree on %s", ", ".join(error.what))
    elif isinstance(error, EngineError):
        state().withheld["engine_error"] += 1
        counting.withheld("engine_error")
        log.error("answer withheld: the engine failed")
    found = problem.of(error)
    if found.kind == "internal-error":
        log.error("internal error: %s", whereabouts(error))
    return found


def respond(found: Problem) -> Response:
    language = asked.language()
    # What the sender wrote may hold half of a surrogate pair, which UTF-8 cannot: a refusal must not fail on it.
    body = canonical(found.told(language)).encode("utf-8", "replace")
    response = Response(body, found.status, content_type="application/problem+json")
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    response.headers.extend(found.headers)
    return response


def _http(error: HTTPException) -> Problem:
    for exception, kind in _HTTP.items():
        if isinstance(error, exception):
            return Problem(kind)
    status = error.code or 500
    known = status < 500
    found = Problem(
        "bad-request" if known else "internal-error", detail=Text(error.name, error.name) if known else None
    )
    found.status = status
    return found
