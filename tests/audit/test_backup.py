"""A backup is the record at one moment, whole, whatever is appended meanwhile; and what was restored is what was backed up."""

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from service.audit import backup as backup_module
from service.audit.address import address_of
from service.audit.backup import NotWhole, backup, restore
from service.audit.database import Database
from service.audit.errors import NotRecorded, WrongStore
from service.audit.export import parts
from service.audit.record import Entry, Row, canonical
from service.audit.store import Record
from tests.audit.conftest import PLANTED, entry
from tests.audit.test_store import LATER, by_hand


def filled(record: Record) -> Record:
    record.append_many([entry(n) for n in range(250)])
    record.erase([entry(3).id], "why", LATER, "admin")
    record.keep_rulebook("sha256:1", b"rules")
    return record


def opened_file(file: Path) -> Record:
    return Record(Database(address_of(file)))


def test_there_and_back(record: Record, tmp_path: Path, url: str, opened: Callable[..., Record]) -> None:
    filled(record)
    file = tmp_path / "back?up %20.sqlite"
    copied = backup(record, file)
    assert copied.head == record.head()
    assert copied.waiting == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "back" in path.name] == [file.name]
    kept = file.read_bytes()

    before = list(record.rows())
    for table in ("content", "record", "rulebook", "head", "alembic_version"):
        by_hand(url, f"DROP TABLE {table}")
    again = opened(url)
    assert restore(file, url).head == copied.head
    assert list(again.rows()) == before
    assert again.rulebook("sha256:1") == b"rules"
    assert again.verify([copied.head]) is None
    again.append(entry(999))
    assert again.verify([copied.head]) is None
    assert file.read_bytes() == kept


def test_from_one_database_into_the_other(
    record: Record, engine: str, tmp_path: Path, request: pytest.FixtureRequest, opened: Callable[..., Record]
) -> None:
    filled(record)
    backup(record, tmp_path / "backup.sqlite")
    other = "postgres_schema" if engine == "sqlite" else "sqlite_url"
    url = request.getfixturevalue(other)
    restore(tmp_path / "backup.sqlite", url)
    assert list(opened(url).rows()) == list(record.rows())


def test_while_others_append(record: Record, tmp_path: Path) -> None:
    filled(record)
    stop = threading.Event()
    appended = []

    def work() -> None:
        while not stop.is_set():
            number = 1000 + len(appended)
            record.append(entry(number))
            record.erase([entry(number).id], "why", LATER, "admin")
            appended.append(number)

    others = threading.Thread(target=work)
    others.start()
    try:
        heads = []
        for number in range(3):
            file = tmp_path / f"{number}.sqlite"
            heads.append(backup(record, file).head)
            kept = opened_file(file)
            assert kept.head() == heads[-1]
            assert kept.verify(heads) is None
            kept.close()
    finally:
        stop.set()
        others.join()
    assert appended
    assert heads[0].seq < heads[2].seq
    assert record.verify(heads) is None


def test_what_is_not_whole_is_not_backed_up(record: Record, url: str, tmp_path: Path) -> None:
    filled(record)
    by_hand(url, "UPDATE record SET line = '{}' WHERE seq = 7")
    with pytest.raises(NotWhole) as refusal:
        backup(record, tmp_path / "backup.sqlite")
    assert (refusal.value.fault.seq, refusal.value.fault.what) == (7, "altered")
    assert not list(tmp_path.glob("*backup*"))


