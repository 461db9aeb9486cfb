"""A cohort in a real PostgreSQL server: computed there, and fetched or left there; the same rows as from files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from service.cohort.engines.postgres import connect
from service.cohort.running.errors import RunError
from service.cohort.running.memory import Memory
from service.cohort.running.record import Record, from_json
from service.cohort.running.start import Wanted, recommend_cohort
from tests.cohort.running.by_rules import AT, small_rulebook, tables, write_tables
from tests.cohort.running.small import judge, rows, write_cohort
from tests.warehouses import fill

NAMES = ("recommendations", "lesions", "refused", "problems")
MEMORY = Memory(1_000_000_000, 1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("source"))


@pytest.fixture
def with_rules(postgres_url: str, source: Path, tmp_path: Path) -> str:
    """A database with a cohort for the small rulebook."""
    return filled(postgres_url, source, tmp_path)


@pytest.fixture
def url(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with a cohort that is judged by what takes no time, in place of the rules."""
    monkeypatch.setattr("service.cohort.running.start.by_rules", lambda rulebook, at: judge)
    write_cohort(tmp_path / "source", 200)
    return filled(postgres_url, tmp_path / "source", tmp_path)


def filled(url: str, source: Path, scratch: Path) -> str:
    engine = connect(url)
    for name in ("patients", "lesions"):
        fill(engine, name, pq.read_table(source / f"{name}.parquet"), scratch)
    engine.close()
    return url


@pytest.fixture
def whole(tmp_path: Path, url: str) -> dict[str, list[tuple[Any, ...]]]:
    """What comes of the same rows in files."""
    recommended(str(tmp_path / "source"), out=tmp_path / "whole")
    return found(tmp_path / "whole")


def found(out: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows(out, name), key=repr) for name in NAMES}


def recommended(source: str, told: Any = lambda record: None, **more: Any) -> Record:
    wanted = Wanted(source, MEMORY, at=AT, **more)
    return recommend_cohort(wanted, small_rulebook(), lambda line: None, lambda what: None, told)


def in_server(url: str, table: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(url) as session:
        named = {name: table + ("" if name == "recommendations" else f"_{name}") for name in NAMES}
        return {
            name: sorted(session.execute(f'SELECT * FROM "{each}"'.encode()).fetchall(), key=repr)  # noqa: S608 (names of this file)
            for name, each in named.items()
        }


def test_fetched_into_a_folder(with_rules: str, source: Path, tmp_path: Path) -> None:
    url, out = with_rules, tmp_path / "out"
    record = recommended(url, out=out, part=40)
    assert record.parts == 3
    recommended(str(source), out=tmp_path / "whole")
    assert found(out) == found(tmp_path / "whole")
    said = (out / "run.json").read_text()
    password = url.split(":")[2].partition("@")[0]
    assert len(password) > 8
    assert password not in said
    assert from_json(said).identity.fingerprint == {
        "patients": "61 rows",
        "lesions": f"{len(tables()['lesions'])} rows",
    }


def test_left_in_the_server(url: str, whole: dict[str, list]) -> None:
    record = recommended(url, table="found", part=150)
    assert record.complete
    assert in_server(url, "found") == whole
    with psycopg.connect(url) as session:
        key = session.execute(
            "SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_index i "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
            "WHERE i.indrelid = 'found'::regclass AND i.indisprimary"
        ).fetchone()
    assert key == ("patient lesion technique",)
    assert recommended(url, table="found") == record


class Stopped(Exception):
    pass


def test_goes_on_in_the_server(url: str, whole: dict[str, list]) -> None:
    def stop(record: Record) -> None:
        if len(record.done) == 1:
            raise Stopped

    with pytest.raises(Stopped):
        recommended(url, stop, table="found", part=150)
    half = in_server(url, "found")
    assert 0 < len(half["recommendations"]) < len(whole["recommendations"])
    with pytest.raises(RunError, match="another run"):
        recommend_cohort(
            Wanted(url, MEMORY, table="found", at=AT.replace(year=2027)),
            small_rulebook(),
            lambda line: None,
            lambda what: None,
            lambda record: None,
        )
    record = recommended(url, table="found", part=7)
    assert record.parts == 3
    assert in_server(url, "found") == whole
    assert recommended(url, table="found", part=1000, force=True).parts == 1
    assert in_server(url, "found") == whole


@pytest.fixture
def other(url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(url, autocommit=True) as session:
        yield session


def test_tables_that_are_there_are_left_alone(url: str, other: "psycopg.Connection[Any]") -> None:
    other.execute("CREATE TABLE mine (a int)")
    for force in (False, True):
        with pytest.raises(RunError, match="no run of this command made it"):
            recommended(url, table="mine", force=force)
    with pytest.raises(RunError, match="no run of this command made it"):
        recommended(url, table="patients", force=True)


def test_two_runs_into_one_table(url: str, other: "psycopg.Connection[Any]") -> None:
    other.execute("SELECT pg_advisory_lock(hashtextextended('indication found', 0))")
    with pytest.raises(RunError, match="another run is writing"):
        recommended(url, table="found")


@pytest.mark.parametrize("name", ["a b", "found;drop", 'x"', "A", "a.b.c", "ü"])
def test_names_that_are_none(url: str, name: str) -> None:
    with pytest.raises(RunError, match="a name of small letters"):
        recommended(url, table=name)


def test_a_reader_without_the_right_to_write_is_told(url: str, other: "psycopg.Connection[Any]") -> None:
    other.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    try:
        other.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        theirs = f"postgresql://reader:reader@{url.partition('@')[2]}"
        with pytest.raises(RunError, match="permission denied"):
            recommended(theirs, table="found")
    finally:
        other.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_a_table_needs_a_server(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no PostgreSQL database"):
        recommended(str(write_tables(tmp_path / "source")), table="found")
