"""Who sends the current request."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from flask import g

from service.clients.callers import Rate, Role

#: how they are known: not at all; an API key; an access token; an EHR's token; the login of the proxy in front
How: TypeAlias = Literal["open", "key", "token", "ehr", "proxy"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` is for logs and records: a client of the file, `anonymous`, or `proxy` for everybody who logged in there."""

    name: str
    roles: frozenset[Role]
    how: How
    #: whom an access token or the proxy names: it may be a person, so it belongs in no log
    subject: str = ""
    #: None: the service's own
    rate: Rate | None = None


ANONYMOUS = Caller("anonymous", frozenset({"evaluate"}), "open")


class Refused(Exception):
    """Not known, or not for this. `reason` is one word for the log; who calls is told the same whatever it is."""

    def __init__(self, reason: str, client: str = "-") -> None:
        super().__init__(reason)
        self.reason = reason
        self.client = client


def remember(caller: Caller) -> Caller:
    """Keeps who calls until the request ends."""
    g.caller = caller
    return caller


def current() -> Caller:
    """Who sends the current request; ANONYMOUS where nothing asks."""
    found: Caller = g.get("caller", ANONYMOUS)
    return found
