"""Reads a record through a connection: rows in order, a bounded number at a time."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, not_, select

from service.audit import chain
from service.audit.chain import Fault
from service.audit.record import ERASURE, Content, Head, Recorded, Row
from service.audit.tables import CONTENT, HEAD, OVERWRITTEN, RECORD

#: rows held in memory at once
CHUNK = 200

_ROWS = select(RECORD, CONTENT.c.salt, CONTENT.c.body, OVERWRITTEN.label("overwritten")).select_from(
    RECORD.outerjoin(CONTENT)
)


def head(connection: Connection) -> Head | None:
    """The head as it is written down; None when somebody removed it."""
    found = connection.execute(select(HEAD.c.seq, HEAD.c.hash)).first()
    return Head(found.seq, found.hash) if found else None


def row(connection: Connection, identity: str) -> Row | None:
    """The record of this id."""
    found = connection.execute(_ROWS.where(RECORD.c.id == identity)).mappings().first()
    return _row(found) if found else None


def rows(connection: Connection, first: int | None = None, last: int | None = None) -> Iterator[Row]:
    """All records from number `first` to number `last`, gaps or not; without them those that nobody put there properly too."""
    query = _ROWS.order_by(RECORD.c.seq).limit(CHUNK)
    if last is not None:
        query = query.where(RECORD.c.seq <= last)
    following = query if first is None else query.where(RECORD.c.seq >= first)
    while chunk := connection.execute(following).mappings().all():
        yield from map(_row, chunk)
        following = query.where(RECORD.c.seq > chunk[-1]["seq"])


def chosen(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[Row]:
    """The records that fulfil all of `conditions`, in their order."""
    yield from map(_row, connection.execute(_ROWS.where(*conditions).order_by(RECORD.c.seq)).mappings())


def erased(connection: Connection) -> set[str]:
    """The ids that the erasure records name. One that cannot be read names none: verification finds it altered."""
    named: set[str] = set()
    query = select(RECORD.c.seq, RECORD.c.line).where(RECORD.c.kind == ERASURE).order_by(RECORD.c.seq).limit(CHUNK)
    following = query
    while chunk := connection.execute(following).all():
        for found in chunk:
            named |= _named(found.line)
        following = query.where(RECORD.c.seq > chunk[-1].seq)
    return named


def verify(connection: Connection, anchors: Sequence[Head] = ()) -> Fault | None:
    """The first fault of the whole record, None when there is none."""
    contents = 0

    def counted() -> Iterator[Row]:
        nonlocal contents
        for each in rows(connection):
            contents += each.content is not None
            yield each

    end = head(connection)
    fault = chain.verify(counted(), erased(connection), end, anchors)
    if fault is not None:
        return fault
    if end is None:
        return Fault(0, None, "unknown_end", "the head of the chain was removed")
    if connection.execute(select(func.count()).select_from(CONTENT).where(not_(OVERWRITTEN))).scalar() != contents:
        return Fault(end.seq + 1, None, "stray", "there are contents that belong to no record")
    return None


def _named(line: str) -> set[str]:
    try:
        return {each for each in json.loads(line)["erased"] if isinstance(each, str)}
    except (ValueError, KeyError, TypeError):
        return set()


def _row(found: RowMapping) -> Row:
    fields = ("id", "kind", "at", "line", "previous", "seal", "hash")
    recorded = Recorded(found["seq"], *(_text(found[name]) for name in fields))
    if found["body"] is None or found["overwritten"]:
        return Row(recorded, None)
    return Row(recorded, Content(_text(found["salt"]), _text(found["body"])))


def _text(value: Any) -> str:
    """As it stands; what is no text, which SQLite takes from whoever alters a record by hand, fits no hash and no seal."""
    return value if isinstance(value, str) else repr(value)
