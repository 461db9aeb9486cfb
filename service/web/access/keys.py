"""API keys: `Authorization: Bearer ind_<id>_<secret>`."""

import hmac
import secrets
from datetime import date

from service.clients.callers import KEY, digest
from service.clients.model import Clients
from service.web.access.caller import Caller, Refused

PREFIX = "ind_"
#: an id that nobody has is compared too: it must not take less time than a wrong secret
_NOBODY = secrets.token_bytes(32)


def known(given: str, clients: Clients, today: date) -> Caller:
    """Whose key this is. Raises Refused when it is nobody's, or no longer."""
    match = KEY.match(given)
    if match is None:
        raise Refused("malformed")
    found = clients.keys.get(match["id"])
    right = hmac.compare_digest(digest(given), found[1].sha256 if found else _NOBODY)
    if found is None:
        raise Refused("key")
    entry, key = found
    if not right:
        raise Refused("key", entry.name)
    if key.expired(today):
        raise Refused("expired", entry.name)
    return Caller(entry.name, entry.roles, "key", rate=entry.rate)