def test_a_copy_that_went_wrong_is_found(
    sqlite_url: str, opened: Callable[..., Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = filled(opened(sqlite_url))

    def half(rows: object) -> list[Row]:
        return real(rows)[:-1]  # type: ignore[arg-type]  # as it comes

    real = backup_module._some
    monkeypatch.setattr(backup_module, "_some", half)
    with pytest.raises(NotWhole):
        backup(record, tmp_path / "backup.sqlite")
    assert not list(tmp_path.glob("*backup*"))


def test_nothing_is_overwritten(record: Record, url: str, tmp_path: Path) -> None:
    filled(record)
    file = tmp_path / "backup.sqlite"
    backup(record, file)
    with pytest.raises(FileExistsError, match="overwrites nothing"):
        backup(record, file)
    with pytest.raises(WrongStore, match="empty record only"):
        restore(file, url)
    assert record.verify() is None


def test_an_altered_backup_is_not_restored(
    sqlite_url: str, tmp_path: Path, url: str, opened: Callable[..., Record]
) -> None:
    source = opened(f"sqlite:///{tmp_path}/source/record.sqlite")
    filled(source)
    file = tmp_path / "backup.sqlite"
    backup(source, file)
    by_hand(f"sqlite:///{file}", "UPDATE content SET body = '{}'")
    with pytest.raises(NotWhole):
        restore(file, url)
    assert opened(url).head().seq == 0


def test_what_is_no_backup(tmp_path: Path, url: str) -> None:
    with pytest.raises(WrongStore, match="no backup"):
        restore(tmp_path / "none.sqlite", url)
    (tmp_path / "text.sqlite").write_text("not a database at all" * 100, encoding="ascii")
    with pytest.raises(NotRecorded, match="no database"):
        restore(tmp_path / "text.sqlite", url)


@pytest.mark.parametrize(
    "statements", [(), ("CREATE TABLE ticket (id)",), ("CREATE TABLE alembic_version (version_num)",)]
)
def test_another_database_is_no_backup(
    statements: tuple[str, ...], tmp_path: Path, url: str, opened: Callable[..., Record]
) -> None:
    """Opened as a record it would be made one, and be restored as one of no decision."""
    file = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    file.touch()
    kept = file.read_bytes()
    with pytest.raises(WrongStore, match=r"other\.sqlite is no backup of a record: .* `flask audit backup`"):
        restore(file, url)
    assert file.read_bytes() == kept
    assert opened(url).head().seq == 0


def test_a_record_whose_head_was_removed_is_no_backup(record: Record, tmp_path: Path, sqlite_url: str) -> None:
    backup(filled(record), tmp_path / "backup.sqlite")
    by_hand(f"sqlite:///{tmp_path / 'backup.sqlite'}", "DELETE FROM head")
    with pytest.raises(WrongStore, match="no backup"):
        restore(tmp_path / "backup.sqlite", f"sqlite:///{tmp_path}/new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()


def test_where_there_are_no_hard_links(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(_: Path, file: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def taken_meanwhile(_: Path, file: Path) -> None:
        file.write_bytes(b"theirs")
        no_links(_, file)

    monkeypatch.setattr(os, "link", no_links)
    file = tmp_path / "backup.sqlite"
    copied = backup(filled(record), file)
    kept = opened_file(file)
    assert (kept.head(), kept.verify([copied.head])) == (copied.head, None)
    kept.close()
    monkeypatch.setattr(os, "link", taken_meanwhile)
    with pytest.raises(FileExistsError):
        backup(record, tmp_path / "second.sqlite")
    assert (tmp_path / "second.sqlite").read_bytes() == b"theirs"
    assert not list(tmp_path.glob(".*unfinished*"))


def test_what_waits_is_told(sqlite_url: str, tmp_path: Path, opened: Callable[..., Record]) -> None:
    record = opened(sqlite_url, tmp_path / "spool.sqlite", "spool")
    record.append(entry(1))
    record._circuit.failed("as if it were down")
    record.append(entry(2))
    copied = backup(record, tmp_path / "backup.sqlite")
    assert (copied.head.seq, copied.waiting) == (1, 1)


def test_a_queue_that_cannot_be_read_stops_no_backup(
    sqlite_url: str, tmp_path: Path, opened: Callable[..., Record]
) -> None:
    record = opened(sqlite_url, tmp_path / "spool.sqlite", "spool")
    record.append(entry(1))
    (tmp_path / "spool.sqlite").write_bytes(b"no database" * 1000)
    copied = backup(record, tmp_path / "backup.sqlite")
    assert (copied.head.seq, copied.waiting) == (1, None)
    assert (tmp_path / "backup.sqlite").exists()


def test_a_folder_that_is_not_there(record: Record, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((OSError, NotRecorded)):
        backup(record, tmp_path / "file" / "backup.sqlite")


# ---- export ----


def test_export(record: Record) -> None:
    record.append_many([entry(1), entry(2, line={"client": "é"})])
    record.erase([entry(2).id], "why", LATER, "admin")
    told = [parts(row, with_content=True) for row in record.rows()]
    assert [each["seq"] for each in told] == [1, 2, 3]
    assert told[0]["content"] == {"input": PLANTED, "n": 1}
    assert told[1]["content"] is None
    assert told[1]["line"] == {"client": "é"}


def test_an_export_can_be_verified_elsewhere(record: Record) -> None:
    from service.audit.chain import verify
    from service.audit.record import Content, Recorded

    record.append_many([entry(n) for n in range(5)])
    rows = []
    for row in record.rows():
        told = parts(row, with_content=True)
        salt, content = told.pop("salt"), told.pop("content")
        told["line"] = canonical(told["line"])
        rows.append(Row(Recorded(**told), Content(salt, canonical(content))))
    assert verify(rows, set(), record.head()) is None


def test_an_export_without_content_tells_nothing_of_it(record: Record) -> None:
    record.append(entry(1))
    (row,) = record.rows()
    told = parts(row, with_content=False)
    assert PLANTED not in json.dumps(told)
    assert set(told) == {"seq", "id", "kind", "at", "line", "previous", "seal", "hash"}


def test_an_export_of_what_was_altered(record: Record, url: str) -> None:
    record.append(Entry(entry(1).id, "decision", LATER, {}, {}))
    by_hand(url, "UPDATE record SET line = 'no json'")
    (row,) = record.rows()
    assert parts(row, with_content=False)["line"] == "no json"


def test_unfinished_backups_are_told_from_backups(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before its end, a backup does not have its name."""
    filled(record)

    def cut_off(*_: object) -> None:
        assert not (tmp_path / "backup.sqlite").exists()
        raise OSError("no room")

    monkeypatch.setattr(os, "link", cut_off)
    with pytest.raises(OSError, match="no room"):
        backup(record, tmp_path / "backup.sqlite")
    assert not list(tmp_path.glob("*backup*"))
