"""The chain: each record is hashed together with the hash of the one before. Pure functions; what is stored where is store.py's.

Whoever changes, removes, adds or moves a record breaks the chain there, unless everything after it is computed anew. That
too is found when the head was written down elsewhere (an anchor).
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.audit.record import Content, Entry, Head, Recorded, Row, canonical

#: what stands before the first record
START = "0" * 64
EMPTY = Head(0, START)

What: TypeAlias = Literal[
    "altered",  # it does not fit its own hash
    "replaced",  # it fits its own hash, but what follows was chained to another
    "missing",  # nothing stands at this place, while something stands after it
    "repeated",  # a place that was passed already: moved or copied
    "truncated",  # nothing stands at this place, nor after it, though the head or an anchor says so
    "unknown_end",  # the chain ends in another record than the head says
    "anchor",  # the chain up to here is whole, but is not the one that the anchor was taken from
    "content_missing",  # without a record of its erasure
    "content_altered",  # it does not fit the seal
    "content_kept",  # though there is a record of its erasure
    "stray",  # a record before the first, or a content that belongs to no record
]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: at which place of the chain, the id there if there is one, and what."""

    seq: int
    id: str | None
    what: What
    told: str

    def __str__(self) -> str:
        return f"record {self.seq}{f' ({self.id})' if self.id else ''}: {self.told}"


def sealed(salt: str, body: str) -> str:
    """The seal of a content."""
    return _digest([salt, body])


def hashed(recorded: Recorded) -> str:
    """What the hash of a record must be."""
    r = recorded
    return _digest([r.seq, r.previous, r.id, r.kind, r.at, r.line, r.seal])


def chained(entry: Entry, head: Head, salt: str) -> Row:
    """The record of an entry that follows on `head`."""
    content = Content(salt, canonical(entry.content))
    line = canonical(entry.line)
    seal = sealed(salt, content.body)
    unhashed = Recorded(head.seq + 1, entry.id, entry.kind, entry.at, line, head.hash, seal, hash="")
    return Row(Recorded(unhashed.seq, entry.id, entry.kind, entry.at, line, head.hash, seal, hashed(unhashed)), content)


def head_after(row: Row) -> Head:
    """The head once this is the last record."""
    return Head(row.recorded.seq, row.recorded.hash)


def verify(
    rows: Iterable[Row], erased: Collection[str], head: Head | None = None, anchors: Sequence[Head] = ()
) -> Fault | None:
    """The first fault of a whole chain, read from its first record on; None when there is none.

    `erased`: the ids that the chain's own erasure records name. `head`: the end that it should have. `anchors`: heads of
    earlier days that were kept elsewhere.
    """
    expected = {anchor.seq: anchor.hash for anchor in anchors}
    if len({(anchor.seq, anchor.hash) for anchor in anchors}) > len(expected):
        return Fault(min(expected), None, "anchor", "two anchors of one place contradict each other")
    last, last_id = EMPTY, None
    for row in rows:
        fault = _of_link(row.recorded, last, last_id) or _of_content(row, erased)
        if fault is not None:
            return fault
        last, last_id = head_after(row), row.recorded.id
        if expected.get(last.seq, last.hash) != last.hash:
            told = "the chain is whole up to here, but it is not the one that the anchor was taken from"
            return Fault(last.seq, last_id, "anchor", told)
    return _of_end(last, last_id, [*anchors, *([head] if head else [])], head)


def anchor(text: str) -> Head:
    """An anchor as it is written, `SEQ:HASH`. Raises ValueError."""
    parts = re.fullmatch(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})", text.strip())
    if parts is None:
        raise ValueError("an anchor is written SEQ:HASH, with 64 hexadecimal digits: 120:5f70…")
    return Head(int(parts[1]), parts[2])


def _of_link(recorded: Recorded, last: Head, last_id: str | None) -> Fault | None:
    seq, here = last.seq + 1, recorded.id
    if recorded.seq > seq:
        return Fault(seq, None, "missing", f"missing or moved; what stands in its place is record {recorded.seq}")
    if recorded.seq < 1:
        return Fault(recorded.seq, here, "stray", "put there by hand: the first record is number 1")
    if recorded.seq < seq:
        return Fault(recorded.seq, here, "repeated", f"stands a second time, after record {last.seq}")
    if hashed(recorded) != recorded.hash:
        return Fault(seq, here, "altered", "altered: it does not fit its own hash")
    if recorded.previous != last.hash:
        told = f"replaced: record {seq} ({here}) was chained to another"
        # Of two that do not fit each other the first is named; before the first there is none.
        return Fault(max(last.seq, 1), last_id or here, "replaced", told)
    return None


def _of_content(row: Row, erased: Collection[str]) -> Fault | None:
    seq, here, content = row.recorded.seq, row.recorded.id, row.content
    if content is None:
        if here not in erased:
            return Fault(seq, here, "content_missing", "its content is missing, and no record says that it was erased")
        return None
    if sealed(content.salt, content.body) != row.recorded.seal:
        return Fault(seq, here, "content_altered", "its content was altered: it does not fit the seal")
    if here in erased:
        return Fault(seq, here, "content_kept", "its content is there, though a record says that it was erased")
    return None


def _of_end(last: Head, last_id: str | None, ends: Sequence[Head], head: Head | None) -> Fault | None:
    beyond = max((end.seq for end in ends), default=0)
    if beyond > last.seq:
        return Fault(last.seq + 1, None, "truncated", f"missing, with all after it: there were {beyond} records")
    if head is not None and head != last:
        told = f"the chain ends here, but its head says that it ends with {head}"
        return Fault(last.seq, last_id, "unknown_end", told)
    return None


def _digest(parts: list[str | int]) -> str:
    # As a JSON list, so that no character can move from one part into the next.
    return hashlib.sha256(canonical(parts).encode("ascii")).hexdigest()
