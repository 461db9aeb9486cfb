"""What a criterion says of a patient: known when all that may be true agrees, unknown otherwise."""

from datetime import date

import pytest

from service.language.condition import read_condition
from service.language.facts import Listing, Moment
from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import Meaning, Situation, Table, compared
from service.language.parser import parse_criterion
from service.language.tree import Always, CountLesions, Flag, Node, OfTechnique, Settled, for_technique, holds
from tests.language.words import VOCABULARY, WORDS
from tests.properties.trees import OPERATORS


def asked(line: str | Node, **known: object) -> Verdict:
    """The verdict; items are named with two underscores for a dot."""
    node = parse_criterion(line, WORDS) if isinstance(line, str) else line
    values = {name.replace("__", "."): value for name, value in known.items()}
    return Meaning(VOCABULARY, {}).condition(node)(Situation(values, [values]))


@pytest.mark.parametrize(
    "line",
    [
        "pain.mechanical",
        "not pain.mechanical",
        "pain.nrs >= 4",
        "not pain.nrs >= 4",
        "pain.nrs != 4",
        "lesion.site is vertebra",
        "lesion.site is not vertebra",
        "lesion.site not in [sacrum, ilium]",
        "allergies includes pmma",
        "not allergies includes pmma",
        "since(last_dose.apixaban) < 72 h",
        "days_since(last_dose.apixaban) != 3",
    ],
)
def test_a_criterion_over_an_unknown_item_is_unknown_negations_included(line: str) -> None:
    assert asked(line) == UNKNOWN


@pytest.mark.parametrize(("value", "verdict"), [(49.9, YES), (50.0, NO), (50.1, NO)])
def test_a_number_on_either_side_of_its_limit(value: float, verdict: Verdict) -> None:
    assert asked("blood.platelets < 50 G/L", blood__platelets=value) == verdict
    assert asked("not blood.platelets < 50 G/L", blood__platelets=value) == 2 - verdict


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("value", [1.0, 2.0, 3.0])
def test_a_known_number_is_compared_as_in_school(operator: str, value: float) -> None:
    assert compared((value, value), operator, 2.0) == (YES if holds(value, operator, 2.0) else NO)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("low", [0.0, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("high", [0.0, 1.0, 2.0, 3.0])
def test_an_interval_is_decided_only_when_all_its_ends_agree(operator: str, low: float, high: float) -> None:
    if low > high:
        return
    within = [low, high, *(value / 4 for value in range(int(low * 4), int(high * 4) + 1))]
    found = {holds(value, operator, 2.0) for value in within}
    expected = UNKNOWN if len(found) == 2 else YES if True in found else NO
    assert compared((low, high), operator, 2.0) == expected


@pytest.mark.parametrize(
    ("present", "absent", "complete", "pmma", "pmma_or_latex"),
    [
        ([], [], False, UNKNOWN, UNKNOWN),
        ([], [], True, NO, NO),
        (["pmma"], [], False, YES, YES),
        (["iodine"], [], False, UNKNOWN, UNKNOWN),
        (["iodine"], [], True, NO, NO),
        ([], ["pmma"], False, NO, UNKNOWN),
        ([], ["pmma", "latex"], False, NO, NO),
        (["latex"], [], False, UNKNOWN, YES),
        (["latex"], ["pmma"], False, NO, YES),
    ],
)
def test_a_list_lacks_a_word_only_when_it_is_complete_or_says_so(
    present: list[str], absent: list[str], complete: bool, pmma: Verdict, pmma_or_latex: Verdict
) -> None:
    listing = Listing(frozenset(present), frozenset(absent), complete)
    assert asked("allergies includes pmma", allergies=listing) == pmma
    assert asked("not allergies includes pmma", allergies=listing) == 2 - pmma
    assert asked("allergies includes any of [pmma, latex]", allergies=listing) == pmma_or_latex


def test_a_moment_known_to_the_day_is_an_interval() -> None:
    yesterday = Moment(date(2026, 11, 22), (9.0, 33.0), 1)
    for limit, verdict in ((8, NO), (9, NO), (10, UNKNOWN), (20, UNKNOWN), (33, UNKNOWN), (34, YES)):
        assert asked(f"since(last_dose.apixaban) < {limit} h", last_dose__apixaban=yesterday) == verdict
    # The calendar day is known, whatever the hour.
    assert asked("days_since(last_dose.apixaban) >= 1", last_dose__apixaban=yesterday) == YES
    assert asked("days_since(last_dose.apixaban) >= 2", last_dose__apixaban=yesterday) == NO


FRACTURE = Flag("lesion.fracture")


@pytest.mark.parametrize(
    ("lesions", "some", "every", "two"),
    [
        ([True], YES, YES, NO),
        ([False], NO, NO, NO),
        ([None], UNKNOWN, UNKNOWN, NO),
        ([True, None], YES, UNKNOWN, UNKNOWN),
        ([False, None], UNKNOWN, NO, NO),
        ([True, True], YES, YES, YES),
        ([True, False, None], YES, NO, UNKNOWN),
        ([None, None, False], UNKNOWN, NO, UNKNOWN),
    ],
)
def test_questions_about_several_lesions(
    lesions: list[bool | None], some: Verdict, every: Verdict, two: Verdict
) -> None:
    known = [{} if value is None else {"lesion.fracture": value} for value in lesions]
    situation = Situation({}, known)
    meaning = Meaning(VOCABULARY, {})

    def verdict(data: object) -> Verdict:
        node = read_condition(data, WORDS, lambda path, error: pytest.fail(str(error)))
        return meaning.condition(node)(situation)

    assert verdict({"any_lesion": "lesion.fracture"}) == some
    assert verdict({"every_lesion": "lesion.fracture"}) == every
    assert verdict({"count_lesions": {"where": "lesion.fracture", "is": ">= 2"}}) == two


def test_a_property_of_the_technique_is_settled_as_soon_as_it_is_named() -> None:
    long = OfTechnique("duration", ">", 45.0)
    prone, not_prone = OfTechnique("position", "==", "prone"), OfTechnique("position", "!=", "prone")
    assert [for_technique(long, duration, "any") for duration in (45.0, 46.0)] == [
        Settled(0, "45 min"),
        Settled(2, "46 min"),
    ]
    assert for_technique(prone, 45.0, "prone") == Settled(2, "prone")
    assert for_technique(not_prone, 45.0, "prone") == Settled(0, "prone")
    with pytest.raises(ValueError, match="not settled"):
        asked(long)


def test_rules_that_share_a_criterion_share_its_evaluation() -> None:
    calls = []

    class Counting(Meaning):
        def _compile_leaf(self, leaf):
            inner = super()._compile_leaf(leaf)
            return lambda situation: (calls.append(leaf), inner(situation))[1]

    table = Table(Counting(VOCABULARY, {}), [FRACTURE, FRACTURE, Always(), CountLesions(FRACTURE, ">=", 1.0)])
    assert table.verdicts(table.evaluate(Situation({"lesion.fracture": True}))) == [YES, YES, YES, NO]
    assert calls.count(FRACTURE) == 1
