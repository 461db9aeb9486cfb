"""The public keys with which a client's tokens are verified: written in the configuration, or fetched from its own address."""

import base64
import binascii
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from ssl import SSLContext
from typing import Any, Protocol, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from service.referral import strict_json
from service.referral.complaints import ReferralError

log = logging.getLogger(__name__)

Key: TypeAlias = ECKey | RSAKey
#: a key by its `kid` and the algorithm it serves
Found: TypeAlias = Mapping[tuple[str, str], Key]
#: where in the key set, and what is wrong there
Wrong: TypeAlias = tuple[tuple[str | int, ...], str]

#: the two that CDS Hooks recommends; nothing symmetric, and nothing weaker
ALGORITHMS = ("ES384", "RS384")
#: those of access tokens: what the common authorization servers sign with; nothing symmetric either
BEARER_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
_CURVES = {"P-256": "ES256", "P-384": "ES384"}
LEAST_RSA_BITS = 2048
LONGEST_KID = 300
#: members of a JWK that belong to its owner alone
SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

MAX_KEY_SET = 100_000
FETCH_SECONDS = 2.0
#: a key that its owner withdraws is refused after this long at most …
FRESH_SECONDS = 3600.0
#: … unless its address cannot be reached: then known keys serve on, so that a short failure stops no EHR
STALE_SECONDS = 24 * 3600.0
#: a `kid` never seen may be a new key: asked for this often at most, whoever sends such tokens
ASK_AGAIN_SECONDS = 60.0


class Keys(Protocol):
    def find(self, kid: str, algorithm: str) -> Key | None: ...


@dataclass(frozen=True, slots=True)
class InlineKeys:
    """Keys exchanged beforehand and written in the configuration."""

    found: Found

    def find(self, kid: str, algorithm: str) -> Key | None:
        return self.found.get((kid, algorithm))


def read_key_set(data: Any, accepted: Sequence[str] = ALGORITHMS) -> tuple[dict[tuple[str, str], Key], list[Wrong]]:
    """The keys of a JWKS that can serve `accepted`, and what is wrong with each of the others. Never says a key's content."""
    if not isinstance(data, dict) or not isinstance(data.get("keys"), list):
        return {}, [((), 'a JSON Web Key Set is needed: {"keys": [ … ]}')]
    found: dict[tuple[str, str], Key] = {}
    wrong: list[Wrong] = []
    for at, each in enumerate(data["keys"]):
        try:
            names, key = _read_key(each, accepted)
        except ValueError as error:
            wrong.append((("keys", at), str(error)))
            continue
        if found.keys() & set(names):
            wrong.append((("keys", at, "kid"), "two keys have this kid: give each its own"))
        else:
            found |= dict.fromkeys(names, key)
    if not found and not wrong:
        wrong.append((("keys",), "there is no key: put at least one"))
    return found, wrong


def _read_key(data: Any, accepted: Sequence[str]) -> tuple[list[tuple[str, str]], Key]:
    if not isinstance(data, dict):
        raise ValueError("a key is an object: {kty: EC, crv: P-384, kid: …, x: …, y: …}")  # noqa: TRY004 - told, not raised further
    if SECRET & data.keys():
        raise ValueError("this key holds its secret part, which its owner must keep: give the public part only")
    kid = data.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID:
        raise ValueError("a key needs its kid, the text by which a token names it")
    if data.get("use", "sig") != "sig":
        raise ValueError("this key is not for signatures (use is not sig)")
    serves = _algorithms(data, accepted)
    if "alg" in data and data["alg"] not in serves:
        raise ValueError(f"alg must be {' or '.join(serves)} for this kind of key, or be left out")
    maker = ECKey if data["kty"] == "EC" else RSAKey
    try:
        key = maker.import_key({name: value for name, value in data.items() if name != "key_ops"})
    except (JoseError, ValueError, TypeError):
        raise ValueError("this key cannot be read: copy it again, whole") from None
    return [(kid, algorithm) for algorithm in serves if data.get("alg", algorithm) == algorithm], key


