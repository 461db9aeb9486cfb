"""Appends to a record and erases from it, inside a transaction that its caller commits."""

import json
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Function,
    LargeBinary,
    cast,
    delete,
    func,
    insert,
    not_,
    select,
    update,
)

from service.audit import chain
from service.audit.errors import NotKnown, WrongStore
from service.audit.record import ERASURE, Content, Entry, Head, Recorded, Row
from service.audit.tables import CONTENT, HEAD, NO_SALT, OVERWRITTEN, RECORD

SALT_BYTES = 32
#: ids asked for in one statement: SQLite takes a bounded number of parameters
_AT_ONCE = 500


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Appends those entries whose id is not there yet, in their order."""
    end = hold(connection)
    there = ids_there(connection, [entry.id for entry in entries])
    rows: list[Row] = []
    for entry in entries:
        if entry.id not in there:
            there.add(entry.id)
            rows.append(chain.chained(entry, end, secrets.token_hex(SALT_BYTES)))
            end = chain.head_after(rows[-1])
    if rows:
        put(connection, rows)
        move_head(connection, end)


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """Writes rows as they are."""
    connection.execute(insert(RECORD), [_fields(row.recorded) for row in rows])
    contents = [_content(row.recorded.id, row.content) for row in rows if row.content is not None]
    if contents:
        connection.execute(insert(CONTENT), contents)


def move_head(connection: Connection, end: Head) -> None:
    """Writes down which record is the last."""
    connection.execute(update(HEAD).values(seq=end.seq, hash=end.hash))


def touch(connection: Connection) -> None:
    """Writes the head as it is: whether the store takes anything at all."""
    end = hold(connection)
    move_head(connection, end)


def erase(connection: Connection, ids: Collection[str], erasure: Entry) -> int:
    """Erases the contents of `ids` (some hundreds at most) that are still there, and appends the record that says so; how many those were.

    Raises NotKnown when one of `ids` is no record.
    """
    hold(connection)
    done = connection.execute(select(RECORD.c.line).where(RECORD.c.id == erasure.id)).scalar()
    if done is not None:  # by the first try
        return len(json.loads(done)["erased"])
    known = ids_there(connection, ids)
    if missing := set(ids) - known:
        raise NotKnown(f"there is no record {min(missing)}: nothing was erased")
    asked = select(CONTENT.c.id).where(CONTENT.c.id.in_(sorted(known)), not_(OVERWRITTEN))
    there = sorted(connection.execute(asked).scalars())
    if there:
        _take_away(connection, CONTENT.c.id.in_(there))
        line = {**erasure.line, "erased": there}
        append(connection, [Entry(erasure.id, ERASURE, erasure.at, line, {})])
    return len(there)


def _take_away(connection: Connection, chosen: ColumnElement[bool]) -> None:
    """Overwrites contents where they stand, in SQLite; elsewhere deletes them.

    SQLite overwrites what is deleted (secure_delete), but a deletion moves neighbours to other pages, and of those the former
    bytes stay. What is replaced by as many bytes is written over in place, and nothing moves.
    """
    if connection.dialect.name == "sqlite":
        size = func.length(cast(CONTENT.c.body, LargeBinary))
        connection.execute(update(CONTENT).where(chosen).values(salt=NO_SALT, body=func.substr(_zeros(size), 1, size)))
    else:
        connection.execute(delete(CONTENT).where(chosen))


def _zeros(size: ColumnElement[int]) -> Function[str]:
    """A text of so many "0", or one more."""
    return func.hex(func.zeroblob((size + 1) / 2))


def ids_there(connection: Connection, ids: Collection[str]) -> set[str]:
    """Which of `ids` are recorded."""
    wanted = list(ids)
    found: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found |= set(connection.execute(select(RECORD.c.id).where(RECORD.c.id.in_(some))).scalars())
    return found


def hold(connection: Connection) -> Head:
    """The head, which nobody else can move before this transaction ends (in SQLite nobody else writes at all)."""
    found = connection.execute(select(HEAD.c.seq, HEAD.c.hash).with_for_update()).first()
    if found is None:
        raise WrongStore("the head of the record was removed: nothing can be appended. Restore a backup")
    return Head(found.seq, found.hash)


def _fields(recorded: Recorded) -> dict[str, Any]:
    return {name: getattr(recorded, name) for name in RECORD.c.keys()}  # noqa: SIM118 - a collection of columns, no dict


def _content(identity: str, content: Content) -> dict[str, str]:
    return {"id": identity, "salt": content.salt, "body": content.body}
