"""Each case is a patient on whom one criterion decides, on both sides of the point where it turns."""

from itertools import chain

import pytest

from service.language.kleene import NO, UNKNOWN, YES
from service.language.meaning import Meaning
from service.language.tree import (
    All,
    AnyOf,
    Compare,
    Flag,
    Includes,
    Member,
    Not,
    OfTechnique,
    Term,
    for_technique,
    holds,
    items_of,
    leaves,
    scores_of,
)
from service.rulebook.model import Rulebook
from service.rulebook.source import Document
from service.workbench.borderline.case import Case
from service.workbench.borderline.values import Values
from service.workbench.borderline.ways import Ways, joined, occurrences
from service.workbench.tables.patients import Patients
from service.workbench.tables.read import TableReader
from service.workbench.tables.verdicts import wrong_verdicts

A, B, C = Flag("a"), Flag("b"), Flag("c")


# ---- which criteria must hold ----------------------------------------------------------------------------------------


def test_in_all_the_others_must_hold_and_in_any_they_must_not() -> None:
    ways = Ways({})
    assert ways.deciding(All((A, B, Not(C))), (0,)) == [{B: True, C: False}]
    assert ways.deciding(AnyOf((A, All((B, C)))), (0,)) == [{B: False}, {C: False}]
    assert ways.deciding(AnyOf((A, All((B, C)))), (1, 0)) == [{A: False, C: True}]
    assert ways.deciding(Not(A), (0,)) == [{}]


def test_ways_come_shortest_first_and_none_contradicts_itself() -> None:
    ways = Ways({})
    assert ways.to(AnyOf((All((A, B)), C)), True) == [{C: True}, {A: True, B: True}]
    assert ways.to(All((A, Not(A))), True) == []
    assert joined([[{A: True}], [{A: False}, {B: True}]]) == [{A: True, B: True}]


def test_a_comparison_with_a_score_needs_that_the_score_applies(rulebook: Rulebook) -> None:
    ways = Ways(rulebook.scores)
    leaf = Compare(Term("score", "sins"), ">=", 13.0)
    applies = rulebook.scores["sins"].applies
    assert ways.deciding(leaf, ()) == [{applies: True}]
    assert ways.to(leaf, True) == [{leaf: True, applies: True}]
    assert {applies: False} in ways.to(leaf, False)


# ---- the point where a criterion turns -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def values(rulebook: Rulebook) -> Values:
    meaning = Meaning(rulebook.vocabulary, rulebook.scores)
    return Values(rulebook, meaning, Patients(rulebook.vocabulary, rulebook.info.timezone))


@pytest.mark.parametrize(
    ("operator", "holding", "failing"), [("<", 49, 50), (">=", 50, 49), ("<=", 50, 51), (">", 51, 50)]
)
def test_a_number_turns_between_two_steps(values: Values, operator, holding, failing) -> None:
    turn = values.turn(Compare(Term("item", "blood.platelets"), operator, 50.0), {})
    assert turn is not None
    assert (turn.holds, turn.fails) == ((holding,), (failing,))


def test_the_step_is_that_of_the_item(values: Values, rulebook: Rulebook) -> None:
    turn = values.turn(Compare(Term("item", "blood.inr"), ">", 1.5), {})
    assert turn is not None
    assert turn.holds[0] == pytest.approx(1.5 + rulebook.vocabulary["blood.inr"].step)


def test_a_number_at_the_end_of_its_plausible_range_has_no_other_side(values: Values, rulebook: Rulebook) -> None:
    low = rulebook.vocabulary["pain.nrs"].low
    assert values.turn(Compare(Term("item", "pain.nrs"), ">=", low), {}) is None


def test_elapsed_time_turns_by_the_hour_within_a_week_then_by_the_day(values: Values) -> None:
    def turn(quantity, operator, limit):
        found = values.turn(Compare(Term(quantity, "last_dose.apixaban"), operator, limit), {})
        assert found is not None
        return found.holds[0], found.fails[0]

    assert turn("since", "<", 24.0) == ("23 h", "24 h")
    assert turn("since", "<", 12 * 168.0) == ("83 d", "84 d")
    assert turn("since", ">", 90 * 24.0) == ("91 d", "90 d")
    assert turn("days_since", "<", 3.0) == ("D-2", "D-3")


