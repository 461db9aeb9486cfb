"""The printed script, run on real warehouses, makes what `flask cohort recommend` makes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from service.cohort.engines import Engine
from service.cohort.running.errors import RunError
from service.cohort.running.memory import Memory
from service.cohort.running.script import script
from service.cohort.running.start import Wanted, recommend_cohort
from service.query.columns import FactColumns
from tests.cohort.running.by_rules import AT, small_rulebook, tables, write_tables
from tests.cohort.running.small import rows
from tests.warehouses import fill

#: table of the script -> table of a run
MADE = {"recommendations": "recommendations", "lesion_results": "lesions", "refused": "refused", "problems": "problems"}


@pytest.fixture(scope="module")
def recommended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """What a run in parts makes of the same tables."""
    folder = tmp_path_factory.mktemp("recommended")
    wanted = Wanted(str(write_tables(folder / "source")), Memory(1_000_000_000, 1), folder / "out", at=AT, part=40)
    record = recommend_cohort(wanted, small_rulebook(), lambda line: None, lambda what: None, lambda record: None)
    assert record.parts == 3
    return {made: in_order(rows(folder / "out", name)) for made, name in MADE.items()}


def run(engine: Engine, text: str) -> None:
    """As its own shell would run it."""
    connection = engine.connection
    if engine.dialect == "pyspark":
        for statement in re.split(r";\n", text):
            if re.sub(r"--.*", "", statement).strip():
                connection._session.sql(statement)
    else:
        with connection.con.cursor() as cursor:
            cursor.execute(text)


def made(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table that the script made."""
    read: Callable[[Any], pa.Table] = engine.read
    found = engine.connection.table(table)
    return in_order([tuple(row.values()) for row in read(found).to_pylist()])


def there(engine: Engine) -> list[str]:
    """All tables, temporary ones as well."""
    if engine.dialect == "duckdb":
        return [row[0] for row in engine.connection.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    return list(engine.connection.list_tables())


def in_order(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """NULLs and doubles that are equal, wherever they come from."""
    return sorted(found, key=repr)


@pytest.fixture(scope="module")
def written() -> Callable[[Any], str]:
    return lambda dialect: script(small_rulebook(), AT, dialect)


def test_the_script_makes_what_a_run_makes(
    engine: Engine, written: Callable[[Any], str], recommended: dict[str, list], tmp_path: Path
) -> None:
    for name, table in tables().items():
        fill(engine, name, table, tmp_path)
    run(engine, written(engine.dialect))
    assert len(recommended["recommendations"]) > 50
    assert {status for _, _, _, _, status, *_ in recommended["recommendations"]} >= {
        "deferred",
        "preempted",
        "undetermined",
    }
    assert len(recommended["problems"]) > 10
    for name, expected in recommended.items():
        assert made(engine, name) == expected, name
    assert [table for table in there(engine) if table.startswith("indication_")] == []


def test_stages_and_columns_are_named() -> None:
    text = script(small_rulebook(), AT, "duckdb")
    head, _, rest = text.partition("\nCREATE")
    assert small_rulebook().digest in head
    assert "2026-11-23T09:00:00+01:00" in head
    assert "For tests." in head
    assert "every column that is listed at the end" in head
    steps = re.findall(r"^-- Step (\d+) of (\d+): (.+)$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in steps] == list(range(1, int(steps[0][1]) + 1))
    # Every stage is explained: no step stands there by its bare name.
    assert all(len(what.split()) > 2 for _, _, what in steps)
    made = re.findall(r"^-- Result: (\w+)\nCREATE TABLE (\w+) ", text, re.MULTILINE)
    assert [name for name, _ in made] == [name for _, name in made] == list(MADE)
    assert "--   blood__platelets DOUBLE" in rest
    assert "--   blood__platelets__unit VARCHAR" in rest
    assert all(len(line) < 1000 for line in text.splitlines())


def test_columns_that_a_warehouse_lacks() -> None:
    text = script(small_rulebook(), AT, "postgres", only=["blood.platelets", "lesion__size", "recorded_at"])
    listed = re.findall(r"^--   (\w+)", text, re.MULTILINE)
    assert listed == ["patient", "recorded_at", "blood__platelets", "patient", "lesion", "lesion__size"]
    with pytest.raises(RunError, match="blood__plates"):
        script(small_rulebook(), AT, "postgres", only=["blood.plates"])


def test_observations_and_facts() -> None:
    long = script(small_rulebook(), AT, "pyspark", "observations")
    assert "-- observations\n--   patient STRING\n--   lesion STRING\n--   item STRING" in long
    facts = script(small_rulebook(), AT, "pyspark", facts=True)
    for name in FactColumns(small_rulebook()).of("patient"):
        assert f"--   {name} " in facts
    assert "-- Result: problems" not in facts
