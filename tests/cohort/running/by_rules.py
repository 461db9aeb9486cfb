"""A little cohort with real columns for the small rulebook: some missing, some unusable, in the types of the layout."""

from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.cohort.layout import COMPLETE, DATE, UNIT, companions
from service.query.columns import FactColumns, column
from service.rulebook.load import load_rulebook
from service.rulebook.model import Rulebook
from tests.strategies import ROOT

SMALL_RULES = ROOT / "tests/rulebook/lints/small"
AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
_DATES = ("2026-11-23", "2026-11-22T17:30", "2026-11-20T08:00:00+01:00", "2026-10-01", "2027-01-01", "yesterday")
_KINDS = {"flag": pa.bool_(), "number": pa.float64()}


@cache
def small_rulebook() -> Rulebook:
    return load_rulebook(SMALL_RULES)


def tables(patients: int = 60, seed: int = 3) -> dict[str, pa.Table]:
    """`patients` and `lesions`. One patient stands there twice, and one lesion is nobody's."""
    drawn = Random(seed)  # noqa: S311 (nothing is kept secret here)
    names = [f"p{number:03}" for number in range(patients)]
    people = [{"patient": name, "recorded_at": drawn.choice(_DATES[:3])} for name in [*names, names[0]]]
    lesions = [
        {"patient": name, "lesion": f"l{at}"} for name in [*names, "nobody"] for at in range(drawn.choice((1, 2)))
    ]
    kinds: dict[str, dict[str, pa.DataType]] = {
        "patient": {"recorded_at": pa.string()},
        "lesion": {"lesion": pa.string()},
    }
    for item in FactColumns(small_rulebook()).items:
        own = column(item.id)
        kinds[item.scope][own] = _KINDS.get(item.type, pa.string())
        kinds[item.scope] |= {
            f"{own}__{what}": pa.bool_() if what == COMPLETE else pa.string() for what in companions(item)
        }
        for row in people if item.scope == "patient" else lesions:
            if drawn.random() < 0.8:
                row |= _written(own, item, drawn)
    return {
        name: pa.Table.from_pylist(rows, pa.schema([("patient", pa.string()), *kinds[scope].items()]))
        for name, rows, scope in (("patients", people, "patient"), ("lesions", lesions, "lesion"))
    }


def _written(own: str, item: Any, drawn: Random) -> dict[str, Any]:
    row: dict[str, Any] = {}
    match item.type:
        case "flag":
            row[own] = drawn.random() < 0.5
        case "number":
            row[own] = round(drawn.uniform(item.low or 0, (item.high or 100) * 1.05), 1)
            row[f"{own}__{UNIT}"] = drawn.choice([None, *item.units, "furlong"])
        case "choice":
            row[own] = drawn.choice([*item.choices, "elsewhere"])
        case _:
            row[own] = drawn.choice(_DATES)
    if drawn.random() < 0.5:
        row[f"{own}__{DATE}"] = drawn.choice(_DATES)
    return row


def write_tables(folder: Path, patients: int = 60) -> Path:
    """The two tables as a source."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables(patients).items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder
