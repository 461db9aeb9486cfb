"""The queue on this machine's disk in which entries wait while the store is down.

What waits is not in the chain yet: the chain begins to protect it when it is in the store.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from service.audit.database import told
from service.audit.errors import NotRecorded
from service.audit.files import connected, made
from service.audit.record import Entry, canonical

_TABLES = (
    "CREATE TABLE IF NOT EXISTS rulebook (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS waiting "
    "(place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, entry TEXT NOT NULL)",
)
#: what waiting does not mend
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_MEND = "docs/runbook.md says how to mend it: «The queue on disk is damaged»"


class Spool:
    """Entries in the order in which they came. Safe for threads and processes: each operation opens the file for itself."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, entries: Sequence[Entry]) -> None:
        """Puts entries at the end, on disk when this returns. One that waits already stays where it is. Raises NotRecorded."""
        rows = [(e.id, canonical([e.kind, e.at, dict(e.line), dict(e.content)])) for e in entries]
        with self._writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO waiting (id, entry) VALUES (?, ?)", rows)

    def length(self) -> int:
        """How many entries wait. Raises NotRecorded."""
        with self._reading() as connection:
            (found,) = connection.execute("SELECT count(*) FROM waiting").fetchone()
        return int(found)

    def is_empty(self) -> bool:
        """Whether nothing waits, neither entry nor rulebook. Raises NotRecorded."""
        with self._reading() as connection:
            query = "SELECT EXISTS (SELECT 1 FROM waiting) OR EXISTS (SELECT 1 FROM rulebook)"
            (found,) = connection.execute(query).fetchone()
        return not found

    def first(self, most: int) -> list[tuple[int, Entry]]:
        """The first that wait, with their places, up to one that cannot be read. Raises NotRecorded when that is the first."""
        with self._reading() as connection:
            # As bytes: what is no UTF-8 must not stop those before it.
            query = "SELECT place, CAST(id AS BLOB), CAST(entry AS BLOB) FROM waiting ORDER BY place LIMIT ?"
            rows = connection.execute(query, (most,)).fetchall()
        found: list[tuple[int, Entry]] = []
        for place, identity, entry in rows:
            try:
                found.append((place, Entry(identity.decode(), *json.loads(entry))))
            except (TypeError, ValueError):
                if found:
                    break
                told_where = f"entry {place} of the queue on disk, {self._file}, cannot be read"
                raise NotRecorded(f"{told_where}, and all behind it waits; {_MEND}") from None
        return found

    def tried(self) -> None:
        """Raises NotRecorded when no entry could wait here now. It writes to the disk as an entry does, and leaves nothing."""
        with self._writing() as connection:
            connection.execute("PRAGMA user_version = 1")

    def remove(self, places: Sequence[int]) -> None:
        """Takes out what is in the store. Raises NotRecorded; then it is taken out another time."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM waiting WHERE place = ?", [(place,) for place in places])

    def add_rulebook(self, digest: str, body: bytes) -> None:
        """Puts a rulebook beside the entries, on disk when this returns. Raises NotRecorded."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO rulebook VALUES (?, ?)", (digest, body))

    def rulebooks(self) -> list[tuple[str, bytes]]:
        """The rulebooks that wait, by digest: as many as were put in service while the store was down. Raises NotRecorded."""
        with self._reading() as connection:
            return connection.execute("SELECT digest, body FROM rulebook").fetchall()

    def remove_rulebook(self, digest: str) -> None:
        """Takes out what is in the store. Raises NotRecorded."""
        with self._writing() as connection:
            connection.execute("DELETE FROM rulebook WHERE digest = ?", (digest,))

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """Whether this block is the one that drains; while it runs no other is, in any process."""
        try:
            lock = os.open(
                self._file.with_name(f"{self._file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
            )
        except OSError:
            yield False
            return
        try:
            yield _is_locked(lock)
        finally:
            os.close(lock)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._told():
                if not self._file.exists():
                    with made(self._file):
                        pass
                with closing(connected(self._file)) as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    try:
                        for table in _TABLES:
                            connection.execute(table)
                        yield connection
                        connection.execute("COMMIT")
                    finally:
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
        except OSError as error:
            raise NotRecorded(f"the queue for a store that is down cannot be written: {error.strerror}") from None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # Before the first entry there is no file; between its making and its first COMMIT it is empty.
        with self._told(), closing(connected(self._file if self._file.exists() else Path(":memory:"))) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'waiting'").fetchone() is None:
                connection.execute("ATTACH ':memory:' AS empty_yet")
                for table in _TABLES:
                    connection.execute(table.replace("EXISTS ", "EXISTS empty_yet."))
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            if name.startswith(_DAMAGED):
                raise NotRecorded(f"the queue on disk, {self._file}, is damaged ({name}); {_MEND}") from None
            with told():
                raise


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
