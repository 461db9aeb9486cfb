"""How often each caller may call, counted by all workers together.

GCRA, a leaky bucket of which only one number is kept: the moment at which the bucket will be empty. If the shared file
fails, requests pass and it is logged: availability of care before fairness among clients.
"""

import hashlib
import ipaddress
import logging
import math
import sqlite3
import time

from flask import current_app, request

from service.clients.callers import Rate
from service.web import store
from service.web.access.caller import Caller
from service.web.access.proxy import LOOPBACK, among, read_address
from service.web.problem import Problem

log = logging.getLogger(__name__)

#: as much of an address as one subscriber has: an IPv6 network, or one IPv4 address
_PREFIX = {6: 64, 4: 32}
MINUTE = 60.0


def too_often(caller: Caller) -> int:
    """Counts a request. 0 when it is in time, else the whole seconds to wait."""
    rate, who = _rate(caller), _who(caller)
    if not rate.per_minute or who is None:
        return 0
    try:
        wait = store.current().spend(who, time.monotonic(), MINUTE / rate.per_minute, rate.burst)
    except (sqlite3.Error, OSError) as error:
        _uncounted(error)
        return 0
    return math.ceil(wait)


def charge(caller: Caller, more: int) -> None:
    """Counts `more` beside a request that was let in: it is answered, and what follows it waits the longer."""
    rate, who = _rate(caller), _who(caller)
    if not rate.per_minute or who is None or more <= 0:
        return
    try:
        store.current().charge(who, time.monotonic(), MINUTE / rate.per_minute, rate.burst, more)
    except (sqlite3.Error, OSError) as error:
        _uncounted(error)


def _rate(caller: Caller) -> Rate:
    return caller.rate or Rate(current_app.config.get("RATE", 0), current_app.config.get("BURST", 1))


def _uncounted(error: Exception) -> None:
    # Not its text: it could be a path.
    log.error("requests are not counted: the shared file fails (%s)", type(error).__name__)


def problem(seconds: int) -> Problem:
    return Problem("too-many-requests", headers={"Retry-After": str(seconds)})


def _who(caller: Caller) -> bytes | None:
    """Under which name requests are counted; None: they are not. Kept as a digest: it may be a person, or an address."""
    if caller.how != "open":
        # Behind the proxy's login everybody is `proxy`.
        return _digest(caller.name, caller.subject if caller.how == "proxy" else "")
    # From this machine comes its user, or a proxy in whose name everybody calls: that proxy can count, we cannot.
    if among(request.remote_addr, LOOPBACK):
        return None
    return _digest("network", _network(request.remote_addr or ""))


def _network(address: str) -> str:
    found = read_address(address)
    if found is None:
        return ""
    return str(ipaddress.ip_network((found, _PREFIX[found.version]), strict=False))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()
