"""A cohort whose parts DuckDB computes in this process: from files, or from the tables of a DuckDB file."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.expr.operations import PhysicalTable

from service.cohort.engines.duckdb import WITH_VALUES, DuckDBEngine
from service.cohort.engines.sql import as_sql
from service.cohort.engines.steps import table_name, without_values
from service.cohort.layout import LESIONS, PATIENTS
from service.cohort.running.errors import RunError
from service.cohort.running.files import write_whole
from service.cohort.running.memory import Memory
from service.cohort.running.ordered import copy_in_runs
from service.cohort.running.output import written
from service.cohort.running.place import Counts, Form, Size, Step
from service.cohort.running.plan import Judge, Plan, compiled, raw_name
from service.cohort.running.ranges import Ranges, as_text, identity, ranges
from service.query.columns import PATIENT

#: ids from which the ranges are drawn
_SAMPLE: Final = 200_000
#: rows that are about as dear to skip as to read, when few of them are wanted
_BLOCK: Final = 20_000
#: reading everything so often costs as much as putting the rows in order first
_OFTEN: Final = 8.0
#: shares of the memory while rows are put in order: for the engine, and for the rows held beside it
_WHILE_ORDERING, _RUN = 0.35, 0.12


class DuckPlace:
    """Computes the parts of a cohort in an embedded DuckDB. `work` holds what is kept between two runs."""

    def __init__(
        self,
        engine: DuckDBEngine,
        tables: Mapping[str, ir.Table],
        judge: Judge,
        work: Path,
        memory: Memory,
        *,
        text_files: bool,
    ) -> None:
        self._engine = engine
        self._tables = dict(tables)
        self._judge = judge
        self._work = work
        self._memory = memory
        self._text_files = text_files
        self._ranges = Ranges()
        self._planned: Plan | None = None

    # ---- cutting ----

    def computed_by(self) -> str:
        """See `Place`."""
        return f"duckdb {duckdb.__version__}"

    def size(self) -> Size:
        """See `Place`."""
        patients, lesions = (int(self._value(self._tables[name].count())) for name in (PATIENTS, LESIONS))
        return Size(patients, lesions)

    def prepare(self, parts: int, step: Step, *, begun: bool) -> int:
        """See `Place`. Text files and rows in no order are copied first, since each part would read them whole."""
        file = self._work / "ranges.json"
        if file.exists():
            self._ranges = Ranges.read(file)
        elif parts > 1 and begun:
            raise RunError(f"{file}: is gone, and without it the parts cannot be told apart", "start anew with --force")
        elif parts > 1:
            step("cutting the cohort into parts")
            self._ranges = self._drawn(parts)
            self._work.mkdir(parents=True, exist_ok=True)
            write_whole(file, self._ranges.text())
        if self._ranges.parts > 1:
            for name in list(self._tables):
                self._in_order(name, step)
        step("compiling the rules")
        for name in self._tables:
            self._show(name, 1)
        schemas = {name: table.schema() for name, table in self._tables.items()}
        self._planned = compiled(self._judge, schemas, "duckdb")
        return self._ranges.parts

    def _drawn(self, parts: int) -> Ranges:
        known = self._ids(PATIENTS).filter(lambda t: t[PATIENT].notnull())
        number = int(self._value(known.count()))
        drawn = known.sample(min(1.0, _SAMPLE / number)) if number else known
        return ranges([row[0] for row in self._rows(drawn)], parts)

    def _ids(self, name: str) -> ir.Table:
        table = self._tables[name]
        return table.select(**{PATIENT: identity(table, text=as_text(self._tables.values()))})

    def _in_order(self, name: str, step: Step) -> None:
        """Goes on from a copy of the table in order, where that is worth it; made once."""
        copy = self._work / "in-order" / name
        if not copy.exists():
            if not (self._slow(name) or self._read_again(name) > _OFTEN):
                return
            step(f"putting {name} in order")
            unfinished = copy.with_name(f"{name}.tmp")
            shutil.rmtree(unfinished, ignore_errors=True)
            with self._little_memory():
                reader = self._engine.connection.con.sql(as_sql("duckdb", self._tables[name])).to_arrow_reader(10_000)
                copy_in_runs(reader, unfinished, int(self._memory.total * _RUN), self._ranges.parts)
            unfinished.replace(copy)
        self._tables[name] = self._engine.connection.read_parquet(
            str(copy / "*.parquet"), table_name=f"in_order_{name}"
        )

    def _slow(self, name: str) -> bool:
        """Whether the rows of a part can only be had by reading the table whole."""
        return self._text_files or not isinstance(self._tables[name].op(), PhysicalTable)

    def _read_again(self, name: str) -> float:
        """How often the blocks of a table would be read."""
        blocks = self._ids(name).mutate(block=ibis.row_number() // _BLOCK).group_by("block")
        edges = blocks.agg(low=lambda t: t[PATIENT].min(), high=lambda t: t[PATIENT].max())
        self._run("SET preserve_insertion_order = true")
        found = self._rows(edges.filter(edges.low.notnull()).select("low", "high"))
        self._run("SET preserve_insertion_order = false")
        return self._ranges.read_again(found)

    @contextmanager
    def _little_memory(self) -> Iterator[None]:
        self._run(f"SET memory_limit = '{int(self._memory.total * _WHILE_ORDERING)}B'")
        try:
            yield
        finally:
            self._run(f"SET memory_limit = '{self._memory.engine}B'")

    # ---- computing ----

    def missing(self) -> tuple[str, ...]:
        """See `Place`."""
        return self._plan.missing

    def compute(self, number: int, step: Step) -> None:
        """See `Place`."""
        for name in self._tables:
            self._show(name, number)
        for each in self._plan.steps:
            step(each.name)
            with without_values(each.name, *WITH_VALUES):
                for statement in (*each.making, *each.dropping):
                    self._run(statement)

    def counts(self) -> Counts:
        """See `Place`."""
        patients, problems = self._run(self._plan.counts["numbers"]).fetchone()
        return Counts(int(patients), int(problems), dict(self._run(self._plan.counts["refused"]).fetchall()))

    def write(self, name: str, path: Path, form: Form) -> int:
        """See `Place`."""
        # Whoever reads Parquet sorts for himself; a person may read the other.
        ordered = form == "csv" or name != "recommendations"
        query = (self._plan.ordered if ordered else self._plan.results)[name]
        return written(self._engine.connection.con, query, path, form)

    def forget(self) -> None:
        """See `Place`."""
        for statement in self._plan.clearing:
            self._run(statement)

    @property
    def _plan(self) -> Plan:
        assert self._planned is not None
        return self._planned

    def _show(self, name: str, number: int) -> None:
        """Lets the raw table's name stand for the rows of one part."""
        rows = as_sql("duckdb", self._ranges.of(self._tables[name], number))
        self._run(f"CREATE OR REPLACE TEMP VIEW {table_name(raw_name(name))} AS {rows}")

    def _rows(self, expr: ir.Table) -> list[Any]:
        rows: list[Any] = self._run(as_sql("duckdb", expr)).fetchall()
        return rows

    def _value(self, expr: ir.Scalar) -> Any:
        return self._rows(expr.as_table())[0][0]

    def _run(self, statement: str) -> Any:
        return self._engine.connection.con.execute(statement)
