"""What the workers of this service must know together: tokens already used, forms waiting to be opened, counts, rates.

One SQLite file beside the processes. It is no record of patients: a waiting form is the only thing in it that speaks of
one. It is overwritten when it is opened or when its time is over, and stands there encrypted under its ticket, of which the
file holds the digest alone: SQLite moves rows from page to page, and what it leaves behind there no deleting reaches.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from service.settings.folder import state_folder

EXTENSION = "indication-store"
#: how long one process waits for another that is writing
WAIT_SECONDS = 2.0
MOST_TICKETS = 10_000
#: the same where an answer must not wait for it
HURRIED_SECONDS = 0.25
#: of how many requests, beyond its burst, a caller may be in debt (a batch and another beside it): what is farther ahead is
#: of another clock, since the machine was started anew
MOST_DEBT = 2_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replay (token BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replay_until ON replay (until);
CREATE TABLE IF NOT EXISTS ticket (id BLOB PRIMARY KEY, body BLOB NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (
  subject TEXT NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (subject, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rate (who BLOB PRIMARY KEY, empty REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rate_empty ON rate (empty);
"""

#: GCRA. `empty` is when the caller's bucket will be empty; each request makes that one interval later. It is refused, and
#: changes nothing, while that is a burst ahead
_SPEND = """
INSERT INTO rate VALUES (:who, :now + :interval)
ON CONFLICT (who) DO UPDATE
SET empty = CASE WHEN empty > :beyond THEN :now ELSE max(empty, :now) END + :interval
WHERE empty <= :full OR empty > :beyond
"""
_CHARGE = """
INSERT INTO rate VALUES (:who, :now + :cost)
ON CONFLICT (who) DO UPDATE SET empty = min(max(empty, :now) + :cost, :beyond)
"""

#: each ticket's key encrypts once
_NONCE = bytes(12)


class Full(Exception):
    """No room for more."""


def default_path() -> Path:
    """The file when none is configured: in the folder of all that the service keeps. Raises PermissionError as that does."""
    named = os.environ.get("INDICATION_STORE")
    return Path(named) if named else state_folder() / "store.sqlite"


