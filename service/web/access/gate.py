"""One gate before every address: a table of what each needs. An address that is in no row is refused."""

import logging
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from flask import Flask, current_app, request

from service.clients.callers import Role
from service.language.vocabulary import Text
from service.web.access import caller as callers
from service.web.access import keys, proxy, rates, tokens
from service.web.access.caller import ANONYMOUS, Caller, Refused
from service.web.access.jws import MAX_TOKEN
from service.web.cds import clients
from service.web.metrics import counting
from service.web.problem import Problem
from service.web.unread import MOST_OF_STRANGERS, drain

log = logging.getLogger(__name__)

EXTENSION = "indication-access-refused"


class Need(Enum):
    """What an address asks of whoever calls it."""

    #: nothing
    PUBLIC = auto()
    #: nothing, so that probes are answered; the reasons are for whoever runs the service (`operates`)
    READY = auto()
    #: to be known, in whatever role
    KNOWN = auto()
    EVALUATE = auto()
    READ_RECORD = auto()
    ADMINISTER = auto()
    #: administer, but nothing of whoever calls from this machine itself
    METRICS = auto()
    #: the pages, each as its setting says: open, behind the proxy's login, or not there
    FORM = auto()
    RULEBOOK = auto()
    COMMITTEE = auto()
    #: the EHR's door asks by itself (service/web/cds/trust.py)
    EHR = auto()


#: by endpoint, else by blueprint
TABLE: dict[str, Need] = {
    "static": Need.PUBLIC,
    "docs.*": Need.PUBLIC,
    "ops.livez": Need.PUBLIC,
    "ops.readyz": Need.READY,
    "ops.version": Need.KNOWN,
    "api.*": Need.EVALUATE,
    "library.*": Need.KNOWN,
    "versions.recommend": Need.EVALUATE,
    "versions.*": Need.KNOWN,
    "shadow.*": Need.KNOWN,
    "record.*": Need.READ_RECORD,
    "metrics.*": Need.METRICS,
    "form.*": Need.FORM,
    "rulebook.*": Need.RULEBOOK,
    "committee.*": Need.COMMITTEE,
    "cds.*": Need.EHR,
    "fhir.recommend": Need.EHR,
    "fhir.*": Need.PUBLIC,
}
#: what must answer whoever is in a hurry: probes, and the parts of a page
UNLIMITED = frozenset({"static", "ops.livez", "ops.readyz"})

_ROLES: Mapping[Need, Role] = {
    Need.EVALUATE: "evaluate",
    Need.READ_RECORD: "read_record",
    Need.ADMINISTER: "administer",
    Need.METRICS: "administer",
    Need.FORM: "evaluate",
    Need.COMMITTEE: "administer",
}
_PAGES = (Need.FORM, Need.RULEBOOK, Need.COMMITTEE)
#: struct ucred of unix(7): process, user, group
_PEER = struct.Struct("3i")

_CLIENTS_FILE = Text(
    "Le fichier des clients a des erreurs : personne n’est admis ; /readyz les dit.",
    "The file of clients has mistakes: nobody is let in; /readyz tells them.",
)
_BY_PROXY = Text(
    "Cette page s’ouvre par l’adresse où l’on s’identifie ; demander l’adresse et l’accès à l’exploitant du service.",
    "This page is opened through the address where one logs in; ask whoever runs the service for it, and for access.",
)


def register(app: Flask) -> None:
    app.before_request(check)


def needed(endpoint: str) -> Need | None:
    """What an endpoint needs; None when it is in no row."""
    return TABLE.get(endpoint) or TABLE.get(f"{endpoint.partition('.')[0]}.*")


def check() -> None:
    """Lets the current request pass, and remembers who sent it. Raises Problem."""
    endpoint = request.endpoint
    if endpoint is None:
        # No such address, or not with this method: refused already.
        return
    need = needed(endpoint)
    if need is Need.EHR:
        return
    try:
        found = callers.remember(_caller(need))
        if endpoint not in UNLIMITED:
            _in_time(found)
        _may(found, need)
    except Refused as refusal:
        raise _told(refusal, need) from None


def refused() -> Counter[tuple[str, str]]:
    """How often this process refused a call: by reason and client, "-" when it is not known."""
    counted: Counter[tuple[str, str]] = current_app.extensions.setdefault(EXTENSION, Counter())
    return counted


def told() -> dict[str, Any]:
    """For whoever runs the service: who may come in, and why calls were refused."""
    by_reason: Counter[str] = Counter()
    for (reason, _), count in refused().items():
        by_reason[reason] += count
    config = current_app.config
    return {
        "api": config["ACCESS_API"],
        "form": config["FORM"],
        "committee": config["COMMITTEE"],
        "clients": len(clients.current().known),
        "refused": dict(sorted(by_reason.items())),
    }


