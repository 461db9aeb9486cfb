"""The database of a record: connections, transactions, time limits, and what may go wrong said without a word of what was written."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.audit.address import Address, address
from service.audit.errors import NotRecorded
from service.audit.files import LOCK_SECONDS, made, set_up
from service.audit.migrating import is_ready, migrate

Result = TypeVar("Result")

#: to reach a server, and to get a connection of the pool, in seconds
CONNECT_SECONDS = 3
#: for one statement
STATEMENT_SECONDS = 4
#: for one transaction that writes
WRITE_SECONDS = 5
#: for one statement of a long reading: verification, backup
LONG_SECONDS = 120
#: how long the log may hold up whoever appends while it is to be emptied, and for how long it lets them go on then
_MOMENT_MS = 50
_PAUSE_SECONDS = 0.5
#: connections that one process holds at most
CONNECTIONS = 8

#: what the databases call what went wrong: SQLite's names, PostgreSQL's classes of errors
_REASONS: Mapping[str, str] = {
    "SQLITE_FULL": "its disk is full",
    "DiskFull": "its disk is full",
    "SQLITE_BUSY": "somebody else holds it",
    "LockNotAvailable": "somebody else holds it",
    "QueryCanceled": "it is too slow",
    "SQLITE_READONLY": "it cannot be written to",
    "ReadOnlySqlTransaction": "it cannot be written to",
    "SQLITE_CANTOPEN": "its file cannot be opened",
    "SQLITE_IOERR": "its disk fails or is full",
    "SQLITE_CORRUPT": "its file is damaged: restore a backup",
    "SQLITE_NOTADB": "its file is no database",
    "PoolTimeout": "all connections to it are in use",
    "InsufficientPrivilege": "its user may not do this there: it must own the tables, or be let make them",
    "OperationalError": "it cannot be reached, or does not let this service in",
}


class _Unsure(NotRecorded):
    """The connection was lost, or the COMMIT failed: it may be written or not."""


class Database:
    """Safe for threads and processes. Nothing is connected to before it is needed."""

    def __init__(self, where: str | Address) -> None:
        """Raises WrongStore when `where` is no address of a record."""
        self._address = address(where) if isinstance(where, str) else where
        #: by process: a connection must not cross a fork, and what was inherited is never closed here either
        self._engines: dict[int, Engine] = {}
        self._is_ready = False
        self._inode: int | None = None

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def file(self) -> Path | None:
        """The file, of SQLite."""
        return self._address.file

    def prepare(self) -> None:
        """Makes the file and the tables if need be, once. Raises NotRecorded, WrongStore."""
        if self._is_ready:
            self._is_still_there()
            return
        try:
            if self.file is not None:
                with told(), made(self.file):
                    self._once(migrate)
                self._inode = self.file.stat().st_ino
            elif not self._once(is_ready):
                self._once(migrate)
        except OSError as error:
            raise NotRecorded(f"the record's file cannot be made: {error.strerror}") from None
        self._is_ready = True

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, once it is on disk. `work` may be run twice, so it must see what it did the first time.

        Raises NotRecorded: then nothing was written, or (a lost connection) nobody knows.
        """
        self.prepare()
        try:
            return self._once(work)
        except _Unsure:
            return self._once(work)

    @contextmanager
    def writing_much(self) -> Iterator[Connection]:
        """One transaction that may take long. Raises NotRecorded."""
        self.prepare()
        with told(), self._connected(writes=True, seconds=None) as connection, connection.begin():
            _allow_long(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """What stands in the record at one moment, whatever is appended meanwhile. Raises NotRecorded."""
        self.prepare()
        with told(), self._connected(writes=False, seconds=None) as connection, connection.begin():
            _allow_long(connection)
            yield connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """The same for a look at one row, which somebody waits for: it has the time of a transaction that writes."""
        self.prepare()
        with told(), self._connected(writes=False, seconds=WRITE_SECONDS) as connection, connection.begin():
            yield connection

    def forget_erased(self, patience: float = 0) -> bool:
        """Takes what was erased out of SQLite's write-ahead log too. False when somebody still read it after so many seconds."""
        if self.file is None:
            return True
        end = time.monotonic() + patience
        with told(), closing(self._engine().raw_connection()) as connection:
            cursor = connection.cursor()
            # While it waits for readers nobody can append: so it waits a moment only, and comes again.
            cursor.execute(f"PRAGMA busy_timeout = {_MOMENT_MS}")
            try:
                while is_read := bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]):
                    if time.monotonic() >= end:
                        break
                    time.sleep(_PAUSE_SECONDS)
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {1000 * LOCK_SECONDS}")
        return not is_read

    def close(self) -> None:
        """Closes this process's connections. The next use opens new ones."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    def _once(self, work: Callable[[Connection], Result]) -> Result:
        is_at_commit = False
        try:
            with self._connected(writes=True, seconds=WRITE_SECONDS) as connection, connection.begin():
                result = work(connection)
                is_at_commit = True
        except (SQLAlchemyError, sqlite3.Error) as error:
            # No cause is shown: it would quote the statement.
            if is_at_commit or (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise _Unsure(_reason(error)) from None
            raise NotRecorded(_reason(error)) from None
        return result

    @contextmanager
    def _connected(self, *, writes: bool, seconds: float | None) -> Iterator[Connection]:
        options: dict[str, Any] = {"writes": writes}
        if self.file is None and not writes:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._engine().connect().execution_options(**options) as connection:
            if self.file is not None:
                yield connection
                return
            server: Any = connection.connection.dbapi_connection
            server.until = None if seconds is None else time.monotonic() + seconds
            server.answer_seconds = LONG_SECONDS if seconds is None else WRITE_SECONDS
            try:
                yield connection
            finally:
                server.until = None
                # Whoever takes this connection next asks first whether it still lives: that must not wait as a backup may.
                server.answer_seconds = WRITE_SECONDS

    def _engine(self) -> Engine:
        found = self._engines.get(os.getpid())
        if found is None:
            made = _sqlite(self._address.url) if self.file is not None else _postgres(self._address.url)
            found = self._engines.setdefault(os.getpid(), made)
        return found

    def _is_still_there(self) -> None:
        """Raises NotRecorded when the file is no longer the one that was opened: what is written into a file without a name is lost."""
        if self.file is None:
            return
        try:
            inode = self.file.stat().st_ino
        except OSError:
            inode = None
        if inode != self._inode:
            raise NotRecorded(
                "the record's file is gone, or another stands in its place: put it back, or stop the service and start it again"
            )


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        connect_args={"timeout": LOCK_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        set_up(connection)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL) -> Engine:
    # Imported where it is needed: a record in SQLite needs no driver of PostgreSQL.
    from service.audit.limited import LimitedConnection

    limits = {
        "statement_timeout": STATEMENT_SECONDS,
        "lock_timeout": LOCK_SECONDS,
        # A connection that was cut without the server's noticing must not hold the head for long.
        "idle_in_transaction_session_timeout": WRITE_SECONDS,
    }
    durable = "-c synchronous_commit=on"
    given = str(url.query.get("options", ""))
    engine = create_engine(
        url,
        hide_parameters=True,
        # Whatever the server does by default: of two that append at once the second waits for the head, and then sees it.
        isolation_level="READ COMMITTED",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            # A COMMIT is on disk when it returns, whatever the server does by default.
            "options": " ".join((given, durable, *(f"-c {name}={seconds}s" for name, seconds in limits.items()))),
            "fallback_application_name": "indication",
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, arguments: Any, named: Any) -> LimitedConnection:
        return LimitedConnection.connect(*arguments, **named)

    return engine


def _allow_long(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = '{LONG_SECONDS}s'"))


@contextmanager
def told() -> Iterator[None]:
    """Whatever a database complains of, as NotRecorded."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise NotRecorded(_reason(error)) from None


def _reason(error: Exception) -> str:
    """What went wrong, by the database's name for it: its own message may quote what was to be written."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    name = "PoolTimeout" if isinstance(error, PoolTimeout) else type(cause).__name__
    name = getattr(cause, "sqlite_errorname", name)
    for known, words in _REASONS.items():
        if name.startswith(known):
            return f"the record's store cannot be used: {words} ({name})"
    return f"the record's store cannot be used ({name})"
