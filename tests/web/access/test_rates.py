"""How often: the arithmetic against a model, the callers, the workers, and what happens when it cannot be counted."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clients.callers import new_key
from service.web import store
from service.web.store import MOST_DEBT, Store
from tests.serving import serving
from tests.web.access.conftest import Send, kept

WHO = b"somebody"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("rates") / "store.sqlite")


# ---- the arithmetic --------------------------------------------------------------------------------------------------


def test_a_burst_then_one_in_each_interval(counted: Store) -> None:
    who = b"burst"
    assert [counted.spend(who, 1000.0, 2.0, 3) for _ in range(3)] == [0, 0, 0]
    assert counted.spend(who, 1000.0, 2.0, 3) == 2.0
    assert counted.spend(who, 1001.5, 2.0, 3) == 0.5
    assert counted.spend(who, 1002.0, 2.0, 3) == 0
    assert counted.spend(who, 1002.0, 2.0, 3) == 2.0
    assert [counted.spend(who, 1100.0, 2.0, 3) for _ in range(4)] == [0, 0, 0, 2.0], (
        "a burst is not saved up beyond itself"
    )


def test_waiting_as_long_as_told_is_enough(counted: Store) -> None:
    who, now = b"patient", 5000.0
    for _ in range(200):
        now += counted.spend(who, now, 0.37, 4)
    assert counted.spend(who, now, 0.37, 4) <= 0.37


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 30]), min_size=1, max_size=40),
    interval=st.sampled_from([1, 2, 4]),
    burst=st.integers(1, 5),
)
def test_like_a_bucket_that_leaks(counted: Store, steps: list[int], interval: int, burst: int) -> None:
    """A bucket of `burst`, from which one request leaks in each interval: the textbook's, in whole numbers."""
    held, last, now = 0.0, 10_000, 10_000
    who = uuid4().bytes
    for step in steps:
        now += step
        held = max(0.0, held - (now - last) / interval)
        last = now
        fits = held + 1 <= burst
        assert (counted.spend(who, float(now), float(interval), burst) == 0) == fits
        held += fits


def test_callers_do_not_share_a_bucket(counted: Store) -> None:
    assert [counted.spend(who, 1000.0, 9.0, 1) for who in (b"one", b"two")] == [0, 0]
    assert counted.spend(b"one", 1000.0, 9.0, 1) > 0


def test_a_debt_is_waited_for_and_has_an_end(counted: Store) -> None:
    who = b"debtor"
    assert counted.spend(who, 1000.0, 1.0, 10) == 0
    counted.charge(who, 1000.0, 1.0, 10, 999)
    assert counted.spend(who, 1000.0, 1.0, 10) == 1000 - 9
    assert counted.spend(who, 1991.0, 1.0, 10) == 0
    counted.charge(who, 2000.0, 1.0, 10, 50_000)
    assert counted.spend(who, 2000.0, 1.0, 10) <= MOST_DEBT


def test_another_clock_locks_nobody_out(counted: Store) -> None:
    """The machine was started anew: its clock begins again, and what was counted before is of long ago, or far ahead."""
    who = b"rebooted"
    for _ in range(4):
        counted.spend(who, 9_000_000.0, 1.0, 3)
    assert counted.spend(who, 50.0, 1.0, 3) == 0


def test_empty_buckets_are_thrown_away(counted: Store, tmp_path: Path) -> None:
    kept_here = Store(tmp_path / "store.sqlite")
    for number in range(50):
        kept_here.spend(str(number).encode(), 1000.0, 1.0, 1)
    kept_here.spend(WHO, 2000.0, 1.0, 1)
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM rate").fetchone() == (1,)
    connection.close()


# ---- callers ---------------------------------------------------------------------------------------------------------


