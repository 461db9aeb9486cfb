"""Every form a line of a rule may take, and every mistake in one: where it is, what is wrong, what may have been meant."""

from typing import Any

import pytest

from service.language.arithmetic import Constant, Operation, Variable
from service.language.condition import outline, read_condition
from service.language.errors import LanguageError, Mistake
from service.language.parser import MomentAfter, parse_arithmetic, parse_count, parse_criterion, parse_moment
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Member,
    Node,
    Not,
    OfTechnique,
    Term,
)
from tests.language.words import WORDS

PLATELETS = Term("item", "blood.platelets")
NRS = Term("item", "pain.nrs")
DOSE = "last_dose.apixaban"


@pytest.mark.parametrize(
    ("line", "node"),
    [
        ("always", Always()),
        ("lesion.fracture", Flag("lesion.fracture")),
        ("not lesion.fracture", Not(Flag("lesion.fracture"))),
        ("blood.platelets < 50 G/L", Compare(PLATELETS, "<", 50.0)),
        ("blood.platelets <= 50 G/L", Compare(PLATELETS, "<=", 50.0)),
        ("blood.platelets > 50 G/L", Compare(PLATELETS, ">", 50.0)),
        ("blood.platelets >= 50 G/L", Compare(PLATELETS, ">=", 50.0)),
        ("blood.platelets == 50 G/L", Compare(PLATELETS, "==", 50.0)),
        ("blood.platelets != 50 G/L", Compare(PLATELETS, "!=", 50.0)),
        ("blood.platelets<50 G/L", Compare(PLATELETS, "<", 50.0)),
        ("blood.platelets < 50000 /uL", Compare(PLATELETS, "<", 50.0)),
        ("blood.platelets < 5 %", Compare(PLATELETS, "<", 50.0)),
        ("blood.platelets < 25 mL/min/1.73m2", Compare(PLATELETS, "<", 50.0)),
        ("blood.platelets < 38.5 °C", Compare(PLATELETS, "<", 38.5)),
        ("blood.platelets < 90 µmol/L", Compare(PLATELETS, "<", 90.0)),
        ("not blood.platelets < 50 G/L", Not(Compare(PLATELETS, "<", 50.0))),
        ("pain.nrs >= 4", Compare(NRS, ">=", 4.0)),
        ("pain.nrs >= 4.5", Compare(NRS, ">=", 4.5)),
        ("lesion.site is vertebra", Member("lesion.site", ("vertebra",))),
        ("lesion.site is not vertebra", Not(Member("lesion.site", ("vertebra",)))),
        ("lesion.site in [sacrum, ilium]", Member("lesion.site", ("ilium", "sacrum"))),
        ("lesion.site in [sacrum]", Member("lesion.site", ("sacrum",))),
        ("lesion.site not in [sacrum, ilium]", Not(Member("lesion.site", ("ilium", "sacrum")))),
        ("allergies includes pmma", Includes("allergies", ("pmma",))),
        ("not allergies includes pmma", Not(Includes("allergies", ("pmma",)))),
        ("allergies includes any of [pmma, latex]", Includes("allergies", ("latex", "pmma"))),
        ("score.sins >= 13", Compare(Term("score", "sins"), ">=", 13.0)),
        ("score.sins >= 13 points", Compare(Term("score", "sins"), ">=", 13.0)),
        ("score.bmi > 35", Compare(Term("score", "bmi"), ">", 35.0)),
        (f"since({DOSE}) < 72 h", Compare(Term("since", DOSE), "<", 72.0)),
        (f"since({DOSE}) < 3 d", Compare(Term("since", DOSE), "<", 72.0)),
        (f"since({DOSE}) > 2 mo", Compare(Term("since", DOSE), ">", 1440.0)),
        (f"since({DOSE}) > site.waiting", Compare(Term("since", DOSE), ">", 48.0, "waiting")),
        (f"days_since({DOSE}) >= 3", Compare(Term("days_since", DOSE), ">=", 3.0)),
        (f"days_since({DOSE}) >= 3 d", Compare(Term("days_since", DOSE), ">=", 3.0)),
        ("technique.duration > 45 min", OfTechnique("duration", ">", 45.0)),
        ("technique.duration > 1 h", OfTechnique("duration", ">", 60.0)),
        ("technique.position is prone", OfTechnique("position", "==", "prone")),
        ("technique.position is not prone", OfTechnique("position", "!=", "prone")),
        ("blood.platelets < site.platelet_limit", Compare(PLATELETS, "<", 50.0, "platelet_limit")),
    ],
)
def test_every_form_of_a_criterion_is_read(line: str, node: Node) -> None:
    assert parse_criterion(line, WORDS) == node


def test_a_criterion_keeps_the_line_that_its_author_wrote_and_is_the_same_in_other_words() -> None:
    first = parse_criterion("blood.platelets < 50 G/L", WORDS)
    second = parse_criterion("blood.platelets < 50000 /uL", WORDS)
    assert first == second
    assert hash(first) == hash(second)
    assert (first.text, second.text) == ("blood.platelets < 50 G/L", "blood.platelets < 50000 /uL")


