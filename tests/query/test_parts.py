"""What the query reading rests on, apart: the status of an act as the worst of its parts, the clock, unknown verdicts."""

from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from service.cohort.engines import Engine
from service.query import combine, words
from service.query.clock import Clock
from service.query.groups import Grouping
from service.rulebook.bearing import Bearing, status_of, together, worst
from tests.strategies import rulebook, seeded
from tests.warehouses import fill

PARIS = ZoneInfo("Europe/Paris")


def test_the_status_of_an_act_is_the_worst_of_its_parts() -> None:
    """Of a technique and one mode, all bearings there are; more modes add nothing, since `max` takes them one by one."""
    modes = [
        Bearing(*verdicts[:3], 2, *verdicts[3:], asked) for verdicts in product((0, 1, 2), repeat=4) for asked in (0, 2)
    ]
    own = [Bearing(*verdicts, asked) for verdicts in product((0, 1, 2), repeat=5) for asked in (0, 2)]
    # An indication that is unknown must be asked: no other bearing of a technique exists.
    own = [bears for bears in own if not (bears.indicated == 1 and bears.asked == 0)]
    for technique, mode in product(own, modes):
        assert status_of(together(technique, mode)) == worst((status_of(technique), status_of(mode)))


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 24, 18, 0, tzinfo=PARIS),
        datetime(2026, 3, 28, 22, 30, tzinfo=PARIS),
        datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1),
        datetime(2026, 7, 1, 0, 0, 0, 1, tzinfo=ZoneInfo("UTC")),
    ],
    ids=str,
)
def test_the_clock_waits_as_python_does(at: datetime) -> None:
    """So much later on the wall clock: how long that really is."""
    random = seeded(4)
    clock = Clock(at)
    walls = [random.randint(-900, 900) * 3_600_000_000 + random.choice([0, 1, -1, 1_800_000_000]) for _ in range(300)]
    shifts = clock.shifts()
    for wall in walls:
        then = at + timedelta(microseconds=wall)
        shift = next((value for end, value in shifts[:-1] if wall < end), shifts[-1][1])
        assert wall + shift == round((then.timestamp() - at.timestamp()) * 1e6), wall


def test_an_unknown_verdict_is_told_whatever_it_is_made_of(engine: Engine, tmp_path: Path) -> None:
    """Ibis writes `NOT (a) IS NULL` for `(NOT a) IS NULL`: databases read it the other way."""
    source = fill(engine, "source", pa.table({"a": [True, False, None], "s": ["x", "y", None]}), tmp_path)
    told = source.select(
        a=source.a,
        plain=combine.unknown(source.a),
        negated=combine.unknown(~source.a),
        twice=combine.unknown(~~source.a),
        among=combine.unknown(source.s.isin(["x"])),
        not_among=combine.unknown(~source.s.isin(["x"])),
        both=combine.unknown(source.a & ~source.a),
    )
    for row in engine.read(told).to_pylist():
        unknown = row.pop("a") is None
        assert set(row.values()) == {unknown}


def test_ids_are_joined_without_gaps(engine: Engine, tmp_path: Path) -> None:
    source = fill(engine, "source", pa.table({"a": [True, False], "b": [False, False]}), tmp_path)
    several = [words.listed(source.a if at % 2 else source.b, f"w{at}") for at in range(200)]
    told = source.select(a=source.a, text=words.joined(several), none=words.joined([]), one=words.joined(several[1:2]))
    for row in engine.read(told).to_pylist():
        expected = " ".join(f"w{at}" for at in range(1, 200, 2)) if row["a"] else None
        assert (row["text"], row["none"], row["one"]) == (expected, None, "w1" if row["a"] else None)


def test_groups_part_the_arguments() -> None:
    """Every argument of every bearer is in one group of its kind, once, and nothing else is."""
    grouping = Grouping(rulebook())
    for (arguments, _), number in grouping.bearers.items():
        for kind in ("alerts", "excluding", "deferring", "indications", "cautions", "favours"):
            found = [place for group in grouping.of(number, kind) for place in group.places]
            assert sorted(found) == sorted(getattr(arguments, kind))
