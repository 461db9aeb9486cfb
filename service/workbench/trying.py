"""Decides cases under a rulebook and says of each whether it gets the answer it must get."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

from service.decision import Decider, Language
from service.language.errors import Mistake
from service.recommend.judge import Disagreement
from service.recommend.recommendation import Recommendation
from service.referral.complaints import ReferralError
from service.referral.strict_json import parse
from service.run.adapter import EngineError
from service.tell.answer import answer
from service.workbench.cases import CaseFile, check_case
from service.workbench.comparing import Difference, differences, refusal_differences

#: `faulty`: the case file has mistakes, and was not decided; `broken`: no answer may be given (a fault of the service)
Verdict: TypeAlias = Literal["passed", "failed", "faulty", "broken"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    case: CaseFile
    verdict: Verdict
    seconds: float
    differences: tuple[Difference, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    #: why no answer may be given
    fault: str = ""
    #: what was decided; None of a case that was refused, faulty or broken
    recommendation: Recommendation | None = None

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"


def try_cases(
    decider: Decider,
    cases: Iterable[CaseFile],
    mistakes: Iterable[Mistake] = (),
    language: Language = "fr",
    watch: Callable[[CaseFile], None] = lambda case: None,
) -> Iterator[Outcome]:
    """The outcome of each case, in order, by both engines. `mistakes` are those found in reading the cases.

    `watch` is told of each case before it is decided. What a case says that the rulebook does not know is its mistake.
    """
    of_form: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        of_form.setdefault(mistake.file, []).append(mistake)
    for case in cases:
        watch(case)
        found = of_form.get(case.document.name, []) if case.document else []
        yield try_case(decider, case, found, language)


def try_case(decider: Decider, case: CaseFile, of_form: list[Mistake], language: Language = "fr") -> Outcome:
    """The outcome of one case. `of_form` are the mistakes found in reading it."""
    start = perf_counter()
    mistakes = {*of_form, *check_case(case, decider.rulebook)} if isinstance(case.data, dict) else set(of_form)
    if mistakes:
        return Outcome(case, "faulty", perf_counter() - start, mistakes=tuple(sorted(mistakes)))
    recommendation = None
    try:
        recommendation, stamp = decider.recommend(parse(case.body), case.at)
    except ReferralError as error:
        different = list(refusal_differences(error, case.expect, language))
    except (Disagreement, EngineError) as error:
        return Outcome(case, "broken", perf_counter() - start, fault=str(error))
    else:
        different = list(refusal_differences(None, case.expect, language))
        different = different or list(differences(answer(recommendation, stamp, language, "decisive"), case.expect))
    verdict: Verdict = "failed" if different else "passed"
    return Outcome(case, verdict, perf_counter() - start, tuple(different), recommendation=recommendation)
