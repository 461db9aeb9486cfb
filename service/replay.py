"""A recorded decision made again, from what was recorded of it: does the same answer come out, byte for byte?"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from service import ENGINE_VERSION
from service.decision import Decider
from service.referral.strict_json import canonical
from service.tell.answer import Answer, answer

#: the ways into the service. `what-if` is the form's look at a changed patient; a batch is one decision for each line
Door: TypeAlias = Literal["api", "batch", "cds-hooks", "fhir", "form", "what-if"]


class NotReplayable(Exception):
    """A decision that cannot be made again; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came out. `same`: the bytes of the answer are the recorded ones.

    An answer names the engine that gave it. Replayed by another engine, it is compared as if that had been the recorded one.
    """

    same: bool
    answer: Answer
    recorded_digest: str
    digest: str
    recorded_engine: str
    engine: str
    #: what differs in what was recorded in words: statuses and alerts; empty when only other parts of the answer differ
    differences: tuple[str, ...] = ()


def digest_of(told: Answer) -> str:
    """sha256 of the answer's canonical bytes, those that the API sends."""
    return hashlib.sha256(canonical(told).encode("utf-8", "replace")).hexdigest()


def summary_of(told: Answer) -> dict[str, Any]:
    """The statuses and alerts of an answer, by lesion and technique, the best option first."""
    return {
        "lesions": [
            {
                "lesion": lesion["id"],
                "options": [[option["technique"], option["status"]] for option in lesion["options"]],
            }
            for lesion in told["lesions"]
        ],
        "alerts": [alert["rule"] for alert in told["alerts"]],
    }


def replay(line: Mapping[str, Any], content: Mapping[str, Any], decider: Decider, referral: Any = None) -> Replayed:
    """The decision of this record, made again by the `decider` of its rulebook.

    `referral`: what it was made on, where the record keeps only its digest.

    Raises NotReplayable when the input is not there, or is another one.
    """
    taken = content.get("input") if referral is None else referral
    if taken is None:
        raise NotReplayable("the record keeps only the digest of the referral: give the referral itself")
    _, recommendation, stamp = decider.considered(taken, datetime.fromisoformat(line["evaluated_at"]))
    if stamp.input_digest != content["input_digest"]:
        raise NotReplayable("this is not the referral that was decided on: its digest is another one")
    told = answer(recommendation, stamp, line["language"], line["detail"])
    told["engine_version"] = line["engine"]
    found = digest_of(told)
    return Replayed(
        same=found == content["answer_digest"],
        answer=told,
        recorded_digest=content["answer_digest"],
        digest=found,
        recorded_engine=line["engine"],
        engine=ENGINE_VERSION,
        differences=tuple(_differences(content, summary_of(told))),
    )


def _differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    if recorded["alerts"] != now["alerts"]:
        found.append(f"alerts: {recorded['alerts']} was recorded, {now['alerts']} comes out")
    for before, after in zip(recorded["lesions"], now["lesions"], strict=False):
        if before != after:
            found.append(f"lesion {before['lesion']}: {before['options']} was recorded, {after['options']} comes out")
    return found
