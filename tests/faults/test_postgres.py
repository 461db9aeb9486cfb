"""A PostgreSQL that is killed, slow, silent or full of other people's connections, under a server with work to do."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.faults import service
from tests.faults.between import Between
from tests.faults.clients import ANSWER_SECONDS, Load, load, reported, waited
from tests.postgres_server import PostgresServer, running
from tests.serving import Server

#: for each answer while the database does not say a word, in seconds: the limits of service/audit for all that a request writes
PATIENCE = 16.0
#: and what it waits for the database at the least
WAIT = 3.0


@dataclass(frozen=True)
class Served:
    server: Server
    postgres: PostgresServer
    between: Between
    #: of the record, without detour
    store: str
    settings: dict[str, str]


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """One that only these tests use, so that they may kill it."""
    with running() as server:
        yield server


def serve(small: Path, home: Path, postgres: PostgresServer, when_down: str) -> Iterator[Served]:
    between = Between(postgres.port)
    with postgres.database() as store:
        there = make_url(store).set(port=between.port).render_as_string(hide_password=False)
        settings = service.settings(home, there, when_down)
        try:
            with service.service(small, home, settings) as server:
                yield Served(server, postgres, between, store, settings)
        finally:
            between.close()


@pytest.fixture(scope="module")
def refusing(small: Path, own_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that answers nothing it cannot record."""
    yield from serve(small, tmp_path_factory.mktemp("refusing"), own_server, "refuse")


@pytest.fixture(scope="module")
def spooling(small: Path, own_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that lets records wait."""
    yield from serve(small, tmp_path_factory.mktemp("spooling"), own_server, "spool")


def test_killed_while_answers_are_refused(refusing: Served) -> None:
    port = refusing.server.port
    with load(port) as clients:
        refusing.postgres.kill()
        clients.until(6, status=503)
        refusing.postgres.start()
        clients.until(6)
        # One of its processes: it ends all others, and mends itself.
        refusing.postgres.kill_one()
        clients.until(20)
    service.answers_again(refusing.server, clients.seen)
    with service.record(refusing.store) as record:
        reported("PostgreSQL killed, refuse", 2, clients.seen, record)
    assert clients.seen.statuses[0] == 0


def given_up(clients: Load) -> None:
    """Somebody waited for the database as long as the service does; others were refused at once, for it was down a moment ago."""
    waited(lambda: clients.seen.longest > WAIT, "nobody waited for the database")
    clients.until(3, status=503)


def test_it_answers_too_slowly(refusing: Served) -> None:
    between = refusing.between
    with load(refusing.server.port, clients=2) as clients:
        between.seconds = 0.05  # slow, and yet in time
        clients.until(4)
        between.seconds = 2.0
        given_up(clients)
        between.seconds = 0.0
        clients.until(6)
    service.answers_again(refusing.server, clients.seen)
    with service.record(refusing.store) as record:
        reported("PostgreSQL slow", 2, clients.seen, record)
    assert clients.seen.statuses[0] == 0
    assert clients.seen.longest < PATIENCE < ANSWER_SECONDS


def test_it_says_nothing_any_more(refusing: Served) -> None:
    between = refusing.between
    with load(refusing.server.port, clients=2) as clients:
        between.hold()
        given_up(clients)
        between.let_go()
        clients.until(6)
        cut = between.cut()
        clients.until(6)
    service.answers_again(refusing.server, clients.seen)
    with service.record(refusing.store) as record:
        reported("PostgreSQL silent, connections cut", 1 + cut, clients.seen, record)
    assert clients.seen.statuses[0] == 0
    assert clients.seen.longest < PATIENCE < ANSWER_SECONDS


def test_it_has_no_connection_left(refusing: Served) -> None:
    with load(refusing.server.port, clients=2) as clients, ExitStack() as others:
        refusing.between.cut()
        # Somebody else takes them all, again and again, until none is left for us.
        taken = 0
        while clients.seen.statuses[503] < 3:
            try:
                others.enter_context(psycopg.connect(refusing.store, connect_timeout=3))
                taken += 1
            except psycopg.OperationalError:
                refusing.between.cut()
        others.close()
        clients.until(6)
    service.answers_again(refusing.server, clients.seen)
    with service.record(refusing.store) as record:
        reported("PostgreSQL without connections", 1, clients.seen, record)
    assert taken > 10
    assert clients.seen.statuses[0] == 0


def test_two_servers_on_one_store(refusing: Served, small: Path, tmp_path: Path) -> None:
    settings = {**refusing.settings, "INDICATION_STATE": str(tmp_path / "state")}
    with service.service(small, tmp_path, settings) as other:
        with load(refusing.server.port, other.port) as clients:
            clients.until(10)
            service.kill(service.workers(other)[0])
            refusing.postgres.kill_one()
            clients.until(20)
        for server in (refusing.server, other):
            service.answers_again(server, clients.seen)
    with service.record(refusing.store) as record:
        reported("two servers on one PostgreSQL store", 2, clients.seen, record)


def test_killed_while_records_may_wait(spooling: Served) -> None:
    """Nobody is refused, and each client's decisions stand in the record in the order in which it got them."""
    with load(spooling.server.port) as clients:
        for _ in range(2):
            spooling.postgres.kill()
            clients.until(15)
            spooling.postgres.start()
            clients.until(15)
    service.drained(spooling.server, spooling.store, spooling.settings, clients.seen)
    with service.record(spooling.store) as record:
        report = reported("PostgreSQL killed, spool", 2, clients.seen, record)
        places = {row.recorded.id: row.recorded.seq for row in record.rows()}
    assert (report.refused, report.cut) == (0, 0)
    for each in clients.each:
        order = [places[answer.id] for answer in each.acknowledged]
        assert order == sorted(order)
