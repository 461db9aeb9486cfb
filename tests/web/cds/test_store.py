"""What the workers know together."""

import multiprocessing
import stat
import threading
import time
from pathlib import Path

import pytest

from service.web import store
from service.web.store import Full, Store, default_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inner" / "store.sqlite"


def _use(path: Path, found: "multiprocessing.Queue[bool]") -> None:
    shared = Store(path)
    for number in range(20):
        found.put(shared.seen("issuer", str(number), time.time() + 60))


def test_a_token_is_new_once_for_all_processes(path):
    Store(path).seen("other", "0", time.time() + 60)
    context = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[bool] = context.Queue()
    workers = [context.Process(target=_use, args=(path, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    answers = [found.get(timeout=30) for _ in range(40)]
    for worker in workers:
        worker.join()
    assert answers.count(False) == 20


def test_and_for_all_threads(path):
    shared, answers = Store(path), []

    def use() -> None:
        answers.extend(shared.seen("issuer", str(number), time.time() + 60) for number in range(10))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert answers.count(False) == 10


def test_issuers_do_not_share_their_tokens(path):
    shared = Store(path)
    until = time.time() + 60
    assert [shared.seen(*each, until) for each in (("a", "bc"), ("ab", "c"), ("a", "bc"))] == [False, False, True]


def test_what_has_expired_is_thrown_away(path):
    shared = Store(path)
    assert not shared.seen("a", "1", time.time() - 1)
    assert not shared.seen("a", "1", time.time() + 60)
    assert shared.seen("a", "1", time.time() + 60)


def test_a_ticket_is_taken_once(path):
    shared = Store(path)
    ticket = shared.ticket_put(b"test", 60)
    assert len(ticket) >= 32
    assert [shared.ticket_take(each) for each in ("other", ticket, ticket)] == [None, b"test", None]


def test_and_in_time(path):
    shared = Store(path)
    assert shared.ticket_take(shared.ticket_put(b"test", -1)) is None


def test_what_was_taken_is_not_left_in_the_file(path):
    shared = Store(path)
    ticket = shared.ticket_put(b"test-secret-of-a-patient", 60)
    assert shared.ticket_take(ticket)
    assert not [each.name for each in path.parent.iterdir() if b"test-secret-of-a-patient" in each.read_bytes()]


def test_there_is_an_end_to_tickets(path, monkeypatch):
    monkeypatch.setattr(store, "MOST_TICKETS", 2)
    shared = Store(path)
    shared.ticket_put(b"1", 60)
    shared.ticket_put(b"2", -1)
    shared.ticket_put(b"3", 60)
    with pytest.raises(Full):
        shared.ticket_put(b"4", 60)


def test_nobody_else_can_read_it(path):
    shared = Store(path)
    shared.ticket_put(b"test", 60)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_the_default_is_in_a_folder_of_this_user_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("INDICATION_STORE", raising=False)
    monkeypatch.setenv("INDICATION_STATE", str(tmp_path / "state"))
    found = default_path()
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    found.parent.chmod(0o755)
    with pytest.raises(PermissionError):
        default_path()
    monkeypatch.setenv("INDICATION_STORE", str(tmp_path / "own.sqlite"))
    assert default_path() == tmp_path / "own.sqlite"


def test_a_link_is_not_followed_to_somebody_elses_file(tmp_path):
    (tmp_path / "theirs").touch()
    (tmp_path / "store.sqlite").symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="symbolic"):
        Store(tmp_path / "store.sqlite").seen("a", "1", time.time() + 60)


def test_a_form_whose_time_is_over_is_overwritten_when_the_service_is_probed(path):
    shared = Store(path)
    shared.ticket_put(b"of somebody", -1)
    shared.ticket_put(b"of another", 60)
    shared.tidy()
    held = b"".join(each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm"))
    assert b"of somebody" not in held
    assert b"of another" in held
