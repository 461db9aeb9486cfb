"""What is particular to DuckDB: its limits, its files, and that it asks nothing of the network."""

from pathlib import Path

import duckdb
import ibis
import pytest

from service.cohort.engines import EngineError
from service.cohort.engines.duckdb import connect
from service.cohort.running.errors import DiskFull, OutOfMemory, plainly

MEGABYTE = 1_000_000
MEMORY = 50 * MEGABYTE
ROWS = 2_000_000


def test_limits_are_set(tmp_path: Path) -> None:
    engine = connect(memory=300 * MEGABYTE, threads=3, scratch=tmp_path / "scratch")
    settings = dict(engine.connection.con.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert settings["memory_limit"] == "286.1 MiB"
    assert settings["threads"] == "3"
    assert settings["temp_directory"] == str(tmp_path / "scratch")
    assert settings["preserve_insertion_order"] == settings["autoinstall_known_extensions"] == "false"
    assert settings["autoload_known_extensions"] == settings["allow_community_extensions"] == "false"
    assert settings["TimeZone"] == "UTC"
    engine.close()


def _large() -> ibis.Table:
    """A good 100 MB."""
    table = ibis.range(ROWS).unnest().name("i").as_table()
    return table.mutate(**{f"c{place}": ibis.random() for place in range(7)})


def test_a_step_larger_than_the_memory_goes_on_disk(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    engine = connect(memory=MEMORY, threads=1, scratch=scratch)
    step = engine.keep("step", _large())
    assert sum(path.stat().st_size for path in scratch.iterdir()) > MEMORY
    assert engine.read(step.aggregate(rows=step.count())).to_pylist() == [{"rows": ROWS}]
    engine.close()
    assert not scratch.exists() or not any(scratch.iterdir())


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    engine = connect(memory=MEMORY, threads=1, scratch=tmp_path / "scratch")
    engine.connection.con.execute("SET max_temp_directory_size = '20MB'")
    with pytest.raises(DiskFull), plainly(str(tmp_path), "50MB"):
        engine.keep("step", _large())
    engine.close()


def test_without_a_disk_to_go_on_the_memory_is_told(tmp_path: Path) -> None:
    engine = connect(memory=MEMORY, threads=1, scratch=tmp_path / "scratch")
    engine.connection.con.execute("SET temp_directory = ''")
    with pytest.raises(OutOfMemory), plainly(str(tmp_path), "50MB"):
        engine.keep("step", _large())
    engine.close()


def test_a_file_is_read_and_never_written(tmp_path: Path) -> None:
    file = tmp_path / "registry.duckdb"
    with duckdb.connect(str(file)) as made:
        made.execute("CREATE TABLE patients AS SELECT 'a' AS patient")
    before = file.read_bytes()
    engine = connect(file)
    step = engine.keep("step", engine.connection.table("patients"))
    assert engine.read(step).to_pylist() == [{"patient": "a"}]
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        engine.connection.con.execute("DELETE FROM patients")
    engine.close()
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", [b"", b"patient,lesion\n", b"\0" * 5_000])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "registry.duckdb"
    file.write_bytes(content)
    with pytest.raises(EngineError, match=r"registry\.duckdb"):
        connect(file)
    assert file.read_bytes() == content


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such file"):
        connect(tmp_path / "registry.duckdb")
    assert not any(tmp_path.iterdir())
