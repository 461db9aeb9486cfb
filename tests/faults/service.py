"""A real server over small rules with a record of its own, and its processes."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from service.audit.store import Record
from tests.faults.clients import Seen, ask, waited
from tests.postgres_server import is_running
from tests.serving import Server, serving, start

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2


def settings(home: Path, store: str, when_down: str = "refuse") -> dict[str, str]:
    """Those of a server that keeps its state in this folder. Nobody is held up for asking often."""
    return {
        "INDICATION_STATE": str(home / "state"),
        "INDICATION_AUDIT_STORE": store,
        "INDICATION_AUDIT_WHEN_DOWN": when_down,
        "INDICATION_RATE": "0",
        "INDICATION_LOGS_LEVEL": "warning",
    }


@contextmanager
def service(small: Path, home: Path, told: Mapping[str, str]) -> Iterator[Server]:
    """A server of two workers, ready."""
    with serving(ROOT, small, home / "log", WORKERS, told) as server:
        waited(lambda: len(workers(server)) == WORKERS, "the workers did not start")
        yield server


def begin_again(server: Server, told: Mapping[str, str]) -> None:
    """A new master where another was killed, on the same port; its workers may be ending yet."""
    with server.log.open("ab") as output:
        server.process = start(ROOT, server.rules, server.port, output, WORKERS, told)


def workers(server: Server) -> list[int]:
    master = server.process.pid
    return [int(each) for each in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def kill(*processes: int) -> None:
    """As the system does that runs out of memory. Returns once they are gone, or nothing but their exit codes is left."""
    for process in processes:
        os.kill(process, signal.SIGKILL)
    waited(lambda: not any(is_running(process) for process in processes), "killed, and still there")


def answers_again(server: Server, seen: Seen, times: int = 6) -> None:
    """By itself: so many answers one after the other, that nobody had to do anything for."""
    waited(lambda: all(ask(server.port, seen) == 200 for _ in range(times)), "the service does not come back by itself")


@contextmanager
def record(store: str) -> Iterator[Record]:
    """The record, opened beside the service."""
    found = Record.open(store)
    try:
        yield found
    finally:
        found.close()


def drained(server: Server, store: str, told: Mapping[str, str], seen: Seen) -> None:
    """Returns once nothing waits: whoever decides next puts what waits into the store."""
    found = Record.open(store, Path(told["INDICATION_STATE"]) / "spool.sqlite", "spool")
    try:
        waited(
            lambda: ask(server.port, seen) == 200 and found.waiting() == 0,
            "what waits does not get into the store",
        )
    finally:
        found.close()
