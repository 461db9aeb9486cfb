"""The result as tables of the PostgreSQL server that the source is in: each part in one transaction, with its record."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, cast

import psycopg
from ibis.backends.sql.datatypes import PostgresType
from psycopg import sql

from service.cohort.running.errors import RunError
from service.cohort.running.place import Place, done
from service.cohort.running.plan import RESULTS
from service.cohort.running.postgres import PostgresPlace
from service.cohort.running.record import Record, from_json, to_json

#: what tells the rows of a result apart; of the refused a patient without an id has none
_KEYS: Final = {
    "recommendations": ("patient", "lesion", "technique"),
    "lesions": ("patient", "lesion"),
    "problems": ("table", "item", "problem"),
}
_SUFFIX: Final = {"recommendations": "", "lesions": "_lesions", "refused": "_refused", "problems": "_problems"}
_RUN: Final = "_run"
_NAME: Final = re.compile(r"([a-z_][a-z0-9_]{0,49}\.)?[a-z_][a-z0-9_]{0,49}")


class Tables:
    """`NAME` and the tables beside it. `NAME_run` holds the record of the run, in the JSON of `run.json`."""

    def __init__(self, session: "psycopg.Connection[Any]", name: str) -> None:
        if not _NAME.fullmatch(name):
            raise RunError(
                f"--table {name}: a name of small letters, digits and underscores is needed, perhaps after a schema and a dot"
            )
        self._session = session
        self._name = name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes these tables meanwhile; the lock ends with the session, however it ends."""
        with self._session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"indication {self._name}",))
            if not cast("tuple[bool]", cursor.fetchone())[0]:
                raise RunError(f"{self._name}: another run is writing it; wait for it, or give another --table")
        try:
            yield
        finally:
            if not self._session.closed:
                self._session.execute("SELECT pg_advisory_unlock_all()")

    def record(self, *, force: bool) -> Record | None:
        """See `Output`."""
        if not self._there(_RUN):
            if self._there(""):
                raise RunError(
                    f"{self._name}: there is such a table, and no run of this command made it", "give another --table"
                )
            return None
        row = self._session.execute(self._query("SELECT record FROM {}", _RUN)).fetchone()
        try:
            return from_json(row[0]) if row else None
        except ValueError as error:
            if force:
                return None
            raise RunError(f"{self._name}{_RUN}: {error}", "give another --table, or start anew with --force") from None

    def clear(self) -> None:
        """See `Output`."""
        if self._there(_RUN):
            with self._session.transaction():
                for suffix in (*_SUFFIX.values(), _RUN):
                    self._session.execute(self._query("DROP TABLE IF EXISTS {}", suffix))

    def begin(self, record: Record) -> None:
        """See `Output`."""
        with self._session.transaction():
            self._session.execute(self._query("CREATE TABLE IF NOT EXISTS {} (record text NOT NULL)", _RUN))
            self._write(record)

    def save(self, place: Place, record: Record, number: int, started: float) -> Record:
        """See `Output`."""
        assert isinstance(place, PostgresPlace)
        counts = place.counts()
        with self._session.transaction():
            rows = {name: self._insert(place, name) for name in RESULTS}
            record = record.with_part(done(number, counts, rows, started))
            self._write(record)
        return record

    def finish(self, record: Record) -> Record:
        """See `Output`."""
        record = replace(record, complete=True)
        with self._session.transaction():
            self._write(record)
        return record

    # ---- inside ----

    def _insert(self, place: PostgresPlace, name: str) -> int:
        schema = place.plan.schemas[name]
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(cast("Any", PostgresType.to_string(kind))))
            for column, kind in schema.items()
        ]
        key = [sql.Identifier(column) for column in _KEYS.get(name, ())]
        if key:
            columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(key)))
        table = self._table(_SUFFIX[name])
        made = sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(table, sql.SQL(", ").join(columns))
        self._session.execute(made)
        listed = sql.SQL(", ").join(map(sql.Identifier, schema))
        insert = sql.SQL("INSERT INTO {} AS old ({}) ").format(table, listed)
        query = sql.SQL(cast("Any", place.plan.results[name]))
        again: sql.Composable = sql.SQL("")
        if name == "problems":
            again = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET number = old.number + excluded.number").format(
                sql.SQL(", ").join(key)
            )
        return self._session.execute(insert + query + again).rowcount

    def _write(self, record: Record) -> None:
        self._session.execute(self._query("DELETE FROM {}", _RUN))
        self._session.execute(self._query("INSERT INTO {} VALUES (%s)", _RUN), (to_json(record),))

    def _there(self, suffix: str) -> bool:
        row = self._session.execute("SELECT to_regclass(%s) IS NOT NULL", (self._name + suffix,)).fetchone()
        return bool(row and row[0])

    def _table(self, suffix: str) -> sql.Identifier:
        schema, _, name = self._name.rpartition(".")
        return sql.Identifier(*([schema] if schema else []), name + suffix)

    def _query(self, template: str, suffix: str) -> sql.Composed:
        return sql.SQL(cast("Any", template)).format(self._table(suffix))
