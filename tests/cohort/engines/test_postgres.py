"""What is particular to PostgreSQL: how it is reached without telling a password, what it sees, and that nothing is left."""

import time
from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from service.cohort.engines import EngineError
from service.cohort.engines.postgres import PostgresEngine, connect
from tests.postgres_server import PostgresServer
from tests.warehouses import fill

SECRET = "kH7"  # noqa: S105 (of no account that there is)


@pytest.mark.parametrize(
    "url",
    [
        # an @, a / and others that are not written as %40, %2F: libpq would take what follows for the server
        f"postgresql://reader:p@{SECRET}@127.0.0.1/registry",
        f"postgresql://reader:p/{SECRET}@127.0.0.1/registry",
        f"postgresql://reader:p#{SECRET}@127.0.0.1/registry",
        f"postgresql://reader:p?{SECRET}@127.0.0.1/registry",
        f"postgresql://reader:p {SECRET}@127.0.0.1/registry",
        f"postgresql://reader:p:{SECRET}@127.0.0.1/registry",
        # read by libpq, and refused by it in words that quote it
        f"postgresql://reader:p%zz{SECRET}@127.0.0.1/registry",
        f"postgresql://127.0.0.1/registry?user=reader&password=%zz{SECRET}",
        f"postgresql://127.0.0.1/registry?user=reader&passwrd={SECRET}",
        f"postgresql://127.0.0.1:{SECRET}/registry",
        # another database, or none
        f"mysql://reader:{SECRET}@127.0.0.1/registry",
        f"reader:{SECRET}@127.0.0.1",
    ],
)
def test_a_url_that_cannot_be_read_tells_no_secret(url: str) -> None:
    with pytest.raises(EngineError) as caught:
        connect(url)
    assert SECRET not in "".join(caught.value.lines)
    # What libpq said is not shown either.
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_wrong_password_tells_who_was_refused_where(postgres_server: PostgresServer) -> None:
    with pytest.raises(EngineError, match="password authentication failed") as caught:
        connect(f"postgresql://reader:{SECRET}@127.0.0.1:{postgres_server.port}/postgres")
    assert "127.0.0.1" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_no_server() -> None:
    with pytest.raises(EngineError, match=r"(?s)cannot be reached.*127\.0\.0\.1"):
        connect(f"postgresql://reader:{SECRET}@127.0.0.1:1/registry")


def test_an_engine_tells_no_secret(postgres_engine: PostgresEngine, postgres_server: PostgresServer) -> None:
    assert postgres_server.password not in repr(vars(postgres_engine))


def test_a_password_with_signs(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("CREATE ROLE signs LOGIN PASSWORD 'a@b:c/d?e#f %'")
    try:
        database = postgres_url.rpartition("/")[2]
        engine = connect(f"postgresql://signs:a%40b%3Ac%2Fd%3Fe%23f%20%25@127.0.0.1:{postgres_server.port}/{database}")
        engine.close()
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as session:
            session.execute("DROP ROLE signs")


def test_tables_are_those_of_the_search_path(postgres_engine: PostgresEngine, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("CREATE SCHEMA registry")
        session.execute("CREATE TABLE registry.patients AS SELECT 1 AS patient")
        session.execute("CREATE VIEW registry.lesions AS SELECT 1 AS patient, 'a' AS lesion")
        assert postgres_engine.table("patients") is None
        session.execute(f'ALTER DATABASE "{postgres_url.rpartition("/")[2]}" SET search_path = public, registry')
        engine = connect(postgres_url)
        for name, columns in (("patients", ("patient",)), ("lesions", ("patient", "lesion"))):
            table = engine.table(name)
            assert table is not None
            assert table.columns == columns
            assert engine.read(table).num_rows == 1
        # The first of the path is meant.
        session.execute("CREATE TABLE public.patients AS SELECT 2 AS patient, 3 AS other")
        table = engine.table("patients")
        assert table is not None
        assert engine.read(table).to_pylist() == [{"patient": 2, "other": 3}]
        assert engine.table("pg_class") is not None
        assert engine.table("nothing") is None
        engine.close()


def test_nothing_is_left_behind(postgres_engine: PostgresEngine, postgres_url: str, tmp_path: Path) -> None:
    raw = fill(postgres_engine, "raw", pa.table({"n": [1]}), tmp_path)
    postgres_engine.keep("step", raw)
    everything = (
        "SELECT relname FROM pg_class WHERE relname LIKE '%indication%' OR relnamespace = 'public'::regnamespace"
    )
    with psycopg.connect(postgres_url, autocommit=True) as session:
        # Another session sees that it is there, in a place of its own.
        assert ("indication_step",) in session.execute(everything).fetchall()
        postgres_engine.close()
        # The server ends the session a moment after we hang up.
        for _ in range(100):
            left = session.execute(everything).fetchall()
            if left == [("raw",)]:
                break
            time.sleep(0.05)
        assert left == [("raw",)]


def test_dates_are_written_in_one_way(postgres_engine: PostgresEngine, tmp_path: Path) -> None:
    """The server of the tests writes the day before the month, as French ones do."""
    with postgres_engine.connection.con.cursor() as cursor:
        found = cursor.execute("SELECT reset_val FROM pg_settings WHERE name = 'DateStyle'").fetchone()
    assert found == ("SQL, DMY",)
    table = fill(postgres_engine, "raw", pa.table({"day": [date(2024, 3, 2)]}), tmp_path)
    written = table.select(text=table.day.cast("string"))
    assert postgres_engine.read(written).to_pylist() == [{"text": "2024-03-02"}]
    read_again = written.select(day=written.text.cast("date"))
    assert postgres_engine.read(read_again).to_pylist() == [{"day": date(2024, 3, 2)}]


def test_a_column_that_postgresql_would_cut_off(postgres_engine: PostgresEngine, tmp_path: Path) -> None:
    table = fill(postgres_engine, "raw", pa.table({"n": [1]}), tmp_path)
    with pytest.raises(EngineError, match="too long for PostgreSQL"):
        postgres_engine.keep("step", table.mutate(**{"é" * 32: table.n}))
