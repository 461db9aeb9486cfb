"""What the workers know together."""

import multiprocessing
import sqlite3
import stat
import threading
import time
from contextlib import closing
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


def _everything(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm"))


def test_no_word_of_a_form_stands_in_the_files_before_it_is_taken_or_after(path):
    """Many of them, of many lengths: SQLite then moves rows from page to page, and leaves parts of them behind."""
    shared = Store(path)
    of = lambda number: b"test-secret-of-a-patient " * (number * 37 % 100 + 1)  # noqa: E731 - a line says it
    tickets = [shared.ticket_put(of(number), 60) for number in range(200)]
    assert b"secret" not in _everything(path)
    for number in range(0, 200, 3):
        assert shared.ticket_take(tickets[number]) == of(number)
    assert b"secret" not in _everything(path)


def test_what_waits_is_opened_by_its_ticket_alone(path):
    shared = Store(path)
    ticket, other = shared.ticket_put(b"of one", 60), shared.ticket_put(b"of another", 60)
    assert ticket.encode() not in _everything(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        mine, hers = (store._digest(each) for each in (ticket, other))
        connection.execute("DELETE FROM ticket WHERE id = ?", (hers,))
        connection.execute("UPDATE ticket SET id = ? WHERE id = ?", (hers, mine))
    assert shared.ticket_take(ticket) is None
    assert shared.ticket_take(other) is None, "under her ticket stands his form, which does not open"


def test_what_was_altered_in_the_file_is_not_shown(path):
    shared = Store(path)
    ticket = shared.ticket_put(b"of somebody", 60)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE ticket SET body = x'00'")
    assert shared.ticket_take(ticket) is None


def test_a_row_that_was_taken_is_overwritten(path):
    """Whoever has the link from elsewhere must not find what it opens."""
    shared = Store(path)
    ticket = shared.ticket_put(b"test", 60)
    with closing(sqlite3.connect(path)) as connection:
        (body,) = connection.execute("SELECT body FROM ticket").fetchone()
    assert body in _everything(path)
    assert shared.ticket_take(ticket)
    assert body not in _everything(path)


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
    shared.ticket_put(b"of another", 60)
    shared.ticket_put(b"of somebody", -1)
    with closing(sqlite3.connect(path)) as connection:
        kept, over = (body for (body,) in connection.execute("SELECT body FROM ticket ORDER BY until DESC"))
    assert over in _everything(path)
    shared.tidy()
    assert over not in _everything(path)
    assert kept in _everything(path)
