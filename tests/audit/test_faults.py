"""What a machine does to a record at night: nothing that was acknowledged is missing, nothing is there twice, and it comes back."""

import logging
import os
import resource
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from service.audit.errors import NotRecorded
from service.audit.store import Record
from tests.audit.conftest import PLANTED, entry, in_children

#: no append may take longer than this, whatever the store does, in seconds
PATIENCE = 12


def refused(record: Record, number: int, told: str) -> None:
    """The next append is refused in time, in words that name the cause and nothing of the entry."""
    record._circuit.worked()
    began = time.monotonic()
    with pytest.raises(NotRecorded, match=told) as refusal:
        record.append(entry(number))
    assert time.monotonic() - began < PATIENCE
    everything = "".join(traceback.format_exception(refusal.value))
    assert PLANTED not in everything
    assert "INSERT" not in everything
    assert refusal.value.__cause__ is None


def numbers(record: Record) -> list[int]:
    return [int(row.recorded.id, 16) for row in record.rows()]


# ---- both databases ----


def test_two_stores_opened_on_one(url: str, opened: Callable[..., Record]) -> None:
    stores = [opened(url), opened(url)]

    def work(thread: int) -> None:
        for number in range(10):
            stores[thread % 2].append(entry(thread * 100 + number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(stores[0])) == [thread * 100 + number for thread in range(4) for number in range(10)]
    assert stores[0].head().seq == 40
    assert stores[1].verify() is None


def test_killed_in_the_middle(url: str, opened: Callable[..., Record]) -> None:
    """What a process said was recorded is recorded, however the process ended."""
    receiving, sending = os.pipe()
    pids = []
    for process in range(2):
        pid = os.fork()
        if pid == 0:
            record = Record.open(url)
            for number in range(100_000):
                record.append(entry(process * 1_000_000 + number))
                os.write(sending, f"{process * 1_000_000 + number}\n".encode())
            os._exit(0)
        pids.append(pid)
    os.close(sending)
    told = b""
    while told.count(b"\n") < 60:
        told += os.read(receiving, 1000)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while more := os.read(receiving, 10_000):
        told += more
    os.close(receiving)
    acknowledged = [int(number) for number in told.split()]
    record = opened(url)
    found = numbers(record)
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found)) <= len(acknowledged) + 2
    record.append(entry(99_999_999))
    assert record.verify() is None


