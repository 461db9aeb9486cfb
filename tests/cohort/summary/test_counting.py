"""The figures are what counting row by row gives, and mean what they say."""

from typing import Any

import pytest

from service.cohort.summary.counting import STEPS, summarise
from service.cohort.summary.figures import BLOCKED, Count, Figures
from service.rulebook.model import STATUSES
from tests.cohort.summary import plainly
from tests.cohort.summary.runs import any_cohort, option, tables
from tests.strategies import rulebook


def figures(rows: list[dict[str, Any]], **more: Any) -> Figures:
    keep, made = tables(rows, more.pop("problems", ()), more.pop("refused", ()))
    return summarise(made, rulebook(), keep, **more)


@pytest.mark.parametrize("seed", [0])
def test_every_figure_is_what_counting_row_by_row_gives(seed: int) -> None:
    rows, book = any_cohort(seed), rulebook()
    found = figures(rows)
    assert found.cohort == (len({row["patient"] for row in rows}), len(rows) // len(book.techniques))
    nobody = (0, 0)
    by_status, blocked = plainly.by_status(rows), plainly.indicated_and_blocked(rows, book)
    firsts, modes = plainly.first(rows)
    assert {each.technique for each in found.techniques} == set(book.techniques)
    for each in found.techniques:
        assert each.by_status == {status: by_status.get((each.technique, status), nobody) for status in STATUSES}
        assert each.indicated == {status: blocked.get((each.technique, status), nobody) for status in BLOCKED}
        assert each.first == firsts.get(each.technique, nobody)
        assert each.anaesthesia == {mode: count for (name, mode), count in modes.items() if name == each.technique}
    assert found.ways == plainly.ways(rows, book)
    assert {each.rule: each.count for each in found.obstacles} == plainly.obstacles(rows, book)
    held, alone, options, options_alone = plainly.missing(rows)
    assert {each.item: each.count for each in found.questions} == held
    assert {each.item: each.alone for each in found.questions if each.alone != nobody} == alone
    assert {each.item: each.options for each in found.questions} == options
    assert {each.item: each.alone_options for each in found.questions if each.alone_options} == options_alone


def test_the_lists_begin_with_what_touches_most_patients() -> None:
    found = figures(any_cohort(7))
    for counts in ([each.count for each in found.obstacles], [each.count for each in found.questions]):
        assert counts == sorted(counts, key=lambda count: count or Count(0, 0), reverse=True)


INDICATED = "vertebroplasty.painful-vertebra"
LOW = "bleeding.platelets-low"


def test_what_is_not_indicated_has_no_obstacle() -> None:
    found = figures(
        [
            option("a", "1", "vertebroplasty", "not_indicated", LOW),
            option("b", "1", "vertebroplasty", "excluded", "access.no-safe-path"),
            option("c", "1", "vertebroplasty", "deferred", f"{INDICATED} {LOW}"),
            option("c", "2", "vertebroplasty", "deferred", f"{LOW} {INDICATED}"),
        ]
    )
    assert [(each.rule, each.count) for each in found.obstacles] == [(LOW, (1, 2))]
    assert found.ways["later"] == (1, 2)
    assert found.ways["not_indicated"] == (2, 2)


def test_a_deferred_option_whose_indication_is_not_established_waits_for_an_answer() -> None:
    found = figures([option("a", "1", "vertebroplasty", "deferred", LOW)])
    assert found.ways["questions"] == (1, 1)
    assert found.ways["later"] == (0, 0)


def test_an_alternative_is_no_percutaneous_way() -> None:
    found = figures([option("a", "1", "radiotherapy", "eligible"), option("a", "1", "vertebroplasty", "not_indicated")])
    assert found.ways["now"] == (0, 0)
    assert found.ways["not_indicated"] == (1, 1)


def test_a_patient_counts_for_the_nearest_lesion() -> None:
    found = figures(
        [option("a", "1", "vertebroplasty", "not_indicated"), option("a", "2", "vertebroplasty", "cautioned")]
    )
    assert found.ways["now"] == (1, 1)
    assert found.ways["not_indicated"] == (0, 1)


def test_the_stay_and_a_relative_contraindication_block_nothing() -> None:
    reasons = f"{INDICATED} ambulatory.screws vertebroplasty.posterior-wall {LOW}"
    found = figures([option("a", "1", "vertebroplasty", "deferred", reasons)])
    assert [each.rule for each in found.obstacles] == [LOW]


def test_only_undetermined_options_wait_for_an_item() -> None:
    found = figures(
        [
            option("a", "1", "vertebroplasty", "undetermined", questions="blood.inr"),
            option("a", "1", "kyphoplasty", "undetermined", questions="blood.inr pain.nrs"),
            option("b", "1", "kyphoplasty", "deferred", questions="blood.inr"),
        ]
    )
    inr, pain = found.questions
    assert (inr.item, inr.count, inr.options, inr.alone, inr.alone_options) == ("blood.inr", (1, 1), 2, (1, 1), 1)
    assert (pain.item, pain.count, pain.options, pain.alone, pain.alone_options) == ("pain.nrs", (1, 1), 1, (0, 0), 0)


def test_a_first_option_that_cannot_be_offered_is_none() -> None:
    found = figures([option("a", "1", "vertebroplasty", "excluded", rank=1, anaesthesia="local")])
    assert all(each.first == (0, 0) and each.anaesthesia == {} for each in found.techniques)


def test_problems_and_refusals_are_summed_up_over_the_parts() -> None:
    one = {"table": "patients", "item": "blood.inr", "problem": "stale", "number": 3}
    found = figures(
        [option("a", "1", "vertebroplasty", "eligible")],
        problems=[one, {**one, "number": 4}, {**one, "item": None, "problem": "no_lesion", "number": 9}],
        refused=[{"patient": "x", "reason": "patient_twice"}, {"patient": None, "reason": "no_patient_id"}] * 2,
        unread=("blood.pt_activity",),
    )
    assert [(each.item, each.problem, each.number) for each in found.problems] == [
        ("", "no_lesion", 9),
        ("blood.inr", "stale", 7),
    ]
    assert found.refused == {"no_patient_id": 2, "patient_twice": 2}
    assert found.unread == ("blood.pt_activity",)


def test_what_another_rulebook_named_is_kept_by_its_id() -> None:
    rows = [option("a", "1", "lithotripsy", "deferred", f"{INDICATED} {LOW} stones.none", rank=1)]
    found = figures(rows, same_rulebook=False)
    assert found.strangers == ("stones.none",)
    assert found.techniques[-1].technique == "lithotripsy"
    assert found.techniques[-1].by_status["deferred"] == (1, 1)
    assert [each.rule for each in found.obstacles] == [LOW]


def test_an_empty_cohort_has_figures_too() -> None:
    found = figures([])
    assert found.cohort == (0, 0)
    assert set(found.ways.values()) == {(0, 0)}
    assert (found.obstacles, found.questions, found.problems) == ((), (), ())


def test_every_step_is_told() -> None:
    told: list[str] = []
    figures([option("a", "1", "vertebroplasty", "eligible")], step=told.append)
    assert len(told) == len(set(told)) == STEPS
