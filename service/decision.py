"""From a referral to an answer: what both doors, HTTP and command line, call. They decide nothing themselves."""

from datetime import datetime
from typing import Any, Literal, TypeAlias

from service import ENGINE_VERSION
from service.recommend.judge import Judge
from service.recommend.recommendation import Recommendation, recommend
from service.referral.case import CaseMaker, canonical_input, input_digest
from service.referral.schema import ReferralReader
from service.referral.strict_json import parse
from service.rulebook.model import Rulebook
from service.tell.answer import Answer, Stamp, answer

Detail: TypeAlias = Literal["decisive", "full"]
Language: TypeAlias = Literal["fr", "en"]


class Decider:
    """One rulebook, ready to decide. Build after fork, one per worker: it holds the C engine."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._reader = ReferralReader(rulebook.vocabulary)
        self._cases = CaseMaker(rulebook)
        self._judge = Judge(rulebook)

    def decide(self, data: Any, at: datetime, language: Language = "fr", detail: Detail = "decisive") -> Answer:
        """The answer to a referral given as plain JSON data (see `decide_json` for text).

        Raises ReferralError when the referral cannot be used, Disagreement or EngineError when no answer may be given.
        """
        recommendation, stamp = self.recommend(data, at)
        return answer(recommendation, stamp, language, detail)

    def decide_json(self, body: bytes, at: datetime, language: Language = "fr", detail: Detail = "decisive") -> Answer:
        """The same from JSON text, read strictly: duplicate keys, NaN and undue depth are refused."""
        return self.decide(parse(body), at, language, detail)

    def recommend(self, data: Any, at: datetime) -> tuple[Recommendation, Stamp]:
        """The recommendation before any word is said of it, and what identifies it."""
        _, recommendation, stamp = self.considered(data, at)
        return recommendation, stamp

    def considered(self, data: Any, at: datetime) -> tuple[dict[str, Any], Recommendation, Stamp]:
        """The same with the referral in its canonical form: deciding that again gives the same."""
        referral = self._reader.read(data)
        case = self._cases.make(referral, at)
        recommendation = recommend(self._judge, case)
        info = self.rulebook.info
        stamp = Stamp(
            rulebook=info.name,
            rulebook_version=info.version,
            rulebook_status=info.status,
            rulebook_digest=self.rulebook.digest,
            engine_version=ENGINE_VERSION,
            evaluated_at=case.at.isoformat(),
            input_digest=input_digest(referral),
        )
        return canonical_input(referral), recommendation, stamp
