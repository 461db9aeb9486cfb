"""A table holds each value as often as its distribution says."""

from collections import Counter

import numpy as np
import pytest

from service.cohort.generate.design import Along, Case, Weighted
from service.cohort.generate.streams import RANGE, Streams
from service.cohort.generate.tables import decimals, rounded, table_of
from tests.strategies import rulebook


def shares(item: str, *cases: Case, step: float = 1.0) -> list[dict[float | None, float]]:
    """Percent of the draws that give each value, case by case."""
    table = table_of(rulebook().vocabulary[item], cases, step)
    values = [*table.values.tolist(), None]
    return [
        {values[code]: 100 * number / RANGE for code, number in Counter(row.tolist()).items()} for row in table.codes
    ]


def test_weights_are_shares_whatever_they_add_up_to() -> None:
    (found,) = shares("patient.ecog", Case(None, Weighted({0.0: 1, 1.0: 2, 3.0: 1})))
    assert found == pytest.approx({0.0: 25, 1.0: 50, 3.0: 25}, abs=0.01)


def test_who_has_no_value_takes_nothing_from_the_proportions_of_the_others() -> None:
    full, part = shares(
        "patient.ecog", Case(None, Weighted({0.0: 30, 4.0: 70})), Case(None, Weighted({0.0: 30, 4.0: 70}), exists=20)
    )
    assert full == pytest.approx({0.0: 30, 4.0: 70}, abs=0.01)
    assert part == pytest.approx({0.0: 6, 4.0: 14, None: 80}, abs=0.01)


def test_a_curve_goes_through_its_points() -> None:
    (found,) = shares("blood.platelets", Case(None, Along(((0, 10), (50, 100), (100, 1000)))))
    below = sum(share for value, share in found.items() if value is not None and value < 100)
    assert below == pytest.approx(50, abs=0.6)
    assert min(value for value in found if value is not None) == 10
    assert max(value for value in found if value is not None) == 1000


def test_cases_share_one_set_of_codes() -> None:
    first, second = shares("patient.ecog", Case(None, Weighted({1.0: 1})), Case(None, Weighted({0.0: 1, 1.0: 1})))
    assert first == {1.0: 100}
    assert second == pytest.approx({0.0: 50, 1.0: 50}, abs=0.01)


def test_moments_are_never_to_come_and_told_apart_more_finely_the_nearer_they_are() -> None:
    table = table_of(rulebook().vocabulary["imaging.mri"], (Case(None, Along(((0, 0), (100, 5000)))),), 1.0)
    assert table.values.min() == 0
    near, far = table.values[table.values < 48], table.values[table.values > 720]
    assert np.allclose(near * 4, np.round(near * 4))
    assert set(np.diff(far)) == {24.0}


@pytest.mark.parametrize(("step", "digits"), [(1, 0), (0.1, 1), (0.5, 1), (0.01, 2), (10, 0)])
def test_numbers_are_rounded_without_dust(step: float, digits: int) -> None:
    assert decimals(step) == digits
    for value in rounded(np.linspace(0, 7, 999), step).tolist():
        assert value == round(value, digits)


def test_streams_depend_on_seed_chunk_and_name_and_on_nothing_else() -> None:
    bits = Streams(1, 0).bits(1000, "value", "a")
    assert (bits == Streams(1, 0).bits(1000, "value", "a")).all()
    # Fewer draws are the first of more.
    assert (bits[:7] == Streams(1, 0).bits(7, "value", "a")).all()
    others = [
        Streams(2, 0).bits(1000, "value", "a"),
        Streams(1, 1).bits(1000, "value", "a"),
        Streams(1, 0).bits(1000, "value", "b"),
    ]
    assert all((bits != other).mean() > 0.99 for other in others)


def test_the_stream_itself_never_changes() -> None:
    # The files of a seed are promised byte for byte: this would break them.
    assert Streams(1, 0).bits(6, "value", "a").tolist() == [58859, 20568, 602, 56202, 42175, 39048]
