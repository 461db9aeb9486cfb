"""The file of clients as the service uses it; and an EHR: what it may ask, how it is answered, by which keys it is known."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from service.clients.callers import ApiKey, Entry, Tokens
from service.clients.file import HOOKS, read_file
from service.clients.keys import ALGORITHMS, FetchedKeys, InlineKeys, Keys

log = logging.getLogger(__name__)

ClientLanguage: TypeAlias = Literal["fr", "en"] | None


@dataclass(frozen=True, slots=True)
class Client:
    """One EHR. `audiences` are exact addresses; `base` is the address from which those of all services follow."""

    name: str
    issuer: str
    keys: Keys = field(repr=False)
    audiences: tuple[str, ...] = ()
    base: str | None = None
    #: the one address that a token's header may name as jku; None: it may name none
    jku: str | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    leeway_seconds: int = 0
    hooks: frozenset[str] = frozenset()
    language: ClientLanguage = None
    origins: tuple[str, ...] = ()
    prefill: bool = False
    #: whether the free text of a feedback, in which a patient could be named, may be kept
    keep_comments: bool = False
    #: (system, code) of the orders that are referrals to us; empty: the service's own
    referral_codes: frozenset[tuple[str, str]] = frozenset()

    def addresses(self, path: str) -> frozenset[str]:
        """The addresses under which this client may call the endpoint at `path`."""
        if len(path) <= 1 or not path.startswith("/"):
            return frozenset()
        exact = {each for each in self.audiences if urlsplit(each).path.endswith(path)}
        return frozenset(exact | ({self.base + path} if self.base is not None else set()))


ANONYMOUS = Client(name="anonymous", issuer="", keys=InlineKeys({}), hooks=frozenset(HOOKS))


@dataclass(frozen=True, slots=True)
class Clients:
    """All clients. With `mistakes` there is none: nobody is let in on half a file."""

    #: EHRs by issuer
    entries: Mapping[str, Client] = field(default_factory=dict)
    #: the development switch: no token is asked of anybody
    open_: bool = False
    mistakes: tuple[str, ...] = ()
    #: every entry by name, the EHRs' too
    known: Mapping[str, Entry] = field(default_factory=dict)
    #: by the id of a key
    keys: Mapping[str, tuple[Entry, ApiKey]] = field(default_factory=dict)

    def by_token_issuer(self, issuer: str) -> list[tuple[Entry, Tokens]]:
        """The clients whose access tokens are of this issuer, those that ask for more claims first."""
        found = [(each, each.tokens) for each in self.known.values() if each.tokens and each.tokens.issuer == issuer]
        return sorted(found, key=lambda pair: -len(pair[1].only))

    def by_issuer(self, issuer: str) -> Client | None:
        return self.entries.get(issuer)

    @property
    def anonymous(self) -> Client:
        """Whoever calls while the development switch is on."""
        return ANONYMOUS

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(origin for client in self.entries.values() for origin in client.origins)


def load(path: Path | None, open_: bool) -> Clients:
    """The clients of the file at `path`; without a file there is none. Mistakes are kept, told and logged, not raised."""
    if open_:
        log.warning("INDICATION_CDS_OPEN: whoever reaches this service may call it; for development only")
    if path is None:
        return Clients(open_=open_)
    entries, mistakes = read_file(path)
    for mistake in mistakes:
        log.error("clients refused: %s", mistake)
    known = {entry["name"]: _entry(entry) for entry in entries}
    return Clients(
        entries={entry["issuer"]: _client(entry) for entry in entries if entry["issuer"] is not None},
        open_=open_,
        mistakes=tuple(map(str, mistakes)),
        known=known,
        keys={key.id: (each, key) for each in known.values() for key in each.api_keys},
    )


def _entry(entry: Mapping[str, Any]) -> Entry:
    return Entry(entry["name"], frozenset(entry["roles"]), entry["rate"], entry["api_keys"], entry["tokens"])


def _client(entry: Mapping[str, Any]) -> Client:
    exact, base = (entry["audiences"], None) if isinstance(entry["audiences"], tuple) else ((), entry["audiences"])
    found, jku = entry["keys"]["found"], entry["keys"]["at"]
    as_they_are = {
        name: entry[name]
        for name in (
            "name",
            "issuer",
            "algorithms",
            "leeway_seconds",
            "language",
            "origins",
            "prefill",
            "keep_comments",
            "referral_codes",
        )
    }
    return Client(
        **as_they_are,
        keys=FetchedKeys(jku) if found is None else InlineKeys(found),
        jku=jku,
        audiences=exact,
        base=base,
        hooks=frozenset(entry["hooks"]),
    )
