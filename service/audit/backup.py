"""Copies a record into one file while it is in use, and such a file into an empty record. Both are verified to the last byte.

A backup is itself a record in SQLite: it can be opened, verified and searched as any other.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from service.audit import appending, reading
from service.audit.address import address_of
from service.audit.chain import EMPTY, Fault
from service.audit.database import Database, told
from service.audit.errors import NotRecorded, WrongStore
from service.audit.files import connected
from service.audit.record import Head, Row
from service.audit.store import Record
from service.audit.tables import RECORD, RULEBOOK

#: what file systems without hard links answer to one
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


class NotWhole(Exception):
    """What was to be copied, or the copy, is not whole. `fault` is the first that was found."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: up to which record, which is an anchor too; and how many entries wait in the spool, which it does not hold.

    `waiting` is None when the spool cannot be read: that is no reason to go without a backup.
    """

    head: Head
    waiting: int | None


def backup(record: Record, file: Path) -> Copied:
    """Writes `file`: the record at one moment, its rulebooks included. Others may append meanwhile.

    The file has its name once it is whole and verified. Raises NotWhole, NotRecorded; OSError, FileExistsError among them.
    """
    if file.exists():
        raise FileExistsError(f"{file.name} is there already: a backup overwrites nothing")
    unfinished = file.with_name(f".{file.name}.unfinished-{os.getpid()}")
    target = Database(address_of(unfinished))
    try:
        with record.database.reading() as source, target.writing_much() as copy:
            head = _copied(source, copy)
        target.close()
        # One file, without the companions of a record in use.
        with told(), closing(connected(unfinished)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        _flush(unfinished)
        _named(unfinished, file)
        _flush(file.parent)
    finally:
        target.close()
        for companion in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + companion).unlink(missing_ok=True)
    try:
        return Copied(head, record.waiting())
    except NotRecorded:
        return Copied(head, None)


def restore(file: Path, url: str) -> Copied:
    """Fills the record at `url`, which must be empty, with what `backup` wrote. All of it or nothing.

    Raises WrongStore when it is not empty or `file` is no backup, NotWhole, NotRecorded.
    """
    if not file.is_file():
        raise WrongStore(f"there is no backup {file.name}")
    with (
        _opened_copy(file) as source,
        closing(Database(url)) as target,
        source.reading() as kept,
        target.writing_much() as copy,
    ):
        end = appending.hold(copy)
        if end != EMPTY or copy.execute(select(func.count()).select_from(RECORD)).scalar():
            raise WrongStore("a backup is restored into an empty record only: name another in INDICATION_AUDIT_STORE")
        return Copied(_copied(kept, copy), 0)


@contextmanager
def _opened_copy(file: Path) -> Iterator[Database]:
    """A copy of the backup, for this user alone: opening it may change its tables, and a backup stays as it is."""
    with tempfile.TemporaryDirectory(prefix="indication-restore-") as folder:
        copy = Path(folder) / "backup.sqlite"
        shutil.copyfile(file, copy)
        if not _is_record(copy):
            raise WrongStore(
                f"{file.name} is no backup of a record: it is empty, or a database of another kind. "
                "Name a file that `flask audit backup` wrote"
            )
        with closing(Database(address_of(copy))) as database:
            yield database


def _is_record(file: Path) -> bool:
    """Whether this database holds a record. To be asked before it is opened as one, which would make what is missing."""
    with told(), closing(connected(file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "head"} <= tables:
            return False
        found = connection.execute(
            "SELECT EXISTS (SELECT version_num FROM alembic_version) AND EXISTS (SELECT 1 FROM head)"
        )
        return bool(found.fetchone()[0])


def _named(unfinished: Path, file: Path) -> None:
    """Gives what was written its name, unless somebody took that meanwhile: FileExistsError."""
    try:
        os.link(unfinished, file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links there: an empty file takes the name, which then nobody else can take, and is replaced.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        unfinished.replace(file)


def _copied(source: Connection, copy: Connection) -> Head:
    """Copies everything, and verifies both the source and, before its transaction ends, the copy. Raises NotWhole."""
    _verified(source)
    head = reading.head(source) or EMPTY
    rows = reading.rows(source)
    while chunk := _some(rows):
        appending.put(copy, chunk)
    appending.move_head(copy, head)
    known = set(copy.execute(select(RULEBOOK.c.digest)).scalars())
    for digest in source.execute(select(RULEBOOK.c.digest)).scalars().all():
        if digest not in known:
            found = source.execute(select(RULEBOOK).where(RULEBOOK.c.digest == digest)).mappings().one()
            copy.execute(insert(RULEBOOK), dict(found))
    _verified(copy, head)
    return head


def _some(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, reading.CHUNK))


def _verified(connection: Connection, head: Head | None = None) -> None:
    fault = reading.verify(connection, [head] if head else [])
    if fault is not None:
        raise NotWhole(fault)


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
