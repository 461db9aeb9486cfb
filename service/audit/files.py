"""Files of SQLite that are this user's alone and stand many writers."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from service.audit.errors import NotRecorded, WrongStore

#: how long one process waits for another that is writing
LOCK_SECONDS = 3


@contextmanager
def made(file: Path) -> Iterator[None]:
    """The file, made if need be. While this block runs no other process is in such a block for a file of the same folder.

    Raises OSError, sqlite3.Error, NotRecorded, WrongStore.
    """
    make_folder(file.parent)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(folder)
        # Made before SQLite would make it readable for others; its companions take the same mode. One that is there
        # is not opened here: closing it again would release the locks that SQLite holds on it for this process.
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        if file.is_symlink() or not file.is_file():
            raise WrongStore("the record's file must be a file, and no link to one")
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
        with closing(connected(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            # What was made must be found again after a power cut: the name too, not only what is in it.
            os.fsync(folder)
        yield
    finally:
        os.close(folder)


def make_folder(folder: Path) -> None:
    """The folder with those above it; a power cut does not take one away that was made here. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in missing:
        above = os.open(each.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def _lock(folder: int) -> None:
    """Raises NotRecorded when another process does not let go of it: it may have been stopped in the middle."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise NotRecorded("the record's file cannot be made: another process holds its folder") from None
            time.sleep(0.02)
        else:
            return


def connected(file: Path) -> sqlite3.Connection:
    """A connection without Python's own handling of transactions."""
    connection = sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)
    set_up(connection)
    return connection


def set_up(connection: sqlite3.Connection) -> None:
    """On disk before a COMMIT returns; and what is deleted is overwritten, not only forgotten."""
    # Python's own beginning of transactions is switched off: it comes too late, and is never IMMEDIATE.
    connection.isolation_level = None
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
