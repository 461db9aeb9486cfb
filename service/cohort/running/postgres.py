"""A cohort whose parts a PostgreSQL server computes: only what comes of them leaves it, or not even that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import psycopg
from ibis.backends.sql.datatypes import DuckDBType

from service.cohort.engines.duckdb import connect
from service.cohort.engines.postgres import PostgresEngine
from service.cohort.engines.sql import as_sql
from service.cohort.engines.steps import making, without_values
from service.cohort.layout import LESIONS, PATIENTS
from service.cohort.running.output import text, written
from service.cohort.running.place import Counts, Form, Size, Step
from service.cohort.running.plan import Judge, Plan, compiled, raw_name
from service.query.columns import PATIENT

#: bytes that turning rows into Parquet may take here
_LITTLE = 300_000_000


class PostgresPlace:
    """Computes the parts of a cohort in temporary tables of one session of the server. `work`: for files on their way."""

    def __init__(self, engine: PostgresEngine, tables: Mapping[str, ir.Table], judge: Judge, work: Path) -> None:
        self._engine = engine
        self._tables = dict(tables)
        self._judge = judge
        self._work = work
        self._parts = 1
        self._planned: Plan | None = None

    def computed_by(self) -> str:
        """See `Place`."""
        return f"postgresql {self.session.info.server_version // 10_000}"

    def size(self) -> Size:
        """See `Place`."""
        patients, lesions = (int(self._value(self._tables[name].count())) for name in (PATIENTS, LESIONS))
        return Size(patients, lesions)

    def prepare(self, parts: int, step: Step, *, begun: bool) -> int:
        """See `Place`. A patient's part is told by a hash, so that nothing need be written down of it."""
        self._parts = parts
        step("compiling the rules")
        schemas = {name: table.schema() for name, table in self._tables.items()}
        self._planned = compiled(self._judge, schemas, "postgres")
        return parts

    def missing(self) -> tuple[str, ...]:
        """See `Place`."""
        return self.plan.missing

    def compute(self, number: int, step: Step) -> None:
        """See `Place`."""
        for name, table in self._tables.items():
            step(name)
            rows = table.filter(self._part(table) == number - 1) if self._parts > 1 else table
            self._run(raw_name(name), making("postgres", raw_name(name), rows, as_sql("postgres", rows)))
        for each in self.plan.steps:
            step(each.name)
            self._run(each.name, (*each.making, *each.dropping))

    def counts(self) -> Counts:
        """See `Place`."""
        ((patients, problems),) = self._rows(self.plan.counts["numbers"])
        return Counts(int(patients), int(problems), dict(self._rows(self.plan.counts["refused"])))

    def write(self, name: str, path: Path, form: Form) -> int:
        """See `Place`."""
        self._work.mkdir(parents=True, exist_ok=True)
        fetched = self._work / f"{name}.fetched.tmp"
        try:
            self._fetch(self.plan.ordered[name], fetched)
            columns = {column: DuckDBType.to_string(kind) for column, kind in self.plan.schemas[name].items()}
            duck = connect(memory=_LITTLE, threads=1)
            # NULL is written as nothing, an empty text as two quotation marks.
            listed = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
            rows = (
                f"FROM read_csv({text(fetched)}, header = false, auto_detect = false, delim = ',', quote = '\"', "
                f"escape = '\"', nullstr = '', allow_quoted_nulls = false, columns = {{{listed}}})"
            )
            number = written(duck.connection.con, rows, path, form)
            duck.close()
            return number
        finally:
            fetched.unlink(missing_ok=True)

    def forget(self) -> None:
        """See `Place`."""
        self._run("end", self.plan.clearing)

    # ---- for the output that stays in the server ----

    @property
    def plan(self) -> Plan:
        assert self._planned is not None
        return self._planned

    @property
    def session(self) -> "psycopg.Connection[Any]":
        """The session that holds the temporary tables."""
        session: psycopg.Connection[Any] = self._engine.connection.con
        return session

    # ---- inside ----

    def _part(self, table: ir.Table) -> ir.IntegerValue:
        """The part of a row, from 0."""
        hashed = table[PATIENT].cast("string").hash()
        part: ir.IntegerValue = (hashed % self._parts).abs().fill_null(0)
        return part

    def _fetch(self, query: str, path: Path) -> None:
        with (
            self.session.cursor() as cursor,
            path.open("wb") as file,
            cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as rows,
        ):
            for data in rows:
                file.write(data)

    def _run(self, name: str, statements: tuple[str, ...]) -> None:
        with without_values(name, psycopg.DataError), self.session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())

    def _rows(self, query: str) -> list[Any]:
        with self.session.cursor() as cursor:
            return cursor.execute(query.encode()).fetchall()

    def _value(self, expr: ir.Scalar) -> Any:
        return self._rows(as_sql("postgres", expr.as_table()))[0][0]
