"""What is recorded: an entry as its caller gives it, and a record as it stands in the chain."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: the kind of a record that says which contents were erased; only the record itself writes these
ERASURE = "erasure"

_ID = re.compile(r"[0-9a-f]{32}")
_KIND = re.compile(r"[a-z][a-z-]{0,39}")
#: of one width, so that texts sort as moments do
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|\+00:00)")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded. Raises ValueError when it is not of that form, or not JSON.

    `line` stays for ever and must not be personal. `content` may be personal, and can be erased.
    """

    #: 32 hexadecimal digits, made by the caller, so that a second try is seen to be one
    id: str
    #: decision, feedback, …
    kind: str
    #: when, as the caller's clock has it: ISO 8601, UTC, with microseconds. The order of records does not rest on it
    at: str
    line: Mapping[str, Any]
    content: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, form in (("id", _ID), ("kind", _KIND), ("at", _AT)):
            if not form.fullmatch(getattr(self, name)):
                raise ValueError(f"an entry's {name} must be of the form {form.pattern}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as it stands in the chain. `line` is a JSON text, byte for byte what was hashed."""

    #: 1, 2, 3 … without gaps
    seq: int
    id: str
    kind: str
    at: str
    line: str
    #: the hash of the record before; of the first: `chain.START`
    previous: str
    #: what ties the content to this record, and tells nothing of it once its salt is erased
    seal: str
    hash: str


@dataclass(frozen=True, slots=True)
class Content:
    """The part that can be erased: a JSON text, and the salt (64 hexadecimal digits) of its seal."""

    salt: str
    body: str


@dataclass(frozen=True, slots=True)
class Row:
    """A record with its content, which is None when it was erased."""

    recorded: Recorded
    content: Content | None


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a chain: 0 and `chain.START` before the first. Written elsewhere, it is an anchor."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, ASCII alone.

    ASCII, because so every database holds it whatever its encoding, and half a surrogate pair survives. Raises ValueError
    for what is no JSON.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except TypeError:
        # Python's own message may quote a value.
        raise ValueError("an entry holds something that is not JSON") from None
