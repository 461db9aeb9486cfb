"""What every test may ask for."""

import copy
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.cli import register
from service.rulebook.model import Rulebook
from service.selftest import vector
from service.web import create_app
from tests import warehouses
from tests.postgres_server import PostgresServer, running

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from service.cohort.engines import Engine
    from service.cohort.engines.duckdb import DuckDBEngine
    from service.cohort.engines.postgres import PostgresEngine
    from service.cohort.engines.spark import SparkEngine

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application over the project's own rules, with the commands."""
    app = create_app({"RULES": ROOT / "rules", "TESTING": True, "WARM": True})
    register(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def rulebook(app: Flask) -> Rulebook:
    """The project's own rules."""
    book: Rulebook = app.extensions["indication"].desk().decider.rulebook
    return book


@pytest.fixture
def referral() -> dict[str, Any]:
    """An ordinary referral, to be changed at will."""
    changeable: dict[str, Any] = copy.deepcopy(vector().referral)
    return changeable


@pytest.fixture(scope="session")
def at() -> datetime:
    """The moment at which `referral` is decided."""
    return vector().at


# ---- warehouses: real ones, begun by the first test that asks (tests/warehouses.py) ----

ENGINES = ("duckdb", "postgres", "pyspark")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of that server, for one test."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of that server, for the tests of one file."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """A Spark session on two cores, in UTC."""
    with warehouses.spark_session(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> "Iterator[DuckDBEngine]":
    """DuckDB in memory."""
    from service.cohort.engines.duckdb import connect

    engine = connect(memory=1_000_000_000, threads=2, scratch=tmp_path / "duckdb")
    yield engine
    engine.close()


@pytest.fixture
def postgres_engine(postgres_url: str) -> "Iterator[PostgresEngine]":
    """A session of an empty PostgreSQL database."""
    from service.cohort.engines.postgres import connect

    engine = connect(postgres_url)
    yield engine
    engine.close()


@pytest.fixture
def spark_engine(spark: "SparkSession") -> "Iterator[SparkEngine]":
    """The Spark session; what a test made in it is gone afterwards."""
    from service.cohort.engines.spark import SparkEngine

    engine = SparkEngine(spark)
    yield engine
    engine.close()
    for table in spark.catalog.listTables():
        spark.sql(f"DROP {'VIEW' if table.isTemporary else 'TABLE'} {table.name}")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> "Engine":
    """Each engine in turn, empty; `warehouses.fill` puts a table in it."""
    name = {"duckdb": "duckdb_engine", "postgres": "postgres_engine", "pyspark": "spark_engine"}[request.param]
    found: Engine = request.getfixturevalue(name)
    return found


def pytest_configure(config: pytest.Config) -> None:
    # What an application of the tests keeps, when its test does not say where: nothing of the developer's own.
    os.environ["INDICATION_STATE"] = tempfile.mkdtemp(prefix="indication-state-")
    for warning in warehouses.WARNINGS:
        config.addinivalue_line("filterwarnings", warning)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    warehouses.arrange(items)