class Store:
    """Safe to use from several threads and processes: each opens the file for itself, once."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ready_in = 0
        self._own = threading.local()

    def seen(self, issuer: str, jti: str, until: float) -> bool:
        """Whether this token was used before. From now until `until` (seconds since 1970) it is."""
        token = _digest(issuer, jti)
        with self._writing() as connection:
            connection.execute("DELETE FROM replay WHERE until < ?", (time.time(),))
            done = connection.execute("INSERT OR IGNORE INTO replay VALUES (?, ?)", (token, float(until)))
            return done.rowcount == 0

    def tally(self, subject: str, counts: Mapping[str, int]) -> None:
        """Adds to what is counted of `subject`. Kinds are words of the rulebook, so there is an end to them."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
                [(subject, kind, number) for kind, number in counts.items() if number],
            )

    def tallied(self, subject: str) -> dict[str, int]:
        """All that was counted of `subject`, by kind."""
        rows = self._connection().execute("SELECT kind, number FROM tally WHERE subject = ?", (subject,))
        return dict(rows.fetchall())

    def spend(self, who: bytes, now: float, interval: float, burst: int) -> float:
        """Counts a request of `who` at `now`; 0, or the seconds after which one will be in time.

        `now` is of a clock that all processes share and nobody sets; one request in each `interval` seconds is in time,
        and `burst` of them at once.
        """
        full = now + (burst - 1) * interval
        beyond = full + MOST_DEBT * interval
        with self._writing(hurried=True) as connection:
            # A bucket that is empty says nothing.
            connection.execute("DELETE FROM rate WHERE empty < ?", (now,))
            values = {"who": who, "now": now, "interval": interval, "full": full, "beyond": beyond}
            if connection.execute(_SPEND, values).rowcount:
                return 0.0
            (empty,) = connection.execute("SELECT empty FROM rate WHERE who = ?", (who,)).fetchone()
            return float(empty) - full

    def charge(self, who: bytes, now: float, interval: float, burst: int, number: int) -> None:
        """Counts `number` requests more, in time or not: what follows them waits the longer."""
        beyond = now + (burst - 1 + MOST_DEBT) * interval
        with self._writing(hurried=True) as connection:
            connection.execute(_CHARGE, {"who": who, "now": now, "cost": number * interval, "beyond": beyond})

    def ticket_put(self, body: bytes, ttl_s: float) -> str:
        """A name nobody can guess, under which `body` can be taken once within `ttl_s` seconds. Raises Full."""
        ticket = secrets.token_urlsafe(32)
        now = time.time()
        with self._writing() as connection:
            connection.execute("DELETE FROM ticket WHERE until < ?", (now,))
            (held,) = connection.execute("SELECT count(*) FROM ticket").fetchone()
            if held >= MOST_TICKETS:
                raise Full
            row = (_digest(ticket), _cipher(ticket).encrypt(_NONCE, body, None), now + ttl_s)
            connection.execute("INSERT INTO ticket VALUES (?, ?, ?)", row)
        return ticket

    def ticket_take(self, ticket: str) -> bytes | None:
        """What waits under this name, which is then gone; None when there is nothing, no longer, or not as it was put."""
        now = time.time()
        with self._writing() as connection:
            found = connection.execute("SELECT body, until FROM ticket WHERE id = ?", (_digest(ticket),)).fetchone()
            connection.execute("DELETE FROM ticket WHERE id = ? OR until < ?", (_digest(ticket), now))
        # What was taken must not stay behind in the write-ahead log either.
        self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if found is None or found[1] < now:
            return None
        try:
            return _cipher(ticket).decrypt(_NONCE, bytes(found[0]), None)
        except InvalidTag:
            return None

    def tidy(self) -> None:
        """Overwrites forms whose time is over, in the write-ahead log too. Cheap; whoever probes the service calls it."""
        now = time.time()
        if self._connection().execute("SELECT 1 FROM ticket WHERE until < ? LIMIT 1", (now,)).fetchone():
            with self._writing() as connection:
                connection.execute("DELETE FROM ticket WHERE until < ?", (now,))
        self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _writing(self, hurried: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection inside one transaction that no other process can come between.

        `hurried`: it waits for no other for long, nor for the disk: what is lost when the machine fails is no loss.
        """
        connection = self._connection()
        wait, synchronous = (HURRIED_SECONDS, "NORMAL") if hurried else (WAIT_SECONDS, "FULL")
        connection.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection to the file as it is now: opening one costs a hundred times what an operation does."""
        path = self._path = self._path or default_path()
        if self._ready_in != os.getpid() or not path.exists():
            self._prepare(path)
        # A connection must not cross a fork, nor outlive the file that it was opened on.
        here = (os.getpid(), path.stat().st_ino)
        if getattr(self._own, "here", None) != here:
            self._own.connection, self._own.here = _connected(path), here
        found: sqlite3.Connection = self._own.connection
        return found

    def _prepare(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite would make it readable for others; its companion files take the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        path.chmod(0o600)
        with closing(_connected(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        self._ready_in = os.getpid()


def current() -> Store:
    """The store of the current application: the file STORE, else the one of `default_path`."""
    found: Store | None = current_app.extensions.get(EXTENSION)
    if found is None:
        path = current_app.config.get("STORE")
        found = current_app.extensions[EXTENSION] = Store(Path(path) if path else None)
    return found


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    # What was taken or has expired is overwritten, not only forgotten.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _cipher(ticket: str) -> AESGCM:
    """What opens the one form that waits under this ticket. A ticket is 256 random bits, so nothing need be stretched."""
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"indication ticket").derive(ticket.encode()))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
