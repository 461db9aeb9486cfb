"""Conditions to branches: both ways, within what the engine bears, and refused at load when they are not."""

from dataclasses import replace
from itertools import product

import pytest

from service.language.kleene import NO, UNKNOWN, WORDS, YES
from service.language.meaning import Meaning, Situation
from service.language.tree import All, Always, AnyOf, Compare, Flag, Member, Node, Not, Settled, Term
from service.rulebook.model import BoundRule, Rulebook
from service.run.adapter import MAX_BRANCHES
from service.run.compile import ALWAYS, NEVER, Compiler, Conditions, TooManyBranches
from service.run.properties import properties_of
from service.run.reading import RunReading
from tests.properties.trees import CHOICES, VOCABULARY, moment
from tests.strategies import rulebook

A, B = Flag("patient.flag0"), Flag("patient.flag1")
KIND = "patient.choice2"


def compiler() -> Compiler:
    return Compiler(VOCABULARY, {})


def with_rule(node: Node) -> Rulebook:
    rule = replace(next(iter(rulebook().rules.values())), id="trial.too-large", when=node)
    return replace(rulebook(), vocabulary=VOCABULARY, scores={}, bound=(BoundRule(0, rule, node, "patient", None),))


@pytest.mark.parametrize(
    ("node", "holds", "refuted"),
    [
        (Always(), ALWAYS, NEVER),
        (Settled(0, "x"), NEVER, ALWAYS),
        (A, (((A.item, "==", 1.0),),), (((A.item, "==", 0.0),),)),
        (Not(A), (((A.item, "==", 0.0),),), (((A.item, "==", 1.0),),)),
        (
            All((A, B)),
            (((A.item, "==", 1.0), (B.item, "==", 1.0)),),
            (((A.item, "==", 0.0),), ((B.item, "==", 0.0),)),
        ),
        (AnyOf((A, Always())), ALWAYS, NEVER),
        (All((A, Settled(0, "x"))), NEVER, ALWAYS),
    ],
    ids=["always", "settled", "flag", "not", "all", "any with always", "all with never"],
)
def test_what_makes_a_condition_hold_and_what_refutes_it(node: Node, holds: object, refuted: object) -> None:
    assert compiler().branches(node, True) == holds
    assert compiler().branches(node, False) == refuted


@pytest.mark.parametrize("words", [("red",), ("green", "red"), ("blue", "red"), ("blue", "green", "red")])
def test_a_choice_is_one_of_the_words_or_none(words: tuple[str, ...]) -> None:
    conditions = Conditions(compiler(), [Member(KIND, words), Not(Member(KIND, words))])
    assert conditions.verdicts({}) == [UNKNOWN, UNKNOWN]
    for word in CHOICES:
        verdicts = conditions.verdicts(properties_of({KIND: word}, VOCABULARY))
        assert verdicts == ([YES, NO] if word in words else [NO, YES])


def test_no_comparison_is_both_held_and_refuted_or_lost_when_known() -> None:
    """Every operator over numbers, elapsed times known to the day, and unknown values."""
    numbers = [None, 1.0, 2.5, 4.0]
    moments = [None, moment(1, 6.0), moment(1, None), moment(3, None)]
    nodes = [
        Compare(Term(quantity, name), operator, limit)
        for quantity, name, limits in (
            ("item", "patient.number3", (1.0, 2.5)),
            ("since", "patient.moment6", (24.0, 36.0)),
            ("days_since", "patient.moment6", (1.0, 2.0)),
        )
        for operator in ("<", "<=", ">", ">=", "==", "!=")
        for limit in limits
    ]
    conditions = Conditions(compiler(), nodes)
    meaning = Meaning(VOCABULARY, {})
    for number, when in product(numbers, moments):
        known = {
            name: value for name, value in (("patient.number3", number), ("patient.moment6", when)) if value is not None
        }
        expected = [meaning.condition(node)(Situation(known)) for node in nodes]
        assert conditions.verdicts(properties_of(known, VOCABULARY)) == expected


def test_unknown_is_told_by_neither_firing() -> None:
    conditions = Conditions(compiler(), [A, Not(A), AnyOf((A, B)), All((A, B))])
    assert conditions.verdicts({}) == [UNKNOWN] * 4
    assert [WORDS[verdict] for verdict in conditions.verdicts({A.item: 1.0})] == ["yes", "no", "yes", "unknown"]


def alternatives(count: int) -> Node:
    """A condition whose branches cannot be fewer than three to the power of `count`."""
    members = [AnyOf((Flag("patient.flag0"), Flag("patient.flag1"), Member(KIND, (word,)))) for word in CHOICES]
    parts = [
        AnyOf((All((members[at % 3], A)), All((members[(at + 1) % 3], B)), Not(members[at % 3]))) for at in range(count)
    ]
    return All(
        tuple(AnyOf((part, Compare(Term("item", "patient.number3"), "==", at + 1.0))) for at, part in enumerate(parts))
    )


def too_large() -> Node:
    """Nested so that no part of it is small either."""
    node: Node = Flag("patient.flag0")
    for depth in range(4):
        node = All(
            tuple(
                AnyOf((node, Compare(Term("item", "patient.number3"), "<", at + depth / 8), Flag("patient.flag1")))
                for at in range(8)
            )
        )
    return AnyOf((node, *(Compare(Term("item", "patient.number4"), "==", at / 64) for at in range(MAX_BRANCHES + 1))))


def test_a_condition_with_too_many_alternatives_is_refused_when_the_rulebook_loads() -> None:
    with pytest.raises(TooManyBranches):
        Conditions(compiler(), [too_large()])
    with pytest.raises(TooManyBranches, match=r"trial\.too-large"):
        RunReading(with_rule(too_large()))


def test_a_condition_with_many_alternatives_is_decided_in_steps() -> None:
    node = alternatives(4)
    conditions = Conditions(compiler(), [node])
    assert conditions._parts is not None, "decided at once: choose a larger one"
    meaning = Meaning(VOCABULARY, {})
    for first, second, word, number in product((None, False, True), (None, False, True), (None, *CHOICES), (None, 1.0)):
        known = {
            name: value
            for name, value in ((A.item, first), (B.item, second), (KIND, word), ("patient.number3", number))
            if value is not None
        }
        expected = meaning.condition(node)(Situation(known))
        assert conditions.verdicts(properties_of(known, VOCABULARY)) == [expected]


def test_many_conditions_are_spread_over_rulesets_that_cannot_overflow() -> None:
    run = decider_conditions()
    assert len(run._rulesets) > 1
    for ruleset in run._rulesets:
        assert len(ruleset._definition) <= MAX_BRANCHES


def decider_conditions() -> Conditions:
    return RunReading(rulebook())._lesion_rules
