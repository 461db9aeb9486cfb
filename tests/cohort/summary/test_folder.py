"""The folder of a run: read as it was written, and refused with what to do when it cannot be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from service.cohort.running.record import Record
from service.cohort.summary.counting import Tables, summarise
from service.cohort.summary.figures import Figures
from service.cohort.summary.folder import SummaryError, opened, record_of
from tests.cohort.summary.runs import any_cohort, folder, record, tables
from tests.strategies import rulebook

ROWS = any_cohort(1, patients=6)
PROBLEMS = [{"table": "patients", "item": "blood.inr", "problem": "stale", "number": 12}]
REFUSED = [{"patient": "x", "reason": "patient_twice"}]
MEMORY = 300_000_000


@contextmanager
def reading(path: Path, tmp_path: Path) -> Iterator[tuple[Record, Tables]]:
    found = record_of(path)
    with opened(path, found, MEMORY, 1, tmp_path / "scratch") as (_, made):
        yield found, made


def summed(path: Path, tmp_path: Path) -> Figures:
    found = record_of(path)
    with opened(path, found, MEMORY, 1, tmp_path / "scratch") as (engine, made):
        return summarise(made, rulebook(), engine.keep, found.missing)


@pytest.mark.parametrize("written_as", ["parquet", "csv"])
def test_a_folder_gives_the_figures_of_its_rows(tmp_path: Path, written_as: str) -> None:
    keep, made = tables(ROWS, PROBLEMS, REFUSED)
    path = folder(tmp_path / "a run's [result]", ROWS, problems=PROBLEMS, refused=REFUSED, written_as=written_as)
    assert summed(path, tmp_path) == summarise(made, rulebook(), keep, ("blood.inr",))


def test_a_run_that_is_not_finished_is_not_summed_up(tmp_path: Path) -> None:
    path = folder(tmp_path / "run", ROWS, complete=False, done=record(ROWS).done[:1])
    with pytest.raises(SummaryError) as caught:
        record_of(path)
    assert "1 of 2 parts" in caught.value.lines[0]
    assert f"--out {path}" in caught.value.lines[1]


@pytest.mark.parametrize("there", ["nothing", "a file", "another folder", "no JSON", "another JSON", "an old format"])
def test_what_is_no_run_is_refused(tmp_path: Path, there: str) -> None:
    path = tmp_path / "run"
    if there == "a file":
        path.write_text("x")
    elif there != "nothing":
        path.mkdir()
        content = {"no JSON": "{", "another JSON": "[]", "an old format": '{"format": 0}'}.get(there)
        if content is not None:
            (path / "run.json").write_text(content)
    with pytest.raises(SummaryError) as caught:
        record_of(path)
    assert str(path) in caught.value.lines[0]
    assert "recommend" in caught.value.lines[1]


def test_a_part_that_was_lost_is_seen(tmp_path: Path) -> None:
    path = folder(tmp_path / "run", ROWS)
    (path / "lesions" / "part-00002.parquet").unlink()
    with pytest.raises(SummaryError, match="lost, added or changed"), reading(path, tmp_path):
        pass


@pytest.mark.parametrize("name", ["refused.parquet", "recommendations"])
def test_a_table_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path / "run", ROWS)
    (path / name).rename(tmp_path / "elsewhere")
    with pytest.raises(SummaryError, match=name), reading(path, tmp_path):
        pass


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path / "run", ROWS)
    for part in (path / "recommendations").iterdir():
        pq.write_table(pq.read_table(part).drop_columns(["questions"]), part)
    with pytest.raises(SummaryError, match="no column questions"), reading(path, tmp_path):
        pass


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied"])
def test_a_broken_file_is_told_without_a_value(tmp_path: Path, damage: str) -> None:
    path = folder(tmp_path / "run", ROWS)
    part = path / "recommendations" / "part-00001.parquet"
    data = part.read_bytes()
    middle = len(data) // 3
    part.write_bytes(
        {"cut": data[:middle], "overwritten": data[:4] + b"\xff" * middle + data[4 + middle :], "emptied": b""}[damage]
    )
    with pytest.raises(SummaryError) as caught:
        summed(path, tmp_path)
    assert str(path) in caught.value.lines[0]
    assert "--force" in caught.value.lines[1]
    assert "vertebroplasty" not in str(caught.value)


def test_a_number_that_is_none_is_told_without_the_value(tmp_path: Path) -> None:
    path = folder(tmp_path / "run", ROWS, problems=PROBLEMS, written_as="csv")
    file = path / "problems.csv"
    file.write_text(file.read_text().replace("12", "DUPONT"))
    with pytest.raises(SummaryError) as caught:
        summed(path, tmp_path)
    assert "DUPONT" not in str(caught.value)


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path / "run", any_cohort(1, patients=40))
    found = record_of(path)
    with (
        pytest.raises(SummaryError, match="more memory"),
        opened(path, found, 1_000_000, 1, tmp_path / "scratch") as (engine, made),
    ):
        summarise(made, rulebook(), engine.keep)
