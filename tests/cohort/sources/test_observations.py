"""The long form: the latest observation at the as-of moment counts, and what cannot be told apart counts for nothing."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cohort.engines import Engine
from service.cohort.engines.duckdb import DuckDBEngine
from service.cohort.layout import LESIONS, OBSERVATIONS, PATIENTS, carrying
from service.cohort.settle.moments import AsOf
from service.cohort.settle.settle import Settled, settle_source
from service.cohort.sources.errors import SourceError
from service.cohort.sources.observations import Observations
from service.cohort.sources.open import open_source
from service.query.columns import FactColumns, column
from service.rulebook.model import Rulebook
from tests.cohort.settle.making import MOMENTS, asking_about, cohort
from tests.cohort.settle.test_agreement import check
from tests.warehouses import fill

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
NAMES = ("patient", "lesion", "item", "value", "unit", "date")
Row = tuple[Any, ...]


def long(*rows: Row) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(NAMES)})


@pytest.fixture
def rulebook() -> Rulebook:
    """What most of these tests tell of."""
    patient = (
        "blood.inr",
        "blood.haemoglobin",
        "body.height",
        "medications",
        "allergies",
        "devices",
        "patient.pregnant",
    )
    return asking_about(*patient, "lesion.size", "lesion.fracture")


@pytest.fixture
def settled(duckdb_engine: DuckDBEngine, rulebook: Rulebook) -> Callable[..., Settled]:
    """Settles observations of the patients a and b, each with the lesion 1."""

    def run(*rows: Row, **more: Any) -> Settled:
        tables = {
            PATIENTS: pa.table({"patient": ["a", "b"], **more}),
            LESIONS: pa.table({"patient": ["a", "b"], "lesion": ["1", "1"]}),
            OBSERVATIONS: long(*rows),
        }
        raw = {name: duckdb_engine.connection.create_table(name, table) for name, table in tables.items()}
        return settle_source(raw, rulebook, AT, "duckdb", duckdb_engine.keep)

    return run


@pytest.fixture
def known(duckdb_engine: DuckDBEngine) -> Callable[[Settled], dict[str, Any]]:
    """What is known of the patient a and of the lesion."""

    def read(result: Settled) -> dict[str, Any]:
        rows = duckdb_engine.read(result.patients).to_pylist() + duckdb_engine.read(result.lesions).to_pylist()
        return {
            name: value
            for row in rows
            if row["patient"] == "a"
            for name, value in row.items()
            if value is not None and name not in ("patient", "lesion")
        }

    return read


@pytest.fixture
def problems(duckdb_engine: DuckDBEngine) -> Callable[[Settled], dict[tuple[str, str, str], int]]:
    def read(result: Settled) -> dict[tuple[str, str, str], int]:
        rows = duckdb_engine.read(result.problems).to_pylist()
        return {(row["table"], row["item"], row["problem"]): row["number"] for row in rows}

    return read


def inr(value: str, date: str, unit: str | None = None) -> Row:
    return ("a", None, "blood.inr", value, unit, date)


#: observations of one patient, and the value that is known by them
LATEST: list[tuple[list[Row], float | None]] = [
    ([inr("1", "2026-11-20"), inr("2", "2026-11-21"), inr("3", "2026-11-24")], 2.0),
    ([inr("2", "2026-11-23T08:00:00Z"), inr("3", "2026-11-23T09:30:00Z"), inr("1", "2026-11-23T07:00:00Z")], 2.0),
    # the same instant, in two zones: the same value is one value, however it is written
    ([inr("2", "2026-11-23T08:00:00Z"), inr("2.0", "2026-11-23T09:00:00+01:00")], 2.0),
    ([inr("2", "2026-11-23T08:00:00Z"), inr("2.1", "2026-11-23T09:00:00+01:00")], None),
    # two values of one day
    ([inr("2", "2026-11-22"), inr("3", "2026-11-22")], None),
    ([inr("5", "2026-11-22"), inr("5.00", "2026-11-22"), inr("5", "2026-11-22")], 5.0),
    ([inr("5", "2026-11-22"), inr("05", "2026-11-22"), inr("1", "2026-11-22")], None),
    # a day has no hour: whether it is later than an instant of that day is not known
    ([inr("2", "2026-11-22"), inr("3", "2026-11-22T10:00:00Z")], None),
    ([inr("2", "2026-11-22"), inr("2", "2026-11-22T10:00:00Z")], 2.0),
    ([inr("2", "2026-11-21"), inr("3", "2026-11-22T10:00:00Z")], 3.0),
    # the latest day by the rulebook's calendar, not by the zone it is written in
    ([inr("2", "2026-11-21"), inr("3", "2026-11-20T23:30:00Z")], None),
    ([inr("2", "2026-11-22"), inr("2", "2026-11-22", "INR")], None),
    # too old, though it is the latest
    ([inr("2", "2026-11-15")], None),
]


def test_the_latest_counts(settled: Any, duckdb_engine: DuckDBEngine) -> None:
    """Each case is a patient of its own."""
    ids = [f"p{number:02}" for number in range(len(LATEST))]
    rows = [(id_, *row[1:]) for id_, (told, _) in zip(ids, LATEST, strict=True) for row in told]
    found = duckdb_engine.read(settled(*rows, patient=ids).patients).to_pylist()
    assert {row["patient"]: row["blood__inr"] for row in found} == {
        id_: value for id_, (_, value) in zip(ids, LATEST, strict=True)
    }


def test_values_with_units_of_patients_and_of_lesions(settled: Any, known: Any) -> None:
    result = settled(
        ("a", None, "blood__haemoglobin", "95", "g/L", "2026-11-22"),
        ("a", "1", "lesion.size", "3", "cm", "2026-11-22"),
        ("a", "1", "lesion.fracture", "false", None, "2026-11-22"),
    )
    assert known(result) == {"blood__haemoglobin": 9.5, "lesion__size": 30.0, "lesion__fracture": False}


def test_a_list_is_what_was_told_on_its_latest_day(settled: Any, known: Any, problems: Any) -> None:
    """So that a list is complete by no words that stand elsewhere, and complete without words only if that was told alone."""
    result = settled(
        ("a", None, "medications", "warfarin", None, "2026-11-20T08:00:00Z"),
        ("a", None, "medications", "aspirin", None, "2026-11-20T08:00:05Z"),
        ("a", None, "medications.absent", "apixaban", None, "2026-11-20T08:00:07Z"),
        ("a", None, "medications", "clopidogrel", None, "2026-11-19"),
        ("a", None, "allergies.complete", "true", None, "2026-11-20"),
        ("a", None, "devices.complete", "true", None, "2026-11-20"),
        ("a", None, "devices.complete", "false", None, "2026-11-20"),
        ("a", None, "devices", "pacemaker", None, "2026-11-20"),
    )
    facts = known(result)
    assert {name: value for name, value in facts.items() if name.startswith("medications")} == {
        "medications__has__warfarin": True,
        "medications__has__aspirin": True,
        "medications__has__apixaban": False,
    }
    assert {value for name, value in facts.items() if name.startswith("allergies")} == {False}
    assert {name: value for name, value in facts.items() if name.startswith("devices")} == {
        "devices__has__pacemaker": True
    }
    assert problems(result) == {("observations", "devices.complete", "contradictory"): 1}


def test_what_cannot_be_used_is_counted(settled: Any, known: Any, problems: Any) -> None:
    result = settled(
        inr("2", "2026-11-24"),
        inr("2", "2026-11-23T09:00:01Z"),
        inr("2", ""),
        inr("2", "2026-02-30"),
        inr("", "2026-11-22"),
        ("a", None, "blood.in", "2", None, "2026-11-22"),
        ("a", None, None, "2", None, "2026-11-22"),
        ("a", "1", "blood.inr", "2", None, "2026-11-22"),
        ("a", None, "lesion.size", "2", None, "2026-11-22"),
        ("", None, "blood.inr", "2", None, "2026-11-22"),
        ("z", None, "blood.inr", "2", None, "2026-11-22"),
        ("z", "1", "lesion.size", "20", None, "2026-11-22"),
        ("a", "9", "lesion.size", "20", None, "2026-11-22"),
        ("a", None, "body.height", "170", None, "2026-11-22"),
        ("a", None, "blood.haemoglobin", "x", None, "2026-11-22"),
        body__height=[None, 171],
    )
    assert known(result) == {}
    assert problems(result) == {
        ("observations", "blood.inr", "in_the_future"): 2,
        ("observations", "blood.inr", "no_date"): 1,
        ("observations", "blood.inr", "wrong_date"): 1,
        ("observations", "blood.inr", "no_value"): 1,
        ("observations", "blood.in", "unknown_item"): 1,
        ("observations", "", "unknown_item"): 1,
        ("observations", "blood.inr", "wrong_scope"): 1,
        ("observations", "lesion.size", "wrong_scope"): 1,
        ("observations", "blood.inr", "no_patient_id"): 1,
        ("observations", "patient", "unknown_patient"): 2,
        ("observations", "lesion", "unknown_lesion"): 1,
        ("observations", "body.height", "also_a_column"): 1,
        ("patients", "blood.haemoglobin", "wrong_type"): 1,
    }


def test_items_that_are_not_known_are_named_within_bounds(settled: Any, problems: Any) -> None:
    many = [("a", None, f"item-{number:03}-{'x' * 100}", "1", None, "2026-11-22") for number in range(200)]
    found = problems(settled(*many, many[7], ("a", None, "common", "1", None, "2026-11-22"), *[many[3]] * 2))
    names = [item for _, item, _ in found]
    assert len(names) == 51
    assert max(map(len, names)) == 60
    assert found["observations", many[3][2][:60], "unknown_item"] == 3
    assert sum(found.values()) == 204
    assert found["observations", "…", "unknown_item"] > 100


def test_an_item_that_no_rule_asks_about_is_passed_over(settled: Any, problems: Any, rulebook: Rulebook) -> None:
    asked = {item.id for item in FactColumns(rulebook).items}
    idle = next(item.id for item in rulebook.vocabulary.of("patient").values() if item.id not in asked)
    assert problems(settled(("a", None, idle, "anything", None, "2026-11-22"))) == {}


def test_a_column_that_is_missing_is_an_error(rulebook: Rulebook) -> None:
    table = ibis.table({"patient": "string", "item": "string", "value": "string", "day": "date"}, name=OBSERVATIONS)
    with pytest.raises(SourceError, match="observations: no column «date»"):
        Observations(table, rulebook, AsOf(AT, "Europe/Paris", "duckdb"))


def test_values_of_one_type(duckdb_engine: DuckDBEngine, rulebook: Rulebook, tmp_path: Path, known: Any) -> None:
    """A table of numbers alone, opened from a file; a column of whole days; no lesions and no units."""
    pq.write_table(pa.table({"patient": [1]}), tmp_path / "patients.parquet")
    pq.write_table(pa.table({"patient": [1], "lesion": [1]}), tmp_path / "lesions.parquet")
    days = [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 22)]
    items = ["blood.inr", "blood.inr", "patient.pregnant"]
    observed = {"patient": [1] * 3, "item": items, "value": [1.25, 1e-7, 1.0], "date": days, "ward": ["x"] * 3}
    pq.write_table(pa.table(observed), tmp_path / "observations.parquet")
    source = open_source(str(tmp_path), duckdb_engine, rulebook.vocabulary)
    assert source.warnings == (f"{tmp_path}: observations: not of the layout, and not read: «ward»",)
    result = settle_source(source.tables, rulebook, AT, "duckdb", duckdb_engine.keep)
    assert known(result) == {}
    problems = {(row["item"], row["problem"]) for row in duckdb_engine.read(result.problems).to_pylist()}
    assert problems == {("blood.inr", "out_of_range"), ("patient.pregnant", "wrong_type")}


def one_by_one(row: dict[str, Any], rulebook: Rulebook) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    """The cells of a row as observations: item, value, unit, date."""
    for item in rulebook.vocabulary:
        own = column(item.id)
        date = row.get(f"{own}__date")
        for name in carrying(item):
            told = row.get(name)
            words = re.split("[ ,;]+", told) if told and item.type == "set" else [told]
            for word in words:
                if word is not None:
                    yield name, word, row.get(f"{own}__unit"), date


def test_they_say_what_columns_would_say(engine: Engine, tmp_path: Path) -> None:
    """In every engine: what stands in columns with a date each, told one by one instead."""
    at = MOMENTS[0]
    expected = cohort(60, at, 3, share=0.12, all_dated=True)
    book = asking_about(*expected.items)
    rows: list[Row] = []
    kept: dict[str, list[dict[str, Any]]] = {PATIENTS: [], LESIONS: []}
    for table, source in ((PATIENTS, expected.patients), (LESIONS, expected.lesions)):
        for row in source:
            ids = {name: row.pop(name) for name in ("patient", "lesion", "recorded_at") if name in row}
            kept[table].append(ids)
            rows += [(ids["patient"], ids.get("lesion"), *told) for told in one_by_one(row, book)]
    tables = {
        PATIENTS: pa.Table.from_pylist(kept[PATIENTS]),
        LESIONS: pa.Table.from_pylist(kept[LESIONS]),
        OBSERVATIONS: long(*rows),
    }
    raw = {name: fill(engine, name, table, tmp_path) for name, table in tables.items()}
    check(settle_source(raw, book, at, engine.dialect, engine.keep), engine, expected, book)