def test_a_word_turns_against_every_other_word(values: Values, rulebook: Rulebook) -> None:
    words = tuple(rulebook.vocabulary["lesion.matrix"].choices)
    turn = values.turn(Member("lesion.matrix", words[:1]), {})
    assert turn is not None
    assert (turn.holds, turn.fails) == (words[:1], words[1:])


def test_a_list_turns_between_each_word_and_all_other_words(values: Values, rulebook: Rulebook) -> None:
    one, other, third, *rest = rulebook.vocabulary["medications"].choices
    beside = {Includes("medications", (third,)): False}
    turn = values.turn(Includes("medications", (one, other)), beside)
    assert turn is not None
    assert turn.holds == ([one], [other])
    assert turn.fails == (rest,)


def test_a_score_is_open_between_the_two_sides(values: Values) -> None:
    turn = values.turn(Compare(Term("score", "sins"), ">=", 13.0), {})
    assert turn is not None
    assert (turn.holds, turn.fails, turn.open) == ((13,), (12,), [12, 13])


def test_what_stands_beside_is_well_within_what_is_asked(values: Values) -> None:
    """So that a change of its own limit leaves the case of another criterion alone."""
    assert values.candidates({Compare(Term("item", "pain.nrs"), ">=", 4.0): True})[0] == 7
    assert values.candidates({Compare(Term("item", "pain.nrs"), ">=", 4.0): False})[0] == 2
    assert values.candidates({Compare(Term("item", "blood.platelets"), "<", 50.0): True})[0] == 40
    band = {
        Compare(Term("item", "blood.platelets"), ">=", 20.0): True,
        Compare(Term("item", "blood.platelets"), "<", 22.0): True,
    }
    assert all(20 <= value < 22 for value in values.candidates(band))
    assert values.candidates(band)


# ---- over the whole rulebook -----------------------------------------------------------------------------------------


def test_every_criterion_has_a_case_or_is_told_to_turn_nothing(rulebook: Rulebook, found) -> None:
    told = {rule: {each.criterion for each in listed} for rule, listed in found.items()}
    for rule in rulebook.rules.values():
        inner = [leaf.text for _, leaf in occurrences(rule.when) if hasattr(leaf, "where")]
        expected = {leaf.text for _, leaf in occurrences(rule.when)} - set(inner)
        assert expected <= told[rule.id], rule.id


def test_read_as_a_table_each_case_says_what_the_rule_says(rulebook: Rulebook, cases) -> None:
    reader, meaning = TableReader(rulebook), Meaning(rulebook.vocabulary, rulebook.scores)
    wrong = [
        text
        for rule, listed in cases.items()
        for case in listed
        for text in wrong_verdicts(
            rulebook.rules[rule].when, reader.table(Document("", {}, {}), (), rule, case.written()), meaning
        )
    ]
    assert wrong == []


def test_a_case_has_both_sides_and_an_open_one_unless_what_differs_is_always_known(cases) -> None:
    for case in chain.from_iterable(cases.values()):
        assert case.yes
        assert case.no
        assert (case.unknown is None) == case.on.startswith("technique."), case


def test_numbers_are_neighbours(rulebook: Rulebook, cases) -> None:
    items = rulebook.vocabulary.items
    numbers = [
        case for case in chain.from_iterable(cases.values()) if case.on in items and items[case.on].type == "number"
    ]
    assert len(numbers) > 150
    for case in numbers:
        assert len(case.yes) == len(case.no) == 1
        assert abs(case.yes[0] - case.no[0]) == pytest.approx(items[case.on].step), case


def test_the_patient_is_the_smallest(rulebook: Rulebook, cases) -> None:
    """Without any one of the other values the rule would no longer be decided on both sides."""
    meaning, patients = Meaning(rulebook.vocabulary, rulebook.scores), Patients(rulebook.vocabulary, "Europe/Paris")

    def verdict(case: Case, given) -> int:
        when = for_technique(
            rulebook.rules[case.rule].when, given.get("technique.duration", 0.0), given.get("technique.position", "any")
        )
        return meaning.condition(when)(patients.situation(given))

    for case in chain.from_iterable(cases.values()):
        for name in case.beside:
            if name.startswith("technique."):
                continue
            without = {other: value for other, value in case.usual.items() if other != name}
            sides = [{verdict(case, {**without, case.on: each}) for each in side} for side in (case.yes, case.no)]
            assert sides != [{YES}, {NO}], (case, name)


