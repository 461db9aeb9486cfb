"""Is this call from a client we know? CDS Hooks asks for a signed token with every call, discovery included.

A refusal tells the caller nothing; whoever runs the service reads the reason, one word, in the log and in /readyz. Neither
holds anything that the token says: who sent it is not known until it is verified.
"""

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, current_app

from service.clients.keys import ALGORITHMS
from service.clients.model import Client, Clients
from service.fhir.outcome import operation_outcome
from service.language.vocabulary import Text
from service.referral import strict_json
from service.web import asked
from service.web.access import caller as callers
from service.web.access import jws, proxy, rates
from service.web.access.caller import Caller
from service.web.access.jws import MAX_TOKEN, TOKEN, Claims
from service.web.metrics import counting

log = logging.getLogger(__name__)

EXTENSION = "indication-refused"
MOST_LIFETIME = 3600
LONGEST_JTI = 300
FHIR_JSON = "application/fhir+json"


class Replays(Protocol):
    """What remembers used tokens for all workers (store.Store)."""

    def seen(self, issuer: str, jti: str, until: float) -> bool: ...


class Refusal(Exception):
    """A call that goes no further. `reason` is for the log alone."""

    status = 401

    def __init__(self, reason: str, client: str = "-") -> None:
        super().__init__(reason)
        self.reason = reason
        self.client = client

    def response(self) -> Response:
        response = Response(status=self.status, headers={"WWW-Authenticate": "Bearer"})
        # There is no content to have a type.
        response.headers.pop("Content-Type")
        return response


class Refused(Refusal):
    """Not authenticated: a bare 401."""


class Forbidden(Refusal):
    """A known client that may not use this service."""

    status = 403

    def response(self) -> Response:
        return _outcome(
            self.status,
            "forbidden",
            Text(
                "Ce service n’est pas ouvert à ce client : demander à l’exploitant de l’ajouter à ses « hooks ».",
                "This service is not open to this client: ask whoever runs it to add it to the client's hooks.",
            ),
        )


class Unavailable(Refusal):
    """Nobody can be authenticated now: the clients' file is wrong, or used tokens cannot be remembered."""

    status = 503

    def response(self) -> Response:
        told = Text(
            "L’authentification est indisponible : prévenir l’exploitant du service (/readyz dit pourquoi).",
            "Authentication is not available: tell whoever runs the service (/readyz says why).",
        )
        response = _outcome(self.status, "transient", told)
        response.headers["Retry-After"] = "30"
        return response


class TooOften(Refusal):
    """A known client that calls more often than it may, or whoever tries tokens out. `seconds` to wait."""

    status = 429

    def __init__(self, reason: str, client: str, seconds: int) -> None:
        super().__init__(reason, client)
        self.seconds = seconds

    def response(self) -> Response:
        told = Text(
            "Trop d’appels : attendre le nombre de secondes de l’en-tête Retry-After.",
            "Too many calls: wait for the seconds of the Retry-After header.",
        )
        response = _outcome(self.status, "throttled", told)
        response.headers["Retry-After"] = str(self.seconds)
        return response


def _outcome(status: int, code: str, text: Text) -> Response:
    language = asked.language()
    body = strict_json.canonical(operation_outcome("error", code, text.in_(language)))
    response = Response(body, status, content_type=FHIR_JSON)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response


def register(door: Flask | Blueprint) -> None:
    """Makes refusals the answers they are."""
    door.register_error_handler(Refusal, lambda refusal: refusal.response())


