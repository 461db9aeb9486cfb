"""Access tokens (OAuth 2, OIDC): signed by an authorization server that the file of clients names.

Unlike a token of CDS Hooks, which is good for one call (`jti`, service/web/cds/trust.py), an access token may be used as
often as its holder likes until it expires: that is what it is for, and why it should live for minutes.
"""

from dataclasses import dataclass
from typing import NoReturn

from service.clients.callers import Entry, Role, Tokens, claim, words
from service.clients.model import Clients
from service.web.access import jws
from service.web.access.caller import Caller, Refused
from service.web.access.jws import Claims

#: what the header may say of the kind of token (RFC 9068, RFC 7519); it may also say nothing
TYPES = ("at+jwt", "application/at+jwt", "jwt")
LONGEST_SUBJECT = 200


def known(token: str, clients: Clients, now: float) -> Caller:
    """Whose token this is; `now` in seconds since 1970. Raises Refused."""
    try:
        header, claims = jws.unverified(token)
    except jws.Malformed:
        raise Refused("malformed") from None
    entry, tokens = _of(claims, clients)
    check = _Check(entry, tokens)
    check.signature(token, header)
    check.audience(claims)
    check.times(claims, now)
    return Caller(entry.name, check.roles(claims), "token", check.subject(claims), entry.rate)


def _of(claims: Claims, clients: Clients) -> tuple[Entry, Tokens]:
    """The client that the token says it is for: nothing is believed before its signature is verified with that client's keys."""
    issuer = claims.get("iss")
    for entry, tokens in clients.by_token_issuer(issuer) if isinstance(issuer, str) else ():
        if all(claim(claims, name) == value for name, value in tokens.only.items()):
            return entry, tokens
    raise Refused("issuer")


@dataclass(frozen=True, slots=True)
class _Check:
    entry: Entry
    tokens: Tokens

    def signature(self, token: str, header: Claims) -> None:
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "jwt")
        if algorithm not in self.tokens.algorithms:
            self._refuse("algorithm")
        # `crit` names extensions that must be understood, and there is none that we understand.
        if "crit" in header or not isinstance(kind, str) or kind.lower() not in TYPES:
            self._refuse("header")
        key = self.tokens.keys.find(kid, algorithm) if isinstance(kid, str) else None
        if key is None:
            self._refuse("key")
        if not jws.holds(token, key, algorithm):
            self._refuse("signature")

    def audience(self, claims: Claims) -> None:
        given = claims.get("aud")
        named = {each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)}
        if not named & self.tokens.audiences:
            self._refuse("audience")

    def times(self, claims: Claims, now: float) -> None:
        leeway = self.tokens.leeway_seconds
        expires, issued = jws.moment(claims, "exp"), jws.moment(claims, "iat")
        begins = jws.moment(claims, "nbf") if "nbf" in claims else issued
        if expires is None or issued is None or begins is None:
            self._refuse("times")
        if now >= expires + leeway:
            self._refuse("expired")
        if max(issued, begins) > now + leeway:
            self._refuse("not-yet")

    def roles(self, claims: Claims) -> frozenset[Role]:
        """What the client may do; if a claim tells roles, what this claim gives of it."""
        if self.tokens.roles_claim is None:
            return self.entry.roles
        said = words(claim(claims, self.tokens.roles_claim))
        return self.entry.roles & {role for word, role in self.tokens.meaning.items() if word in said}

    def subject(self, claims: Claims) -> str:
        found = claim(claims, self.tokens.subject)
        if not isinstance(found, str) or not 0 < len(found) <= LONGEST_SUBJECT:
            self._refuse("subject")
        return found

    def _refuse(self, reason: str) -> NoReturn:
        raise Refused(reason, self.entry.name)
