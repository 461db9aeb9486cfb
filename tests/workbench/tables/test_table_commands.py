"""`flask rules table` as a committee's secretary uses it."""

import shutil
from pathlib import Path

import pytest
from flask import Flask

from tests.workbench.tables.editing import Editor


@pytest.fixture
def run(app: Flask, root: Path, monkeypatch):
    """Runs a `flask rules table` command in the project's folder; gives exit code, output and errors."""
    monkeypatch.chdir(root)

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["rules", "table", *map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def rules(root: Path, tmp_path: Path) -> Path:
    shutil.copytree(root / "rules", tmp_path / "rules")
    return tmp_path / "rules"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change(workbook: Path, value: object) -> None:
    editor = Editor(workbook.read_bytes())
    editor.cell(
        "contraindications", editor.row("contraindications", subject="lesion.height_loss"), "value"
    ).value = value
    workbook.write_bytes(editor.saved())


def test_out_changed_and_back(run, rules: Path, tmp_path: Path) -> None:
    before, workbook = contents(rules), tmp_path / "v.xlsx"
    code, output, _ = run("export", "vertebroplasty", "--rules", rules, "--out", workbook)
    assert code == 0
    assert output.startswith(f"{workbook}: 1 technique, as of digest ")

    code, output, _ = run("import", workbook, "--rules", rules, "--write")
    assert (code, output) == (0, f"{workbook}: says what {rules} says already; nothing to change\n")
    assert contents(rules) == before

    change(workbook, 70)
    code, output, errors = run("import", workbook, "--rules", rules)
    assert code == 0
    assert "-        - lesion.height_loss >= 65 %\n+        - lesion.height_loss >= 70 %\n" in output
    assert "1 file would change; say --write" in errors
    assert contents(rules) == before

    code, _, errors = run("import", workbook, "--rules", rules, "--out", tmp_path / "draft")
    assert (code, errors.splitlines()[-1]) == (0, f"1 file written to {tmp_path / 'draft'}")
    (name, draft) = contents(tmp_path / "draft").popitem()
    assert name == "techniques/vertebroplasty.yaml"
    assert draft == before[name].replace(b"height_loss >= 65 %", b"height_loss >= 70 %")

    assert run("import", workbook, "--rules", rules, "--write")[0] == 0
    assert contents(rules) == {**before, name: draft}
    code, output, errors = run("import", workbook, "--rules", rules)
    assert (code, output) == (1, "")
    assert f"{workbook}: sheet «Techniques», cell P4" in errors


def test_mistakes_end_with_1_and_nothing_is_written(run, rules: Path, tmp_path: Path) -> None:
    before, workbook = contents(rules), tmp_path / "v.xlsx"
    run("export", "vertebroplasty", "--rules", rules, "--out", workbook)
    change(workbook, "=60+5")
    code, output, errors = run("import", workbook, "--rules", rules, "--write")
    assert (code, output) == (1, "")
    assert "a formula stands here" in errors
    assert errors.endswith("1 mistake; no rule file was changed\n")
    assert contents(rules) == before


def test_dmn(run, tmp_path: Path) -> None:
    code, output, _ = run("dmn", "medical_treatment", "--out", tmp_path / "m.dmn")
    assert code == 0
    assert "medical_treatment, DMN 1.3, as of digest" in output
    assert (
        (tmp_path / "m.dmn")
        .read_text(encoding="utf-8")
        .startswith('<?xml version="1.0" encoding="UTF-8"?>\n<definitions ')
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("export", "vertebroplasti", "--out", "x.xlsx"), 1, "did you mean «vertebroplasty»?"),
        (("export", "--out", "x.xlsx"), 2, "Name one technique, or say --all."),
        (("export", "vertebroplasty", "--all", "--out", "x.xlsx"), 2, "Name one technique, or say --all."),
        (("export", "vertebroplasty", "--out", "x.ods"), 2, "--out must end in .xlsx"),
        (("import", "README.md", "--out", "x", "--write"), 2, "not both"),
        (("import", "README.md"), 1, "not an .xlsx"),
    ],
)
def test_errors_say_how_to_mend(run, arguments: tuple[str, ...], code: int, said: str) -> None:
    found, _, errors = run(*arguments)
    assert found == code
    assert said in errors
