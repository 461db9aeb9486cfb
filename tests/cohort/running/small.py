"""A little cohort and a judge that stands in for the rules: what a run does with its parts needs no more."""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from service.cohort.engines import Dialect
from service.cohort.engines.duckdb import connect
from service.cohort.running.duck import DuckPlace
from service.cohort.running.errors import RunError, plainly
from service.cohort.running.folder import Folder
from service.cohort.running.memory import Memory
from service.cohort.running.plan import Judged
from service.cohort.running.record import Identity, Record
from service.cohort.running.run import run
from service.query.criteria import Keep

MEMORY = Memory(1_000_000_000, 2)
IDENTITY = Identity(
    "cohort/",
    {"patients.parquet": "1 byte"},
    "book",
    "1.0",
    "draft",
    "d1",
    "0.1",
    "duckdb",
    "2026-11-23T09:00:00+01:00",
    "parquet",
)
_TECHNIQUES = ("a", "b", "c")


def write_cohort(folder: Path, patients: int, *, shuffled: bool = False) -> None:
    """Patients p000… with `v`; two lesions each; every tenth patient stands there twice; one lesion of nobody."""
    people = [(f"p{number:06}", number % 7) for number in range(patients)]
    people += [(f"p{number:06}", 0) for number in range(0, patients, 10)]
    lesions = [(f"p{number:06}", f"l{at}", number % 3) for number in range(patients) for at in range(2)]
    lesions.append(("q", "l0", 0))
    for rows in (people, lesions):
        rows.sort()
        if shuffled:
            random.Random(7).shuffle(rows)  # noqa: S311 (an order, no secret)
    write(folder, "patients", ("patient", "v"), people)
    write(folder, "lesions", ("patient", "lesion", "w"), lesions)


def write(folder: Path, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """A table as a Parquet file of short row groups."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {"v": pa.int64(), "w": pa.int64()}
    arrays = [
        pa.array([row[at] for row in rows], kinds.get(column) or (None if rows else pa.string()))
        for at, column in enumerate(columns)
    ]
    pq.write_table(pa.table(arrays, names=list(columns)), folder / f"{name}.parquet", row_group_size=2048)


def judge(raw: Mapping[str, ir.Table], dialect: Dialect, keep: Keep) -> Judged:
    """Options a, b, c of each lesion, ranked by the values; patients who are there twice are refused."""
    # From a text file everything is text.
    patients = raw["patients"].cast({"v": "int64"})
    lesions = raw["lesions"].cast({"w": "int64"})
    people = keep("people", patients.group_by("patient").agg(v=patients.v.max(), many=patients.count()))
    refused = keep("refused", people.filter(people.many > 1).select("patient", reason=ibis.literal("patient_twice")))
    usable = people.filter(people.many == 1)
    facts = keep("facts", lesions.join(usable, "patient").select("patient", "lesion", "w", "v"))
    options = [
        facts.select(
            "patient",
            "lesion",
            technique=ibis.literal(name),
            rank=(facts.v + at) % 3 + 1,
            status=(facts.w == at).ifelse("eligible", "excluded"),
        )
        for at, name in enumerate(_TECHNIQUES)
    ]
    nobodys = lesions.anti_join(patients, "patient")
    problems = nobodys.agg(number=nobodys.count()).mutate(
        table=ibis.literal("lesions"), item=ibis.literal("patient"), problem=ibis.literal("unknown_patient")
    )
    return Judged(
        ibis.union(*options),
        facts.select("patient", "lesion", first=ibis.literal("a")),
        refused,
        problems.filter(problems.number > 0).select("table", "item", "problem", "number"),
        ("nothing.gives-it",),
    )


def run_small(
    source: Path,
    out: Path,
    parts: int = 3,
    *,
    identity: Identity = IDENTITY,
    told: Callable[[Record], None] = lambda record: None,
    step: Callable[[str], None] = lambda what: None,
    force: bool = False,
    judge: Any = judge,
    text_files: bool = False,
) -> Record:
    """One run over the tables in `source`."""
    folder = Folder(out, "csv" if identity.written_as == "csv" else "parquet")
    with folder.locked():
        engine = connect(memory=MEMORY.engine, threads=MEMORY.threads, scratch=folder.work / "spill")
        tables = {
            name: engine.connection.read_parquet(source / f"{name}.parquet", table_name=f"source_{name}")
            for name in ("patients", "lesions")
        }
        place = DuckPlace(engine, tables, judge, folder.work, MEMORY, text_files=text_files)
        try:
            return run(place, folder, lambda: identity, lambda size: parts, step, told, force=force)
        finally:
            engine.close()


def rows(out: Path, name: str) -> list[tuple[Any, ...]]:
    """All rows of a result, in order."""
    where = out / name if (out / name).is_dir() else out / f"{name}.parquet"
    return sorted(tuple(row.values()) for row in pq.read_table(where).to_pylist())


def files(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def other(**changes: Any) -> Identity:
    return replace(IDENTITY, **changes)


def main(source: Path, out: Path, parts: int) -> None:
    """A run in a process of its own, that may be killed."""
    try:
        with plainly(str(out), str(MEMORY)):
            run_small(source, out, parts)
    except RunError as error:
        sys.exit("\n".join(error.lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
