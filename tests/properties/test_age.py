"""Age alone excludes no adult: the programme's own principle.

What it means here, exactly: take a rule that can stop an act (an alert or an absolute contraindication) or on which an
act rests (an indication). Let everything else that the rule reads be favourable. Then no age from 18 to 110 makes the
danger hold, or the indication fail. Age may guard another finding (pregnancy is asked of no one over 55), may enter a
score that is about something else (kidney function, sleep apnoea), may call for a precaution or a longer stay.
"""

import pytest

from service.language.kleene import NO, YES, Verdict, negation
from service.language.scores import items_read
from service.language.tree import All, AnyOf, Compare, CountLesions, Node, Not, Term, holds
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.rulebook.model import BoundRule
from tests.strategies import FIXTURES, Sent, criteria, fixture, limits, recommended, refused, rulebook, usable_fixtures

AGE = "patient.age"
ADULT = range(18, 111)


def by_age_alone(node: Node, age: int, *, wanted: Verdict) -> Verdict:
    """The verdict at that age when every criterion that is not about age says the contrary of `wanted`."""
    match node:
        case All(parts):
            return min(by_age_alone(part, age, wanted=wanted) for part in parts)
        case AnyOf(parts):
            return max(by_age_alone(part, age, wanted=wanted) for part in parts)
        case Not(part):
            return negation(by_age_alone(part, age, wanted=negation(wanted)))
        case Compare(Term("item", item), operator, value) if item == AGE:
            return YES if holds(age, operator, value) else NO
        case _:
            return negation(wanted)


def decisive(bound: BoundRule) -> bool:
    return bound.rule.claim in ("preempts", "indicates") or bound.rule.absolute


def test_no_adult_age_alone_makes_a_danger_hold_or_an_indication_fail() -> None:
    speaking = [
        bound
        for bound in rulebook().bound
        if any(isinstance(leaf, Compare) and leaf.term == Term("item", AGE) for leaf in criteria(bound.when))
    ]
    assert speaking, "no rule speaks of age: this test has nothing to test"
    wrong = []
    for bound in speaking:
        assert not any(isinstance(leaf, CountLesions) for leaf in criteria(bound.when)), "not worked out by this test"
        # The stay is a consequence of the plan, in which age may appear.
        stay = bound.rule.target.mode is not None and bound.rule.target.mode[0] == "stay"
        if decisive(bound) and not stay:
            dreaded = NO if bound.rule.claim == "indicates" else YES
            ages = [age for age in ADULT if by_age_alone(bound.when, age, wanted=dreaded) == dreaded]
            if ages:
                wrong.append(f"{bound.rule.id} at {ages[0]} to {ages[-1]} years")
    assert wrong == []


def reads_age(bound: BoundRule) -> bool:
    book = rulebook()
    return any(
        isinstance(leaf, Compare)
        and (
            leaf.term == Term("item", AGE)
            or (leaf.term.quantity == "score" and AGE in items_read(book.scores[leaf.term.name], book.scores))
        )
        for leaf in criteria(bound.when)
    )


def through_age_alone(bound: BoundRule) -> bool:
    """Whether the rule reads age, neither through a score nor beside another finding."""
    return all(isinstance(leaf, Compare) and leaf.term == Term("item", AGE) for leaf in criteria(bound.when))


def at_age(name: str, age: int) -> Sent:
    sent = fixture(name)
    sent.data["patient"][AGE] = age
    return sent


def statuses(lesion: LesionRecommendation) -> dict[str, str]:
    return {ranked.option.technique.id: ranked.option.status for ranked in lesion.ranked}


CLOSED = ("preempted", "excluded", "not_indicated", "deferred")


@pytest.mark.parametrize("name", FIXTURES)
def test_no_option_of_a_fixture_is_closed_by_another_adult_age(name: str) -> None:
    """Whatever the age, an option closes only when a rule says so that reads more than the age."""
    if name not in usable_fixtures():
        return
    beside = {int(limit) + step for limit in limits()[AGE] for step in (0, 1)}
    ages = sorted({18, 110, *beside} & {*ADULT})
    sent = [at_age(name, age) for age in ages]
    # Only a pregnancy goes back to be checked at some ages.
    possible = [one for one in sent if not (one.data["patient"].get("patient.pregnant") is True and refused(one))]
    found: list[Recommendation] = [recommended(one) for one in possible]
    assert len(found) > 1
    book = rulebook()
    for place in range(len(found[0].lesions)):
        told = [recommendation.lesions[place] for recommendation in found]
        for technique, dossier in book.dossiers.items():
            by_age = [statuses(lesion)[technique] for lesion in told]
            if len(set(by_age)) == 1 or not any(status in CLOSED for status in by_age):
                continue
            chosen = [mode for kind in ("anaesthesia", "guidance") for mode in dossier.modes[kind].values()]
            concerned = {at for arguments in (dossier.own, *chosen) for at in arguments.all()}
            moved = [
                book.bound[at]
                for at in sorted(concerned)
                if len({lesion.judgement.verdicts[at] for lesion in told}) > 1
            ]
            assert moved, f"{technique} is {by_age} and no rule tells these ages apart"
            stopping = [bound for bound in moved if decisive(bound)]
            assert all(reads_age(bound) and not through_age_alone(bound) for bound in stopping)