def test_nothing_is_logged_of_an_entry(
    url: str, opened: Callable[..., Record], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    record = opened(url)
    record.append_many([entry(1), entry(2)])
    record.erase([entry(1).id], "why", "2026-12-01T00:00:00.000000Z", "admin")
    record.verify()
    assert PLANTED not in caplog.text


def test_the_pool_is_exhausted(
    url: str, opened: Callable[..., Record], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("service.audit.database.CONNECTIONS", 1)
    monkeypatch.setattr("service.audit.database.CONNECT_SECONDS", 2)
    record = opened(url)
    with record.database.reading():
        refused(record, 1, "all connections")
    record._circuit.worked()
    record.append(entry(1))
    assert numbers(record) == [1]


# ---- SQLite ----


def test_somebody_else_holds_the_file(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append(entry(1))
    assert record.database.file is not None
    with closing(sqlite3.connect(record.database.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(record, 2, "somebody else holds it")
        assert numbers(record) == [1]  # reading goes on
    record._circuit.worked()
    record.append(entry(2))
    assert record.verify() is None


@contextmanager
def small_files(room: int) -> Iterator[None]:
    """No file grows beyond `room` bytes in this block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("when_down", ["refuse", "spool"])
def test_the_disk_is_full(sqlite_url: str, tmp_path: Path, when_down: str) -> None:
    def work(_: int) -> None:
        record = Record.open(sqlite_url, tmp_path / "spool.sqlite", when_down)  # type: ignore[arg-type]  # one of the two
        acknowledged = []
        with small_files(200_000):
            for number in range(400):
                record._circuit.worked()
                try:
                    record.append(entry(number, {"input": PLANTED * 200}))
                    acknowledged.append(number)
                except NotRecorded:
                    break
            else:
                raise AssertionError("never full")
        assert len(acknowledged) > 2
        record._circuit.worked()
        record.append(entry(1000))
        record.drain(1000)
        assert numbers(record) in ([*acknowledged, 1000], [*acknowledged, len(acknowledged), 1000])
        assert record.verify() is None

    assert in_children(1, work) == [0]


@pytest.fixture
def others_folder() -> Iterator[Path]:
    """A folder that a user without rights can reach: nothing is read-only for root."""
    # Not in TMPDIR, which script/test makes for this user alone.
    other = os.getuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="indication-audit-", dir="/tmp" if other else None))  # noqa: S108 (its name is random, its mode 0700)
    if other:
        os.chown(folder, 65534, 65534)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("begun", [False, True])
def test_a_folder_that_cannot_be_written_to(others_folder: Path, tmp_path: Path, begun: bool) -> None:
    # What is imported on first use is imported now: a user without rights may not reach Python's own folder.
    first = Record.open(f"sqlite:///{tmp_path / 'first' / 'record.sqlite'}")
    first.append(entry(1))
    assert first.verify() is None
    first.close()

    def work(_: int) -> None:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        url = f"sqlite:///{others_folder}/record.sqlite"
        if begun:
            record = Record.open(url)
            record.append(entry(1))
            record.close()
        others_folder.chmod(0o500)
        record = Record.open(url)
        refused(record, 2, "cannot be")
        others_folder.chmod(0o700)
        record._circuit.worked()
        record.append(entry(2))
        assert numbers(record) == ([1, 2] if begun else [2])
        assert record.verify() is None

    assert in_children(1, work) == [0]


def test_torn_at_any_byte(sqlite_url: str, tmp_path: Path, opened: Callable[..., Record]) -> None:
    """A power cut leaves a part of the last write: what was acknowledged before it is there, and nothing by halves."""
    record = opened(sqlite_url)
    file = record.database.file
    assert file is not None
    log = file.with_name(f"{file.name}-wal")
    sizes = [log.stat().st_size]
    for number in range(4):
        record.append(entry(number))
        sizes.append(log.stat().st_size)
    assert sizes == sorted(set(sizes))
    whole = (file.read_bytes(), log.read_bytes())
    torn = tmp_path / "torn"
    torn.mkdir()
    for length in sorted({*range(sizes[0], sizes[-1], 7900), *sizes, *(size - 1 for size in sizes[1:])}):
        (torn / "record.sqlite").write_bytes(whole[0])
        (torn / "record.sqlite-wal").write_bytes(whole[1][:length])
        again = Record.open(f"sqlite:///{torn}/record.sqlite")
        acknowledged = sum(size <= length for size in sizes) - 1
        assert numbers(again) == list(range(acknowledged))
        again.append(entry(99))
        assert again.verify() is None
        again.close()


def test_a_write_that_stops_at_any_byte(sqlite_url: str) -> None:
    """As on a disk that is full at that byte: acknowledged or refused, and it goes on when there is room again."""

    def work(_: int) -> None:
        record = Record.open(sqlite_url)
        acknowledged: list[int] = []
        assert record.database.file is not None
        log = record.database.file.with_name("record.sqlite-wal")
        for number in range(60):
            record._circuit.worked()
            with small_files(log.stat().st_size + 611 * number):
                try:
                    record.append(entry(number))
                    acknowledged.append(number)
                except NotRecorded:
                    pass
        record._circuit.worked()
        record.append(entry(99))
        assert 5 < len(acknowledged) < 55
        assert numbers(record) == [*acknowledged, 99]
        assert record.verify() is None

    assert in_children(1, work) == [0]
