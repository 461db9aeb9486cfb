"""What is appended is there, once, in order, and chained, in both databases; and what is erased is gone."""

import json
import random
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from service.audit.address import address
from service.audit.chain import START, anchor, hashed
from service.audit.errors import NotKnown, NotRecorded, WrongStore
from service.audit.migrating import STEPS
from service.audit.record import ERASURE, Head
from service.audit.store import ERASED_AT_ONCE, Record
from service.audit.tables import METADATA, NO_SALT, SCHEMA
from tests.audit.conftest import PLANTED, content_of, entry, in_children

LATER = "2026-12-01T00:00:00.000000+00:00"


def by_hand(url: str, *statements: str) -> None:
    """What an attacker with write access does."""
    engine = create_engine(address(url).url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_an_empty_record(record: Record) -> None:
    assert record.head() == Head(0, START)
    assert record.verify() is None
    assert list(record.rows()) == []
    assert record.waiting() == 0


def test_what_is_appended_is_there_in_order(record: Record) -> None:
    record.append(entry(1))
    record.append_many([entry(3), entry(2)])
    rows = list(record.rows())
    assert [row.recorded.seq for row in rows] == [1, 2, 3]
    assert [row.recorded.id for row in rows] == [entry(n).id for n in (1, 3, 2)]
    assert rows[0].recorded.previous == START
    assert [row.recorded.hash for row in rows] == [hashed(row.recorded) for row in rows]
    assert record.head() == Head(3, rows[2].recorded.hash)
    assert json.loads(rows[0].recorded.line) == {"client": "one", "door": "api"}
    assert record.get(entry(3).id) == rows[1]
    assert record.verify([record.head()]) is None
    assert [row.recorded.seq for row in record.rows(2, 2)] == [2]


def test_an_id_that_is_there_is_left_as_it_is(record: Record) -> None:
    record.append(entry(1))
    record.append(entry(1, {"other": True}))
    record.append_many([entry(2), entry(1), entry(2, {"other": True})])
    assert [row.recorded.id for row in record.rows()] == [entry(1).id, entry(2).id]
    assert content_of(record, 1) == json.dumps({"input": PLANTED, "n": 1}, separators=(",", ":"))
    assert record.verify() is None


def test_all_or_none(record: Record) -> None:
    with pytest.raises(ValueError, match="JSON"):
        record.append_many([entry(1), entry(2, {"x": object()})])
    assert record.head().seq == 0
    record.append_many([])
    assert record.head().seq == 0


def test_a_clock_that_jumps_back(record: Record) -> None:
    for number, at in enumerate(
        ("2026-11-26T03:00:00.000000Z", "2026-10-25T02:30:00.000000Z", "1970-01-01T00:00:00.000000Z")
    ):
        record.append(entry(number, at=at))
    assert [row.recorded.seq for row in record.rows()] == [1, 2, 3]
    assert [row.recorded.at[:4] for row in record.rows()] == ["2026", "2026", "1970"]
    assert record.verify() is None


def test_texts_of_every_kind(record: Record) -> None:
    odd = {"é\x00": "\ud800 \u2028 'x\"; DROP TABLE record; -- \U0001f9b4", "n": [0.1, 1e300, -0.0, 2**70]}
    record.append(entry(1, odd, line=odd))
    row = record.get(entry(1).id)
    assert json.loads(row.recorded.line) == odd
    assert row.content is not None
    assert json.loads(row.content.body) == odd
    assert record.verify() is None


def test_more_than_is_read_at_once(record: Record) -> None:
    record.append_many([entry(n) for n in range(1, 451)])
    record.append_many([entry(n) for n in range(440, 460)])
    assert [row.recorded.seq for row in record.rows()] == list(range(1, 460))
    assert record.verify() is None


def test_it_is_found_again_by_another_process(url: str, opened: Callable[..., Record]) -> None:
    opened(url).append(entry(1))
    again = opened(url)
    again.append(entry(2))
    assert [row.recorded.seq for row in again.rows()] == [1, 2]


def test_processes_that_append_at_once(url: str) -> None:
    """From the very first moment: all of them find no tables."""

    def work(process: int) -> None:
        record = Record.open(url)
        for number in range(15):
            record.append(entry(process * 100 + number))
            record.append(entry(9000 + number))  # all the same

    assert in_children(4, work) == [0] * 4
    record = Record.open(url)
    ids = [row.recorded.id for row in record.rows()]
    expected = {process * 100 + number for process in range(4) for number in range(15)} | {9000 + n for n in range(15)}
    assert len(ids) == len(set(ids))
    assert set(ids) == {entry(number).id for number in expected}
    assert [row.recorded.seq for row in record.rows()] == list(range(1, len(ids) + 1))
    assert record.verify() is None
    record.close()


def test_a_record_that_crosses_a_fork(record: Record) -> None:
    record.append(entry(0))

    def work(process: int) -> None:
        for number in range(10):
            record.append(entry(process * 100 + number))

    assert in_children(2, lambda process: work(process + 1)) == [0, 0]
    record.append(entry(999))
    assert [row.recorded.seq for row in record.rows()] == list(range(1, 23))
    assert record.verify() is None


# ---- finding ----


def test_finding(record: Record) -> None:
    record.append_many(
        [
            entry(1, at="2026-01-01T00:00:00.000000Z"),
            entry(2, at="2026-02-01T00:00:00.000000Z", line={"door": "form", "client": None}),
            entry(3, at="2026-03-01T00:00:00.000000Z", kind="feedback", line={"door": "api", "client": "two"}),
        ]
    )

    def found(**wanted: str) -> list[int]:
        return [row.recorded.seq for row in record.find(**wanted)]

    assert found() == [1, 2, 3]
    assert found(since="2026-02-01T00:00:00.000000Z") == [2, 3]
    assert found(until="2026-02-01T00:00:00.000000Z") == [1]
    assert found(kind="feedback") == [3]
    assert found(door="api") == [1, 3]
    assert found(door="api", client="two") == [3]
    assert found(client="nobody") == []


def test_what_is_not_there(record: Record) -> None:
    with pytest.raises(NotKnown, match="there is no record"):
        record.get(entry(1).id)
    with pytest.raises(NotKnown, match="no rulebook"):
        record.rulebook("sha256:0")


def test_rulebooks(record: Record) -> None:
    body = bytes(range(256))
    record.keep_rulebook("sha256:1", body)
    record.keep_rulebook("sha256:1", b"another")
    assert record.rulebook("sha256:1") == body


# ---- erasing ----


def test_erasing(record: Record, url: str) -> None:
    record.append_many([entry(n) for n in (1, 2, 3)])
    assert record.erase([entry(2).id, entry(1).id], "asked for by the patient", LATER, "admin") == 2
    assert record.get(entry(1).id).content is None
    assert content_of(record, 3) is not None
    *_, erasure = record.rows()
    assert (erasure.recorded.kind, erasure.recorded.at) == (ERASURE, LATER)
    told = {"by": "admin", "erased": [entry(1).id, entry(2).id], "reason": "asked for by the patient"}
    assert json.loads(erasure.recorded.line) == told
    assert record.verify() is None
    assert record.erase([entry(1).id], "again", LATER, "admin") == 0
    assert record.head().seq == 4
    by_hand(url, "DELETE FROM content")
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == (3, "content_missing")


def test_many_are_erased_in_parts(record: Record) -> None:
    count = ERASED_AT_ONCE + 5
    record.append_many([entry(n) for n in range(count)])
    assert record.erase((entry(n).id for n in range(count)), "retention", LATER, "admin") == count
    assert record.head().seq == count + 2
    assert record.verify() is None


def test_nothing_is_erased_when_one_is_not_known(record: Record) -> None:
    record.append(entry(1))
    with pytest.raises(NotKnown, match="nothing was erased"):
        record.erase([entry(1).id, entry(2).id], "why", LATER, "admin")
    assert content_of(record, 1) is not None
    assert record.head().seq == 1


def test_nobody_else_records_an_erasure(record: Record) -> None:
    with pytest.raises(ValueError, match="`erase` alone"):
        record.append(entry(1, kind=ERASURE))


def test_what_is_erased_stands_nowhere_in_the_files(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append_many([entry(n) for n in range(20)])
    assert record.database.file is not None
    folder = record.database.file.parent

    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in folder.iterdir())

    assert PLANTED.encode() in everything()
    record.erase([entry(n).id for n in range(20)], "why", LATER, "admin")
    assert PLANTED.encode() not in everything()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_erased_by_and_by_stands_nowhere_either(
    sqlite_url: str, opened: Callable[..., Record], seed: int
) -> None:
    """A deletion makes SQLite move neighbours from page to page; what they leave behind must not outlive them."""
    draw = random.Random(seed)  # noqa: S311 - which are erased, not a secret
    record = opened(sqlite_url)
    marks = {entry(n).id: f"MARK{n:06d}K" for n in range(600)}
    for start in range(0, 600, 50):
        some = [entry(n, {"v": f"MARK{n:06d}K" * draw.randint(1, 40)}) for n in range(start, start + 50)]
        record.append_many(some)
    order = draw.sample(sorted(marks), 420)
    while order:
        many = draw.choice((1, 1, 2, 5, 30))
        record.erase(order[:many], "why", LATER, "admin")
        for gone in order[:many]:
            del marks[gone]
        del order[:many]
    assert record.database.file is not None
    left = b"".join(path.read_bytes() for path in record.database.file.parent.iterdir())
    assert {mark.decode() for mark in re.findall(rb"MARK\d{6}K", left)} == set(marks.values())
    assert record.verify() is None
    assert len(list(record.expired("9"))) == len(marks)


def test_an_erasure_holds_nobody_up_while_the_record_is_read(sqlite_url: str, opened: Callable[..., Record]) -> None:
    """As beside a backup: the log cannot be emptied then, and that is said."""
    record, other = opened(sqlite_url), opened(sqlite_url)
    record.append_many([entry(n) for n in range(20)])
    with other.database.reading() as connection:
        connection.execute(text("SELECT count(*) FROM record"))
        record.erase([entry(1).id], "why", LATER, "admin")
        with ThreadPoolExecutor(1) as pool:
            emptied = pool.submit(record.forget, 3.0)
            slowest = 0.0
            for number in range(100, 120):
                begun = time.monotonic()
                other.append(entry(number))
                slowest = max(slowest, time.monotonic() - begun)
            assert emptied.result() is False
        assert slowest < 2.0, "less than the three seconds after which it is given up"
    assert record.forget() is True
    log = record.database.file.with_name(f"{record.database.file.name}-wal") if record.database.file else None
    assert log is not None
    assert log.stat().st_size == 0


def test_a_part_that_was_erased_is_told(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    record.append_many([entry(n) for n in range(ERASED_AT_ONCE + 1)])
    done = 0

    def once(work: Callable[[Any], int]) -> int:
        nonlocal done
        done += 1
        if done > 1:
            raise NotRecorded("its disk is full")
        return write(work)

    write = record.database.write
    monkeypatch.setattr(record.database, "write", once)
    with pytest.raises(NotRecorded, match=f"{ERASED_AT_ONCE} contents were erased, and then its disk is full"):
        record.erase((entry(n).id for n in range(ERASED_AT_ONCE + 1)), "why", LATER, "admin")


def test_what_is_expired(record: Record) -> None:
    record.append_many(
        [entry(1, at="2020-01-01T00:00:00.000000Z"), entry(2), entry(3, at="2021-01-01T00:00:00.000000Z")]
    )
    before = "2022-01-01T00:00:00.000000Z"
    assert list(record.expired(before)) == [entry(1).id, entry(3).id]
    record.erase(record.expired(before), "retention", "2021-06-01T00:00:00.000000Z", "admin")
    assert list(record.expired(before)) == []


# ---- what is done to it by hand ----


SWAPPED = (
    "UPDATE record SET seq = -seq; UPDATE record SET seq = 2 WHERE seq = -3; UPDATE record SET seq = 3 WHERE seq = -2;"
    "UPDATE record SET seq = -seq WHERE seq < 0"
)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE record SET line = '{}' WHERE seq = 2", (2, "altered")),
        ("UPDATE record SET at = '2027' WHERE seq = 2", (2, "altered")),
        ("UPDATE content SET body = '{}' WHERE id = '{2}'", (2, "content_altered")),
        ("DELETE FROM content WHERE id = '{2}'", (2, "content_missing")),
        ("DELETE FROM content WHERE id = '{2}'; DELETE FROM record WHERE seq = 2", (2, "missing")),
        ("DELETE FROM content WHERE id = '{4}'; DELETE FROM record WHERE seq = 4", (4, "truncated")),
        (SWAPPED, (2, "altered")),
        ("DELETE FROM head", (0, "unknown_end")),
        ("UPDATE head SET seq = 3", (4, "unknown_end")),
        ("UPDATE record SET line = 'no json', kind = 'erasure' WHERE seq = 3", (3, "altered")),
    ],
)  # fmt: skip
def test_the_first_fault_is_named(record: Record, url: str, statement: str, expected: tuple[int, str]) -> None:
    record.append_many([entry(n) for n in (1, 2, 3, 4)])
    for number in (2, 4):
        statement = statement.replace(f"{{{number}}}", entry(number).id)
    by_hand(url, *statement.split(";"))
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == expected


