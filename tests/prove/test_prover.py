"""One question at a time: what is proved holds of every patient met elsewhere, what is refuted comes with one who shows it."""

from datetime import date, datetime
from functools import cache
from itertools import pairwise
from random import Random

import pytest
import z3

from service.language.condition import read_condition
from service.language.errors import LanguageError
from service.language.kleene import YES
from service.language.meaning import Meaning, Situation, situations
from service.language.parser import ScoreHead, Words
from service.language.tree import Node
from service.prove.prover import Prover
from service.prove.world import lesions_needed
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from tests.strategies import fixture, recommended, rulebook, usable_fixtures


@cache
def prover() -> Prover:
    return Prover(rulebook(), today=date(2026, 11, 25))


@cache
def words() -> Words:
    book = rulebook()
    heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}
    return Words(book.vocabulary, heads, book.settings)


def condition(data: object) -> Node:
    def complain(path: object, error: LanguageError) -> None:
        raise error

    return read_condition(data, words(), complain)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("blood.platelets < 49 G/L", "blood.platelets < 50 G/L"),
        ("blood.platelets < 50 G/L", "blood.platelets <= 50 G/L"),
        ("lesion.site is sacrum", "lesion.site in [sacrum, ilium]"),
        ("medications includes apixaban", "medications includes any of [apixaban, rivaroxaban]"),
        ({"all": ["lesion.fracture", "pain.mechanical"]}, "pain.mechanical"),
        ("days_since(last_dose.apixaban) < 2", "since(last_dose.apixaban) < 49 h"),
        ("score.sins >= 13", "score.sins >= 7"),
        ("score.creatinine_clearance < 30", "score.creatinine_clearance < 50"),
        ({"count_lesions": {"where": "lesion.site is rib", "is": "> 3"}}, {"any_lesion": "lesion.site is rib"}),
        ({"all": ["lesion.site is rib", {"not": {"any_lesion": "lesion.site is rib"}}]}, "lesion.fracture"),
    ],
    ids=str,
)
def test_what_is_narrower_implies_what_is_wider_and_not_the_other_way(narrow: object, wide: object) -> None:
    a, b = condition(narrow), condition(wide)
    assert prover().implied(a, b).answer == "proved"
    back = prover().implied(b, a)
    assert back.answer == "refuted"
    assert back.witness is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"not": "blood.platelets < 50 G/L"}, "blood.platelets >= 50 G/L", True),
        ({"all": ["lesion.fracture", "pain.mechanical"]}, {"all": ["pain.mechanical", "lesion.fracture"]}, True),
        # Both are yes of the same patients; but the second is open, not no, where the count is unknown.
        ("blood.platelets < 50 G/L", {"all": ["blood.platelets < 50 G/L", "blood.platelets < 60 G/L"]}, True),
        ("lesion.fracture", {"any": ["lesion.fracture", {"all": ["lesion.fracture", "pain.mechanical"]}]}, True),
        ({"any": ["lesion.fracture", "not lesion.fracture"]}, "always", False),
        ("blood.platelets < 50 G/L", "blood.platelets <= 50 G/L", False),
        ("pain.nrs >= 4", "pain.nrs > 3", False),
    ],
    ids=str,
)
def test_two_conditions_are_the_same_when_no_patient_tells_them_apart(one: object, other: object, same: bool) -> None:
    assert prover().same(condition(one), condition(other)).answer == ("proved" if same else "refuted")


def test_what_cannot_be_is_no_patient() -> None:
    """A male patient who is pregnant would be refused: no rule is called possible because of one."""
    both = condition({"all": ["patient.sex is male", "patient.pregnant"]})
    assert prover().never(both).answer == "proved"
    assert prover().never(condition({"all": ["patient.sex is female", "patient.pregnant"]})).answer == "refuted"


def test_a_witness_says_nothing_more_than_it_needs() -> None:
    found = prover().never(condition({"all": ["blood.platelets < 50 G/L", "lesion.site is rib"]}))
    assert found.witness is not None
    assert set(found.witness["patient"]) == {"blood.platelets"}
    assert [set(lesion) for lesion in found.witness["lesions"]] == [{"id", "lesion.site"}]


def test_the_day_on_which_the_clock_changes_is_a_day_too() -> None:
    """On a day of 23 hours what happened at one o'clock is an hour less ago: a proof must not overlook it."""
    a, b = condition("days_since(last_dose.apixaban) < 2"), condition("since(last_dose.apixaban) < 48 h")
    assert prover().implied(a, b).answer != "proved"


@cache
def met() -> list[Situation]:
    """Every lesion of every case."""
    return [found for name in usable_fixtures() for found in situations(recommended(fixture(name)).case)[1]]


def test_what_is_proved_of_two_rules_holds_of_every_case() -> None:
    random = Random(7)  # noqa: S311 - the same pairs every time is what is wanted
    nodes = [bound.when for bound in rulebook().bound]
    pairs = [(a, random.choice(nodes)) for a in random.sample(nodes, 60)]
    # Rules that read the same things, where an implication is likely.
    pairs += list(pairwise(nodes))[:60]
    meaning = Meaning(rulebook().vocabulary, rulebook().scores)
    proved = 0
    for a, b in pairs:
        world = prover().world((a, b))
        one, other = world.of(a), world.of(b)
        if prover().always(world, z3.Implies(one.yes, other.yes)) == "proved":
            proved += 1
            of_a, of_b = meaning.condition(a), meaning.condition(b)
            assert not [found for found in met() if of_a(found) == YES and of_b(found) != YES]
    assert proved


def test_every_rule_that_can_hold_is_shown_with_a_patient_of_whom_it_holds() -> None:
    """The witness is decided by the service itself, not by the formulas that gave it."""
    meaning = Meaning(rulebook().vocabulary, rulebook().scores)
    reader, cases = ReferralReader(rulebook().vocabulary), CaseMaker(rulebook())
    shown = 0
    for bound in rulebook().bound[::12]:
        found = prover().never(bound.when)
        if found.answer == "refuted":
            assert found.witness is not None
            assert found.at is not None
            case = cases.make(reader.read(found.witness), datetime.fromisoformat(found.at))
            assert meaning.condition(bound.when)(situations(case)[1][0]) == YES
            shown += 1
    assert shown > 20


def test_enough_lesions_are_looked_at_for_every_question_about_several() -> None:
    """More than the largest figure that any rule counts to, so that no question needs one lesion more."""
    assert lesions_needed(rulebook()) >= 6
    assert Prover(rulebook()).world([condition({"any_lesion": "lesion.fracture"})]).patients.others >= lesions_needed(
        rulebook()
    )
