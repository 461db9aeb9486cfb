"""Pages behind the login of a proxy: it asks who comes, and says so in a header, which is believed from its address alone."""

import ipaddress
from collections.abc import Sequence

from flask import Request

from service.clients.callers import ROLES
from service.web.access.caller import Caller, Refused

#: whence the proxy calls when no address is set: this machine
LOOPBACK = ("127.0.0.0/8", "::1/128", "unix")
UNIX = "unix"
#: groups are named across an organisation: `indication-administer` is our `administer`
PREFIX = "indication-"
LONGEST_USER = 200
#: a proxy that passes on what others ask says so in one of these
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def visitor(request: Request, proxies: Sequence[str], user_header: str, roles_header: str | None) -> Caller:
    """Who logged in at the proxy. Raises Refused when the proxy did not send this request, or does not say who it is."""
    if not among(request.remote_addr, proxies or LOOPBACK):
        raise Refused("not-proxy")
    user = request.headers.get(user_header, "").strip()
    # A header that came twice arrives joined with a comma: the proxy added its own to one that was sent.
    if not 0 < len(user) <= LONGEST_USER or "," in user or not user.isprintable():
        raise Refused("no-user")
    if roles_header is None:
        return Caller("proxy", frozenset(ROLES) - {"read_record"}, "proxy", user)
    said = {word.removeprefix(PREFIX) for word in request.headers.get(roles_header, "").replace(",", " ").split()}
    return Caller("proxy", frozenset(role for role in ROLES if role in said), "proxy", user)


def passes_on(request: Request) -> bool:
    """Whether a request was sent for somebody else, so that its address says nothing of who asks."""
    return any(header in request.headers for header in FORWARDED)


def among(address: str | None, networks: Sequence[str]) -> bool:
    """Whether an address is in one of these networks; a peer at a unix socket has none."""
    if not address:
        return UNIX in networks
    found = read_address(address)
    return found is not None and any(found in ipaddress.ip_network(network) for network in networks if network != UNIX)


def read_address(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, one of IPv4 that is written as IPv6 (`::ffff:192.0.2.7`) as itself; None when it is none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
