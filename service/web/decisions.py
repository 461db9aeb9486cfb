"""Every decision of every door is made here, and nowhere else: what must happen to each of them happens in this one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from service.decision import Decider, Detail, Language
from service.recommend.recommendation import Recommendation
from service.tell.answer import Answer, Stamp, answer

#: the ways into the service. `what-if` is the form's look at a changed patient; a batch is one decision for each line
Door: TypeAlias = Literal["api", "batch", "cds-hooks", "fhir", "form", "what-if"]


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that may leave: what was decided on, what came of it, and the answer as its door tells it."""

    door: Door
    #: in its one canonical form (`service.referral.case.canonical_input`)
    referral: Mapping[str, Any]
    recommendation: Recommendation
    stamp: Stamp
    language: Language
    detail: Detail
    answer: Answer


def decide(
    decider: Decider, referral: Any, at: datetime, language: Language, detail: Detail = "decisive", *, door: Door
) -> Made:
    """The decision on a referral given as plain JSON data.

    Raises ReferralError when the referral cannot be used, Disagreement or EngineError when no answer may be given.
    """
    taken, recommendation, stamp = decider.considered(referral, at)
    told = answer(recommendation, stamp, language, detail)
    return Made(door, taken, recommendation, stamp, language, detail, told)
