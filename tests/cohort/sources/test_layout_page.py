"""What docs/cohort-layout.md shows can be read, and says what the page says."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.cohort.engines.duckdb import DuckDBEngine
from service.cohort.settle.problems import MEANINGS
from service.cohort.settle.settle import Settled, settle_source
from service.cohort.sources.open import open_source
from service.rulebook.model import Rulebook
from tests.cohort.settle.making import asking_about

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ITEMS = (
    "patient.age",
    "blood.platelets",
    "medications",
    "lesion.site",
    "lesion.level",
    "lesion.size",
    "lesion.fracture",
)
IDS = {"patients": "patient\np-1\n", "lesions": "patient,lesion\np-1,L2\n"}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "cohort-layout.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def examples(page: str) -> dict[str, str]:
    names = ("patients", "lesions", "wide", "observations")
    return dict(zip(names, re.findall(r"```csv\n(.*?)```", page, re.DOTALL), strict=True))


@pytest.fixture
def rulebook() -> Rulebook:
    return asking_about(*ITEMS)


def known(engine: DuckDBEngine, settled: Settled) -> list[dict[str, Any]]:
    assert engine.read(settled.problems).num_rows == engine.read(settled.refused).num_rows == 0
    rows = engine.read(settled.patients).to_pylist() + engine.read(settled.lesions).to_pylist()
    rows.sort(key=lambda row: (row["patient"], row.get("lesion", "")))
    words = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return [
        {name: value for name, value in row.items() if value is not False or "__has__" not in name} for row in words
    ]


PLATELETS = {"patient": "p-1", "blood__platelets": 182.0, "medications__has__apixaban": True}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (
            ("patients", "lesions"),
            [
                {**PLATELETS, "patient__age": 61.0},
                {
                    "patient": "p-1",
                    "lesion": "L2",
                    "lesion__site": "vertebra",
                    "lesion__level": "L2",
                    "lesion__size": 31.0,
                    "lesion__fracture": False,
                },
                {"patient": "p-2", "patient__age": 74.0},
                {"patient": "p-2", "lesion": "iliac", "lesion__site": "ilium", "lesion__size": 44.0},
            ],
        ),
        (
            ("wide",),
            [
                {"patient": "p-1", "patient__age": 61.0},
                {"patient": "p-1", "lesion": "L2", "lesion__size": 31.0},
                {"patient": "p-1", "lesion": "L4", "lesion__size": 18.0},
            ],
        ),
        (("observations",), [PLATELETS, {"patient": "p-1", "lesion": "L2", "lesion__size": 31.0}]),
    ],
)
def test_the_examples(
    tables: tuple[str, ...],
    expected: list[dict[str, Any]],
    examples: dict[str, str],
    duckdb_engine: DuckDBEngine,
    rulebook: Rulebook,
    tmp_path: Path,
) -> None:
    texts = {} if "wide" in tables else dict(IDS)
    for name, text in (texts | {name: examples[name] for name in tables}).items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    source = open_source(
        str(tmp_path / "wide.csv" if "wide" in tables else tmp_path), duckdb_engine, rulebook.vocabulary
    )
    assert source.warnings == ()
    settled = settle_source(source.tables, rulebook, AT, "duckdb", duckdb_engine.keep)
    assert known(duckdb_engine, settled) == expected


def test_every_problem_and_reason_is_on_the_page(page: str) -> None:
    assert [name for name in MEANINGS if f"`{name}`" not in page] == []
