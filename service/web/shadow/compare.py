"""Two answers to one referral: of which kind is the difference? What is counted names techniques and statuses, never a value."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from service.tell.answer import Answer

#: what a referral is counted as; one that differs in several ways is counted under each of them
Kind: TypeAlias = Literal["compared", "same", "first_option", "statuses", "alerts", "refused", "failed", "dropped"]
KINDS: dict[Kind, str] = {
    "compared": "referrals decided by both",
    "same": "of these, without any difference of the kinds below",
    "first_option": "another option comes first, for a lesion at least",
    "statuses": "an option has another status, for a lesion at least",
    "alerts": "another alert is given",
    "refused": "the shadow's vocabulary refuses the referral",
    "failed": "the shadow gave no answer: its engines differed, it failed, or took too long",
    "dropped": "not compared: too many were waiting",
}
#: parts of what is counted beside the kinds: from one technique or status to another
FIRST, STATUS = "first", "status"
_PART = "/"
#: no option, or no such technique
NONE = "-"


@dataclass(frozen=True, slots=True)
class Decided:
    """A referral as it was sent, the moment it was decided for, and the answer."""

    body: bytes
    at: datetime
    answer: Answer


def subject(served: str, shadow: str) -> str:
    """Under which name the store keeps the counts of one rulebook beside another, by their digests."""
    return f"shadow {served} {shadow}"


def summary(answer: Answer) -> dict[str, Any]:
    """What is compared of an answer, as plain data."""
    return {
        "alerts": sorted([alert["rule"], *alert.get("lesions", ())] for alert in answer["alerts"]),
        "lesions": {
            lesion["id"]: [[option["technique"], option["status"]] for option in lesion["options"]]
            for lesion in answer["lesions"]
        },
    }


def compared(old: dict[str, Any], new: dict[str, Any]) -> Counter[str]:
    """What to count for one referral, from the summaries of both answers."""
    found: Counter[str] = Counter({"compared": 1})
    for lesion, before in old["lesions"].items():
        after = new["lesions"][lesion]
        found.update(_moves(before, after))
    kinds: list[Kind] = []
    if any(name.startswith(FIRST + _PART) for name in found):
        kinds.append("first_option")
    if any(name.startswith(STATUS + _PART) for name in found):
        kinds.append("statuses")
    if old["alerts"] != new["alerts"]:
        kinds.append("alerts")
    found.update(kinds or ["same"])
    return found


def _moves(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> Iterator[str]:
    first = [options[0][0] if options else NONE for options in (before, after)]
    if first[0] != first[1]:
        yield _PART.join((FIRST, *first))
    old, new = (dict(options) for options in (before, after))
    for technique in sorted(old.keys() | new.keys()):
        was, becomes = old.get(technique, NONE), new.get(technique, NONE)
        if was != becomes:
            yield _PART.join((STATUS, technique, was, becomes))


def told(counts: dict[str, int]) -> dict[str, Any]:
    """The counts as they are shown: by kind, and by where an option went from and to, the most frequent first."""
    moves = sorted(((-number, name.split(_PART)) for name, number in counts.items() if _PART in name))
    return {
        "counts": {kind: counts.get(kind, 0) for kind in KINDS},
        "first_options": [
            {"from": was, "to": becomes, "count": -number}
            for number, (what, *rest) in moves
            if what == FIRST
            for was, becomes in [rest]
        ],
        "statuses": [
            {"technique": technique, "from": was, "to": becomes, "count": -number}
            for number, (what, *rest) in moves
            if what == STATUS
            for technique, was, becomes in [rest]
        ],
    }
