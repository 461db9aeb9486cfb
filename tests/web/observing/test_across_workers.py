"""Metrics and logs of a real server: right across its workers, and after one of them was killed."""

import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Server, serving
from tests.web.observing.reading import samples, value

ROUTE = "/v1/recommendations"
HEADERS = {"Content-Type": "application/json"}
WORKERS = 2


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    shutil.copytree(root / "rules", home / "rules")
    with serving(root, home / "rules", home / "log", workers=WORKERS) as server:
        server.wait_until(lambda: value(metrics(server), "indication_workers") == WORKERS)
        yield server


def metrics(server: Server) -> str:
    status, body = server.ask("GET", "/metrics")
    assert status == 200
    return body.decode()


def workers(server: Server) -> list[int]:
    master = server.process.pid
    return [int(each) for each in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def counted(server: Server) -> float:
    return value(metrics(server), "indication_decisions_total", door="api")


def decide(server: Server, body: bytes, times: int) -> None:
    for _ in range(times):
        assert server.ask("POST", ROUTE, body, HEADERS)[0] == 200


def folder(server: Server) -> Path:
    """Where the workers count together: a file that one of them has mapped stands in it."""
    maps = Path(f"/proc/{workers(server)[0]}/maps").read_text().split()
    return Path(next(each for each in maps if Path(each).name.startswith("counter_"))).parent


def test_every_reading_tells_of_all_workers(server, referral):
    before = counted(server)
    decide(server, json.dumps(referral).encode(), 12)
    # Both workers answer some of these.
    assert {counted(server) for _ in range(8)} == {before + 12}
    told = metrics(server)
    assert value(told, "indication_workers") == WORKERS
    assert value(told, "indication_rulebook_info", digest=server.ready()["rulebook"]["digest"]) == 1
    assert value(told, "indication_start_time_seconds") <= time.time()


def test_a_worker_is_killed(server, referral):
    body = json.dumps(referral).encode()
    decide(server, body, 6)
    before = samples(metrics(server))
    killed = workers(server)[0]
    os.kill(killed, signal.SIGKILL)
    server.wait_until(lambda: killed not in workers(server) and len(workers(server)) == WORKERS)
    server.wait_until(lambda: value(metrics(server), "indication_workers") == WORKERS)
    after = samples(metrics(server))
    lost = [
        key
        for key, number in before.items()
        if key[0].endswith(("_total", "_count", "_bucket")) and after[key] < number
    ]
    assert lost == [], "no count goes back"
    assert value(metrics(server), "indication_decisions_total") == sum(
        number for (name, _), number in before.items() if name == "indication_decisions_total"
    )
    decide(server, body, 2)
    assert counted(server) == sum(n for (name, _), n in before.items() if name == "indication_decisions_total") + 2
    # The files do not add up: two workers, and what those had counted that ended.
    assert len(list(folder(server).glob("counter_*.db"))) <= WORKERS + 1


def test_log_lines_are_json_and_know_their_request(server, referral):
    given = "3f2b8c1e-94d1-4a5e-9a77-0c2f5b1d6e80"
    body = json.dumps(referral).encode()
    assert server.ask("POST", f"{ROUTE}?trace=full", body, HEADERS | {"X-Request-Id": given})[0] == 200
    server.wait_until(lambda: given in server.log.read_text())
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request") == given]
    assert line["logger"] == "gunicorn.access"
    assert line["route"] == ROUTE
    assert (line["method"], line["status"], line["door"]) == ("POST", 200, "api")
    assert line["bytes"] > 1000
    assert 0 < line["milliseconds"] < 30_000
    assert "rules taken: " in "".join(line["message"] for line in lines)


def batch(server: Server, referral: Any, lines: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """A request that takes a while, and is surely under way."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = b"\n".join([json.dumps(referral).encode()] * lines)
    connection.request("POST", f"{ROUTE}/batch", body, {"Content-Type": "application/x-ndjson"})
    return connection, connection.getresponse()


def test_a_request_that_takes_too_long_is_named_in_the_log(server, referral):
    connection, response = batch(server, referral, 200)
    response.readline()
    # What the master sends to a worker that was silent for `timeout`.
    for pid in workers(server):
        os.kill(pid, signal.SIGABRT)
    connection.close()
    server.wait_until(lambda: "took longer" in server.log.read_text())
    server.wait_until(lambda: value(metrics(server), "indication_workers") == WORKERS)
    found = [json.loads(line) for line in server.log.read_text().splitlines() if "took longer" in line]
    assert response.headers["X-Request-Id"] in [line.get("request") for line in found]


def test_a_stop_lets_what_is_under_way_end(server, referral):
    """The last test: the server is gone after it."""
    lines = 40
    connection, response = batch(server, referral, lines)
    first = response.readline()
    counts = folder(server)
    server.process.send_signal(signal.SIGTERM)
    rest = response.read()
    connection.close()
    assert response.status == 200
    answers = [json.loads(line) for line in (first + rest).splitlines()]
    assert len(answers) == lines
    assert all("lesions" in answer for answer in answers)
    assert server.process.wait(timeout=40) == 0
    assert not counts.exists(), "nothing is left behind"