def _algorithms(data: Mapping[str, Any], accepted: Sequence[str]) -> list[str]:
    """The accepted algorithms that a key of this kind serves."""
    curves = [f"{curve} (for {algorithm})" for curve, algorithm in _CURVES.items() if algorithm in accepted]
    of_rsa = [algorithm for algorithm in accepted if algorithm.startswith(("RS", "PS"))]
    match data.get("kty"):
        case "EC":
            algorithm = _CURVES.get(str(data.get("crv")), "")
            if algorithm not in accepted:
                raise ValueError(f"an EC key must be on the curve {' or '.join(curves)}")
            return [algorithm]
        case "RSA":
            if _bits(data.get("n")) < LEAST_RSA_BITS:
                raise ValueError(f"an RSA key must have {LEAST_RSA_BITS} bits or more (for {', '.join(of_rsa)})")
            return of_rsa
    raise ValueError(
        f"only EC keys ({' or '.join(curves)}) and RSA keys (for {', '.join(of_rsa)}) are accepted: kty: EC or kty: RSA"
    )


def _bits(number: Any) -> int:
    try:
        text = str(number)
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).bit_length()
    except (binascii.Error, ValueError):
        return 0


# ---- keys at an address ----------------------------------------------------------------------------------------------

Open: TypeAlias = Callable[[str, float], HTTPResponse]


def https(context: SSLContext | None = None) -> Open:
    """Opens an https address, and nothing else: no redirect is followed, no other scheme is known."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        director.add_handler(handler)

    def opened(address: str, seconds: float) -> HTTPResponse:
        if not address.startswith("https://"):
            raise OSError("not an https address")
        asked = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - https alone, above
        response: HTTPResponse = director.open(asked, timeout=seconds)
        return response

    return opened


def fetch(
    address: str, opened: Open, clock: Callable[[], float] = time.monotonic, accepted: Sequence[str] = ALGORITHMS
) -> Found:
    """The keys at `address`. Raises OSError or ValueError when there is none to be had."""
    end = clock() + FETCH_SECONDS
    body = b""
    with opened(address, FETCH_SECONDS) as response:
        if response.status != 200:
            raise ValueError("not 200")
        while chunk := response.read1(16_384):
            body += chunk
            if len(body) > MAX_KEY_SET:
                raise ValueError("too large")
            if clock() > end:
                raise TimeoutError("too slow")
    try:
        found, _ = read_key_set(strict_json.parse(body), accepted)
    except ReferralError:
        raise ValueError("not JSON") from None
    # Keys for other purposes may stand beside ours: they are passed over.
    if not found:
        raise ValueError("no usable key")
    return found


@dataclass(slots=True)
class FetchedKeys:
    """Keys at the one address that the configuration names; never at an address that a token names."""

    address: str
    opened: Open = field(default_factory=https, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    accepted: Sequence[str] = ALGORITHMS
    _found: Found = field(default_factory=dict, repr=False)
    _fetched: float | None = field(default=None, repr=False)
    _asked: float | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find(self, kid: str, algorithm: str) -> Key | None:
        with self._lock:
            now = self.clock()
            known = self._found if self._younger(now, self._fetched, STALE_SECONDS) else {}
            fresh = self._younger(now, self._fetched, FRESH_SECONDS)
            if (not fresh or (kid, algorithm) not in known) and not self._younger(now, self._asked, ASK_AGAIN_SECONDS):
                self._asked = now
                known = self._renewed(known)
            return known.get((kid, algorithm))

    def _renewed(self, known: Found) -> Found:
        try:
            self._found = fetch(self.address, self.opened, self.clock, self.accepted)
        except (OSError, ValueError, HTTPException) as error:
            log.warning("the key set of a client cannot be fetched (%s): %s", type(error).__name__, self.address)
            return known
        self._fetched = self.clock()
        return self._found

    @staticmethod
    def _younger(now: float, then: float | None, seconds: float) -> bool:
        return then is not None and now - then < seconds
