"""`flask cohort recommend` and `flask cohort sql`, as they are typed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from flask import Flask

from service.cli.cohort.recommend import recommend
from service.cli.cohort.sql import sql
from tests.cohort.running.by_rules import SMALL_RULES, tables, write_tables
from tests.cohort.running.small import judge, rows, write_cohort
from tests.strategies import ROOT

Run = Callable[..., Result]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tables(tmp_path / "source")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(app: Flask, out: Path) -> Run:
    """The command over a source, with the small rulebook."""

    def typed(source: Path | str, *more: str) -> Result:
        arguments = [str(source), "--out", str(out), "--rules", str(SMALL_RULES), "--as-of", "2026-11-23T09:00", *more]
        return app.test_cli_runner().invoke(recommend, arguments)

    return typed


def test_from_a_folder_to_a_result(run: Run, source: Path, out: Path) -> None:
    found = run(source, "--lang", "en", "--part", "40")
    assert found.exit_code == 0, found.output
    assert "60 patients" in found.output
    assert "as of 2026-11-23T09:00:00+01:00" in found.output
    assert "1: the patient is there twice" in found.output
    assert f"next: flask cohort summary {out}" in found.output
    assert "For tests." in found.output
    record = json.loads((out / "run.json").read_text())
    assert record["complete"]
    assert record["parts"] == 3
    assert record["rulebook"]["name"] == "small"
    assert record["refused"] == {"patient_twice": 1}
    assert record["options"] == len(rows(out, "recommendations")) > 50
    again = run(source, "--lang", "en")
    assert again.exit_code == 0
    # Progress is told only where it takes long.
    assert again.stdout == found.stdout


@pytest.fixture
def quick(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the rules a judge that takes no time."""
    write_cohort(source, 40)
    monkeypatch.setattr("service.cohort.running.start.by_rules", lambda rulebook, at: judge)


@pytest.mark.usefixtures("quick")
def test_in_french(run: Run, source: Path, out: Path) -> None:
    found = run(source)
    assert "patients sans recommandation : 4" in found.output
    assert "4: le patient y est deux fois" in found.output
    assert f"ensuite : flask cohort summary {out}" in found.output


@pytest.mark.usefixtures("quick")
def test_the_moment_of_the_first_run_is_kept(app: Flask, run: Run, source: Path, out: Path) -> None:
    assert run(source).exit_code == 0
    arguments = [str(source), "--out", str(out), "--rules", str(SMALL_RULES)]
    assert app.test_cli_runner().invoke(recommend, arguments).exit_code == 0
    refused = app.test_cli_runner().invoke(recommend, [*arguments, "--as-of", "2026-11-24T09:00"])
    assert refused.exit_code == 1
    assert "as-of moment: then 2026-11-23T09:00:00+01:00, now 2026-11-24T09:00:00+01:00" in refused.output


@pytest.mark.usefixtures("quick")
def test_csv_in_and_out(run: Run, source: Path, out: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.mkdir()
    for name in ("patients", "lesions"):
        pyarrow.csv.write_csv(pq.read_table(source / f"{name}.parquet"), text / f"{name}.csv")
    assert run(source, "--part", "1000").exit_code == 0
    parquet = rows(out, "recommendations")
    found = run(text, "--format", "csv", "--part", "27", "--force")
    assert found.exit_code == 0, found.output
    parts = sorted((out / "recommendations").glob("*.csv"))
    assert len(parts) == 3
    ids = [row[:4] for row in rows_of_csv(parts)]
    assert ids == [tuple(map(str, row[:4])) for row in parquet]


def rows_of_csv(parts: list[Path]) -> list[tuple[str, ...]]:
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(("patient", "lesion", "technique", "rank"), pa.string())
    )
    return sorted(
        tuple(row.values()) for part in parts for row in pyarrow.csv.read_csv(part, convert_options=options).to_pylist()
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--memory", "100MB"], "give at least 1 GB"),
        (["--memory", "plenty"], "write it as 4GB"),
        (["--as-of", "yesterday"], "a date and time is needed"),
        (["--table", "t"], "give either --out FOLDER or"),
    ],
)
def test_what_cannot_be_meant(run: Run, source: Path, more: list[str], told: str, out: Path) -> None:
    found = run(source, *more)
    assert found.exit_code != 0
    assert told in found.output
    assert not out.exists()


def test_a_source_that_is_broken(run: Run, source: Path, out: Path) -> None:
    content = (source / "lesions.parquet").read_bytes()
    (source / "lesions.parquet").write_bytes(content[: len(content) // 2])
    found = run(source)
    assert found.exit_code == 1
    assert "lesions.parquet: this Parquet file is broken" in found.output
    assert "Traceback" not in found.output
    assert not (out / "recommendations").exists()


def test_a_source_without_a_column(run: Run, source: Path) -> None:
    lesions = tables()["lesions"]
    pq.write_table(
        lesions.drop_columns(["lesion__size", "lesion__size__unit", "lesion__size__date"]), source / "lesions.parquet"
    )
    found = run(source, "--lang", "en")
    assert found.exit_code == 0, found.output
    assert "items that no column gives, and so unknown for everybody: 1" in found.output
    pq.write_table(lesions.drop_columns(["lesion"]), source / "lesions.parquet")
    found = run(source, "--force")
    assert found.exit_code == 1
    assert "no column «lesion»" in found.output


def test_a_source_that_is_not_there(run: Run, tmp_path: Path) -> None:
    found = run(tmp_path / "nowhere")
    assert found.exit_code == 1
    assert "no such file or folder" in found.output


def test_interrupted(source: Path, out: Path, tmp_path: Path) -> None:
    shutil.rmtree(source)
    write_tables(source, 1_000)
    flask = Path(sys.executable).with_name("flask")
    command = [flask, "cohort", "recommend", source, "--out", out, "--rules", SMALL_RULES, "--part", "100"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "FLASK_APP": "wsgi"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any((out / "recommendations").glob("*.parquet")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "interrupted: the parts that are finished are kept; the same command goes on from there" in said
    assert "Traceback" not in said
    assert not json.loads((out / "run.json").read_text())["complete"]


def test_sql(app: Flask, tmp_path: Path) -> None:
    columns = tmp_path / "columns"
    columns.write_text("blood.platelets\nlesion__size\n", encoding="utf-8")
    arguments = [
        "--dialect",
        "spark",
        "--as-of",
        "2026-11-23T09:00",
        "--rules",
        str(SMALL_RULES),
        "--columns",
        str(columns),
    ]
    found = app.test_cli_runner().invoke(sql, arguments)
    assert found.exit_code == 0, found.output
    assert found.output.startswith("-- small 0.1.0 (draft)")
    assert "--   blood__platelets DOUBLE" in found.output
    assert "blood__inr DOUBLE" not in found.output
    refused = app.test_cli_runner().invoke(sql, [*arguments, "--from", "facts"])
    assert refused.exit_code == 2
    assert "--columns goes with" in refused.output
