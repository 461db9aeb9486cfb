"""While the store is down entries wait on disk, in order; when it is back they go in once, and the chain is whole."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.audit import store as store_module
from service.audit.circuit import PAUSE_SECONDS, Circuit
from service.audit.errors import NotRecorded
from service.audit.record import ERASURE
from service.audit.spool import Spool
from service.audit.store import Record
from tests.audit.conftest import PLANTED, entry, in_children

LATER = "2026-12-01T00:00:00.000000+00:00"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "spool.sqlite"


@pytest.fixture
def record(sqlite_url: str, spool: Path, opened: Callable[..., Record]) -> Record:
    return opened(sqlite_url, spool, "spool")


@contextmanager
def down(record: Record) -> Iterator[None]:
    """The store is away: its file is."""
    file = record.database.file
    assert file is not None
    aside = file.with_name("aside")
    file.rename(aside)
    yield
    aside.rename(file)
    record._circuit.worked()


def numbers(record: Record) -> list[int]:
    return [int(row.recorded.id, 16) for row in record.rows()]


def test_nothing_waits_while_the_store_is_up(record: Record, spool: Path) -> None:
    record.append(entry(1))
    assert record.waiting() == 0
    assert not spool.exists()


def test_what_waits_goes_in_first_in_its_order(record: Record) -> None:
    record.append(entry(1))
    with down(record):
        record.append(entry(3))
        record.append_many([entry(2), entry(4)])
        record.append(entry(3))
        assert record.waiting() == 3
    record.append(entry(5))
    assert numbers(record) == [1, 3, 2, 4, 5]
    assert record.waiting() == 0
    assert record.verify() is None


def test_a_second_try_of_one_that_waits_is_seen(record: Record) -> None:
    with down(record):
        record.append(entry(1))
    record.append(entry(1))
    assert numbers(record) == [1]


def test_cut_off_between_the_store_and_the_spool(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    with down(record):
        record.append_many([entry(n) for n in (1, 2, 3)])

    def cut_off(*_: object) -> None:
        raise NotRecorded("cut off")

    with monkeypatch.context() as broken:
        broken.setattr(Spool, "remove", cut_off)
        with pytest.raises(NotRecorded, match="cut off"):
            record.drain()
    assert numbers(record) == [1, 2, 3]
    assert record.waiting() == 3
    record.append(entry(4))
    assert numbers(record) == [1, 2, 3, 4]
    assert record.waiting() == 0
    assert record.verify() is None


def test_a_long_queue_is_drained_by_parts(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "DRAINED_AT_ONCE", 3)
    with down(record):
        record.append_many([entry(n) for n in range(20)])
    assert record.drain(most=7) == 13
    assert numbers(record) == list(range(7))
    assert record.drain() == 0
    assert numbers(record) == list(range(20))


def test_one_drains_at_a_time(record: Record, spool: Path) -> None:
    with down(record):
        record.append(entry(1))
    with Spool(spool).draining() as is_mine:
        assert is_mine
        record.append(entry(2))
        assert numbers(record) == []
        assert record.waiting() == 2
    record.append(entry(3))
    assert numbers(record) == [1, 2, 3]


def test_processes_that_drain_at_once(record: Record) -> None:
    with down(record):
        record.append_many([entry(n) for n in range(100)])

    def work(process: int) -> None:
        for number in range(10):
            record.append(entry(1000 + process * 100 + number))

    assert in_children(4, work) == [0] * 4
    record.drain()
    found = numbers(record)
    assert record.waiting() == 0
    assert found[:100] == list(range(100))
    assert sorted(found[100:]) == [1000 + process * 100 + number for process in range(4) for number in range(10)]
    for process in range(4):  # each process's own order
        own = [number for number in found[100:] if (number - 1000) // 100 == process]
        assert own == sorted(own)
    assert record.verify() is None


def test_processes_that_spool_at_once(record: Record) -> None:
    with down(record):
        work = lambda process: [record.append(entry(process * 10 + n)) for n in range(5)]  # noqa: E731 - a line says it
        assert in_children(4, work) == [0] * 4  # type: ignore[arg-type]  # what it returns is of no use
        assert record.waiting() == 20
    assert record.drain() == 0
    assert sorted(numbers(record)) == [process * 10 + n for process in range(4) for n in range(5)]
    assert record.verify() is None


def test_a_store_that_is_down_from_the_start(tmp_path: Path, spool: Path, opened: Callable[..., Record]) -> None:
    (tmp_path / "kept").touch()  # a file where the folder should be
    record = opened(f"sqlite:///{tmp_path}/kept/record.sqlite", spool, "spool")
    record.append(entry(1))
    assert record.waiting() == 1
    (tmp_path / "kept").unlink()
    record._circuit.worked()
    record.append(entry(2))
    assert numbers(record) == [1, 2]


def test_refusing_is_the_default(sqlite_url: str, spool: Path, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url, spool)
    with down(record), pytest.raises(NotRecorded):
        record.append(entry(1))
    assert not spool.exists()
    with pytest.raises(ValueError, match="name the file"):
        Record.open(sqlite_url, when_down="spool")


def test_a_rulebook_waits_too(record: Record, spool: Path) -> None:
    with down(record):
        record.keep_rulebook("sha256:1", b"rules")
        assert record.waiting() == 0
        assert not Spool(spool).is_empty()
    record.append(entry(1))
    assert record.rulebook("sha256:1") == b"rules"
    assert Spool(spool).is_empty()


def test_a_process_that_was_stopped_holds_nobody_up(record: Record, spool: Path) -> None:
    """It may have been stopped while it made the file: its lock is not waited for without end."""
    spool.parent.mkdir()
    folder = os.open(spool.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with down(record), pytest.raises(NotRecorded, match="another process"):
        record.append(entry(1))
    os.close(folder)


def test_neither_store_nor_spool(record: Record, spool: Path) -> None:
    spool.parent.touch()
    with down(record), pytest.raises(NotRecorded, match="queue"):
        record.append(entry(1))


def test_erasing_reaches_what_waited(record: Record) -> None:
    with down(record):
        record.append(entry(1))
    assert record.erase([entry(1).id], "why", LATER, "admin") == 1
    assert [row.recorded.kind for row in record.rows()] == ["decision", ERASURE]


def test_the_file_is_its_users_alone_and_keeps_nothing(record: Record, spool: Path) -> None:
    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in spool.parent.iterdir())

    with down(record):
        record.append(entry(1))
        assert PLANTED.encode() in everything()
    record.drain()
    assert PLANTED.encode() not in everything()
    assert {path.stat().st_mode & 0o777 for path in spool.parent.iterdir()} == {0o600}
    with sqlite3.connect(spool) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_refuses_says_so_until_it_takes_again(
    sqlite_url: str, opened: Callable[..., Record], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody decides on a quiet night: whoever asks how it stands makes it be tried."""
    caplog.set_level("WARNING")
    record = opened(sqlite_url)
    assert record.refuses() is None
    write = record.database.write

    def full(work: Any) -> Any:
        raise NotRecorded("its disk is full")

    monkeypatch.setattr(record.database, "write", full)
    for number in (1, 2):
        with pytest.raises(NotRecorded):
            record.append(entry(number))
    assert record.refuses() == "its disk is full"
    monkeypatch.setattr(record.database, "write", write)
    record._circuit._until = 0.0
    before = record.head()
    assert record.refuses() is None
    assert record.head() == before
    told = [each.getMessage() for each in caplog.records]
    assert told == ["the record takes no entries: its disk is full", "the record takes entries again"]


