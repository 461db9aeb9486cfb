"""A record in SQLite and in PostgreSQL, both real."""

import os
import secrets
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.audit.record import Entry
from service.audit.store import Record

#: no patient's: planted to be looked for where it must not be
PLANTED = "Zanzibar-4711"


def entry(number: int, content: Any = None, **changes: Any) -> Entry:
    """The entry of this number: the same each time."""
    fields = {
        "id": f"{number:032x}",
        "kind": "decision",
        "at": "2026-11-26T03:00:00.000000+00:00",
        "line": {"door": "api", "client": "one"},
        "content": {"input": PLANTED, "n": number} if content is None else content,
    }
    return Entry(**{**fields, **changes})


def content_of(record: Record, number: int) -> str | None:
    found = record.get(f"{number:032x}").content
    return found.body if found else None


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kept/record.sqlite"


@pytest.fixture
def postgres_schema(module_postgres_url: str) -> str:
    """The address of an empty record in PostgreSQL: a schema of its own, which is made sooner than a database."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(module_postgres_url, autocommit=True) as session:
        session.execute(f"CREATE SCHEMA {name}".encode())
    return f"{module_postgres_url}?options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn; `tests/warehouses.py` knows this name."""
    name: str = request.param
    return name


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    """The address of an empty record."""
    found: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgres": "postgres_schema"}[engine])
    return found


@pytest.fixture
def opened() -> Iterator[Callable[..., Record]]:
    """Opens records, and closes them afterwards."""
    records: list[Record] = []

    def open_(*given: Any, **named: Any) -> Record:
        records.append(Record.open(*given, **named))
        return records[-1]

    yield open_
    for record in records:
        record.close()


@pytest.fixture
def record(url: str, opened: Callable[..., Record]) -> Record:
    """An empty record."""
    return opened(url)


def in_children(count: int, work: Callable[[int], None]) -> list[int]:
    """Runs `work` in forked processes at once; their exit codes. A child that raises ends with 1."""
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(number)
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(code)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
