"""A run begun or gone on with, from what a command line says."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from service.cohort.engines import duckdb, postgres
from service.cohort.running.about import identity, shown
from service.cohort.running.duck import DuckPlace
from service.cohort.running.errors import RunError, plainly
from service.cohort.running.folder import Folder
from service.cohort.running.memory import Memory
from service.cohort.running.place import Form, Place, Size, Step
from service.cohort.running.plan import Judge
from service.cohort.running.postgres import PostgresPlace
from service.cohort.running.record import Record
from service.cohort.running.rules import by_rules, localised
from service.cohort.running.run import Told, run
from service.cohort.running.table import Tables
from service.cohort.sources.errors import readable
from service.cohort.sources.kinds import Where, look
from service.cohort.sources.open import open_source
from service.rulebook.model import Rulebook

_Engine: TypeAlias = duckdb.DuckDBEngine | postgres.PostgresEngine


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. One of `out` and `table` is given."""

    source: str
    memory: Memory
    out: Path | None = None
    table: str | None = None
    #: None: that of the run that is gone on with, else now
    at: datetime | None = None
    form: Form = "parquet"
    #: lesions in a part; None: as many as the memory takes
    part: int | None = None
    force: bool = False

    def parts(self, size: Size) -> int:
        """Into how many parts a cohort is cut."""
        return self.memory.parts(size) if self.part is None else max(1, -(-size.lesions // self.part))


def recommend_cohort(wanted: Wanted, rulebook: Rulebook, warn: Callable[[str], None], step: Step, told: Told) -> Record:
    """Recommends for every lesion of a source. `warn` is told what stands out in the columns of the source.

    Raises RunError; KeyboardInterrupt when it was interrupted.
    """
    where = look(wanted.source)
    if wanted.table is not None and where.kind != "postgres":
        raise RunError(f"--table {wanted.table}: the source is no PostgreSQL database; give --out FOLDER")
    name = shown(wanted.source, where)
    with (
        readable(name),
        plainly(str(wanted.out or name), str(wanted.memory)),
        _work(wanted) as work,
        _engine(wanted, where, work) as engine,
    ):
        output = _output(wanted, engine)
        with output.locked():
            # What a run that was killed had put there.
            shutil.rmtree(work / "spill", ignore_errors=True)
            at = _moment(wanted, rulebook, output)
            place = _place(wanted, engine, rulebook, by_rules(rulebook, at), work, warn)
            return run(
                place,
                output,
                lambda: identity(wanted.source, where, place, rulebook, at, "table" if wanted.table else wanted.form),
                wanted.parts,
                step,
                told,
                force=wanted.force,
            )


@contextmanager
def _work(wanted: Wanted) -> Iterator[Path]:
    """The folder for what is on its way: that of the result, so that it goes on from there and takes room in one place."""
    if wanted.out is not None:
        yield Folder(wanted.out, wanted.form).work
        return
    with TemporaryDirectory(prefix="indication-") as folder:
        yield Path(folder)


@contextmanager
def _engine(wanted: Wanted, where: Where, work: Path) -> Iterator[_Engine]:
    engine: _Engine
    if where.kind == "postgres":
        engine = postgres.connect(wanted.source)
    else:
        database = Path(wanted.source) if where.kind == "duckdb" else None
        memory = wanted.memory
        engine = duckdb.connect(database, memory=memory.engine, threads=memory.threads, scratch=work / "spill")
    try:
        yield engine
    finally:
        engine.close()


def _output(wanted: Wanted, engine: _Engine) -> Folder | Tables:
    if wanted.table is None:
        assert wanted.out is not None
        return Folder(wanted.out, wanted.form)
    return Tables(engine.connection.con, wanted.table)


def _moment(wanted: Wanted, rulebook: Rulebook, output: Folder | Tables) -> datetime:
    """The moment asked for, else that of the run that is there, else now."""
    there = output.record(force=wanted.force)
    if wanted.at is not None:
        return localised(rulebook, wanted.at)
    if there is not None and not wanted.force:
        return localised(rulebook, datetime.fromisoformat(there.identity.as_of))
    return localised(rulebook, datetime.now(UTC).replace(microsecond=0))


def _place(
    wanted: Wanted, engine: _Engine, rulebook: Rulebook, judge: Judge, work: Path, warn: Callable[[str], None]
) -> Place:
    source = open_source(wanted.source, engine, rulebook.vocabulary)
    for warning in source.warnings:
        warn(warning)
    if isinstance(engine, postgres.PostgresEngine):
        return PostgresPlace(engine, source.tables, judge, work)
    return DuckPlace(engine, source.tables, judge, work, wanted.memory, text_files=source.text_files)
