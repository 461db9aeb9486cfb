"""Processes killed, clocks set back, clients cut off, a disk that takes nothing: a server with its record in SQLite."""

import errno
import json
import socket
import struct
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.faults import service
from tests.faults.clients import BODY, ROUTE, Seen, ask, load, reported, waited
from tests.postgres_server import is_running
from tests.serving import Server

KILLS = 6
CUTS = 20


@dataclass(frozen=True)
class Served:
    """A server, and what it was started with."""

    server: Server
    settings: dict[str, str]
    store: str
    #: by how many seconds its clock is wrong
    shift: Path
    #: the error with which each change of its record's folder fails, while it is there
    error: Path
    small: Path
    home: Path


def shifted(file: Path, seconds: int) -> None:
    """Sets the clock of the server, in place: it has this file mapped."""
    with file.open("r+b") as there:
        there.write(struct.pack("=q", seconds))


@pytest.fixture(scope="module")
def served(
    small: Path, clock_library: Path, disk_library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One server for all of these tests: each fault finds what the one before left."""
    home = tmp_path_factory.mktemp("served")
    shift = home / "shift"
    shift.write_bytes(bytes(8))
    store = f"sqlite:///{home}/kept/record.sqlite"
    error = home / "error"
    settings = {
        **service.settings(home, store),
        "LD_PRELOAD": f"{clock_library}:{disk_library}",
        "CLOCK_SHIFT": str(shift),
        "DISK_FOLDER": str(home / "kept"),
        "DISK_REFUSE": str(error),
    }
    with service.service(small, home, settings) as server:
        yield Served(server, settings, store, shift, error, small, home)


def test_workers_killed_again_and_again(served: Served) -> None:
    server = served.server
    with load(server.port) as clients:
        for number in range(KILLS):
            waited(lambda: bool(service.workers(server)), "no worker is left")
            # All of them, every third time.
            service.kill(*service.workers(server)[: None if number % 3 == 2 else 1])
            clients.until(4)
    service.answers_again(server, clients.seen)
    waited(lambda: len(service.workers(server)) == service.WORKERS, "a worker was not replaced")
    with service.record(served.store) as record:
        reported("workers killed", KILLS, clients.seen, record)


def test_a_clock_that_jumps_back(served: Served) -> None:
    server = served.server
    with load(server.port) as clients:
        for seconds in (-7200, 0, -86_400 * 400, 86_400, 0):
            shifted(served.shift, seconds)
            clients.until(10)
    with service.record(served.store) as record:
        reported("clock set", 5, clients.seen, record)
        mine = {answer.id for answer in clients.seen.acknowledged}
        moments = [row.recorded.at for row in record.rows() if row.recorded.id in mine]
    assert moments != sorted(moments)  # as the clock said, and in the order of the chain


def test_a_disk_that_takes_nothing(served: Served) -> None:
    """It is full, read-only, or fails, while the files are open: as the real ones of test_disks.py, and for whoever may mount none."""
    server = served.server
    with load(server.port) as clients:
        for error in (errno.ENOSPC, errno.EROFS, errno.EIO):
            served.error.write_text(str(error))
            clients.until(6, status=503)
            served.error.unlink()
            clients.until(6)
    service.answers_again(server, clients.seen)
    with service.record(served.store) as record:
        reported("disk full, read-only, failing (refuse)", 3, clients.seen, record)
    assert clients.seen.statuses[0] == 0


def test_clients_cut_off_try_again(served: Served) -> None:
    """A second try is a decision of its own: both may stand in the record, under one name of a request, each once."""
    random, seen, requests = Random(7), Seen(), []  # noqa: S311 - nothing is kept secret here
    for _ in range(CUTS):
        requests.append(uuid.UUID(int=random.getrandbits(128), version=4).hex)
        head = f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: {requests[-1]}\r\n"
        whole = f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
        with socket.create_connection(("127.0.0.1", served.server.port)) as client:
            # Cut within what is asked, or just after; the answer is never read.
            client.sendall(whole if random.random() < 0.7 else whole[: random.randrange(1, len(whole))])
        assert ask(served.server.port, seen, requests[-1]) == 200
    with service.record(served.store) as record:
        reported("clients cut off", CUTS, seen, record)
        named = Counter(json.loads(row.recorded.line)["request"] for row in record.rows())
    assert [answer.request for answer in seen.acknowledged] == requests
    assert {named[request] for request in requests} == {1, 2}


def test_two_servers_on_one_store(served: Served, tmp_path: Path) -> None:
    settings = {**served.settings, "INDICATION_STATE": str(tmp_path / "state")}
    with service.service(served.small, tmp_path, settings) as other:
        with load(served.server.port, other.port) as clients:
            for server in (served.server, other):
                clients.until(20)
                service.kill(service.workers(server)[0])
            clients.until(20)
        for server in (served.server, other):
            service.answers_again(server, clients.seen)
        with service.record(served.store) as record:
            reported("two servers on one SQLite store", 2, clients.seen, record)


def test_the_master_killed(served: Served) -> None:
    """The last test of this server."""
    server = served.server
    with load(server.port) as clients:
        left = service.workers(server)
        server.process.kill()
        server.process.wait()
        clients.until(4)  # its workers end when they next have nothing to do
    waited(lambda: not any(is_running(each) for each in left), "workers without a master do not end")
    service.begin_again(server, served.settings)
    service.answers_again(server, clients.seen)
    with service.record(served.store) as record:
        reported("master killed", 1, clients.seen, record)