def authenticate(
    request: Request,
    clients: Clients,
    store: Replays,
    audience: str,
    hook: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Client:
    """The client that sends this request to the endpoint `audience` (its address, or its path alone).

    Raises Refused, Forbidden when it may not use `hook`, TooOften, or Unavailable. Each is counted and logged.
    """
    try:
        client = _let_in(_known(request, clients, store, urlsplit(audience).path, clock()), clients)
        if hook is not None:
            permit(client, hook)
    except Refusal as refusal:
        refused()[refusal.reason, refusal.client] += 1
        counting.refused(refusal.reason)
        log.warning("call refused: %s (client %s)", refusal.reason, refusal.client)
        raise
    return client


def _known(request: Request, clients: Clients, store: Replays, path: str, now: float) -> Client:
    """Who sends this request. Raises Refused, TooOften or Unavailable."""
    try:
        if clients.open_:
            if proxy.passes_on(request) and not current_app.config["EXPOSED"]:
                raise Refused("forwarded")
            return clients.anonymous
        if clients.mistakes:
            raise Unavailable("clients-file")
        return _authenticated(_bearer(request), clients, store, path, now)
    except Refused:
        # Whoever tries tokens out is counted as well, by address.
        if seconds := rates.too_often(callers.ANONYMOUS):
            raise TooOften("rate", callers.ANONYMOUS.name, seconds) from None
        raise


def _let_in(client: Client, clients: Clients) -> Client:
    """Remembers who calls, as the gate does for every other address. Raises TooOften."""
    entry = clients.known.get(client.name)
    caller = callers.ANONYMOUS
    if entry is not None:
        caller = Caller(client.name, entry.roles, "ehr", rate=entry.rate)
    callers.remember(caller)
    if seconds := rates.too_often(caller):
        raise TooOften("rate", client.name, seconds)
    return client


def permit(client: Client, hook: str) -> None:
    """Raises Forbidden when this client may not use `hook`."""
    if hook not in client.hooks:
        raise Forbidden("hook", client.name)


def refused() -> Counter[tuple[str, str]]:
    """How often this process refused a call: by reason and client, "-" when it is not known."""
    counted: Counter[tuple[str, str]] = current_app.extensions.setdefault(EXTENSION, Counter())
    return counted


# ---- one check after the other ---------------------------------------------------------------------------------------


def _authenticated(token: str, clients: Clients, store: Replays, path: str, now: float) -> Client:
    header, claims = _unverified(token)
    algorithm, kid = _header(header)
    client = _issuer(claims, clients)
    check = _Check(client)
    check.algorithm(algorithm)
    check.jku(header)
    check.signature(token, kid, algorithm)
    check.audience(claims, path)
    until = check.times(claims, now)
    check.unused(claims, store, until)
    return client


def _bearer(request: Request) -> str:
    given = request.headers.get("Authorization")
    if given is None:
        raise Refused("no-token")
    # Before anything else is done with it.
    if len(given) > MAX_TOKEN:
        raise Refused("too-large")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not TOKEN.match(token):
        raise Refused("malformed")
    return token


def _unverified(token: str) -> tuple[Claims, Claims]:
    try:
        return jws.unverified(token)
    except jws.Malformed:
        raise Refused("malformed") from None


def _header(header: Claims) -> tuple[str, str]:
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise Refused("algorithm")
    # `crit` names extensions that must be understood, and there is none that we understand.
    if header.get("typ") != "JWT" or "crit" in header:
        raise Refused("header")
    if not isinstance(kid, str):
        raise Refused("key")
    return algorithm, kid


def _issuer(claims: Claims, clients: Clients) -> Client:
    issuer = claims.get("iss")
    client = clients.by_issuer(issuer) if isinstance(issuer, str) else None
    if client is None:
        raise Refused("issuer")
    return client


@dataclass(frozen=True, slots=True)
class _Check:
    """What is asked of a token that says it comes from `client`."""

    client: Client

    def algorithm(self, algorithm: str) -> None:
        if algorithm not in self.client.algorithms:
            self._refuse("algorithm")

    def jku(self, header: Claims) -> None:
        # Compared, never followed.
        if header.get("jku", self.client.jku) != self.client.jku:
            self._refuse("jku")

    def signature(self, token: str, kid: str, algorithm: str) -> None:
        key = self.client.keys.find(kid, algorithm)
        if key is None:
            self._refuse("key")
        if not jws.holds(token, key, algorithm):
            self._refuse("signature")

    def audience(self, claims: Claims, path: str) -> None:
        given = claims.get("aud")
        named = {each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)}
        if not named & self.client.addresses(path):
            self._refuse("audience")

    def times(self, claims: Claims, now: float) -> float:
        """The moment from which this token is refused for its age."""
        expires, issued = self._moment(claims, "exp"), self._moment(claims, "iat")
        leeway = self.client.leeway_seconds
        if now >= expires + leeway:
            self._refuse("expired")
        if issued > now + leeway or ("nbf" in claims and self._moment(claims, "nbf") > now + leeway):
            self._refuse("not-yet")
        if not 0 < expires - issued <= MOST_LIFETIME:
            self._refuse("lifetime")
        return expires + leeway

    def unused(self, claims: Claims, store: Replays, until: float) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
            self._refuse("jti")
        try:
            again = store.seen(self.client.issuer, jti, until)
        except (sqlite3.Error, OSError) as error:
            # Not knowing whether it was used is no reason to let it pass.
            raise Unavailable("store", self.client.name) from error
        if again:
            self._refuse("replay")

    def _moment(self, claims: Claims, name: str) -> float:
        value = jws.moment(claims, name)
        if value is None:
            self._refuse("times")
        return value

    def _refuse(self, reason: str) -> NoReturn:
        raise Refused(reason, self.client.name)
