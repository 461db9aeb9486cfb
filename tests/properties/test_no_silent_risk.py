"""No silent risk: nothing is eligible while an absolute contraindication to it holds or is unknown.

Which rules speak of an act is worked out here again from their targets, not taken from the service.
"""

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import Condition, Meaning
from service.language.tree import for_technique
from service.recommend.options import Option
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.rulebook.model import Rule, Rulebook, Technique
from tests.strategies import FIXTURES, Sent, examples, fixture, recommended, referrals, rulebook, usable_fixtures

WARRANTED = ("eligible", "provisional", "cautioned", "undetermined")


def speaks_of(rule: Rule, technique: Technique, modes: dict[str, str], book: Rulebook) -> bool:
    """Whether a rule against something is against this act: its technique, one of its parts, or a chosen mode."""
    target = rule.target
    if target.nothing or rule.id in technique.sets_aside:
        return False
    if target.mode is not None and modes.get(target.mode[0]) != target.mode[1]:
        return False
    if target.techniques and not {technique.id, *technique.parts} & {*target.techniques}:
        return False
    traits = technique.traits.union(*(book.techniques[part].traits for part in technique.parts))
    return traits.issuperset(target.traits)


def chosen(option: Option) -> dict[str, str]:
    found = {kind: option.chosen(kind) for kind in ("anaesthesia", "guidance")}
    return {kind: choice.mode for kind, choice in found.items() if choice is not None}


def dangers(lesion: LesionRecommendation, option: Option) -> Iterator[tuple[Rule, Verdict]]:
    """Every alert and contraindication to the act, with its verdict by the reference meaning."""
    book, technique, modes = rulebook(), option.technique, chosen(option)
    for rule in book.rules.values():
        if rule.claim in ("contraindicates", "preempts") and speaks_of(rule, technique, modes, book):
            yield rule, asked(rule.id, technique.id)(lesion.judgement.situation)


@cache
def asked(rule: str, technique: str) -> Condition:
    """What a rule says of a patient when this technique is judged."""
    book = rulebook()
    act = book.techniques[technique]
    meaning = Meaning(book.vocabulary, book.scores)
    return meaning.condition(for_technique(book.rules[rule].when, act.duration, act.position))


def silent_risks(recommendation: Recommendation) -> list[str]:
    """Statuses that say less than the dangers do."""
    found = []
    checklist = rulebook().checklist
    for lesion in recommendation.lesions:
        places = {(bound.rule.id, bound.technique): bound.place for bound in rulebook().bound}
        for ranked in lesion.ranked:
            option, name = ranked.option, ranked.option.technique.id
            for rule, verdict in dangers(lesion, option):
                stops = rule.claim == "preempts" or rule.absolute
                says = f"{name} is {option.status} while {rule.id} is {verdict}"
                if option.status == "eligible" and verdict != NO:
                    found.append(says)
                if stops and verdict == YES and option.status in WARRANTED:
                    found.append(says)
                if stops and verdict == UNKNOWN and option.status in ("provisional", "cautioned"):
                    place = places.get((rule.id, None), places.get((rule.id, name)))
                    assert place is not None, f"{rule.id} bears on {name} but is not bound"
                    if any(item.item not in checklist for item in lesion.judgement.open_items(place)):
                        found.append(says)
            if option.status in WARRANTED[:3]:
                indications = [lesion.judgement.verdicts[place] for place in option.arguments.indications]
                if YES not in indications:
                    found.append(f"{name} is {option.status} without an indication that holds")
    return found


@examples(80)
@given(referrals())
def test_nothing_is_warranted_while_a_danger_holds_or_is_unknown(sent: Sent) -> None:
    assert silent_risks(recommended(sent)) == []


@pytest.mark.parametrize("name", FIXTURES)
def test_no_fixture_is_warranted_while_a_danger_holds_or_is_unknown(name: str) -> None:
    if name in usable_fixtures():
        assert silent_risks(recommended(fixture(name))) == []


def test_every_technique_can_be_stopped_for_good() -> None:
    book = rulebook()
    for technique in book.techniques.values():
        if "percutaneous" in technique.traits:
            absolute = [
                rule
                for rule in book.rules.values()
                if rule.claim == "contraindicates" and rule.absolute and speaks_of(rule, technique, {}, book)
            ]
            assert absolute, technique.id
