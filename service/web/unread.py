"""A request's body on its way in: what is none by the rules of HTTP is the sender's mistake; what nobody wants is thrown away.

A connection closed on unread bytes would hide the refusal, so they are read; but not for long, since a worker serves one
request at a time.
"""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flask import Flask, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # it has no types

#: bytes: a refusal hides behind more than this
MOST = 32_000_000
#: of whoever is not let in: no more than a good call may have
MOST_OF_STRANGERS = 5_000_000
#: how long a body that nobody wants is waited for
SECONDS = 5.0


def register(app: Flask) -> None:
    """Must come before whatever reads a body."""
    app.before_request(_read_with_care)


def drain(most: int = MOST) -> None:
    """Reads what is left of the current request's body, `most` bytes and SECONDS at the most."""
    stream = request.environ["wsgi.input"]
    left, end = most, time.monotonic() + SECONDS
    with _deaf_after(SECONDS):
        try:
            while left > 0 and time.monotonic() < end and (chunk := stream.read(min(left, 65_536))):
                left -= len(chunk)
        except (OSError, ValueError):
            # The sender went away, or it is read already: nobody to tell.
            return


class _Body(io.RawIOBase):
    """A body as gunicorn reads it. Werkzeug makes a 400 of an OSError, and a 500 of the errors that gunicorn raises on bad chunks."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._body.read(len(buffer))
        except ParseException:
            # Its text would quote what was sent.
            raise OSError("the body's chunks are malformed") from None
        buffer[: len(found)] = found
        return len(found)


def _read_with_care() -> None:
    request.environ["wsgi.input"] = _Body(request.environ["wsgi.input"])


@contextmanager
def _deaf_after(seconds: float) -> Iterator[None]:
    """Hears no more of the sender after so long: gunicorn waits for a whole piece, however slowly its bytes drip."""
    connection = request.environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        yield
        return
    timer = threading.Timer(seconds, _deafen, (connection,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _deafen(connection: socket.socket) -> None:
    with suppress(OSError):  # the sender went away meanwhile
        connection.shutdown(socket.SHUT_RD)
