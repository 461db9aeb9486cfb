"""The recommendation: everything decided about one case, before any word is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.language.facts import Case
from service.language.kleene import YES
from service.language.meaning import Meaning
from service.recommend.judge import Judge, LesionJudgement
from service.recommend.options import OptionMaker
from service.recommend.questions import Question, questions
from service.recommend.ranking import Ranked, rank
from service.recommend.session import Plan, plan
from service.rulebook.bearing import Bearing
from service.rulebook.model import Rulebook, Status


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that holds, by rule id; `lesions` names those it holds for, or is empty when it is about the patient."""

    rule: str
    lesions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LesionRecommendation:
    judgement: LesionJudgement
    maker: OptionMaker
    ranked: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    case: Case
    rulebook: Rulebook
    meaning: Meaning
    alerts: tuple[Alert, ...]
    lesions: tuple[LesionRecommendation, ...]
    questions: tuple[Question, ...]
    plan: Plan


def recommend(judge: Judge, case: Case) -> Recommendation:
    """Decides a case twice and ranks. Raises Disagreement or EngineError: then no answer may be given."""
    rulebook = judge.rulebook
    given: dict[Bearing, Status] = {}
    lesions = []
    for judgement in judge.judge(case):
        maker = OptionMaker(rulebook, judgement, case.at)
        options = maker.options()
        given |= maker.given
        lesions.append(LesionRecommendation(judgement, maker, tuple(rank(options, rulebook, judgement, maker))))
    judge.confirm(given)
    pairs = [(lesion.judgement, lesion.ranked) for lesion in lesions]
    return Recommendation(
        case=case,
        rulebook=rulebook,
        meaning=judge.meaning,
        alerts=tuple(_alerts(rulebook, {lesion.judgement.lesion: lesion.judgement for lesion in lesions})),
        lesions=tuple(lesions),
        questions=tuple(questions(pairs, rulebook, rulebook.warnings)),
        plan=plan(pairs, rulebook, judge.meaning),
    )


def _alerts(rulebook: Rulebook, judgements: Mapping[str, LesionJudgement]) -> list[Alert]:
    """Alerts that hold, the most urgent first."""
    found: dict[str, set[str]] = {}
    patient_wide = set()
    for bound in rulebook.bound:
        if bound.rule.claim != "preempts":
            continue
        for lesion, judgement in judgements.items():
            if judgement.verdicts[bound.place] == YES:
                found.setdefault(bound.rule.id, set()).add(lesion)
                if bound.scope == "patient":
                    patient_wide.add(bound.rule.id)
    ordered = sorted(found, key=lambda rule: (rulebook.rules[rule].within or 0.0, rule))
    return [Alert(rule, () if rule in patient_wide else tuple(sorted(found[rule]))) for rule in ordered]
