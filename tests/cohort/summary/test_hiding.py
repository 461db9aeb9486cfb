"""No count of a few patients is told, nor what would tell it."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from service.cohort.summary.figures import (
    BLOCKED,
    WAYS,
    Cell,
    Count,
    Figures,
    MissingItem,
    Obstacle,
    Problem,
    TechniqueFigures,
)
from service.cohort.summary.hiding import hidden
from service.rulebook.model import STATUSES
from tests.strategies import seeded

SMALLEST = 5
NOBODY = Count(0, 0)


def count(drawn: Random, most: int) -> Count:
    """Patients, each with one lesion or more; often few or none."""
    patients = drawn.choice((0, drawn.randint(0, 7), drawn.randint(0, 40), most))
    patients = min(patients, most)
    return Count(patients, patients + (drawn.randint(0, 3) if patients else 0))


def added(counts: Iterator[Count]) -> Count:
    patients, lesions = zip(*counts, strict=True)
    return Count(sum(patients), sum(lesions))


def cohort(seed: int, most: int = 40) -> Figures:
    """Figures that fit together: parts within their wholes."""
    drawn = seeded(seed)
    ways = {way: count(drawn, most) for way in WAYS}
    whole = added(iter(ways.values()))
    techniques = []
    for name in ("one", "two", "three"):
        by_status = {status: count(drawn, most) for status in STATUSES}
        modes = {mode: count(drawn, most) for mode in drawn.choice([("",), ("local", "general", "regional")])}
        indicated = {status: count(drawn, by_status[status].patients) for status in BLOCKED}
        techniques.append(TechniqueFigures(name, by_status, indicated, added(iter(modes.values())), modes))
    missing = []
    for item in ("blood.inr", "pain.nrs"):
        held = count(drawn, whole.patients)
        alone = count(drawn, held.patients)
        missing.append(MissingItem(item, held, alone, held.lesions * 3, alone.lesions))
    return Figures(
        whole,
        ways,
        tuple(techniques),
        tuple(Obstacle(rule, count(drawn, whole.patients)) for rule in ("b", "a", "c")),
        tuple(missing),
        tuple(Problem("patients", item, "stale", drawn.randint(0, 20)) for item in ("b", "a")),
        {reason: drawn.randint(0, 12) for reason in ("twice", "no_id", "impossible")},
    )


COHORTS = [cohort(seed) for seed in range(400)]


def cells(figures: Figures) -> Iterator[Cell]:
    yield from figures.ways.values()
    for each in figures.techniques:
        yield from (*each.by_status.values(), *each.indicated.values(), each.first, *each.anaesthesia.values())
    for obstacle in figures.obstacles:
        yield obstacle.count
    for item in figures.questions:
        yield from (item.count, item.alone)


def sums(figures: Figures, of: Figures) -> Iterator[list[tuple[Cell, Count]]]:
    """Counts that add up to a total that is told: as told, and as they are."""
    yield [(figures.ways[way], of.ways[way] or NOBODY) for way in WAYS]
    yield [(told.first, raw.first or NOBODY) for told, raw in zip(figures.techniques, of.techniques, strict=True)]
    for told, raw in zip(figures.techniques, of.techniques, strict=True):
        yield [(told.by_status[status], raw.by_status[status] or NOBODY) for status in STATUSES]
        if told.first is not None:
            yield [(told.anaesthesia[mode], raw.anaesthesia[mode] or NOBODY) for mode in raw.anaesthesia]


def test_no_count_of_a_few_patients_is_told() -> None:
    for raw in COHORTS:
        told = hidden(raw, SMALLEST)
        for cell in cells(told):
            assert cell is None or not 0 < cell.patients < SMALLEST
        for number in (*(each.number for each in told.problems), *told.refused.values()):
            assert number is None or not 0 < number < SMALLEST


@pytest.mark.parametrize("start", range(0, len(COHORTS), 100))
def test_nor_can_it_be_had_by_subtraction(start: int) -> None:
    for raw in COHORTS[start : start + 100]:
        told = hidden(raw, SMALLEST)
        for group in sums(told, raw):
            kept_back = [count for cell, count in group if cell is None]
            nothing_told = not any(cell and cell.lesions for cell, _ in group)
            enough = len(kept_back) > 1 and sum(count.patients for count in kept_back) >= SMALLEST
            assert not kept_back or nothing_told or enough
        for each in told.techniques:
            for status in BLOCKED:
                part, whole = each.indicated[status], each.by_status[status]
                assert part is None or (whole is not None and not 0 < whole.patients - part.patients < SMALLEST)
        for item in told.questions:
            assert item.alone is None or item.count is not None
            assert (item.options is None) == (item.count is None)
            assert (item.alone_options is None) == (item.alone is None)


def test_what_is_told_is_true() -> None:
    for raw in COHORTS:
        for group in sums(hidden(raw, SMALLEST), raw):
            assert all(cell in (None, count) for cell, count in group)
        assert hidden(raw, 1) == raw


def test_nothing_is_hidden_without_need() -> None:
    for raw in COHORTS:
        told = hidden(raw, SMALLEST)
        if all(not 0 < cell.patients < SMALLEST for cell in raw.ways.values() if cell):
            assert told.ways == raw.ways
        for each, of in zip(told.techniques, raw.techniques, strict=True):
            if all(not 0 < cell.patients < SMALLEST for cell in of.by_status.values() if cell):
                assert each.by_status == of.by_status


def test_the_place_in_a_list_tells_nothing() -> None:
    empty = Figures(Count(100, 100), {way: Count(0, 0) for way in WAYS}, (), (), (), (), {})
    found = hidden(
        replace(
            empty,
            obstacles=tuple(
                Obstacle(rule, Count(number, number)) for rule, number in (("d", 9), ("c", 4), ("a", 3), ("b", 2))
            ),
            problems=tuple(
                Problem("patients", item, "stale", number) for item, number in (("c", 6), ("b", 4), ("a", 1))
            ),
            refused={"z": 30, "y": 4, "x": 3},
        ),
        SMALLEST,
    )
    assert [each.rule for each in found.obstacles] == ["d", "a", "b", "c"]
    assert [each.item for each in found.problems] == ["c", "a", "b"]
    assert list(found.refused.items()) == [("z", 30), ("x", None), ("y", None)]


def test_what_another_technique_tells_as_well_hides_nothing() -> None:
    """An alert suspends many techniques alike, so the smallest count is not always the one to be hidden beside a small one."""
    by_status = dict.fromkeys(STATUSES, NOBODY) | {
        "eligible": Count(3, 3),
        "preempted": Count(10, 10),
        "excluded": Count(20, 20),
        "not_indicated": Count(67, 67),
    }
    technique = TechniqueFigures("one", by_status, dict.fromkeys(BLOCKED, NOBODY), NOBODY, {})
    figures = Figures(Count(100, 100), dict.fromkeys(WAYS, NOBODY), (technique,), (), (), (), {})
    told = hidden(figures, SMALLEST).techniques[0].by_status
    assert (told["eligible"], told["excluded"], told["preempted"]) == (None, None, (10, 10))


def test_all_but_a_few_of_the_cohort_tells_the_few() -> None:
    figures = Figures(
        Count(100, 100), {way: Count(0, 0) for way in WAYS}, (), (Obstacle("a", Count(97, 97)),), (), (), {}
    )
    assert hidden(figures, SMALLEST).obstacles[0].count is None
