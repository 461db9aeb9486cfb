"""query = run = reference: on every engine, the same status, rank, modes, alerts, reasons and questions (invariant 7)."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.cohort.engines import Engine
from service.query.reading import recommend
from tests.query.facts_of import answered, expected, lesions_answered, random_cases, tables
from tests.strategies import SEARCH, rulebook
from tests.warehouses import fill

PARIS = ZoneInfo("Europe/Paris")
#: an evening, when a delay of hours ends on the next day, and the two days before which the clock changes
MOMENTS = {
    "evening": datetime(2026, 11, 24, 18, 0, tzinfo=PARIS),
    "before summer time": datetime(2026, 3, 28, 21, 0, tzinfo=PARIS),
    "before winter time": datetime(2026, 10, 24, 9, 30, tzinfo=PARIS),
}
PATIENTS = {"duckdb": 100, "postgres": 60, "pyspark": 40}


@pytest.mark.parametrize("moment", MOMENTS)
def test_on_duckdb_at_several_moments(duckdb_engine: Engine, moment: str, tmp_path: Path) -> None:
    assert differences(duckdb_engine, MOMENTS[moment], PATIENTS["duckdb"] * max(SEARCH, 1), tmp_path) == []


def test_on_postgresql(postgres_engine: Engine, tmp_path: Path) -> None:
    assert differences(postgres_engine, MOMENTS["evening"], PATIENTS["postgres"], tmp_path) == []


def test_on_spark(spark_engine: Engine, tmp_path: Path) -> None:
    assert differences(spark_engine, MOMENTS["evening"], PATIENTS["pyspark"], tmp_path) == []


def differences(engine: Engine, at: datetime, count: int, scratch: Path) -> list[object]:
    """The first few options and lesions of which the two readings do not say the same."""
    book = rulebook()
    cases = random_cases(count, at, book, seed=at.month)
    facts_of_patients, facts_of_lesions = tables(cases, book)
    patients = fill(engine, "patients", facts_of_patients, scratch)
    lesions = fill(engine, "lesions", facts_of_lesions, scratch)
    outcome = recommend(book, at, patients, lesions, engine.keep)
    options, of_lesions = expected(cases, book)
    found = answered(engine.read(outcome.recommendations).to_pylist())
    assert found.keys() == options.keys()
    told = lesions_answered(engine.read(outcome.lesions).to_pylist())
    differing: list[object] = [
        (key, {name: (of, found[key][name]) for name, of in option.items() if found[key][name] != of})
        for key, option in options.items()
        if found[key] != option
    ]
    differing += [(key, of, told[key]) for key, of in of_lesions.items() if told[key] != of]
    return differing[:5]