def test_a_patient_holds_only_what_the_rule_reads(rulebook: Rulebook, cases) -> None:
    for case in chain.from_iterable(cases.values()):
        read = list(leaves(rulebook.rules[case.rule].when))
        scores = {name for leaf in read for name in scores_of(leaf)}
        applied = [leaf for name in scores for leaf in leaves(rulebook.scores[name].applies)]
        items = {item for leaf in [*read, *applied] for item in items_of(leaf)} | {f"score.{name}" for name in scores}
        of_technique = {f"technique.{leaf.property}" for leaf in read if isinstance(leaf, OfTechnique)}
        assert case.usual.keys() <= items | of_technique | {"lesions"}, case


def test_no_patient_is_impossible(rulebook: Rulebook, cases) -> None:
    meaning, patients = Meaning(rulebook.vocabulary, rulebook.scores), Patients(rulebook.vocabulary, "Europe/Paris")
    for case in chain.from_iterable(cases.values()):
        for value in (*case.yes, *case.no):
            situation = patients.situation({**case.usual, case.on: value})
            assert all(meaning.condition(entry.when)(situation) != YES for entry in rulebook.impossible), case


# ---- some rules ------------------------------------------------------------------------------------------------------


def test_platelets(cases) -> None:
    assert [case.written() for case in cases["bleeding.platelets-low"]] == [
        {"usual": {"blood.platelets": 49}, "no": [{"blood.platelets": 50}], "unknown": ["blood.platelets"]}
    ]


def test_two_tests_of_which_either_one_settles_the_question(cases) -> None:
    """Not (INR normal or prothrombin normal): each decides only while the other is abnormal."""
    inr, activity = cases["bleeding.clotting-abnormal"]
    assert (inr.on, inr.yes, inr.no) == ("blood.inr", (1.51,), (1.5,))
    assert inr.beside["blood.pt_activity"] < 60
    assert (activity.on, activity.yes, activity.no) == ("blood.pt_activity", (59,), (60,))
    assert activity.beside["blood.inr"] > 1.5


def test_calendar_days_under_a_drug(cases) -> None:
    drug, days = cases["anticoagulant.apixaban-hold"]
    assert (drug.yes, days.yes, days.no) == ((["apixaban"],), ("D-2",), ("D-3",))
    assert days.beside == {"medications": ["apixaban"]}
    assert "apixaban" not in drug.no[0]
    assert len(drug.no[0]) > 20


def test_a_number_of_lesions_and_the_lesion_that_makes_it_up(cases) -> None:
    number, site, pain = cases["spine.many-levels"]
    (many,), (few,) = number.yes, number.no
    assert [lesion["count"] for lesion in (*many, *few)] == [4, 3]
    assert site.yes[0][-1]["lesion.site"] == "vertebra"
    assert pain.yes[0][0]["count"] == 3
    assert (pain.yes[0][-1]["pain.nrs"], pain.no[0][-1]["pain.nrs"]) == (4, 3)


def test_a_criterion_that_a_score_says_already_is_told_apart(found) -> None:
    """SINS applies to the spine only, and a level is never given elsewhere: the site then decides for nobody alone."""
    unstable = found["alert.unstable-spine"]
    assert [each.criterion for each in unstable if not isinstance(each, Case)] == ["lesion.site in [vertebra, sacrum]"]


def test_open_is_open(rulebook: Rulebook, cases) -> None:
    meaning, patients = Meaning(rulebook.vocabulary, rulebook.scores), Patients(rulebook.vocabulary, "Europe/Paris")
    case = cases["bleeding.platelets-refractory"][0]
    given = {**case.beside}
    assert meaning.condition(rulebook.rules[case.rule].when)(patients.situation(given)) == UNKNOWN
    assert holds(case.yes[0], "<", 50)
