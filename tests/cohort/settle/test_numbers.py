"""Conversion and rounding, to the last bit; and the forms of text that are read."""

import math
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from service.cohort.engines.duckdb import DuckDBEngine
from service.cohort.settle import texts
from service.cohort.settle.numbers import places, rounded, whole
from service.referral.schema import parse_day
from tests.cohort.settle.making import BAD_DATES
from tests.strategies import rulebook, seeded


def products() -> list[float]:
    """Numbers times factors of the vocabulary: many end on or beside the half of the ninth decimal."""
    random = seeded(1)
    factors = sorted({factor for item in rulebook().vocabulary for factor in item.units.values()})
    some = [
        round(random.uniform(-50, 5000) * random.choice([1, 1e-3, 1e3, 1e5]), random.randint(0, 14))
        * random.choice(factors)
        for _ in range(20_000)
    ]
    halves = [sign * number / 2**power for number in range(1, 400, 2) for power in (10, 11, 20) for sign in (1, -1)]
    coarse = [2.0**22 + number / 7 for number in range(200)] + [2.0**23 - number / 9.1 for number in range(200)]
    return [*(value for value in some if abs(value) > 1e-8), *halves, *coarse, 0.0, 1e15, 1e300, math.inf]


def test_rounding_is_that_of_python(duckdb_engine: DuckDBEngine) -> None:
    values = products()
    table = duckdb_engine.connection.create_table("numbers", pa.table({"x": values}))
    cut = table.mutate(whole=whole(table.x))
    cut = cut.mutate(places=places(cut.x, cut.whole))
    found = duckdb_engine.read(cut.select(cut.x, y=rounded(cut.x, cut.whole, cut.places))).to_pylist()
    assert len(found) == len(values)
    assert [(row["x"], row["y"], round(row["x"], 9)) for row in found if row["y"] != _round(row["x"])] == []
    # What a database's own arithmetic gives is not enough.
    naive = [value for value in values if abs(value) < 1e6 and math.floor(value * 1e9 + 0.5) / 1e9 != round(value, 9)]
    assert len(naive) > 100


def _round(value: float) -> float:
    return value if math.isinf(value) else round(value, 9)


DAYS = [
    f"{year}-{month:02}-{day:02}"
    for year in (1899, 1900, 1996, 2000, 2023, 2024, 2100, 2199, 2200)
    for month in range(14)
    for day in (0, 1, 28, 29, 30, 31, 32)
]
MOMENTS = [
    f"2026-11-23{separator}{clock}{zone}"
    for separator in ("T", "t", "  ", "")
    for clock in (
        "00:00",
        "09:00",
        "23:59:59",
        "24:00",
        "09:60",
        "09:00:60",
        "9:00",
        "09",
        "09:00:00.1",
        "09:00:00.1234567",
        "09:00:00.",
    )
    for zone in ("", "Z", "z", "+01:00", "-05:30", "+24:00", "+1:00", "+0100", " +01:00", "Europe/Paris")
]


@pytest.fixture
def read(duckdb_engine: DuckDBEngine) -> Any:
    def run(given: list[str]) -> list[dict[str, Any]]:
        table = duckdb_engine.connection.create_table("given", pa.table({"number": range(len(given)), "text": given}))
        form = texts.moment(table.text)
        told = table.select(
            table.number, form=form, day=texts.day(form), number_=texts.number(table.text), zone=texts.has_zone(form)
        )
        return duckdb_engine.read(told.order_by("number")).to_pylist()

    return run


def test_dates_that_the_api_reads_are_read_and_no_others(read: Any) -> None:
    given = [*DAYS, *MOMENTS, *BAD_DATES, "", " ", "2026-11-23\n2026-11-24"]
    for text, row in zip(given, read(given), strict=True):
        try:
            expected = parse_day(text)
        except Exception:  # noqa: BLE001  # whatever it is, it is no date
            assert row["form"] is None, text
            continue
        assert row["form"] == text
        assert row["day"] == date(expected.year, expected.month, expected.day)
        assert bool(row["zone"]) == (isinstance(expected, datetime) and expected.tzinfo is not None), text


def test_what_databases_write_is_read_too(read: Any) -> None:
    given = [" 2026-11-23 ", "2026-11-23 09:00:00", "2026-11-23 09:00:00+01", "2026-11-23 09:00:00.5-05"]
    assert [row["form"] for row in read(given)] == ["2026-11-23", *given[1:]]


def test_numbers_in_text(read: Any) -> None:
    good = {
        "1": 1.0,
        "-0": 0.0,
        "007": 7.0,
        " 1.50 ": 1.5,
        "0.1": 0.1,
        "9" * 40: float("9" * 40),
        "0." + "3" * 38: float("0." + "3" * 38),
    }
    bad = ["1e3", "1,5", "1.", ".5", "+1", "--1", "1 2", "0x1", "NaN", "inf", "", " ", "1_000", "١", "9" * 41, "1\n2"]
    found = read([*good, *bad])
    assert [row["number_"] for row in found] == [*good.values(), *[None] * len(bad)]
