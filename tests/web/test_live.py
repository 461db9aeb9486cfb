"""The service as it runs: a real gunicorn on a free port, real sockets, and rules changed under it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.serving import START_SECONDS, Server, serving, start

ROUTE = "/v1/recommendations?at=2026-11-23T09:00:00%2B01:00"
HEADERS = {"Content-Type": "application/json", "Accept-Language": "en"}


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    shutil.copytree(root / "rules", home / "rules")
    with serving(root, home / "rules", home / "log", workers=2) as server:
        yield server


def test_what_it_serves(server, referral, post):
    body = json.dumps(referral).encode()
    status, answer = server.ask("POST", ROUTE, body, HEADERS)
    assert status == 200
    assert answer == post(referral).data, "the same bytes as from any other process"
    # Several requests reach both workers.
    assert {server.ask("POST", ROUTE, body, HEADERS) for _ in range(8)} == {(200, answer)}

    lines = body + b"\n{\n" + body
    status, answers = server.ask(
        "POST", ROUTE.replace("?", "/batch?"), lines, HEADERS | {"Content-Type": "application/x-ndjson"}
    )
    assert status == 200
    first, second, third = answers.splitlines()
    assert first == third == answer
    assert json.loads(second)["line"] == 2

    # Bodies of which the length is not said are bounded too.
    assert server.ask("POST", ROUTE, iter([body[:100], body[100:]]), HEADERS) == (200, answer)
    for sent in (b" " * 10_000_000, iter([b" " * 100_000] * 100), iter([body, b" " * 1_000_000])):
        status, refusal = server.ask("POST", ROUTE, sent, HEADERS)
        assert status == 413
        assert json.loads(refusal)["type"].endswith("#problem-too-large")
    assert server.ask("POST", ROUTE, body, HEADERS) == (200, answer)

    log = server.log.read_text()
    assert "/v1/recommendations" in log
    for private in ("2026-11-23T09", "breast", "vertebra", "?at"):
        assert private not in log


def test_rules_are_taken_only_if_good(server, referral):
    body = json.dumps(referral).encode()
    before = server.ready()
    assert before["last_reload"]["taken"] is True

    # A rule file with a mistake: refused, told, and nothing changes.
    path = server.rules / "safety" / "bleeding.yaml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("blood.platelets < 50 G/L", "blood.platlets < 50 G/L", 1), encoding="utf-8")
    server.reload()
    server.wait_until(lambda: server.ready()["last_reload"]["taken"] is False)
    told = server.ready()
    assert told["status"] == "ready"
    assert told["rulebook"] == before["rulebook"]
    (error,) = told["last_reload"]["errors"]
    assert error.startswith("rules/safety/bleeding.yaml:")
    assert "did you mean «blood.platelets»?" in error
    for _ in range(4):
        assert server.ask("POST", ROUTE, body, HEADERS)[0] == 200

    # A good change: taken by every worker, without a refused request meanwhile.
    path.write_text(good.replace("blood.platelets < 50 G/L", "blood.platelets < 60 G/L", 1), encoding="utf-8")
    server.reload()
    statuses = set()

    def taken() -> bool:
        statuses.add(server.ask("POST", ROUTE, body, HEADERS)[0])
        told = server.ready()
        return told["last_reload"]["taken"] and told["rulebook"]["digest"] != before["rulebook"]["digest"]

    server.wait_until(taken)
    # The old workers are gone once all that answer agree for a while.
    server.wait_until(lambda: len({server.ready()["rulebook"]["digest"] for _ in range(12)}) == 1)
    assert statuses == {200}
    _, rule = server.ask("GET", "/v1/rulebook/rules/bleeding.platelets-low")
    assert json.loads(rule)["when"] == "blood.platelets < 60 G/L"


def test_it_does_not_start_on_bad_rules(root, tmp_path):
    rules = tmp_path / "rules"
    shutil.copytree(root / "rules", rules)
    (rules / "ranking.yaml").unlink()
    with start(root, rules, 0, subprocess.PIPE) as server:
        try:
            output, _ = server.communicate(timeout=START_SECONDS)
        finally:
            server.kill()
    assert server.returncode != 0
    assert b"rules/ranking.yaml:1:1: this file is missing" in output


@pytest.mark.parametrize("host", ["127.0.0.1", "unix:{folder}/http.sock"])
def test_whoever_comes_last_is_told_to_come_again(root: Path, tmp_path: Path, referral, host: str) -> None:
    """Twice what it can do at once: some are answered, the others refused at once, and then all is as before."""
    body = json.dumps(referral).encode()
    settings = {"INDICATION_QUEUE": "2", "HOST": host.format(folder=tmp_path)}
    with serving(root, root / "rules", tmp_path / "log", settings=settings) as server:
        with ThreadPoolExecutor(24) as pool:
            asked = [pool.submit(server.exchange, "POST", ROUTE, body, HEADERS) for _ in range(72)]
            answers = [each.result() for each in asked]
        assert {status for status, _, _ in answers} == {200, 503}
        refused = [(headers, told) for status, headers, told in answers if status == 503]
        for headers, told in refused:
            assert headers["Retry-After"] == "2"
            assert json.loads(told)["type"] == "/v1/docs#problem-overloaded"
        assert server.ask("POST", ROUTE, body, HEADERS)[0] == 200
        assert server.ready()["status"] == "ready"


@pytest.mark.parametrize("host", ["127.0.0.1", "unix:{folder}/http.sock"])
def test_the_server_is_asked_by_whoever_runs_it(root: Path, tmp_path: Path, host: str) -> None:
    settings = {"HOST": host.format(folder=tmp_path), "INDICATION_STATE": str(tmp_path / "state")}
    log = tmp_path / "log"
    with serving(root, root / "rules", log, settings=settings) as server:
        file = tmp_path / "settings.yaml"
        file.write_text(f"server:\n  port: {server.port}\n", encoding="utf-8")
        here = {**os.environ, **settings, "INDICATION_SETTINGS": str(file)}
        ready = [sys.executable, "-m", "flask", "ready"]
        alive = [sys.executable, "-m", "service.settings.asking"]
        told = subprocess.run(ready, cwd=root, env=here, capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(told.stdout)["record"]["store"] == "sqlite"
        assert subprocess.run(alive, cwd=root, env=here, timeout=60, check=False).returncode == 0
    gone = subprocess.run(alive, cwd=root, env=here, capture_output=True, text=True, timeout=60, check=False)
    assert gone.returncode == 1
    assert gone.stderr.startswith("no server answers as one should")
    told = subprocess.run(ready, cwd=root, env=here, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert "no server answers as one should" in told.stderr


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            "server:\n  host: 0.0.0.0\n",
            "server.host and server.port hold from the next start: it still listens on 127.0.0.1",
        ),
        ("server:\n  port: 1\n", "server.host and server.port hold from the next start: it still listens on 127.0.0.1"),
    ],
)
def test_where_it_listens_is_no_matter_of_a_reload(root: Path, tmp_path: Path, changed: str, told: str) -> None:
    """gunicorn would shut the old address first, and end when it cannot have the new one."""
    settings = tmp_path / "settings.yaml"
    environment = {"INDICATION_SETTINGS": str(settings), "HOST": "", "PORT": ""}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.write_text(f"server:\n  port: {port}\n", encoding="utf-8")
    with serving(root, root / "rules", tmp_path / "log", settings=environment, port=port) as server:
        settings.write_text(f"{changed}access:\n  exposed: true\n", encoding="utf-8")
        server.reload()
        server.wait_until(lambda: server.log.read_text(errors="replace").count("Worker exiting") == 1)
        server.wait_until(lambda: not server.ready()["last_reload"]["taken"])
        assert told in server.ready()["last_reload"]["errors"][0]
        assert server.process.poll() is None


def test_a_reload_that_would_let_in_whoever_comes_is_refused(root: Path, tmp_path: Path) -> None:
    """The server goes on with what it had: nobody is let in, and nobody is cut off."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("access:\n  exposed: true\n", encoding="utf-8")
    environment = {"INDICATION_SETTINGS": str(settings), "HOST": "0.0.0.0"}  # noqa: S104 - what is to be tried
    with serving(root, root / "rules", tmp_path / "log", settings=environment) as server:
        settings.write_text("access:\n  exposed: false\n", encoding="utf-8")
        server.reload()
        told = "settings refused, those in force stay: 0.0.0.0"
        server.wait_until(lambda: told in server.log.read_text(errors="replace"))
        server.wait_until(lambda: server.log.read_text(errors="replace").count("Worker exiting") == 1)
        server.wait_until(lambda: not server.ready()["last_reload"]["taken"])
        assert server.process.poll() is None


def test_settings_that_are_refused_on_reload_leave_those_in_force(root: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("audit:\n  keep: digest\n", encoding="utf-8")
    with serving(root, root / "rules", tmp_path / "log", settings={"INDICATION_SETTINGS": str(settings)}) as server:
        settings.write_text("audit:\n  keep: everything\n", encoding="utf-8")
        server.reload()
        told = "settings refused, those in force stay: settings.yaml:2:9: audit.keep: one of full, digest is needed"
        server.wait_until(lambda: told in server.log.read_text(errors="replace"))
        server.wait_until(lambda: server.log.read_text(errors="replace").count("Worker exiting") == 1)
        server.wait_until(lambda: server.ready()["status"] == "ready")
        assert server.log.read_text(errors="replace").count("Booting worker") == 2
        last = server.ready()["last_reload"]
        assert last["taken"] is False
        assert told in last["errors"][0]