def test_a_client_with_a_rate_of_its_own(send: Send, keys: dict[str, str]) -> None:
    answers = [send("/version", keys["slow"]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refusal = answers[3]
    assert refusal.headers["Retry-After"] == "1"
    assert refusal.json["type"].endswith("#problem-too-many-requests")
    assert refusal.headers["Cache-Control"] == "no-store"
    assert send("/version", keys["evaluate"]).status_code == 200, "the others go on"
    assert send("/livez", keys["slow"]).status_code == 200


def test_the_rate_of_the_settings_is_for_whoever_has_none(
    send: Send, keys: dict[str, str], set_up: Callable[..., None]
) -> None:
    set_up(RATE=60, BURST=2)
    assert [send("/version", keys["evaluate"]).status_code for _ in range(3)] == [200, 200, 429]
    assert [send("/version", keys["slow"]).status_code for _ in range(3)] == [200] * 3


def test_an_unknown_caller_is_counted_by_network(send: Send, set_up: Callable[..., None]) -> None:
    set_up(RATE=1, BURST=1, ACCESS_API="open")

    def status(come_from: str) -> int:
        return send("/version", come_from=come_from).status_code

    assert [status("192.0.2.7"), status("192.0.2.7"), status("192.0.2.8")] == [200, 429, 200]
    assert [status("2001:db8::1"), status("2001:db8::2"), status("2001:db8:0:1::1")] == [200, 429, 200]
    # As a listener of both families sees them: written as IPv6, they are the same addresses of IPv4.
    assert [status("::ffff:192.0.2.9"), status("192.0.2.9"), status("::ffff:192.0.2.10")] == [200, 429, 200]


def test_whoever_tries_keys_out_is_counted(send: Send, keys: dict[str, str], set_up: Callable[..., None]) -> None:
    set_up(RATE=1, BURST=2)
    assert [send("/version", keys["nobody"]).status_code for _ in range(3)] == [401, 401, 429]
    assert send("/version", keys["evaluate"]).status_code == 200, "a good key from the same place is another caller"


@pytest.mark.parametrize(("path", "method"), [("/cds-services", "GET"), ("/fhir/$recommend", "POST")])
def test_whoever_tries_tokens_out_at_the_door_of_ehrs_is_counted(
    send: Send, sign_as_ehr: Any, set_up: Callable[..., None], path: str, method: str
) -> None:
    set_up(RATE=1, BURST=5)
    answers = [send(path, sign_as_ehr("https://elsewhere.example"), method) for _ in range(30)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 25
    assert answers[-1].json["issue"][0]["code"] == "throttled"
    assert int(answers[-1].headers["Retry-After"]) > 0
    good = send(path, sign_as_ehr(f"https://indication.example{path}"), method)
    assert good.status_code not in (401, 429), "a good token from the same place is another caller"


def test_an_ehr_that_asks_what_it_may_not_is_counted(
    send: Send, known: Callable[..., None], entries: list[dict[str, Any]], sign_as_ehr: Any
) -> None:
    ehr = next(entry for entry in entries if entry["name"] == "ehr")
    known(ehr | {"rate": {"per_minute": 1, "burst": 1}})
    path = "/cds-services/indication-patient-view"
    answers = [send(path, sign_as_ehr(f"https://indication.example{path}"), "POST") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [403, 429]


def test_this_machine_is_not_counted(send: Send, set_up: Callable[..., None]) -> None:
    """From here comes its user, or a proxy, which counts by itself."""
    set_up(RATE=1, BURST=1, ACCESS_API="open")
    for place in ("127.0.0.1", "::1", ""):
        assert [send("/version", come_from=place).status_code for _ in range(3)] == [200] * 3


def test_whoever_is_logged_in_is_counted_by_name(send: Send, set_up: Callable[..., None]) -> None:
    set_up(RATE=1, BURST=1)

    def status(user: str) -> int:
        return send("/examples", come_from="127.0.0.1", headers={"X-Remote-User": user}).status_code

    assert [status("alice"), status("alice"), status("bob")] == [200, 429, 200]


def test_probes_and_parts_of_pages_are_never_counted(send: Send, set_up: Callable[..., None]) -> None:
    set_up(RATE=1, BURST=1)
    for address in ("/livez", "/readyz", "/static/nothing.css"):
        assert 429 not in {send(address).status_code for _ in range(3)}


def test_an_ehr_is_counted(
    send: Send, known: Callable[..., None], entries: list[dict[str, Any]], sign_as_ehr: Any
) -> None:
    ehr = next(entry for entry in entries if entry["name"] == "ehr")
    known(ehr | {"rate": {"per_minute": 1, "burst": 1}})
    answers = [send("/cds-services", sign_as_ehr("https://indication.example/cds-services")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json["issue"][0]["code"] == "throttled"
    assert int(answers[1].headers["Retry-After"]) > 0


def test_a_batch_counts_as_its_lines(
    send: Send, known: Callable[..., None], keys: dict[str, str], guarded: Flask
) -> None:
    known({"name": "batcher", "rate": {"per_minute": 60, "burst": 3}, "api_keys": [kept(keys["evaluate"])]})

    def batch(lines: int) -> Any:
        return send(
            "/v1/recommendations/batch",
            keys["evaluate"],
            "POST",
            data=b"{}\n" * lines,
            content_type="application/x-ndjson",
        )

    first, second = batch(20), batch(1)
    assert (first.status_code, len(first.data.splitlines())) == (200, 20), "more than a burst, and answered"
    assert second.status_code == 429
    assert 15 <= int(second.headers["Retry-After"]) <= 18


# ---- when it cannot be counted ---------------------------------------------------------------------------------------


class Broken:
    def spend(self, *_: Any) -> float:
        raise sqlite3.OperationalError("database is locked: /secret/path")

    charge = spend


def test_without_the_shared_file_requests_pass(
    send: Send, guarded: Flask, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The availability of care before fairness."""
    monkeypatch.setitem(guarded.extensions, store.EXTENSION, Broken())
    assert {send("/version", keys["slow"]).status_code for _ in range(5)} == {200}
    assert "requests are not counted: the shared file fails (OperationalError)" in caplog.text
    assert "/secret/path" not in caplog.text


def test_a_file_that_another_holds_delays_nobody_for_long(
    send: Send, guarded: Flask, keys: dict[str, str], tmp_path: Path
) -> None:
    assert send("/version", keys["slow"]).status_code == 200
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert {send("/version", keys["slow"]).status_code for _ in range(4)} == {200}
    finally:
        holder.close()


# ---- all workers together --------------------------------------------------------------------------------------------


def test_two_workers_share_one_count(root: Path, tmp_path: Path) -> None:
    key, _ = new_key()
    entry = {"name": "registry", "rate": {"per_minute": 1, "burst": 10}, "api_keys": [kept(key)]}
    (tmp_path / "clients.yaml").write_text(json.dumps({"clients": [entry]}), encoding="utf-8")
    told = {
        "INDICATION_CLIENTS": str(tmp_path / "clients.yaml"),
        "INDICATION_ACCESS_API": "clients",
        "INDICATION_STATE": str(tmp_path / "state"),
    }
    log = tmp_path / "log"
    with serving(root, root / "rules", log, workers=2, settings=told) as server:
        statuses = [server.ask("GET", "/version", headers={"Authorization": f"Bearer {key}"})[0] for _ in range(30)]
        assert statuses == [200] * 10 + [429] * 20
        assert server.ask("GET", "/version")[0] == 401
        workers = {worker for worker in _workers(server) if worker}
        assert len(workers) == 2
    assert key[-43:] not in log.read_text(errors="replace")
    assert "call refused: rate (client registry)" in log.read_text(errors="replace")


def _workers(server: Any) -> list[str]:
    """The children of the master."""
    return Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
