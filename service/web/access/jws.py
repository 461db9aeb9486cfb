"""What every signed token has in common, whoever sends it: its form, and how its signature is verified."""

import base64
import binascii
import re
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from service.clients.keys import ALGORITHMS, BEARER_ALGORITHMS, Key
from service.referral import strict_json
from service.referral.complaints import ReferralError

Claims: TypeAlias = dict[str, Any]

#: far above any real token; a token is read before anything is known of who sent it
MAX_TOKEN = 8_000

TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


class _Registry(JWSRegistry):
    # joserfc's own limit, 512, is less than a long kid and a jku take.
    max_header_length = MAX_TOKEN


_REGISTRIES = {
    name: _Registry(algorithms=[name], strict_check_header=False) for name in {*ALGORITHMS, *BEARER_ALGORITHMS}
}


class Malformed(Exception):
    """This is no signed token."""


def unverified(token: str) -> tuple[Claims, Claims]:
    """The header and the claims of a token, of which nothing is known yet. Raises Malformed."""
    if not TOKEN.match(token):
        raise Malformed
    header, claims = (_object(part) for part in token.split(".")[:2])
    return header, claims


def holds(token: str, key: Key, algorithm: str) -> bool:
    """Whether the signature is of this key, by this algorithm and no other, whatever the token itself names."""
    try:
        deserialize_compact(token, key, algorithms=[algorithm], registry=_REGISTRIES[algorithm])
    except (JoseError, ValueError):
        return False
    return True


def moment(claims: Claims, name: str) -> float | None:
    """A moment in seconds since 1970, as claims have it; None when it is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**12:
        return None
    return float(value)


def _object(part: str) -> Claims:
    try:
        value = strict_json.parse(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ReferralError, binascii.Error, ValueError):
        raise Malformed from None
    if not isinstance(value, dict):
        raise Malformed
    return value
