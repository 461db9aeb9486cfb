"""Clients that load a server while a fault is injected, and remember each answer that reached them whole.

Afterwards the record is opened beside the service: each decision whose answer arrived must stand in it once, and be the one that
was answered.
"""

import hashlib
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.audit.store import Record
from tests.faults.small_rules import REFERRAL

ROUTE = "/v1/recommendations"
HEADER = "Indication-Record"
BODY = json.dumps(REFERRAL).encode()
#: no client waits longer for an answer, in seconds: a fault must not hang anybody
ANSWER_SECONDS = 30.0
#: nor for the service to answer again
BACK_SECONDS = 90.0
MOST = 3000


@dataclass(frozen=True)
class Answer:
    """What reached a client whole."""

    #: in the record
    id: str
    digest: str
    request: str


@dataclass
class Seen:
    """What the clients saw."""

    acknowledged: list[Answer] = field(default_factory=list)
    #: how many answers of each status; 0: the connection was cut, or nobody listened
    statuses: Counter[int] = field(default_factory=Counter)
    #: of the slowest answer, or of the wait for one that did not come
    longest: float = 0.0


@dataclass(frozen=True)
class Report:
    """What became of the decisions that were acknowledged while `faults` faults were injected."""

    name: str
    faults: int
    acknowledged: int
    lost: int
    duplicated: int
    #: answers 503, and connections cut or refused
    refused: int
    cut: int
    longest: float

    def __str__(self) -> str:
        return (
            f"{self.name}: faults {self.faults}, acknowledged {self.acknowledged}, lost {self.lost}, "
            f"duplicated {self.duplicated} (refused {self.refused}, cut {self.cut}, longest wait {self.longest:.1f} s)"
        )


def ask(port: int, seen: Seen, request: str = "") -> int:
    """One referral, decided or not: the status, 0 when no whole answer came."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    status = 0
    try:
        headers = {"Content-Type": "application/json", **({"X-Request-Id": request} if request else {})}
        connection.request("POST", ROUTE, BODY, headers)
        response = connection.getresponse()
        body = response.read()
        status = response.status
        if status == 200:
            digest = hashlib.sha256(body).hexdigest()
            seen.acknowledged.append(Answer(response.headers[HEADER], digest, response.headers["X-Request-Id"]))
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    seen.statuses[status] += 1
    seen.longest = max(seen.longest, time.monotonic() - began)
    return status


class Load:
    """Clients at work. What they saw may be read at any time."""

    def __init__(self, ports: Sequence[int], clients: int) -> None:
        self._ended = threading.Event()
        self.each = [Seen() for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._work, args=(ports[number % len(ports)], seen), daemon=True)
            for number, seen in enumerate(self.each)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def seen(self) -> Seen:
        """Of all clients together."""
        statuses: Counter[int] = Counter()
        for each in self.each:
            statuses.update(each.statuses.copy())
        acknowledged = [answer for each in self.each for answer in list(each.acknowledged)]
        return Seen(acknowledged, statuses, max(each.longest for each in self.each))

    def until(self, more: int, status: int = 200) -> None:
        """Waits until so many more answers have this status."""
        first = self.seen.statuses[status]
        waited(
            lambda: self.seen.statuses[status] >= first + more,
            f"{more} answers {status} did not come: {self.seen.statuses}",
        )

    def end(self) -> Seen:
        self._ended.set()
        for thread in self._threads:
            thread.join(2 * ANSWER_SECONDS)
            assert not thread.is_alive()
        return self.seen

    def _work(self, port: int, seen: Seen) -> None:
        for _ in range(MOST):
            if self._ended.is_set():
                return
            if ask(port, seen) != 200:
                time.sleep(0.02)  # as a client that tries again


@contextmanager
def load(*ports: int, clients: int = 4) -> Iterator[Load]:
    """Clients at work while this block runs, spread over these ports."""
    found = Load(ports, clients)
    try:
        found.until(3 * clients)
        yield found
    finally:
        found.end()


def waited(holds: Callable[[], bool], told: str, seconds: float = BACK_SECONDS) -> None:
    """Returns once it holds; fails with `told` when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, told
        time.sleep(0.02)


def reported(name: str, faults: int, seen: Seen, record: Record) -> Report:
    """Judges what was acknowledged by the record, which the service may still write to. Prints the report, for its figures are quoted."""
    assert record.verify() is None
    bodies = [(row.recorded, row.content) for row in record.rows()]
    times = Counter(recorded.id for recorded, _ in bodies)
    said = {recorded.id: content for recorded, content in bodies}
    lost = 0
    for answer in seen.acknowledged:
        content = said.get(answer.id)
        is_there = content is not None and json.loads(content.body)["answer_digest"] == answer.digest
        lost += not is_there
    answered = Counter(answer.id for answer in seen.acknowledged)
    duplicated = sum(count - 1 for count in (*times.values(), *answered.values()))
    report = Report(
        name, faults, len(seen.acknowledged), lost, duplicated, seen.statuses[503], seen.statuses[0], seen.longest
    )
    print(f"\n{report}")  # noqa: T201 - the figures are quoted (pytest -s)
    assert report.acknowledged > 0
    assert (report.lost, report.duplicated) == (0, 0)
    assert set(seen.statuses) <= {200, 503, 0}
    return report
