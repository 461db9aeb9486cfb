"""`flask cohort summary`."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result
from flask import Flask

from service.cli.cohort.summary import summary
from tests.cohort.summary.runs import any_cohort, folder, record
from tests.strategies import rulebook

ROWS = any_cohort(2, patients=12)
Run: TypeAlias = Callable[..., Result]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return folder(tmp_path / "result", ROWS)


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    # The rules are read once for all tests: that takes longer than the summary.
    module = sys.modules["service.cli.cohort.summary"]
    monkeypatch.setattr(module, "loaded", lambda directory: rulebook())

    def run(*arguments: Any) -> Result:
        made = app.test_cli_runner().invoke(summary, [*map(str, arguments)])
        if made.exception is not None and not isinstance(made.exception, SystemExit):
            raise made.exception
        return made

    return run


def test_a_table_and_every_file(run: Run, result: Path, tmp_path: Path) -> None:
    figures, csv, picture = tmp_path / "figures.json", tmp_path / "new" / "tables", tmp_path / "page.svg"
    made = run(result, "--json", figures, "--csv", csv, "--picture", picture)
    assert made.exit_code == 0
    assert "Au moins un geste percutané" in made.stdout
    assert json.loads(figures.read_text())["cohort"]["patients"] == 12
    assert (csv / "techniques.csv").is_file()
    assert picture.read_bytes().startswith(b"<?xml")
    for path in (figures, picture, csv / "ways.csv"):
        assert f"written: {path}" in made.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_in_english_with_nothing_hidden(run: Run, result: Path) -> None:
    text = run(result, "--lang", "en", "--smallest", 1, "--by", "patients").stdout
    assert "At least one percutaneous procedure" in text
    assert "count hidden" not in text
    assert "fewer than 5" in run(result, "--lang", "en").stdout


def test_json_on_standard_output_alone(run: Run, result: Path) -> None:
    data = json.loads(run(result, "--json", "-").stdout)
    assert data["smallest"] == 5
    assert data["rulebook"]["digest"] == rulebook().digest


def test_a_run_that_is_not_finished(run: Run, tmp_path: Path) -> None:
    path = folder(tmp_path / "half", ROWS, complete=False)
    made = run(path)
    assert (made.exit_code, made.stdout) == (1, "")
    assert "not finished" in made.stderr
    assert "give the same `flask cohort recommend` again" in made.stderr


def test_another_rulebook_is_refused_unless_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    other = replace(record(ROWS).identity, rulebook_digest="0" * 64, rulebook_version="9.9.9")
    rows = [*ROWS, {**ROWS[0], "lesion": "l9", "technique": "lithotripsy", "reasons": "stones.none"}]
    path = folder(tmp_path / "other", rows, identity=other)
    refused = run(path)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "9.9.9" in refused.stderr
    assert "--any-rulebook" in refused.stderr
    made = run(path, "--any-rulebook")
    assert made.exit_code == 0
    assert "autre référentiel" in made.stdout
    assert "stones.none" in made.stdout
    assert "lithotripsy" in made.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--picture", "page.pdf"), ".svg or .png"),
        (("--picture", "nowhere/page.svg"), "there is no folder"),
        (("--json", "."), "give a file"),
        (("--memory", "lots"), "4GB"),
        (("--smallest", "0"), "smallest"),
    ],
)
def test_options_that_cannot_be_used_are_refused_at_once(
    run: Run, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = run(result, *arguments)
    assert made.exit_code != 0
    assert made.stdout == ""
    assert said in made.stderr


def test_a_file_that_cannot_be_written_is_told(run: Run, result: Path, tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("")
    assert "give a folder" in run(result, "--csv", tmp_path / "tables").stderr
    (tmp_path / "folder" / "ways.csv").mkdir(parents=True)
    made = run(result, "--csv", tmp_path / "folder")
    assert made.exit_code == 1
    assert "ways.csv: cannot be written" in made.stderr


def test_help_teaches(run: Run) -> None:
    text = run("--help").stdout
    assert "Examples:" in text
    assert "docs/cohort-summary.md" in text
