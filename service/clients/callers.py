"""Who may call, in whatever way they are known: with an API key, with an access token, or as an EHR."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

from service.clients.keys import Keys

Role: TypeAlias = Literal["evaluate", "read_record", "administer"]
#: none holds another: whoever is to do two things has two roles
ROLES: tuple[Role, ...] = ("evaluate", "read_record", "administer")
DEFAULT_ROLES: tuple[Role, ...] = ("evaluate",)

KEY = re.compile(r"ind_(?P<id>[a-z0-9]{6,20})_[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: so many requests in a minute, of which `burst` may come at once. 0 in a minute: without limit."""

    per_minute: int
    burst: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key: its public part and its digest, never the key."""

    id: str
    sha256: bytes = field(repr=False)
    created: date | None = None
    #: the first day on which it is refused (UTC)
    expires: date | None = None

    def expired(self, today: date) -> bool:
        return self.expires is not None and today >= self.expires


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access tokens (OAuth 2, OIDC) of one issuer that are good for this client."""

    issuer: str
    audiences: frozenset[str]
    keys: Keys = field(repr=False)
    algorithms: tuple[str, ...]
    leeway_seconds: int
    #: the claim that says who it is about
    subject: str = "sub"
    #: the claim with the roles, and what its words mean here; None: the client's own roles, whatever the token says
    roles_claim: str | None = None
    meaning: Mapping[str, Role] = field(default_factory=dict)
    #: claims that must have this value
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the file. An EHR's own settings are in `model.Client`."""

    name: str
    roles: frozenset[Role]
    #: None: the service's own
    rate: Rate | None = None
    api_keys: tuple[ApiKey, ...] = ()
    tokens: Tokens | None = None


def new_key() -> tuple[str, str]:
    """A new key and its id. 256 random bits: nobody guesses it, so its plain SHA-256 may be kept, and no slow hash is needed."""
    name = secrets.token_hex(4)
    return f"ind_{name}_{secrets.token_urlsafe(32)}", name


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by its path (`realm_access.roles`); None when there is none."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def words(value: Any) -> frozenset[str]:
    """The words of a claim: a list, or as in `scope` a text with spaces."""
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        return frozenset(each for each in value if isinstance(each, str))
    return frozenset()
