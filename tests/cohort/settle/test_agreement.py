"""Settling knows what the run reading knows, value by value, to the last bit, in every engine; and nothing that it does not."""

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from service.cohort.engines import Engine
from service.cohort.engines.duckdb import DuckDBEngine
from service.cohort.settle.settle import Settled, settle_source
from service.cohort.sources.open import open_source
from service.query.columns import FactColumns
from service.rulebook.model import Rulebook
from tests.cohort.settle.making import MOMENTS, Cohort, asking_about, cohort
from tests.strategies import SEARCH
from tests.warehouses import fill

#: a longer search is another one
SEEDS = range(1, 1 + max(SEARCH, 1))


def facts_of(settled: Settled, engine: Engine) -> dict[tuple[str, str | None], dict[str, Any]]:
    patients = {(row.pop("patient"), None): row for row in engine.read(settled.patients).to_pylist()}
    lesions = {(row.pop("patient"), row.pop("lesion")): row for row in engine.read(settled.lesions).to_pylist()}
    return {**patients, **lesions}


def check(settled: Settled, engine: Engine, expected: Cohort, rulebook: Rulebook) -> None:
    refused = {row["patient"]: row["reason"] for row in engine.read(settled.refused).to_pylist()}
    assert refused.keys() == expected.contradictory
    assert set(refused.values()) <= {entry.id for entry in rulebook.impossible}
    found = facts_of(settled, engine)
    assert found.keys() == expected.facts.keys()
    columns = FactColumns(rulebook)
    names: dict[bool, list[str]] = {False: list(columns.of("patient")), True: list(columns.of("lesion"))}
    differences = [
        (key, name, found[key][name], row[name])
        for key, row in expected.facts.items()
        for name in names[key[1] is not None]
        if found[key][name] != row[name]
    ]
    assert differences == []
    known = sum(value is not None for row in found.values() for value in row.values())
    assert known > 300
    for table, scope in ((settled.patients, "patient"), (settled.lesions, "lesion")):
        types = {name: str(kind) for name, kind in table.schema().items() if name not in ("patient", "lesion")}
        assert types == columns.of(scope)


@pytest.mark.parametrize("seed", SEEDS)
def test_parquet(seed: int, duckdb_engine: DuckDBEngine, tmp_path: Path, rulebook: Rulebook) -> None:
    """Every item of the rulebook at once, in columns of text and of types."""
    expected = cohort(120, MOMENTS[seed % 3], seed, typed=0.6)
    for name, table in expected.tables().items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    source = open_source(str(tmp_path), duckdb_engine, rulebook.vocabulary)
    assert source.warnings == ()
    settled = settle_source(source.tables, rulebook, MOMENTS[seed % 3], "duckdb", duckdb_engine.keep)
    check(settled, duckdb_engine, expected, rulebook)


def test_csv(duckdb_engine: DuckDBEngine, tmp_path: Path) -> None:
    expected = cohort(200, MOMENTS[0], 7, share=0.15)
    book = asking_about(*expected.items)
    for name, table in expected.tables().items():
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=";")
            # The dot of an item's id, as many will write it.
            writer.writerow([column.replace("__", ".") for column in table.column_names])
            writer.writerows(row.values() for row in table.to_pylist())
    source = open_source(str(tmp_path), duckdb_engine, book.vocabulary)
    assert source.text_files
    settled = settle_source(source.tables, book, MOMENTS[0], "duckdb", duckdb_engine.keep)
    check(settled, duckdb_engine, expected, book)


def test_every_engine(engine: Engine, tmp_path: Path) -> None:
    expected = cohort(120, MOMENTS[2], 11, share=0.15, typed=0.5)
    book = asking_about(*expected.items)
    tables = {name: fill(engine, name, table, tmp_path) for name, table in expected.tables().items()}
    settled = settle_source(tables, book, MOMENTS[2], engine.dialect, engine.keep)
    check(settled, engine, expected, book)
    counted = engine.read(settled.problems).to_pylist()
    assert {row["problem"] for row in counted} >= {"wrong_type", "out_of_range", "stale", "wrong_date", "in_the_future"}
