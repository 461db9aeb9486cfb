"""Kleene's tables, and how a duration is read."""

from itertools import product

import pytest

from service.language.errors import LanguageError, nearest
from service.language.kleene import NO, UNKNOWN, WORDS, YES, conjunction, disjunction, negation
from service.language.units import HOURS, hours

VERDICTS = (NO, UNKNOWN, YES)
#: as printed in Kleene 1952, § 64
AND = {
    (NO, NO): NO,
    (NO, UNKNOWN): NO,
    (NO, YES): NO,
    (UNKNOWN, UNKNOWN): UNKNOWN,
    (UNKNOWN, YES): UNKNOWN,
    (YES, YES): YES,
}
OR = {
    (NO, NO): NO,
    (NO, UNKNOWN): UNKNOWN,
    (NO, YES): YES,
    (UNKNOWN, UNKNOWN): UNKNOWN,
    (UNKNOWN, YES): YES,
    (YES, YES): YES,
}


@pytest.mark.parametrize(("left", "right"), list(product(VERDICTS, VERDICTS)))
def test_and_and_or_follow_the_printed_tables(left: int, right: int) -> None:
    pair = (min(left, right), max(left, right))
    assert conjunction([left, right]) == AND[pair]
    assert disjunction([left, right]) == OR[pair]


def test_not_exchanges_yes_and_no_and_leaves_unknown() -> None:
    assert [negation(verdict) for verdict in VERDICTS] == [YES, UNKNOWN, NO]


def test_of_nothing_every_one_holds_and_none_does() -> None:
    assert conjunction([]) == YES
    assert disjunction([]) == NO


def test_words_stand_in_the_order_of_the_verdicts() -> None:
    assert [WORDS[verdict] for verdict in VERDICTS] == ["no", "unknown", "yes"]


@pytest.mark.parametrize(("a", "b", "c"), list(product(VERDICTS, repeat=3)))
def test_the_laws_that_rewriting_a_condition_rests_on(a: int, b: int, c: int) -> None:
    assert negation(conjunction([a, b])) == disjunction([negation(a), negation(b)])
    assert conjunction([a, disjunction([b, c])]) == disjunction([conjunction([a, b]), conjunction([a, c])])


@pytest.mark.parametrize(
    ("text", "value"),
    [("72 h", 72), ("1 d", 24), ("2 wk", 336), ("6 mo", 4320), ("1 y", 8760), ("45 min", 0.75), ("1.5 h", 1.5)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, value: float) -> None:
    assert hours(text) == value


@pytest.mark.parametrize("text", ["", "72", "h", "h 72", "72h", "many h", "72 h h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(LanguageError):
        hours(text)


def test_a_slip_of_the_pen_in_a_unit_is_understood() -> None:
    with pytest.raises(LanguageError) as found:
        hours("3 moo")
    assert found.value.suggestion == "mo"
    assert found.value.offender == "moo"


def test_a_month_is_thirty_days_and_a_year_three_hundred_and_sixty_five() -> None:
    assert HOURS["mo"] == 30 * HOURS["d"]
    assert HOURS["y"] == 365 * HOURS["d"]


@pytest.mark.parametrize(
    ("word", "known", "suggestion"),
    [
        ("blood.platelet", ["blood.platelets", "blood.inr"], "blood.platelets"),
        ("platelets", ["blood.platelets", "blood.inr"], "blood.platelets"),
        ("zebra", ["blood.platelets"], None),
    ],
)
def test_the_nearest_word_is_one_that_may_have_been_meant(word: str, known: list[str], suggestion: str | None) -> None:
    assert nearest(word, known) == suggestion
