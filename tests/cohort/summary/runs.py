"""Finished runs made by hand: the rows of a cohort, and the folder that `flask cohort recommend` would have written."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from service.cohort.running.record import Identity, Part, Record, to_json
from service.cohort.summary.counting import Tables
from service.rulebook.model import STATUSES, Rulebook
from tests.strategies import rulebook, seeded

Row = dict[str, Any]

SCHEMAS = {
    "recommendations": pa.schema(
        [
            *((name, pa.string()) for name in ("patient", "lesion", "technique")),
            ("rank", pa.int64()),
            *((name, pa.string()) for name in ("status", "anaesthesia", "reasons", "questions")),
        ]
    ),
    "lesions": pa.schema([(name, pa.string()) for name in ("patient", "lesion", "alerts", "first", "first_status")]),
    "problems": pa.schema([*((name, pa.string()) for name in ("table", "item", "problem")), ("number", pa.int64())]),
    "refused": pa.schema([("patient", pa.string()), ("reason", pa.string())]),
}


def option(
    patient: str, lesion: str, technique: str, status: str, reasons: str = "", questions: str = "", **more: Any
) -> Row:
    """One row of recommendations."""
    return {
        "patient": patient,
        "lesion": lesion,
        "technique": technique,
        "rank": 9,
        "status": status,
        "anaesthesia": None,
        "reasons": reasons,
        "questions": questions or None,
        **more,
    }


def any_cohort(seed: int, patients: int = 25) -> list[Row]:
    """A row for each patient, lesion and technique, with rules and items of the rulebook, drawn without any sense."""
    drawn, book = seeded(seed), rulebook()
    rules, items = sorted(book.rules), sorted(book.vocabulary.items)[:12]
    rows = []
    for patient in range(patients):
        for lesion in range(drawn.choice((1, 1, 2, 3))):
            for rank, technique in enumerate(drawn.sample(sorted(book.techniques), len(book.techniques)), start=1):
                status = drawn.choice(STATUSES)
                asked = drawn.sample(items, drawn.choice((1, 1, 2, 5))) if status == "undetermined" else []
                rows.append(
                    option(
                        f"p{patient}",
                        f"l{lesion}",
                        technique,
                        status,
                        " ".join(drawn.sample(rules, drawn.choice((0, 1, 4, 9)))),
                        " ".join(sorted(asked)),
                        rank=rank,
                        anaesthesia=_anaesthesia(book, technique, drawn),
                    )
                )
    return rows


def _anaesthesia(book: Rulebook, technique: str, drawn: Random) -> str | None:
    modes = book.techniques[technique].modes["anaesthesia"]
    return drawn.choice(modes) if modes else None


def lesions_of(rows: Iterable[Row]) -> list[Row]:
    keys = dict.fromkeys((row["patient"], row["lesion"]) for row in rows)
    return [
        {"patient": patient, "lesion": lesion, "alerts": "", "first": "", "first_status": ""}
        for patient, lesion in keys
    ]


def tables(rows: Sequence[Row], problems: Sequence[Row] = (), refused: Sequence[Row] = ()) -> tuple[Any, Tables]:
    """The tables of a run in a DuckDB of their own, with what keeps a step there."""
    connection = ibis.duckdb.connect()
    data = {"recommendations": rows, "lesions": lesions_of(rows), "problems": problems, "refused": refused}
    made = {
        name: connection.create_table(name, pa.Table.from_pylist(list(data[name]), schema=SCHEMAS[name]))
        for name in data
    }
    return lambda name, expr: connection.create_table(name, expr, temp=True), Tables(**made)


def record(rows: Sequence[Row], *, parts: int = 2, written_as: str = "parquet") -> Record:
    """What a finished run of these rows would have written down."""
    book = rulebook()
    identity = Identity(
        source="registry",
        fingerprint={},
        rulebook=book.info.name,
        rulebook_version=book.info.version,
        rulebook_status=book.info.status,
        rulebook_digest=book.digest,
        engine_version="0.1.0",
        computed_by="duckdb",
        as_of="2026-11-23T09:00:00+01:00",
        written_as=written_as,
        synthetic=True,
    )
    done = tuple(
        Part(number, len({row["patient"] for row in mine}), len(lesions_of(mine)), len(mine))
        for number, mine in enumerate(_parts(rows, parts), start=1)
    )
    return Record(identity, parts, done, ("blood.inr",), complete=True)


def folder(
    path: Path,
    rows: Sequence[Row],
    *,
    problems: Sequence[Row] = (),
    refused: Sequence[Row] = (),
    written_as: str = "parquet",
    **of_record: Any,
) -> Path:
    """A folder as a finished run leaves it."""
    parts = _parts(rows, 2)
    for name in ("recommendations", "lesions"):
        (path / name).mkdir(parents=True)
    for number, mine in enumerate(parts, start=1):
        _write(path / "recommendations" / f"part-{number:05}.{written_as}", "recommendations", mine)
        _write(path / "lesions" / f"part-{number:05}.{written_as}", "lesions", lesions_of(mine))
    _write(path / f"problems.{written_as}", "problems", problems)
    _write(path / f"refused.{written_as}", "refused", refused)
    made = replace(record(rows, written_as=written_as), **of_record)
    (path / "run.json").write_text(to_json(made), encoding="utf-8")
    return path


def _parts(rows: Sequence[Row], number: int) -> list[list[Row]]:
    """The rows of each part: a patient stands in one only."""
    patients = list(dict.fromkeys(row["patient"] for row in rows))
    where = {patient: at % number for at, patient in enumerate(patients)}
    return [[row for row in rows if where[row["patient"]] == at] for at in range(number)]


def _write(path: Path, name: str, rows: Sequence[Row]) -> None:
    table = pa.Table.from_pylist(list(rows), schema=SCHEMAS[name])
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
