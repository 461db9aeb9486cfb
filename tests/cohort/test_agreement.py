"""A generated cohort, from its raw tables to the last reason: query = run for every patient, on every engine.

At length, as it is done before a release: `python -m tests.cohort.agreement 100000 --engines duckdb postgres pyspark`.
"""

from pathlib import Path

import pytest

from service.cohort.engines import Engine
from tests.cohort.agreement import Said, cohort, differing, query_says, run_says

PATIENTS = 60


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return cohort(tmp_path_factory.mktemp("cohort"), PATIENTS, faults=0.05)


@pytest.fixture(scope="module")
def run(tables: tuple[Path, Path]) -> Said:
    return run_says(*tables, processes=1)


def test_every_reading_says_the_same(engine: Engine, tables: tuple[Path, Path], run: Said, tmp_path: Path) -> None:
    query = query_says(engine, *tables, tmp_path)
    assert len(query) > PATIENTS * 0.8
    assert differing(run, query) == []


def test_a_difference_would_be_seen(run: Said) -> None:
    name = next(iter(run))
    assert differing(run, {**run, name: b"something else"}) == [name]
    assert differing(run, {key: value for key, value in run.items() if key != name}) == [name]
