"""Every decision of every door is made here, and nowhere else: what must happen to each of them happens in this one place."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import g

from service.decision import Detail, Language
from service.recommend.recommendation import Recommendation
from service.replay import Door
from service.tell.answer import Answer, Stamp, answer
from service.web import request_id, tracing
from service.web.metrics import counting
from service.web.state import Desk

WAITING = "decided"


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that may leave: what was decided on, what came of it, and the answer as its door tells it."""

    #: in the header of the answer, and in the record
    id: str
    door: Door
    desk: Desk
    #: in its one canonical form (`service.referral.case.canonical_input`)
    referral: Mapping[str, Any]
    recommendation: Recommendation
    stamp: Stamp
    language: Language
    detail: Detail
    answer: Answer
    #: what its door adds to the content of the record
    beside: Mapping[str, Any] = field(default_factory=dict)


def decide(
    desk: Desk, referral: Any, at: datetime, language: Language, detail: Detail = "decisive", *, door: Door
) -> Made:
    """The decision on a referral given as plain JSON data. It stands in the record before the response leaves (`record`).

    Raises ReferralError when the referral cannot be used, Disagreement or EngineError when no answer may be given.
    """
    tracing.rulebook(desk.decider.rulebook.digest)
    with tracing.span("decide"):
        taken, recommendation, stamp = desk.decider.considered(referral, at)
        told = answer(recommendation, stamp, language, detail)
    made = Made(uuid.uuid4().hex, door, desk, taken, recommendation, stamp, language, detail, told)
    g.setdefault(WAITING, []).append(made)
    request_id.note(door=door)
    counting.decided(door, recommendation)
    return made


def waiting() -> list[Made]:
    """What this request decided and nobody has recorded yet; it is then taken as recorded."""
    found: list[Made] = g.pop(WAITING, [])
    return found


def withdraw() -> None:
    """Forgets what this request decided and nobody has recorded yet: its answer does not leave."""
    g.pop(WAITING, None)


def beside(**more: Any) -> None:
    """Adds to what the record will say of the last decision of this request, if it made one."""
    if found := g.get(WAITING):
        found[-1] = replace(found[-1], beside={**found[-1].beside, **more})