def operates() -> bool:
    """Whether who sends the current request runs the service: on this machine itself, or with the role administer."""
    return "administer" in callers.current().roles or _from_here()


def counts_as(number: int) -> None:
    """The current request stands for so many: the lines of a batch."""
    rates.charge(callers.current(), number - 1)


# ---- who it is -------------------------------------------------------------------------------------------------------


def _caller(need: Need | None) -> Caller:
    if need is None:
        raise Refused("no-row")
    if need is Need.PUBLIC or (need is Need.METRICS and _from_here()):
        return ANONYMOUS
    if need is Need.READY and not request.headers.get("Authorization", "").lower().startswith("bearer "):
        return ANONYMOUS
    if need in _PAGES:
        return _visitor(need)
    try:
        return _by_credentials()
    except Refused:
        # Whoever tries credentials out is counted as well.
        _in_time(ANONYMOUS)
        raise


def _visitor(need: Need) -> Caller:
    config = current_app.config
    mode = _mode(need, config)
    if mode == "off":
        raise Problem("not-found")
    if mode == "open":
        return _whoever()
    return proxy.visitor(request, config["PROXIES"], config["USER_HEADER"], config["ROLES_HEADER"])


def _mode(need: Need, config: Mapping[str, Any]) -> str:
    """The rules to read go with the form, or with the committee's pages where there is no form."""
    if need is Need.COMMITTEE or (need is Need.RULEBOOK and config["FORM"] == "off"):
        return str(config["COMMITTEE"])
    return str(config["FORM"])


def _by_credentials() -> Caller:
    is_open = current_app.config["ACCESS_API"] == "open"
    given = request.headers.get("Authorization")
    scheme, _, credential = (given or "").partition(" ")
    # Where nobody must say who they are, another scheme than ours is somebody else's; a key or a token is always checked.
    if is_open and scheme.lower() != "bearer":
        return _whoever()
    if given is None:
        raise Refused("no-credentials")
    if len(given) > MAX_TOKEN:
        raise Refused("too-large")
    if scheme.lower() != "bearer":
        raise Refused("malformed")
    known = clients.current()
    if known.mistakes:
        raise Refused("clients-file")
    if credential.startswith(keys.PREFIX):
        return keys.known(credential, known, datetime.now(UTC).date())
    return tokens.known(credential, known, time.time())


def _whoever() -> Caller:
    """Nobody must say who they are here. That holds on this machine: a proxy on it that passes on what others ask makes
    them come from here too, so what was passed on is refused, unless whoever runs the service wants it so.
    """
    if proxy.passes_on(request) and not current_app.config["EXPOSED"]:
        raise Refused("forwarded")
    return ANONYMOUS


def _from_here() -> bool:
    """Whether a request comes from this machine, and was not passed on for somebody else."""
    if proxy.passes_on(request):
        return False
    if not request.remote_addr:
        return _by_ourselves()
    return proxy.among(request.remote_addr, proxy.LOOPBACK)


def _by_ourselves() -> bool:
    """Whether the other end of a unix socket is root or the service's own user: others who enter there are a proxy."""
    connection = request.environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or connection.family != socket.AF_UNIX:
        return False
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(told)
    return user in (0, os.geteuid())


# ---- what they may ---------------------------------------------------------------------------------------------------


def _may(found: Caller, need: Need | None) -> None:
    """Raises Refused when who calls has not the role that is needed."""
    role = _ROLES.get(need) if need is not None else None
    nobody_asked = found is ANONYMOUS and (need in _PAGES or (need is Need.METRICS and _from_here()))
    if role is None or role in found.roles or nobody_asked:
        return
    raise Refused("no-credentials" if found is ANONYMOUS else "role", found.name)


def _in_time(found: Caller) -> None:
    seconds = rates.too_often(found)
    if seconds:
        _noted(Refused("rate", found.name))
        drain(MOST_OF_STRANGERS)
        raise rates.problem(seconds)


def _noted(refusal: Refused) -> None:
    refused()[refusal.reason, refusal.client] += 1
    counting.refused(refusal.reason)
    log.warning("call refused: %s (client %s)", refusal.reason, refusal.client)


def _told(refusal: Refused, need: Need | None) -> Problem:
    """What who calls is told: the same whatever is wrong with a key or a token."""
    _noted(refusal)
    drain(MOST_OF_STRANGERS)
    if refusal.reason == "clients-file":
        return Problem("not-ready", detail=_CLIENTS_FILE, headers={"Retry-After": "30"})
    if need in _PAGES:
        return Problem("forbidden", detail=_BY_PROXY)
    if refusal.reason in ("role", "no-row"):
        return Problem("forbidden")
    return Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
