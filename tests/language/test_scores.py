"""Scores as intervals: the lowest and highest totals that what is unknown leaves possible."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.language.arithmetic import can_divide_by_zero, interval
from service.language.arithmetic import text as written
from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import Meaning, Situation
from service.language.parser import parse_arithmetic
from service.language.scores import Component, Row, Score, circular, items_read
from service.language.tree import Always, Compare, Flag, Member, Node, Not, Operator, Term
from tests.language.words import TEXT, VOCABULARY, WORDS
from tests.properties import trees
from tests.strategies import examples, rulebook, seeded


def arithmetic(text: str) -> Any:
    return parse_arithmetic(text, WORDS)


PAIN, SITE = Flag("pain.mechanical"), Member("lesion.site", ("vertebra",))


def score(applies: Node = Always()) -> Score:  # noqa: B008  # frozen
    """3 for a mechanical pain, else 1; twice the pain on the scale when the site is a vertebra, else 0."""
    return Score(
        "trial",
        TEXT,
        "lesion",
        None,
        applies,
        (
            Component("pain", TEXT, (Row(PAIN, arithmetic("3")),), arithmetic("1")),
            Component("site", TEXT, (Row(SITE, arithmetic("pain.nrs * 2")),), arithmetic("0")),
        ),
    )


def compare(operator: Operator, value: float) -> Compare:
    return Compare(Term("score", "trial"), operator, value)


@pytest.mark.parametrize(
    ("known", "total"),
    [
        ({}, (1.0, 23.0)),
        ({"pain.mechanical": True}, (3.0, 23.0)),
        ({"pain.mechanical": False}, (1.0, 21.0)),
        ({"lesion.site": "ilium"}, (1.0, 3.0)),
        ({"lesion.site": "vertebra"}, (1.0, 23.0)),
        ({"lesion.site": "vertebra", "pain.nrs": 4.0}, (9.0, 11.0)),
        ({"pain.nrs": 4.0, "pain.mechanical": True}, (3.0, 11.0)),
        ({"lesion.site": "vertebra", "pain.nrs": 4.0, "pain.mechanical": True}, (11.0, 11.0)),
    ],
)
def test_the_total_is_between_the_lowest_and_highest_possible(
    known: dict[str, Any], total: tuple[float, float]
) -> None:
    meaning = Meaning(VOCABULARY, {"trial": score()})
    assert meaning.score("trial", Situation(known)) == total
    parts = meaning.components("trial", Situation(known))
    assert (sum(part.low for part in parts), sum(part.high for part in parts)) == total


@pytest.mark.parametrize(
    ("operator", "value", "verdict"),
    [
        (">=", 3.0, YES),
        (">=", 11.0, UNKNOWN),
        (">", 11.0, NO),
        ("<", 12.0, YES),
        ("<", 3.0, NO),
        ("==", 7.0, UNKNOWN),
        ("==", 12.0, NO),
        ("!=", 12.0, YES),
    ],
)
def test_a_score_with_a_gap_is_often_decided_all_the_same(operator: Operator, value: float, verdict: Verdict) -> None:
    known = {"pain.mechanical": True, "pain.nrs": 4.0}
    meaning = Meaning(VOCABULARY, {"trial": score()})
    assert meaning.condition(compare(operator, value))(Situation(known)) == verdict
    assert meaning.condition(Not(compare(operator, value)))(Situation(known)) == 2 - verdict


@pytest.mark.parametrize("operator", trees.OPERATORS)
def test_no_comparison_holds_of_a_score_that_does_not_apply(operator: Operator) -> None:
    meaning = Meaning(VOCABULARY, {"trial": score(applies=SITE)})
    for value in (0.0, 11.0, 100.0):
        assert meaning.condition(compare(operator, value))(Situation({"lesion.site": "ilium"})) == NO


def test_a_score_of_which_it_is_unknown_whether_it_applies_is_never_surely_high() -> None:
    meaning = Meaning(VOCABULARY, {"trial": score(applies=SITE)})
    assert meaning.condition(compare(">=", 0.0))(Situation({})) == UNKNOWN
    assert meaning.condition(compare(">=", 100.0))(Situation({})) == NO


def test_the_first_row_that_holds_gives_the_points() -> None:
    rows = (Row(PAIN, arithmetic("5")), Row(SITE, arithmetic("2")), Row(Flag("lesion.fracture"), arithmetic("7")))
    only = Score("trial", TEXT, "lesion", None, Always(), (Component("part", TEXT, rows, arithmetic("1")),))
    meaning = Meaning(VOCABULARY, {"trial": only})
    for mechanical, site, fracture in product((True, False), ("vertebra", "ilium"), (True, False)):
        known = {"pain.mechanical": mechanical, "lesion.site": site, "lesion.fracture": fracture}
        points = 5.0 if mechanical else 2.0 if site == "vertebra" else 7.0 if fracture else 1.0
        assert meaning.score("trial", Situation(known)) == (points, points)
    # A row after one that surely holds can no longer give the points.
    assert meaning.score("trial", Situation({"lesion.site": "vertebra"})) == (2.0, 5.0)


@examples(150)
@given(st.integers(0, 2**32))
def test_the_total_of_every_completion_lies_within_the_interval(seed: int) -> None:
    random = seeded(seed)
    scores = trees.scores(random)
    meaning = Meaning(trees.VOCABULARY, scores)
    facts = {**trees.known("patient", random, 0.4), **trees.known("lesion", random, 0.4)}
    partial = {name: meaning.score(name, Situation(facts)) for name in scores}
    for _ in range(5):
        whole = Situation(trees.told(trees.told(facts, "patient", random), "lesion", random))
        for name, (low, high) in partial.items():
            total, same = meaning.score(name, whole)
            assert total == same, "everything is known, so the score is one number"
            assert low <= total <= high


BOUNDS: Mapping[str, tuple[float, float]] = {"pain.nrs": (0.0, 10.0), "blood.platelets": (1.0, 2000.0)}


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("pain.nrs + 1", (1.0, 11.0)),
        ("5 - pain.nrs", (-5.0, 5.0)),
        ("pain.nrs * 2", (0.0, 20.0)),
        ("(pain.nrs - 5) * 2", (-10.0, 10.0)),
        ("(pain.nrs - 5) * (pain.nrs - 5)", (-25.0, 25.0)),
        ("pain.nrs / blood.platelets", (0.0, 10.0)),
        ("(pain.nrs - 5) / blood.platelets", (-5.0, 5.0)),
    ],
)
def test_arithmetic_over_intervals(text: str, ends: tuple[float, float]) -> None:
    assert interval(arithmetic(text), BOUNDS.__getitem__) == ends


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("1 / pain.nrs", True),
        ("1 / (pain.nrs + 1)", False),
        ("1 / (pain.nrs - 5) + 2", True),
        ("1 / blood.platelets", False),
    ],
)
def test_a_divisor_that_may_be_zero_is_found(text: str, may: bool) -> None:
    assert can_divide_by_zero(arithmetic(text), BOUNDS.__getitem__) is may


def test_an_expression_is_written_with_the_names_given() -> None:
    assert written(arithmetic("(140 - pain.nrs) * 1.5"), {"pain.nrs": "pain"}) == "((140 - pain) * 1.5)"


def test_a_score_that_is_computed_from_itself_is_found() -> None:
    def reading(name: str, other: str) -> Score:
        row = Row(Compare(Term("score", other), ">", 1.0), arithmetic("1"))
        return Score(name, TEXT, "patient", None, Always(), (Component("part", TEXT, (row,), arithmetic("0")),))

    scores = {"a": reading("a", "b"), "b": reading("b", "a"), "c": reading("c", "a"), "d": reading("d", "d")}
    assert sorted(circular(scores)) == ["a", "b", "d"]


def test_every_item_that_bears_on_a_score_is_named_through_other_scores_too() -> None:
    book = rulebook()
    assert {"body.weight", "body.height", "patient.age", "sleep.snoring"} <= items_read(
        book.scores["stop_bang"], book.scores
    )
