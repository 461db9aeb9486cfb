"""Every engine keeps steps alike: computed once, with their types, replaced and dropped, and nothing left behind."""

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from service.cohort.engines import Engine, EngineError
from service.cohort.engines.script import ScriptEngine
from service.cohort.engines.steps import PREFIX, table_name
from tests.warehouses import fill

ROWS = pa.table(
    {
        "patient": ["é-1", "A-2", ""],
        "n": pa.array([1.5, None, -0.1], pa.float64()),
        "f": pa.array([True, False, None]),
        "i": pa.array([1, None, 2**53 + 1], pa.int64()),
        "day": pa.array([date(2024, 3, 31), None, date(1999, 12, 31)]),
        "local": pa.array(["2024-03-31 02:30:00", None, "2024-10-27 02:30:00.000005"]).cast(pa.timestamp("us")),
        "instant": pa.array(
            [datetime(2024, 3, 31, 1, 30, tzinfo=UTC), None, datetime(2024, 10, 27, 0, 30, tzinfo=UTC)],
            pa.timestamp("us", "UTC"),
        ),
        "words": pa.array([["a", 'b "c", \\d'], None, []], pa.list_(pa.string())),
    }
)


def rows(engine: Engine, table: Any) -> list[Any]:
    return sorted(engine.read(table).to_pylist(), key=str)


def kept_tables(engine: Engine) -> set[str]:
    """The temporary tables of the engine's session."""
    match engine.dialect:
        case "duckdb":
            found = engine.connection.con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
            return {name for (name,) in found}
        case "postgres":
            with engine.connection.con.cursor() as cursor:
                found = cursor.execute(
                    "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
                ).fetchall()
            return {name for (name,) in found}
        case "pyspark":
            return {name for name in engine.connection.list_tables() if name.startswith(PREFIX)}


def test_a_step_has_the_rows_and_the_types_of_its_expression(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", ROWS, tmp_path)
    assert rows(engine, table) == sorted(ROWS.to_pylist(), key=str)
    step = engine.keep("step", table)
    assert rows(engine, step) == sorted(ROWS.to_pylist(), key=str)
    types = step.schema()
    assert types["instant"].timezone == "UTC"
    assert types["local"].timezone is None
    assert types["words"].value_type.is_string()


def test_a_step_is_computed_once(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", ROWS.select(["patient"]), tmp_path)
    step = engine.keep("step", table.mutate(chance=ibis.random()))
    assert rows(engine, step) == rows(engine, step)
    # What is derived from a step and kept stays when the step is dropped.
    derived = engine.keep("derived", step.mutate(twice=step.chance + step.chance))
    found = rows(engine, derived)
    engine.drop("step")
    assert rows(engine, derived) == found
    assert all(row["twice"] == 2 * row["chance"] for row in found)


def test_a_step_of_the_same_name_is_replaced(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", ROWS.select(["n"]), tmp_path)
    engine.keep("step", table)
    step = engine.keep("step", table.filter(table.n > 1).mutate(more=table.n + 1.0))
    assert rows(engine, step) == [{"n": 1.5, "more": 2.5}]
    assert len(kept_tables(engine)) == 1


def test_what_is_dropped_is_gone_and_may_be_dropped_again(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", ROWS.select(["n"]), tmp_path)
    engine.keep("step", table)
    assert kept_tables(engine) == {table_name("step")}
    engine.drop("step")
    engine.drop("step")
    assert not kept_tables(engine)


def test_a_table_of_the_source_with_the_name_of_a_step_is_never_read(
    duckdb_engine: Engine, postgres_engine: Engine, tmp_path: Path
) -> None:
    """Spark's views have no place of their own: there the prefix of the names alone keeps them apart."""
    for engine in (duckdb_engine, postgres_engine):
        fill(engine, table_name("step"), pa.table({"n": [666.0]}), tmp_path)
        step = engine.keep("step", fill(engine, "raw", ROWS.select(["n"]), tmp_path))
        assert len(rows(engine, step)) == 3
        engine.drop("step")
        assert rows(engine, engine.connection.table(table_name("step"))) == [{"n": 666.0}]


def test_fractions_are_doubles(engine: Engine, tmp_path: Path) -> None:
    """As decimals, which Ibis would have them, a tenth and two tenths are three."""
    table = fill(engine, "raw", pa.table({"yes": [True]}), tmp_path)
    points = [table.yes.ifelse(value, 0.0) for value in (0.1, 0.2)]
    step = engine.keep("step", table.select(sum=points[0] + points[1], third=ibis.literal(1 / 3)))
    assert engine.read(step).to_pylist() == [{"sum": 0.1 + 0.2, "third": 1 / 3}]
    # Asked of the database too, since a decimal number may become a double on its way to us.
    assert engine.read(step.select(more=step["sum"] > 0.3)).to_pylist() == [{"more": 0.1 + 0.2 > 0.3}]
    least = math.ulp(0.0)
    extremes = (least, 1.7976931348623157e308, 1e22, 9007199254740993.0, -math.pi)
    named = {f"c{place}": ibis.literal(value) for place, value in enumerate(extremes)}
    assert tuple(engine.read(table.select(**named)).to_pylist()[0].values()) == extremes


def test_an_error_tells_no_value(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", pa.table({"n": ["12", "the-secret-of-a-patient"]}), tmp_path)
    with pytest.raises(EngineError) as caught:
        engine.keep("step", table.mutate(number=table.n.cast("float64")))
    assert "step" in caught.value.lines[0]
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_a_script_says_is_what_an_engine_does(engine: Engine, tmp_path: Path) -> None:
    table = fill(engine, "raw", ROWS.select(["patient", "n", "instant"]), tmp_path)
    script = ScriptEngine(engine.dialect)

    def computed(by: Any, raw: Any) -> Any:
        step = by.keep("step", raw.filter(raw.n.notnull()).mutate(more=raw.n * 2.5, year=raw.instant.year()))
        return by.keep("counts", step.group_by("year").agg(sum=step.more.sum()))

    counts = computed(engine, table)
    found = rows(engine, counts)
    assert found == [{"year": 2024, "sum": 1.5 * 2.5 + -0.1 * 2.5}]
    engine.drop("step")
    engine.drop("counts")
    computed(script, script.table("raw", table.schema()))
    for statement in script.statements:
        run(engine, statement)
    assert rows(engine, counts) == found


def run(engine: Engine, statement: str) -> None:
    """As the owner of a warehouse runs it."""
    cursor = engine.connection.raw_sql(statement)
    if engine.dialect == "postgres":
        cursor.close()


@pytest.mark.parametrize("name", ["", "Step", "a b", 'a"; DROP TABLE patients; --', "9", "a" * 51, "é"])
def test_what_cannot_name_a_step(duckdb_engine: Engine, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a step"):
        duckdb_engine.drop(name)


def test_a_table_of_this_process_is_no_step(engine: Engine) -> None:
    with pytest.raises(ValueError, match="holds a table of this process"):
        engine.keep("step", ibis.memtable({"a": [1]}))