@pytest.mark.parametrize(
    ("line", "offender", "suggestion", "column"),
    [
        ("lesion.fractur", "lesion.fractur", "lesion.fracture", 0),
        ("not lesion.fractur", "lesion.fractur", "lesion.fracture", 4),
        ("platelets < 50 G/L", "platelets", "blood.platelets", 0),
        ("zebra.stripes", "zebra.stripes", None, 0),
        ("blood.platelets", "blood.platelets", None, 0),
        ("pain.mechanical > 3", "pain.mechanical", None, 0),
        ("blood.platelets < 50 G/l", "G/l", "G/L", 21),
        ("blood.platelets < 50 kg", "kg", None, 21),
        ("blood.platelets < 50", "blood.platelets", None, 0),
        ("blood.platelets < 50 000 G/L", "000", None, 21),
        ("blood.platelets < 5000 G/L", "G/L", None, 23),
        ("pain.nrs >= 40", "40", None, 12),
        ("pain.nrs >= -1", "-1", None, 12),
        ("pain.nrs >= 4 points", "points", None, 14),
        ("lesion.site is vertebrae", "vertebrae", "vertebra", 15),
        ("lesion.site in [sacrum, iliun]", "iliun", "ilium", 24),
        ("lesion.site is [sacrum]", "[sacrum]", None, 15),
        ("lesion.site in sacrum", "sacrum", None, 15),
        ("lesion.site == sacrum", "lesion.site", None, 0),
        ("lesion.fracture is yes", "lesion.fracture", None, 0),
        ("allergies includes pma", "pma", "pmma", 19),
        ("allergies is pmma", "allergies", None, 0),
        ("allergies includes any [pmma]", "[pmma]", None, 23),
        ("pain.nrs includes pmma", "pain.nrs", None, 0),
        ("score.sinz >= 13", "score.sinz", "score.sins", 0),
        ("score.sins >= 13 mg", "mg", None, 17),
        ("score.bmi > 35 points", "points", None, 15),
        (f"since({DOSE}) < 72", "72", None, 28),
        (f"since({DOSE}) < 72 hh", "hh", "h", 31),
        ("since(pain.nrs) < 72 h", "pain.nrs", None, 6),
        ("since(last_dose.apixabann) < 72 h", "last_dose.apixabann", DOSE, 6),
        (f"days_since({DOSE}) >= 72 h", "h", None, 37),
        (f"{DOSE} > 3", DOSE, None, 0),
        ("technique.duration > 45", "45", None, 21),
        ("technique.duration", "technique.duration", None, 0),
        ("technique.position is pron", "pron", "prone", 22),
        ("technique.burden > 2", "technique.burden", "technique.duration", 0),
        ("blood.platelets < site.platelet_limits", "site.platelet_limits", "site.platelet_limit", 18),
        ("blood.platelets < blood.inr", "blood.inr", None, 18),
        ("pain.nrs = 4", "=", None, 9),
        ("lesion.fracture is known", "lesion.fracture", None, 0),
        ("pain.nrs >", None, None, 10),
        ("", None, None, 0),
        ("pain.nrs >= 4 and lesion.fracture", None, None, None),
        ("__import__('os')", None, None, 0),
    ],
)
def test_every_mistake_is_placed_and_the_nearest_right_word_is_suggested(
    line: str, offender: str | None, suggestion: str | None, column: int | None
) -> None:
    with pytest.raises(LanguageError) as found:
        parse_criterion(line, WORDS)
    error = found.value
    assert error.message
    if offender is not None:
        assert error.offender == offender
    assert error.suggestion == suggestion
    if column is not None:
        assert error.column == column


def test_no_line_asks_what_is_known() -> None:
    """An answer that hung on what is not known could be reversed by learning it."""
    for line in (
        "blood.platelets is known",
        "blood.platelets is unknown",
        "not known blood.platelets",
        "known(pain.nrs)",
    ):
        with pytest.raises(LanguageError):
            parse_criterion(line, WORDS)


def test_a_mistake_is_shown_as_editors_count() -> None:
    shown = str(Mistake("safety/bleeding.yaml", 12, 7, "unknown item", "blood.platlets", "blood.platelets"))
    assert shown == "safety/bleeding.yaml:12:7: unknown item «blood.platlets»; did you mean «blood.platelets»?"


# ---- conditions ------------------------------------------------------------------------------------------------------


def read(data: Any) -> tuple[Node, list[tuple[tuple[str | int, ...], LanguageError]]]:
    complaints: list[tuple[tuple[str | int, ...], LanguageError]] = []
    return read_condition(data, WORDS, lambda path, error: complaints.append((path, error))), complaints


FRACTURE, PAIN = Flag("lesion.fracture"), Flag("pain.mechanical")


