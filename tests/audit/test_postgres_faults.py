"""PostgreSQL that stops, stands still, loses connections or answers in doubt: refused in time, recorded once, and back by itself."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from service.audit import circuit as circuit_module
from service.audit import database as database_module
from service.audit.address import address
from service.audit.store import Record
from tests.audit.conftest import entry
from tests.audit.test_faults import numbers, refused
from tests.postgres_server import PostgresServer, running


@contextmanager
def session(url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Another session, in the schema that `url` names."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_somebody_else_holds_the_head(postgres_schema: str, opened: Callable[..., Record]) -> None:
    record = opened(postgres_schema)
    record.append(entry(1))
    with session(postgres_schema) as other, other.transaction():
        other.execute("SELECT * FROM head FOR UPDATE")
        refused(record, 2, "somebody else holds it")
        assert numbers(record) == [1]  # reading goes on
    record._circuit.worked()
    record.append(entry(2))
    assert record.verify() is None


def test_idle_connections_that_were_cut(postgres_schema: str, opened: Callable[..., Record]) -> None:
    """As a firewall or a restart does: nobody is refused for it."""
    record = opened(postgres_schema)
    record.append(entry(1))
    for number in (2, 3):
        with session(postgres_schema) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'indication' AND datname = current_database()"
            )
        assert record.head().seq == number - 1
        record.append(entry(number))
    assert numbers(record) == [1, 2, 3]


def test_a_session_is_as_durable_as_can_be(postgres_schema: str, opened: Callable[..., Record]) -> None:
    """The server of the tests does not wait for its disk by default; the record's sessions do."""
    record = opened(postgres_schema)
    with record.database.reading() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "3s"
    with session(postgres_schema) as other:
        assert other.execute("SHOW synchronous_commit").fetchone() == ("off",)


# ---- a server that stops, and one that stands still ----


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """One that only these tests use, so that they may stop it."""
    with running() as server:
        yield server


@pytest.fixture
def own_url(own_server: PostgresServer) -> Iterator[str]:
    with own_server.database() as url:
        yield url


def test_stopped_and_started_again(own_server: PostgresServer, own_url: str, opened: Callable[..., Record]) -> None:
    record = opened(own_url)
    record.append_many([entry(n) for n in range(20)])
    own_server.crash()
    refused(record, 20, "cannot be reached")
    own_server.start()
    time.sleep(circuit_module.PAUSE_SECONDS)  # by itself
    record.append(entry(20))
    assert numbers(record) == list(range(21))
    assert record.verify() is None


def test_stopped_while_entries_can_wait(
    own_server: PostgresServer, own_url: str, tmp_path: Path, opened: Callable[..., Record]
) -> None:
    record = opened(own_url, tmp_path / "spool.sqlite", "spool")
    record.append(entry(0))
    own_server.crash()
    began = time.monotonic()
    for number in range(1, 30):
        record.append(entry(number))
    assert time.monotonic() - began < 5
    assert record.waiting() == 29
    own_server.start()
    time.sleep(circuit_module.PAUSE_SECONDS)
    record.append(entry(30))
    assert numbers(record) == list(range(31))
    assert record.waiting() == 0
    assert record.verify() is None


def test_down_when_the_service_starts(own_server: PostgresServer, own_url: str, opened: Callable[..., Record]) -> None:
    own_server.crash()
    record = opened(own_url)
    refused(record, 1, "cannot be reached")
    own_server.start()
    record._circuit.worked()
    record.append(entry(1))
    assert numbers(record) == [1]


def test_a_server_that_stands_still(own_server: PostgresServer, own_url: str, opened: Callable[..., Record]) -> None:
    record = opened(own_url)
    record.append(entry(1))
    with own_server.standing_still():
        refused(record, 2, "cannot be")
    time.sleep(circuit_module.PAUSE_SECONDS)
    record.append(entry(2))
    assert numbers(record) == [1, 2]
    assert record.verify() is None


# ---- a COMMIT whose answer never comes ----


class Between:
    """Stands between the record and its server, and cuts the connection at the next COMMIT of something written: before it, or after.

    `silently`: before it, and the server does not notice.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.cut: str | None = None
        self.cuts = 0
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for each in (self._listening, *self.kept):
            each.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._between, args=(client,), daemon=True).start()

    def _between(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server, suppress(OSError):
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            writes = False
            while data := client.recv(65536):
                writes = writes or b"INSERT" in data
                if self.cut is not None and writes and b"COMMIT" in data:
                    when, self.cut = self.cut, None
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)  # no answer comes through
                    if when == "after":
                        server.sendall(data)
                        time.sleep(0.3)
                    if when == "silently":
                        self.kept.append(server.dup())
                    else:
                        server.shutdown(socket.SHUT_RDWR)
                    return
                writes = writes and b"COMMIT" not in data
                server.sendall(data)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_commit_without_an_answer(
    cut: str, postgres_server: PostgresServer, postgres_schema: str, opened: Callable[..., Record]
) -> None:
    between = Between(postgres_server.port)
    try:
        url = address(postgres_schema).url.set(port=between.port, drivername="postgresql")
        record = opened(url.render_as_string(hide_password=False))
        record.append(entry(1))
        between.cut = cut
        record.append(entry(2))
        assert between.cuts == 1
        between.cut = cut
        assert record.erase([entry(2).id], "why", "2026-12-01T00:00:00.000000Z", "admin") == 1
        assert between.cuts == 2
        between.cut = cut
        record.keep_rulebook("sha256:1", b"rules")
        assert between.cuts == 3
        assert [row.recorded.kind for row in record.rows()] == ["decision", "decision", "erasure"]
        assert numbers(record)[:2] == [1, 2]
        assert record.rulebook("sha256:1") == b"rules"
        assert record.verify() is None
    finally:
        between.close()


def test_a_connection_cut_without_the_servers_noticing(
    postgres_server: PostgresServer, postgres_schema: str, opened: Callable[..., Record]
) -> None:
    """The server believes that somebody still holds the head, but not for long."""
    between = Between(postgres_server.port)
    try:
        url = address(postgres_schema).url.set(port=between.port, drivername="postgresql")
        record = opened(url.render_as_string(hide_password=False))
        record.append(entry(1))
        between.cut = "silently"
        refused(record, 2, "somebody else holds it")
        time.sleep(database_module.WRITE_SECONDS)
        record.append(entry(2))
        assert numbers(record) == [1, 2]
        assert record.verify() is None
    finally:
        between.close()


def test_a_schema_of_ones_own(module_postgres_url: str, opened: Callable[..., Record]) -> None:
    """`options` of the address are kept beside ours."""
    name = f"own_{secrets.token_hex(4)}"
    with session(module_postgres_url) as other:
        other.execute(f"CREATE SCHEMA {name}".encode())
        opened(f"{module_postgres_url}?options=-csearch_path%3D{name}").append(entry(1))
        assert other.execute(f"SELECT count(*) FROM {name}.record".encode()).fetchone() == (1,)  # noqa: S608 - a name of our own