FORGED = "INSERT INTO record SELECT {seq}, '{id}', kind, at, line, previous, seal, hash FROM record WHERE seq = 1"


@pytest.mark.parametrize("seq", [0, -3])
def test_a_forged_record_before_the_first_is_found(record: Record, url: str, seq: int) -> None:
    """It could be asked for by its id, as if its content had been erased."""
    record.append(entry(1))
    by_hand(url, FORGED.format(seq=seq, id=entry(9).id))
    assert record.get(entry(9).id).content is None
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == (seq, "stray")


def test_what_is_no_text_is_altered(sqlite_url: str, opened: Callable[..., Record]) -> None:
    """SQLite takes bytes for a text, and a text that is read as the same is not the same."""
    record = opened(sqlite_url)
    record.append_many([entry(1), entry(2)])
    by_hand(sqlite_url, f"UPDATE content SET body = CAST(body AS BLOB) WHERE id = '{entry(2).id}'")  # noqa: S608 - no value of others
    assert record.get(entry(2).id).content is not None
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == (2, "content_altered")
    by_hand(sqlite_url, "UPDATE record SET line = CAST(line AS BLOB) WHERE seq = 1")
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == (1, "altered")


def test_a_salt_that_was_overwritten_by_hand_is_no_erasure(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append(entry(1))
    by_hand(sqlite_url, f"UPDATE content SET salt = '{NO_SALT}'")  # noqa: S608 - no value of others
    fault = record.verify()
    assert fault is not None
    assert fault.what == "content_altered"
    by_hand(sqlite_url, "UPDATE content SET body = '000'")
    fault = record.verify()
    assert fault is not None
    assert fault.what == "content_missing"


def test_an_anchor_finds_what_was_made_anew(record: Record, url: str) -> None:
    record.append_many([entry(n) for n in (1, 2)])
    known = anchor(str(record.head()))
    by_hand(url, "DELETE FROM content", "DELETE FROM record", f"UPDATE head SET seq = 0, hash = '{START}'")  # noqa: S608 - no value of others
    record.append_many([entry(n) for n in (1, 2)])
    assert record.verify() is None
    fault = record.verify([known])
    assert fault is not None
    assert (fault.seq, fault.what) == (2, "anchor")


def test_a_content_of_no_record(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append(entry(1))
    by_hand(sqlite_url, "INSERT INTO content VALUES ('ff', '', '{}')")
    fault = record.verify()
    assert fault is not None
    assert (fault.seq, fault.what) == (2, "stray")


def test_without_a_head_nothing_is_appended(record: Record, url: str) -> None:
    record.append(entry(1))
    by_hand(url, "DELETE FROM head")
    with pytest.raises(WrongStore, match="head"):
        record.append(entry(2))
    with pytest.raises(WrongStore, match="head"):
        record.head()


# ---- opening ----


def test_the_last_step_is_the_version_of_the_tables(record: Record, url: str) -> None:
    """And the steps make the tables that the code uses."""
    config = Config()
    config.set_main_option("script_location", str(STEPS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]
    engine = create_engine(address(url).url)
    with engine.connect() as connection:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
        assert set(inspect(connection).get_table_names()) == {*METADATA.tables, "alembic_version"}
    engine.dispose()


def test_a_newer_store_is_refused(url: str, opened: Callable[..., Record]) -> None:
    record = opened(url)
    record.append(entry(1))
    by_hand(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WrongStore, match="version 9999, and this one knows them up to 0001"):
        Record.open(url)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("", "cannot be read"),
        ("record.sqlite", "cannot be read"),
        ("mysql://user:hunter2@host/x", "SQLite or PostgreSQL"),
        ("postgresql://user:hunter2@host:port/x", "cannot be read"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///x?mode=ro", "must name a file"),
    ],
)
def test_an_address_that_is_none(wrong: str, told: str) -> None:
    with pytest.raises(WrongStore, match=told) as refusal:
        Record.open(wrong)
    assert "hunter2" not in str(refusal.value)


def test_the_file_is_its_users_alone(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append(entry(1))
    assert record.database.file is not None
    folder = record.database.file.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "record.sqlite": 0o600,
        "record.sqlite-wal": 0o600,
        "record.sqlite-shm": 0o600,
    }


def test_an_ordinary_start_is_a_light_one(sqlite_url: str, opened: Callable[..., Record], root: Path) -> None:
    """Steps and drivers that are not needed are not imported."""
    opened(sqlite_url).append(entry(1))
    code = f"""
import sys
from service.audit.store import Record
print(Record.open({sqlite_url!r}).head().seq, {{"alembic", "mako", "psycopg"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "1 set()\n"


def test_a_user_without_rights_is_told(module_postgres_url: str) -> None:
    name = f"reader_{secrets.token_hex(4)}"
    with psycopg.connect(module_postgres_url, autocommit=True) as session:
        session.execute(f"CREATE USER {name} PASSWORD '{name}'".encode())
    url = address(module_postgres_url).url.set(username=name, password=name, drivername="postgresql")
    record = Record.open(url.render_as_string(hide_password=False))
    record._circuit.worked()
    with pytest.raises(NotRecorded, match="may not do this"):
        record.append(entry(1))
    record.close()


def test_how_sqlite_is_told_to_work(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    with record.database.reading() as connection:
        told = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 3000,
    }


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    (tmp_path / "record.sqlite").symlink_to(other)
    with pytest.raises(WrongStore, match="no link"):
        Record.open(f"sqlite:///{tmp_path}/record.sqlite")


def test_a_file_that_is_gone_or_another(sqlite_url: str, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url)
    record.append(entry(1))
    file = record.database.file
    assert file is not None
    aside = file.parent / "aside"
    record.close()
    file.rename(aside)
    with pytest.raises(NotRecorded, match="gone"):
        record.append(entry(2))
    assert not file.exists()
    aside.rename(file)
    record._circuit.worked()
    record.append(entry(2))
    file.rename(aside)
    shutil.copy(aside, file)
    with pytest.raises(NotRecorded, match="another stands in its place"):
        record.append(entry(3))


def test_a_write_takes_the_lock_before_it_reads(sqlite_url: str, opened: Callable[..., Record]) -> None:
    """Otherwise two that read the same head would both chain to it, or one be refused in the middle."""
    record = opened(sqlite_url)
    seen: list[Any] = []

    def work(_: Any) -> None:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(record.database.file or "", timeout=0).execute("BEGIN IMMEDIATE")
        seen.append(True)

    record.database.write(work)
    assert seen == [True]
