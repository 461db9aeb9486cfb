"""The record: append before the answer leaves, find again, erase, verify. One object for all threads and processes of a service."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy import Connection, insert, not_, select

from service.audit import appending, reading
from service.audit.chain import Fault
from service.audit.circuit import Circuit
from service.audit.database import Database
from service.audit.errors import NotKnown, NotRecorded, WrongStore
from service.audit.record import ERASURE, Entry, Head, Row
from service.audit.spool import Spool
from service.audit.tables import CONTENT, OVERWRITTEN, RECORD, RULEBOOK

WhenDown: TypeAlias = Literal["refuse", "spool"]

#: contents erased in one transaction, and named by one record
ERASED_AT_ONCE = 300
#: how many that wait are put into the store by whoever appends next, and how many of them in one transaction
DRAINED_AT_MOST = 500
DRAINED_AT_ONCE = 100
#: numbers looked through in one statement, so that none takes long however few are found
_SPAN = 2000


class Record:
    """The record of decisions at one address. Everything may raise NotRecorded: the store did not answer, or not in time."""

    def __init__(self, database: Database, spool: Spool | None = None, when_down: WhenDown = "refuse") -> None:
        """`open` is the way in."""
        self._database = database
        self._spool = spool
        self._may_wait = when_down == "spool"
        self._circuit = Circuit()

    @classmethod
    def open(cls, url: str, spool: Path | None = None, when_down: WhenDown = "refuse") -> "Record":
        """The record at `url`: `sqlite:///path` or `postgresql://…`, its tables made or brought to this version if need be.

        A store that is down now is no error: it is opened when it is back. With `when_down="spool"` entries wait in the file
        `spool` until then; with `refuse` none is added to it, but those of an earlier setting are still put into the store.
        Raises WrongStore for what waiting does not mend.
        """
        if when_down == "spool" and spool is None:
            raise ValueError("to spool, name the file of the spool")
        has_spool = spool is not None and (when_down == "spool" or spool.exists())
        record = cls(Database(url), Spool(spool) if spool is not None and has_spool else None, when_down)
        try:
            record._database.prepare()
        except WrongStore:
            record.close()
            raise
        except NotRecorded as error:
            record._circuit.failed(str(error))
        return record

    def close(self) -> None:
        """Closes the connections of this process; the next use opens new ones."""
        self._database.close()

    @property
    def database(self) -> Database:
        """Where it is kept."""
        return self._database

    # ---- writing ----

    def append(self, entry: Entry) -> None:
        """Appends one entry: when this returns it is on disk, in the store or in the spool. An id that is there is left as it is.

        Raises NotRecorded: it must be taken for not recorded, and may be tried again under the same id.
        """
        self.append_many((entry,))

    def append_many(self, entries: Iterable[Entry]) -> None:
        """Appends all or none, in their order, as `append` does one."""
        given = tuple(entries)
        if any(entry.kind == ERASURE for entry in given):
            raise ValueError("an erasure is recorded by `erase` alone")
        if not given:
            return
        if self._spool is None:
            self._to_store(given)
            return
        # Behind those that wait; and none waits when this one is the first that the store takes again.
        if not self._may_wait:
            self._drained()
            self._to_store(given)
            return
        with suppress(NotRecorded):
            self._drained()
            self._to_store(given)
            return
        self._spool.add(given)

    def refuses(self) -> str | None:
        """Why the store takes nothing now, as far as this process knows; None when it took the last entry.

        When it did not, it is tried again, with a COMMIT that changes nothing: on a quiet night only probes come.
        """
        if self._circuit.reason is not None:
            with suppress(NotRecorded):
                self._written(appending.touch)
        return self._circuit.reason

    def waiting(self) -> int:
        """How many entries wait in the spool."""
        return 0 if self._spool is None else self._spool.length()

    def may_wait(self) -> None:
        """Raises NotRecorded when no entry may wait: the policy is another, or the spool would not take it now."""
        if self._spool is None or not self._may_wait:
            raise NotRecorded("nothing may wait here")
        self._spool.tried()

    def drain(self, most: int = DRAINED_AT_MOST) -> int:
        """Puts up to `most` that wait into the store; how many wait still. Whoever appends does this; it may also be called.

        Nothing is done while somebody else does it.
        """
        if self._spool is None or self._spool.is_empty():
            return 0
        with self._spool.draining() as is_mine:
            for digest, body in self._spool.rulebooks() if is_mine else ():
                self._rulebook_to_store(digest, body)
                self._spool.remove_rulebook(digest)
            while is_mine and most > 0 and (batch := self._spool.first(min(most, DRAINED_AT_ONCE))):
                # Cut off between these two lines, the next one finds these ids in the store and leaves them as they are.
                self._to_store([entry for _, entry in batch])
                self._spool.remove([place for place, _ in batch])
                most -= len(batch)
        return self._spool.length()

    def keep_rulebook(self, digest: str, body: bytes) -> None:
        """Keeps a rulebook under its digest; one that is kept already is left as it is.

        The chain does not cover `body`: whoever takes it out computes its digest, which each decision's line holds.
        """
        if self._spool is None:
            self._rulebook_to_store(digest, body)
            return
        try:
            self._rulebook_to_store(digest, body)
        except NotRecorded:
            if not self._may_wait:
                raise
            self._spool.add_rulebook(digest, body)

    def erase(self, ids: Iterable[str], reason: str, at: str, by: str) -> int:
        """Erases the contents of these records, in this order, and records that; how many contents that were. The chain stays whole.

        `reason` and `by` stay for ever and must not be personal. Some hundreds are erased at a time: cut off in between, a
        part is erased and recorded, and the error says how many. Raises NotKnown, with nothing erased, when one is no
        record; ValueError for `at`.
        """
        self.drain(most=self.waiting())
        wanted = list(dict.fromkeys(ids))
        with self._database.reading() as connection:
            missing = set(wanted) - appending.ids_there(connection, wanted)
        if missing:
            raise NotKnown(f"there is no record {min(missing)}: nothing was erased")
        erased = 0
        for start in range(0, len(wanted), ERASED_AT_ONCE):
            some = wanted[start : start + ERASED_AT_ONCE]
            entry = Entry(uuid.uuid4().hex, ERASURE, at, {"reason": reason, "by": by}, {})

            def work(connection: Connection, some: Sequence[str] = some, entry: Entry = entry) -> int:
                return appending.erase(connection, some, entry)

            try:
                erased += self._database.write(work)
            except NotRecorded as error:
                if not erased:
                    raise
                raise NotRecorded(f"{erased} contents were erased, and then {error}") from None
        with suppress(NotRecorded):  # it is erased and recorded: `forget` says whether the log is empty too
            self.forget()
        return erased

    def forget(self, patience: float = 0) -> bool:
        """Takes what was erased out of SQLite's log as well. False when somebody still read the record after so many seconds."""
        return self._database.forget_erased(patience)

    # ---- reading ----

    def head(self) -> Head:
        """The last record. Written down elsewhere, it is an anchor for `verify`."""
        with self._database.looking() as connection:
            found = reading.head(connection)
        if found is None:
            raise WrongStore("the head of the record was removed. Restore a backup")
        return found

    def get(self, identity: str) -> Row:
        """The record of this id. Raises NotKnown, also for what still waits in the spool."""
        with self._database.looking() as connection:
            found = reading.row(connection, identity)
        if found is None:
            raise NotKnown(f"there is no record {identity}")
        return found

    def rows(self, first: int = 1, last: int | None = None) -> Iterator[Row]:
        """The records from number `first` to number `last`, read some hundreds at a time; by default to the last there is now."""
        end = self.head().seq if last is None else last
        while first <= end:
            until = min(first + reading.CHUNK - 1, end)
            with self._database.reading() as connection:
                chunk = list(reading.rows(connection, first, until))
            yield from chunk
            first = until + 1

    def find(
        self,
        since: str | None = None,
        until: str | None = None,
        kind: str | None = None,
        door: str | None = None,
        client: str | None = None,
        first: int = 1,
    ) -> Iterator[Row]:
        """Records in their order, from number `first` on.

        `since` ≤ at < `until`, as an entry's `at` is written; `door` and `client` as lines have them.
        """
        conditions = []
        if since is not None:
            conditions.append(RECORD.c.at >= since)
        if until is not None:
            conditions.append(RECORD.c.at < until)
        if kind is not None:
            conditions.append(RECORD.c.kind == kind)
        wanted = {name: value for name, value in (("door", door), ("client", client)) if value is not None}
        end = self.head().seq
        for begin in range(first, end + 1, _SPAN):
            with self._database.reading() as connection:
                span = RECORD.c.seq.between(begin, min(begin + _SPAN - 1, end))
                found = reading.chosen(connection, span, *conditions)
                chosen = [row for row in found if not wanted or _has(row, wanted)]
            yield from chosen

    def expired(self, before: str) -> Iterator[str]:
        """The ids of records from before this moment whose content is still there. They may be erased while this is read."""
        end = self.head().seq
        query = (
            select(RECORD.c.id).join(CONTENT).where(RECORD.c.at < before, RECORD.c.kind != ERASURE, not_(OVERWRITTEN))
        )
        for first in range(1, end + 1, _SPAN):
            with self._database.reading() as connection:
                span = RECORD.c.seq.between(first, min(first + _SPAN - 1, end))
                found = connection.execute(query.where(span).order_by(RECORD.c.seq)).scalars().all()
            yield from found

    def rulebook(self, digest: str) -> bytes:
        """The rulebook that was kept under this digest. Raises NotKnown."""
        with self._database.looking() as connection:
            found = connection.execute(select(RULEBOOK.c.body).where(RULEBOOK.c.digest == digest)).scalar()
        if found is None:
            raise NotKnown(f"no rulebook of the digest {digest} was kept")
        return bytes(found)

    def verify(self, anchors: Sequence[Head] = ()) -> Fault | None:
        """The first fault of the whole record as it stands now; None when there is none."""
        with self._database.reading() as connection:
            return reading.verify(connection, anchors)

    # ---- the store, or the spool ----

    def _to_store(self, entries: Sequence[Entry]) -> None:
        self._written(lambda connection: appending.append(connection, entries))

    def _rulebook_to_store(self, digest: str, body: bytes) -> None:
        row = {"digest": digest, "body": body, "first_seen": _now()}

        def kept(connection: Connection) -> None:
            appending.hold(connection)
            if connection.execute(select(RULEBOOK.c.digest).where(RULEBOOK.c.digest == digest)).first() is None:
                connection.execute(insert(RULEBOOK), row)

        self._written(kept)

    def _written(self, work: Callable[[Connection], None]) -> None:
        if self._circuit.is_open():
            raise NotRecorded("the record's store was down a moment ago; it is tried again every few seconds")
        try:
            self._database.write(work)
        except NotRecorded as error:
            self._circuit.failed(str(error))
            raise
        self._circuit.worked()

    def _drained(self) -> None:
        if self.drain():
            raise NotRecorded("what waits in the spool goes first")


def _has(row: Row, wanted: dict[str, str]) -> bool:
    try:
        line = json.loads(row.recorded.line)
    except ValueError:
        return False
    return isinstance(line, dict) and all(line.get(name) == value for name, value in wanted.items())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