def test_a_circuit_spares_the_wait() -> None:
    now = [0.0]
    circuit = Circuit(lambda: now[0])
    assert not circuit.is_open()
    circuit.failed("as if it were down")
    assert circuit.is_open()
    now[0] += PAUSE_SECONDS
    assert not circuit.is_open()  # one tries
    assert circuit.is_open()  # the others do not
    circuit.worked()
    assert not circuit.is_open()


def test_while_it_is_down_the_store_is_not_asked(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def prepare(_: object) -> None:
        asked.append(os.getpid())
        raise NotRecorded("down")

    monkeypatch.setattr("service.audit.database.Database.prepare", prepare)
    for number in range(5):
        record.append(entry(number))
    assert len(asked) == 1
    assert record.waiting() == 5


def test_what_waits_is_not_forgotten_when_the_policy_goes_back_to_refuse(
    record: Record, sqlite_url: str, spool: Path, opened: Callable[..., Record]
) -> None:
    """Those answers have left: they must come into the chain, whatever is decided of later ones."""
    record.append(entry(1))
    with down(record):
        record.append_many([entry(2), entry(3)])
    later = opened(sqlite_url, spool, "refuse")
    assert later.waiting() == 2
    later.append(entry(4))
    assert numbers(later) == [1, 2, 3, 4]
    assert later.waiting() == 0
    with down(later), pytest.raises(NotRecorded):
        later.append(entry(5))
    assert later.waiting() == 0, "and none is added"


# ---- a queue that is damaged ----


@pytest.mark.parametrize("policy", ["spool", "refuse"])
def test_a_damaged_file_is_told_and_nothing_goes_past_it(
    policy: str, sqlite_url: str, spool: Path, opened: Callable[..., Record]
) -> None:
    spool.parent.mkdir()
    spool.write_bytes(b"no database" * 1000)
    record = opened(sqlite_url, spool, policy)
    with pytest.raises(NotRecorded, match=r"the queue on disk, .*spool\.sqlite, is damaged .*docs/runbook\.md"):
        record.append(entry(1))
    with pytest.raises(NotRecorded):
        record.may_wait()
    assert record.head().seq == 0
    spool.unlink()
    record.append(entry(1))
    assert numbers(record) == [1]


@pytest.mark.parametrize("unreadable", ["x'ff'", "'[\"decision\"'", "'[]'", "'7'", "17"])
def test_an_entry_that_cannot_be_read_is_told_and_never_dropped(
    unreadable: str, record: Record, sqlite_url: str, spool: Path, opened: Callable[..., Record]
) -> None:
    with down(record):
        record.append_many([entry(n) for n in (1, 2, 3)])
    with sqlite3.connect(spool) as connection:
        connection.execute(f"UPDATE waiting SET entry = {unreadable} WHERE place = 2")  # noqa: S608 - words of this test
    connection.close()
    record.append(entry(4))
    assert numbers(record) == [1], "those before it go in"
    record.append(entry(5))
    assert record.waiting() == 4, "it is not dropped, and none goes past it"
    record.may_wait()
    refusing = opened(sqlite_url, spool, "refuse")
    for act in (record.drain, lambda: refusing.append(entry(6))):
        with pytest.raises(NotRecorded, match=r"entry 2 of the queue on disk, .*spool\.sqlite.*docs/runbook\.md"):
            act()
    with sqlite3.connect(spool) as connection:  # as the runbook says
        connection.executescript(
            "BEGIN; CREATE TABLE IF NOT EXISTS aside (place, id, entry);"
            "INSERT INTO aside SELECT place, id, entry FROM waiting WHERE place = 2; DELETE FROM waiting WHERE place = 2; COMMIT"
        )
    connection.close()
    assert record.drain() == 0
    assert numbers(record) == [1, 3, 4, 5]


def test_whether_an_entry_could_wait_is_tried_on_the_disk(
    record: Record, spool: Path, sqlite_url: str, opened: Callable[..., Record]
) -> None:
    record.may_wait()
    assert record.waiting() == 0
    log = spool.with_name(f"{spool.name}-wal")
    with sqlite3.connect(spool) as holds:  # while it is open the write-ahead log stays
        holds.execute("SELECT count(*) FROM waiting").fetchone()
        record.may_wait()
        before = log.stat().st_size
        record.may_wait()
        assert log.stat().st_size > before
    holds.close()
    with pytest.raises(NotRecorded, match="nothing may wait"):
        opened(sqlite_url, spool, "refuse").may_wait()
