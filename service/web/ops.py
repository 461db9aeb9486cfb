"""For whoever runs the service: is it alive, can it serve, which version is it."""

import platform
import sqlite3
from collections import Counter
from contextlib import suppress
from importlib.metadata import version as version_of
from typing import Any

from flask import Blueprint, Response

from service import ENGINE_VERSION
from service.selftest import SelfTestError
from service.web import asked, record, store, versions
from service.web.access import gate
from service.web.answering import json_response
from service.web.cds import clients, trust
from service.web.reload import last_status
from service.web.shadow import pages as shadow
from service.web.state import NotReady, state

#: what others are told in place of the reasons
MORE = "told to whoever asks from this machine itself, or has the role administer"

blueprint = Blueprint("ops", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """The process answers."""
    asked.only()
    return json_response({"status": "alive"}, languages=["en"])


@blueprint.get("/readyz")
def readyz() -> Response:
    """The rulebook is loaded, both engines decided the self-test referral within the last seconds, decisions can be recorded.

    A reload that was refused is told here; the rules in service stay, so the service stays ready. So it does when the
    file of clients is wrong: the form and the API serve on, and only the EHR's door is shut.
    Whoever does not run the service is told whether it is ready, and not why.
    """
    asked.only()
    code, told = _readiness()
    if not gate.operates():
        told = {"status": told["status"], "more": MORE}
    return json_response(told, ["en"], code)


def _readiness() -> tuple[int, dict[str, Any]]:
    here = state()
    recorded, unrecorded = record.told()
    with suppress(sqlite3.Error, OSError):
        store.current().tidy()
    told: dict[str, Any] = {
        "status": "ready",
        "last_reload": _reload(),
        "withheld_answers": dict(sorted(here.withheld.items())),
        "beside": versions.current().told(),
        "shadow": shadow.current().told(),
        "record": recorded,
        "access": gate.told(),
        **_ehr(),
    }
    try:
        desk = here.tested()
    except (NotReady, SelfTestError) as error:
        return 503, {**told, "status": "not ready", "errors": [*error.errors, *unrecorded]}
    if unrecorded:
        return 503, {**told, "status": "not ready", "errors": unrecorded}
    info = desk.decider.rulebook.info
    book = {"name": info.name, "version": info.version, "status": info.status, "digest": desk.decider.rulebook.digest}
    return 200, {**told, "rulebook": {**book, "published": desk.published}}


@blueprint.get("/version")
def version() -> Response:
    asked.only()
    told: dict[str, Any] = {
        "engine": ENGINE_VERSION,
        "python": platform.python_version(),
        "durable_rules": version_of("durable_rules"),
        "rulebook": None,
    }
    try:
        rulebook = state().desk().decider.rulebook
    except NotReady:
        return json_response(told, ["en"])
    info = rulebook.info
    told["rulebook"] = {"name": info.name, "version": info.version, "status": info.status, "digest": rulebook.digest}
    return json_response(told, ["en"])


def _ehr() -> dict[str, Any]:
    """The EHR's door: whether anybody may come in (the development switch), how many clients, and why calls were refused."""
    known = clients.current()
    by_reason: Counter[str] = Counter()
    for (reason, _), count in trust.refused().items():
        by_reason[reason] += count
    return {
        "cds_open": known.open_,
        "cds_clients": len(known.entries),
        "cds_errors": list(known.mistakes),
        "cds_refused": dict(sorted(by_reason.items())),
    }


def _reload() -> dict[str, Any] | None:
    """What became of the last candidate rules; None when nobody takes rules here (no gunicorn master)."""
    try:
        last = last_status()
    except (OSError, ValueError, KeyError, TypeError):
        return {"taken": False, "errors": ["the status of the last reload cannot be read"]}
    if last is None:
        return None
    left_out = {"left_out": list(last.left_out)} if last.left_out else {}
    return {"taken": last.taken, "checked_at": last.checked_at, "errors": list(last.errors), **left_out}
