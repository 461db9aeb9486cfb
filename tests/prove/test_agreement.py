"""prove = run = reference: on the same patient, unknowns included, the formulas say what the service says (invariant 7)."""

from functools import cache
from itertools import product

import z3
from hypothesis import assume, given
from hypothesis import strategies as st

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import situations
from service.prove.logic import Tri
from service.prove.options import Bears
from service.rulebook.bearing import Bearing, status_of
from tests.prove.pinned import Formulas
from tests.strategies import Sent, decider, examples, recommended, referrals, rulebook


@cache
def formulas() -> Formulas:
    return Formulas(rulebook())


def _verdict(model: z3.ModelRef, tri: Tri) -> Verdict:
    yes, no = (z3.is_true(model.eval(part, model_completion=True)) for part in (tri.yes, tri.no))
    assert not (yes and no), "a verdict is both certain and certainly not"
    return YES if yes else NO if no else UNKNOWN


@examples(40)
@given(referrals(), st.integers(0, 2))
def test_formulas_say_of_a_patient_what_the_service_says(sent: Sent, judged: int) -> None:
    recommendation = recommended(sent)
    case = recommendation.case
    assume(judged < len(case.lesions) <= formulas().lesions)
    model = formulas().model(case, judged)
    situation = situations(case)[1][judged]
    meaning = decider()._judge.meaning
    differing = {
        bound.rule.id
        for bound, tri in zip(rulebook().bound, formulas().rules, strict=True)
        if _verdict(model, tri) != meaning.condition(bound.when)(situation)
    }
    assert differing == set()
    for entry in recommendation.lesions[judged].ranked:
        statuses = formulas().options[entry.option.technique.id].statuses
        held = [
            status for status, formula in statuses.items() if z3.is_true(model.eval(formula, model_completion=True))
        ]
        assert held == [entry.option.status], entry.option.technique.id


def test_statuses_follow_from_what_bears_as_everywhere_else() -> None:
    """All 486 of them: this table, the reference's, and through it the engine's."""

    def tri(verdict: Verdict) -> Tri:
        return Tri(z3.BoolVal(verdict == YES), z3.BoolVal(verdict == NO))

    verdicts: tuple[Verdict, ...] = (NO, UNKNOWN, YES)
    for alert, excluding, deferring, indicated, against in product(verdicts, repeat=5):
        for asked in (NO, YES):
            bears = Bears(
                tri(alert), tri(excluding), tri(deferring), tri(indicated), tri(against), z3.BoolVal(asked == YES)
            )
            held = [status for status, formula in bears.statuses().items() if z3.is_true(z3.simplify(formula))]
            assert held == [status_of(Bearing(alert, excluding, deferring, indicated, against, asked))]
