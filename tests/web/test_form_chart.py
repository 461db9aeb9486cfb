"""The picture of expected relief: what it draws, where, and what it leaves to the list beside it."""

from itertools import pairwise
from typing import Any

import pytest

from service.web.form.chart import BOTTOM, HEIGHT, LEFT, LONGEST, RIGHT, TOP, WIDTH, across, charts, up
from tests.fixtures.reading import decider

HOURS = [0, 1, 6, 24, 48, 168, 336, 720, 1344, 2160, 4320, 8640, 8760]


def benefit(low: float, high: float | None = None, unit: str = "%", **changes: Any) -> dict[str, Any]:
    return {
        "measure": "responders",
        "low": low,
        "high": low if high is None else high,
        "unit": unit,
        "certainty": "low",
        **changes,
    }


def test_later_stands_further_right_and_more_stands_higher() -> None:
    assert all(across(a) < across(b) for a, b in pairwise(HOURS))
    for kind, top in (("percent", 100.0), ("points", 10.0)):
        values = [top * share / 10 for share in range(11)]
        assert all(up(a, kind) > up(b, kind) for a, b in pairwise(values))
        assert (up(0, kind), up(top, kind)) == (HEIGHT - BOTTOM, TOP)


def test_a_day_early_takes_more_room_than_a_day_late() -> None:
    steps = [(across(b) - across(a)) / (b - a) for a, b in pairwise(HOURS)]
    # To a tenth of a unit, over intervals of one hour.
    assert all(early >= late - 0.1 for early, late in pairwise(steps))


def test_the_scale_runs_from_the_act_to_one_year_and_never_leaves_the_frame() -> None:
    assert across(0) == LEFT
    assert across(LONGEST) == across(3 * LONGEST) == WIDTH - RIGHT
    assert up(250, "percent") == TOP


def test_ticks_are_those_a_clinician_counts_in() -> None:
    (chart,) = charts([benefit(57, by_hours=720.0)], "fr")
    assert [tick.label for tick in chart.ticks] == ["24 h", "1 sem.", "1 mois", "3 mois", "6 mois", "1 an"]
    assert [tick.at for tick in chart.ticks] == [across(hours) for hours in (24, 168, 720, 2160, 4320, 8760)]
    (chart,) = charts([benefit(57, by_hours=720.0)], "en")
    assert [tick.label for tick in chart.ticks] == ["24 h", "1 wk", "1 mo", "3 mo", "6 mo", "1 yr"]


def test_what_has_no_moment_is_not_drawn_and_keeps_its_number() -> None:
    timeless = benefit(60, lasts_hours=5256.0)
    assert charts([timeless], "fr") == ()
    (chart,) = charts([timeless, benefit(70, 90, by_hours=48.0)], "fr")
    assert [mark.number for mark in chart.marks] == [2]


def test_a_range_is_drawn_as_a_range_and_a_figure_as_a_point() -> None:
    (chart,) = charts([benefit(70, 90, by_hours=48.0), benefit(57, by_hours=720.0)], "fr")
    wide, single = chart.marks
    assert not wide.single
    assert (wide.top, wide.bottom) == (up(90, "percent"), up(70, "percent"))
    assert single.single
    assert single.top == up(57, "percent")
    assert not wide.lasts


def test_shares_and_points_are_two_pictures() -> None:
    drawn = charts([benefit(64.3, by_hours=2160.0), benefit(3.8, unit="points", by_hours=720.0)], "fr")
    assert [chart.kind for chart in drawn] == ["percent", "points"]
    assert drawn[1].marks[0].top == up(3.8, "points")


def test_an_effect_lasts_until_the_hours_given_after_the_act_and_no_longer() -> None:
    (chart,) = charts([benefit(1.8, 3.5, "points", by_hours=1344.0, lasts_hours=4032.0)], "fr")
    assert (chart.marks[0].at, chart.marks[0].until) == (across(1344), across(4032))
    # Measured at three months, known until three months: a point in time.
    (chart,) = charts([benefit(64.3, by_hours=2160.0, lasts_hours=2160.0)], "fr")
    assert not chart.marks[0].lasts


def test_an_effect_longer_than_the_scale_says_so() -> None:
    (chart,) = charts([benefit(98, by_hours=720.0, lasts_hours=15840.0)], "fr")
    assert chart.marks[0].until == WIDTH - RIGHT
    assert chart.marks[0].beyond


def test_two_figures_of_one_moment_stand_side_by_side() -> None:
    (chart,) = charts([benefit(87.1, by_hours=720.0), benefit(63.6, 90.9, by_hours=720.0)], "fr")
    first, second = chart.marks
    assert first.at < second.at


@pytest.mark.parametrize("technique", sorted(decider().rulebook.techniques))
def test_every_technique_of_the_rulebook_stays_in_its_frame(technique: str) -> None:
    told = [
        {
            "low": each.low,
            "high": each.high,
            "unit": each.unit,
            "certainty": each.evidence.certainty,
            **({"by_hours": each.by} if each.by is not None else {}),
            **({"lasts_hours": each.lasts} if each.lasts is not None else {}),
        }
        for each in decider().rulebook.techniques[technique].benefits
    ]
    for chart in charts(told, "fr"):
        for mark in chart.marks:
            assert chart.left <= mark.at <= mark.until <= chart.right
            assert chart.top <= mark.top <= mark.bottom <= chart.bottom
    drawn = [mark.number for chart in charts(told, "fr") for mark in chart.marks]
    assert sorted(drawn) == [number for number, each in enumerate(told, 1) if "by_hours" in each]
