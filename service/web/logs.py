"""What is logged, and how: one line for each event, as JSON for machines or as text for a terminal. Never a word of the patient.

No line holds a query, a body, the value of a header, an address as it was sent, or the message of an exception: any of
them could name a patient. An exception is told by its type and the lines of code it came through.

This module uses the standard library alone. gunicorn.conf.py loads it by its path, so that the master never imports
the application.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["json", "text"]

#: the loggers that follow `logs.level`. Others speak from `warning` on: at `info` a database library logs what it writes
OURS = ("service", "wsgi")
FRAMES = 6
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: what a log record may carry beside its message (`extra`), in the order in which it is written
FIELDS = ("request", "method", "route", "status", "bytes", "milliseconds", "client", "door", "address")


def whereabouts(error: BaseException) -> str:
    """The type of an exception and the lines it came through; not its message, which could quote a patient."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    name = type(error).__name__
    if isinstance(error, ImportError) and error.name:
        name += f"({error.name})"
    through = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{name} at {through}" if through else name


class Plain(logging.Formatter):
    """A line of text. What could end the line is escaped: nobody forges a second one."""

    def format(self, record: logging.LogRecord) -> str:
        told = said(record)
        request = told.pop("request", None)
        head = f"{told.pop('time')} {told.pop('level')} {told.pop('logger')} {told.pop('message')}"
        tail = [f"{name}={value}" for name, value in told.items()] + ([f"request={request}"] if request else [])
        return " ".join([head, *tail]).replace("\r", "\\r").replace("\n", "\\n")


class Structured(logging.Formatter):
    """A line of JSON, one object."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(said(record), ensure_ascii=False, separators=(",", ":"), default=lambda value: "-")


def said(record: logging.LogRecord) -> dict[str, Any]:
    """Everything that is written of a record."""
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "process": record.process,
        "message": _message(record),
    }
    told |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
    if record.exc_info and record.exc_info[1] is not None:
        told["error"] = whereabouts(record.exc_info[1])
    return told


def _message(record: logging.LogRecord) -> str:
    """The message; an exception among its arguments is told by its type."""
    if isinstance(record.msg, BaseException):
        return type(record.msg).__name__
    if isinstance(record.args, tuple):
        record.args = tuple(type(arg).__name__ if isinstance(arg, BaseException) else arg for arg in record.args)
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return "a message that cannot be put together"


def formatter(format_: str | None) -> logging.Formatter:
    """The formatter of a setting; when it is not set, text on a terminal and JSON elsewhere."""
    return Plain() if (format_ or ("text" if sys.stderr.isatty() else "json")).lower() == "text" else Structured()


def start(format_: str | None, level: str | None) -> None:
    """Sets up the log of this process, on its standard error. For processes of ours, never in a test's own process."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(format_))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel((level or "info").upper())
    logging.captureWarnings(True)
    log = logging.getLogger("service")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("this process ends: %s", whereabouts(error.with_traceback(trace)))

    def uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
        if given.exc_value is not None:
            log.critical("a thread ended: %s", whereabouts(given.exc_value))

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread


def method(word: str | None) -> str:
    """The method of a request as it is told: any word but HTTP's own could be chosen to say something."""
    return word if word in METHODS else "OTHER"


def access(environ: Mapping[str, Any], status: str, sent: int | None, milliseconds: float) -> dict[str, Any]:
    """What the access log tells of a request: its own words, and what the application noted of it."""
    notes = environ.get("indication.notes", {})
    return {
        **{name: notes[name] for name in ("request", "client", "door") if name in notes},
        "method": method(environ.get("REQUEST_METHOD")),
        "route": notes.get("route", "unmatched"),
        "status": int(status) if status.isdecimal() else status,
        "bytes": sent,
        "milliseconds": round(milliseconds, 1),
        "address": environ.get("REMOTE_ADDR") or "-",
    }