@pytest.mark.parametrize(
    ("data", "node"),
    [
        ("lesion.fracture", FRACTURE),
        ({"all": ["lesion.fracture", "pain.mechanical"]}, All((FRACTURE, PAIN))),
        ({"any": ["lesion.fracture", {"not": "pain.mechanical"}]}, AnyOf((FRACTURE, Not(PAIN)))),
        ({"not": {"any": ["lesion.fracture"]}}, Not(AnyOf((FRACTURE,)))),
        ({"any_lesion": "lesion.fracture"}, CountLesions(FRACTURE, ">=", 1.0)),
        ({"every_lesion": "lesion.fracture"}, Not(CountLesions(Not(FRACTURE), ">=", 1.0))),
        (
            {"count_lesions": {"where": {"all": ["lesion.fracture"]}, "is": "> 3"}},
            CountLesions(All((FRACTURE,)), ">", 3.0),
        ),
    ],
)
def test_every_form_of_a_condition_is_read(data: Any, node: Node) -> None:
    assert read(data) == (node, [])


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"all": []}, ("all",)),
        ({"all": "lesion.fracture"}, ("all",)),
        ({"every": ["lesion.fracture"]}, ()),
        ({"all": ["lesion.fracture"], "any": ["lesion.fracture"]}, ()),
        ({}, ()),
        (3, ()),
        (None, ()),
        (["lesion.fracture"], ()),
        ({"any": ["lesion.fracture", {"not": "pain.nrs"}]}, ("any", 1, "not")),
        ({"count_lesions": {"where": "lesion.fracture"}}, ("count_lesions",)),
        ({"count_lesions": {"where": "lesion.fracture", "is": "many"}}, ("count_lesions", "is")),
        ({"count_lesions": {"where": "lesion.fractur", "is": "> 3"}}, ("count_lesions", "where")),
        ({"any_lesion": {"any_lesion": "lesion.fracture"}}, ("any_lesion",)),
    ],
)
def test_a_mistake_in_a_condition_is_placed(data: Any, path: tuple[str | int, ...]) -> None:
    _, complaints = read(data)
    assert [where for where, _ in complaints] == [path]


def test_all_mistakes_of_a_condition_are_listed_at_once() -> None:
    _, complaints = read({"all": ["lesion.fractur", {"any": ["pain.nr > 4", "blood.platelets < 50"]}]})
    assert [where for where, _ in complaints] == [("all", 0), ("all", 1, "any", 0), ("all", 1, "any", 1)]


def test_a_near_connective_is_suggested() -> None:
    _, [(_, error)] = read({"al": ["lesion.fracture"]})
    assert error.suggestion == "all"


def test_a_condition_is_outlined_on_one_line() -> None:
    assert outline({"all": ["a", {"not": {"any": ["b", "c"]}}]}) == "(a and not ((b or c)))"


# ---- counts, arithmetic, moments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "value"), [("> 3", (">", 3.0)), ("==0", ("==", 0.0)), ("<= 2", ("<=", 2.0))])
def test_a_count_is_an_operator_and_a_number(text: str, value: tuple[str, float]) -> None:
    found = parse_count(text, FRACTURE, "shown")
    assert (found.operator, found.value) == value


@pytest.mark.parametrize("text", ["3", ">", "> three", "> 3 d", ">> 3"])
def test_anything_else_is_no_count(text: str) -> None:
    with pytest.raises(LanguageError):
        parse_count(text, FRACTURE, "shown")


N, P = Variable("pain.nrs"), Variable("blood.platelets")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("2", Constant(2.0)),
        ("pain.nrs", N),
        ("pain.nrs + 1 - 2", Operation("-", Operation("+", N, Constant(1.0)), Constant(2.0))),
        ("1 + pain.nrs * 2", Operation("+", Constant(1.0), Operation("*", N, Constant(2.0)))),
        ("(1 + pain.nrs) * 2", Operation("*", Operation("+", Constant(1.0), N), Constant(2.0))),
        ("pain.nrs / blood.platelets / 2", Operation("/", Operation("/", N, P), Constant(2.0))),
        ("140 - pain.nrs", Operation("-", Constant(140.0), N)),
    ],
)
def test_arithmetic_binds_as_in_school(text: str, expression: object) -> None:
    assert parse_arithmetic(text, WORDS) == expression


@pytest.mark.parametrize("text", ["", "pain.nrs +", "lesion.site * 2", "pain.nr * 2", "2 ** 3", "pow(2, 3)", "(1"])
def test_anything_else_is_no_arithmetic(text: str) -> None:
    with pytest.raises(LanguageError):
        parse_arithmetic(text, WORDS)


def test_moments_are_computed_from_an_item() -> None:
    assert parse_moment(f"days_after({DOSE}, 3)", WORDS) == MomentAfter(DOSE, None, 3)
    assert parse_moment(f"after({DOSE}, 72 h)", WORDS) == MomentAfter(DOSE, 72.0, None)
    assert parse_moment(f"after({DOSE}, 2 wk)", WORDS) == MomentAfter(DOSE, 336.0, None)


@pytest.mark.parametrize(
    "text",
    [
        f"days_after({DOSE}, 3 d)",
        f"days_after({DOSE}, 1.5)",
        f"days_after({DOSE}, -3)",
        f"after({DOSE}, 72)",
        f"after({DOSE}, 72 hh)",
        "after(pain.nrs, 72 h)",
        "now",
        "",
    ],
)
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(LanguageError):
        parse_moment(text, WORDS)
