"""Every request has a name, told back to its sender and written in every log line of that request.

A caller may name its request with a UUID; any other text could name a patient, and is replaced without a word.
"""

import logging
import re
import uuid
from collections.abc import MutableMapping
from typing import Any

from flask import Flask, Response, g, has_request_context, request

HEADER = "X-Request-Id"
#: where gunicorn's access log finds what the application knows of a request (logs.py); a dict of plain words
NOTES = "indication.notes"
#: of RFC 9562, its version and variant looked at: fifteen digits and zeros could be the number of a person
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[1-8][0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}\Z")


class _Known(logging.Filter):
    """Gives each log record the id of its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request"):
            record.request = current()
        return True


_KNOWN = _Known()


def register(app: Flask) -> None:
    """Call it before anything else that looks at requests."""
    app.before_request(_named)
    app.after_request(_told)
    for handler in (*logging.root.handlers, *logging.getLogger("gunicorn.error").handlers):
        handler.addFilter(_KNOWN)


def current() -> str | None:
    """The id of the request that is being answered: a UUID in lower case; None outside of one."""
    found: str | None = g.get("request_id") if has_request_context() else None
    return found


def note(**words: str) -> None:
    """Adds to what the access log may tell of this request. Words of ours only, never what was sent."""
    if has_request_context():
        notes: MutableMapping[str, Any] = request.environ.setdefault(NOTES, {})
        notes.update(words)


def route() -> str:
    """The template of the address, `/v1/rulebook/rules/<name>`: the address itself could name a patient, or open something."""
    return request.url_rule.rule if request.url_rule is not None else "unmatched"


def _named() -> None:
    given = request.headers.get(HEADER, "").lower()
    g.request_id = given if _UUID.match(given) else uuid.uuid4().hex
    note(request=g.request_id, route=route())


def _told(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    client = getattr(g.get("caller"), "name", None)
    if isinstance(client, str):
        note(client=client)
    return response
