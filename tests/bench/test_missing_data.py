"""The missing-data experiment of docs/missing-data.md, small: what hangs on a missing item is never decided.

The truth is `bench.truth`: plain two-valued logic over every completion, which shares nothing with the three-valued
logic under test. bench/run asks the rival engines too.
"""

from functools import cache

import pytest

from bench import missing_data
from bench.missing_data import Experiment, Score
from bench.patients import AT, RULES, complete_patients, known_of_fixtures
from bench.rivals import ours
from bench.rivals.engines import Questions, patients, questions
from bench.truth import World
from service.language.facts import Listing, Moment
from service.rulebook.load import load_rulebook
from service.rulebook.model import Rulebook

PATIENTS = 24


@cache
def rulebook() -> Rulebook:
    return load_rulebook(RULES)


@cache
def experiment(negated: bool, blurred: bool) -> tuple[Questions, Experiment]:
    asked = questions(rulebook(), negated=negated)
    partial = missing_data.partial_patients(rulebook(), PATIENTS, blurred=blurred)
    return asked, missing_data.experiment(asked, partial)


def score(engine: type[ours.Reference | ours.Durable], negated: bool, blurred: bool) -> Score:
    asked, done = experiment(negated, blurred)
    return missing_data.scored(asked, done, missing_data.answers_of(engine(asked), asked, done))


each_engine = pytest.mark.parametrize("engine", [ours.Reference, ours.Durable])
each_question = pytest.mark.parametrize("negated", [False, True], ids=["it holds", "it is ruled out"])
each_gap = pytest.mark.parametrize("blurred", [False, True], ids=["absent", "absent or known in part"])


@each_engine
@each_question
@each_gap
def test_nothing_that_hangs_on_a_missing_item_is_decided(
    engine: type[ours.Reference | ours.Durable], negated: bool, blurred: bool
) -> None:
    found = score(engine, negated, blurred)
    assert found.fired == 0
    assert found.said_no == 0
    assert found.failed == 0
    assert found.contradicted == 0


@each_question
@each_gap
def test_the_experiment_has_something_to_say(negated: bool, blurred: bool) -> None:
    _, done = experiment(negated, blurred)
    assert len(done.hanging) > 500
    assert len(done.settled) > 500
    assert done.left_out < 10


@each_engine
def test_what_every_completion_agrees_on_is_decided(engine: type[ours.Reference | ours.Durable]) -> None:
    """Saying "unknown" to everything would pass the first test and be useless."""
    found = score(engine, negated=False, blurred=False)
    _, done = experiment(False, False)
    assert found.cautious <= len(done.settled) // 100


def test_an_engine_without_unknown_decides_all_of_them_wrongly() -> None:
    """The experiment can fail: the same engine, its silence taken for "no"."""
    asked, done = experiment(False, False)
    found = missing_data.scored(asked, done, missing_data.answers_of(ours.DurablePlain(asked), asked, done))
    assert found.wrong == len(done.hanging)


def test_on_complete_patients_both_engines_say_what_the_truth_says() -> None:
    asked = questions(rulebook())
    world = World(rulebook().vocabulary, rulebook().scores, AT)
    everyone = patients(asked, complete_patients(rulebook(), 20)[len(known_of_fixtures(rulebook())) - 5 :])
    for engine in (ours.Reference(asked), ours.Durable(asked)):
        for patient, said in zip(everyone, engine.answers(everyone), strict=True):
            values = {
                name: value.present
                if isinstance(value, Listing)
                else value.instant
                if isinstance(value, Moment)
                else value
                for name, value in patient.known.items()
            }
            expected = {name: "yes" if world.holds(node, values) else "no" for name, node in asked.nodes.items()}
            assert said == expected
