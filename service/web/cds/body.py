"""The JSON body of a call: as strict as the API's own, but as large and as deep as FHIR is."""

import json
import math
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from service.web.cds.errors import Refusal
from service.web.unread import drain

MAX_BODY = 5_000_000
#: a Bundle in a Bundle with extensions of extensions stays well below
MAX_DEPTH = 40
TYPES = ("application/json", "application/fhir+json", "application/json+fhir")


def sent() -> Any:
    """The body of the current request. Raises Refusal."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype not in TYPES or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise Refusal("unsupported-media-type", headers={"Accept": TYPES[0]})
    request.max_content_length = MAX_BODY + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        drain()
        raise Refusal("too-large") from None
    # A body of unsaid length is cut at the limit without a word.
    if len(body) > MAX_BODY:
        raise Refusal("too-large")
    return parse(body)


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises Refusal on what the standard does not have, and on undue depth."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_refused, parse_float=_float
        )
    except (ValueError, RecursionError):
        # Also UnicodeDecodeError, JSONDecodeError, and integers of thousands of digits. None of their texts is told.
        raise Refusal("malformed-json") from None
    if _too_deep(value):
        raise Refusal("malformed-json")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _refused(name: str) -> Any:
    raise ValueError(name)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _too_deep(value: Any) -> bool:
    # Only what holds something is carried on: most of a large body are its leaves.
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return True
