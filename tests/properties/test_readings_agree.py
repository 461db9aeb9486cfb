"""Every reading agrees: durable-rules and the reference meaning give the same verdicts, unknowns included.

Over real patients and rules, and over random conditions of every form, where a bug of either is far likelier to show.
"""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.language.kleene import UNKNOWN
from service.language.meaning import Meaning, Table, situations
from service.language.scores import Score
from service.language.tree import All, AnyOf, CountLesions, Flag, Node
from service.language.vocabulary import Scope
from service.rulebook.bearing import Bearing, status_of
from service.rulebook.model import BoundRule, Rulebook
from service.run.compile import Compiler, Conditions, TooManyBranches
from service.run.reading import RunReading
from service.run.statuses import Statuses
from tests.properties import trees
from tests.strategies import Sent, decider, examples, recommended, referrals, rulebook, seeded


@examples(40)
@given(referrals())
def test_both_engines_give_the_same_verdicts_of_real_rules(sent: Sent) -> None:
    """The judge compares them too; here they are compared without it."""
    case = recommended(sent).case
    patient, lesions = situations(case)
    judge = decider()._judge
    run = judge._run.verdicts(patient, lesions)
    meaning = Meaning(rulebook().vocabulary, rulebook().scores)
    for place, situation in enumerate(lesions):
        reference = [meaning.condition(bound.when)(situation) for bound in rulebook().bound]
        assert run[place] == reference


@pytest.fixture(scope="module")
def statuses() -> Statuses:
    return Statuses()


def test_both_engines_give_the_same_status_for_everything_that_can_bear_on_an_act(statuses: Statuses) -> None:
    every = [Bearing(*verdicts) for verdicts in product((0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 2))]
    found = statuses.of(every)
    assert {bears: status for bears, status in found.items() if status != status_of(bears)} == {}
    assert len(found) == 3**5 * 2


# ---- random conditions -----------------------------------------------------------------------------------------------


def accepted(nodes: list[Node], scores: dict[str, Score]) -> list[Node]:
    """Those that are not too large for the engine: the others are refused when a rulebook loads."""
    compiler = Compiler(trees.VOCABULARY, scores)
    found = []
    for node in nodes:
        try:
            Conditions(compiler, [node])
            found.append(node)
        except TooManyBranches:
            pass
    return found


def book_of(conditions: list[tuple[Scope, Node]], scores: dict[str, Score]) -> Rulebook:
    """A rulebook of nothing but these conditions."""
    rule = next(iter(rulebook().rules.values()))
    bound = tuple(
        BoundRule(at, replace(rule, id=f"trial-{at}", when=node), node, scope, None)
        for at, (scope, node) in enumerate(conditions)
    )
    return replace(rulebook(), vocabulary=trees.VOCABULARY, scores=scores, bound=bound)


tried = {"conditions": 0, "refused": 0, "evaluations": 0, "unknown": 0}


@examples(150)
@given(st.integers(0, 2**32))
def test_both_engines_give_the_same_verdicts_of_random_conditions(seed: int) -> None:
    random = seeded(seed)
    scores = trees.scores(random)
    draw = trees.Trees(random, scores)
    try:
        drawn = {scope: [draw.tree(scope, random.randint(0, 3)) for _ in range(15)] for scope in ("patient", "lesion")}
        kept = {scope: accepted(nodes, scores) for scope, nodes in drawn.items()}
        book = book_of([(scope, node) for scope, nodes in kept.items() for node in nodes], scores)
        run = RunReading(book)
    except TooManyBranches:
        # A score's own rows may be too large: refused when the rulebook loads.
        return
    tried["conditions"] += 30
    tried["refused"] += 30 - sum(map(len, kept.values()))
    meaning = Meaning(book.vocabulary, scores)
    for share in (0.0, 0.2, 0.5, 0.8, 1.0, 1.0):
        facts = trees.known("patient", random, share)
        lesions = [trees.known("lesion", random, share) for _ in range(random.randint(1, 3))]
        patient, of_lesions = trees.situations_of(facts, lesions)
        verdicts = run.verdicts(patient, of_lesions)
        for place, situation in enumerate(of_lesions):
            for bound in book.bound:
                reference = meaning.condition(bound.when)(patient if bound.scope == "patient" else situation)
                assert verdicts[place][bound.place] == reference, bound.when
                tried["evaluations"] += 1
                tried["unknown"] += reference == UNKNOWN
        for scope, asked in (("patient", [patient]), ("lesion", of_lesions)):
            table = Table(meaning, kept[scope])
            for situation in asked:
                direct = [meaning.condition(node)(situation) for node in kept[scope]]
                assert table.verdicts(table.evaluate(situation)) == direct


def test_the_random_conditions_were_many_and_hardly_any_was_refused() -> None:
    """Guards the test above against trying nothing. Runs after it, in the same process."""
    if not tried["conditions"]:
        pytest.skip("run together with the test above")
    assert tried["evaluations"] > 10_000
    assert tried["refused"] < tried["conditions"] / 10
    assert 0.1 < tried["unknown"] / tried["evaluations"] < 0.7


def test_a_condition_of_many_alternatives_is_decided_in_steps_alike() -> None:
    """Conditions too large for one ruleset are decided part by part."""
    flags = [item.id for item in trees.VOCABULARY if item.type == "flag"]
    random = seeded(3)
    parts = []
    for _ in range(6):
        chosen = random.sample(flags, 2)
        choice = trees.Trees(random).of_item(trees.VOCABULARY["lesion.choice2"])
        parts.append(AnyOf((Flag(chosen[0]), All((Flag(chosen[1]), choice)))))
    node = All(tuple(parts))
    book = book_of([("lesion", node), ("lesion", AnyOf((node, CountLesions(node, ">=", 2.0))))], {})
    run, meaning = RunReading(book), Meaning(book.vocabulary, {})
    for seed in range(300):
        random = seeded(seed)
        facts = trees.known("patient", random, 0.7)
        _, lesions = trees.situations_of(facts, [trees.known("lesion", random, 0.7) for _ in range(2)])
        patient, _ = trees.situations_of(facts, [])
        expected = [[meaning.condition(bound.when)(lesion) for bound in book.bound] for lesion in lesions]
        assert run.verdicts(patient, lesions) == expected
