"""The files of a cohort: the same bytes again, marked synthetic, all of them or none, and nothing replaced unasked."""

import ast
import json
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flask import Flask

from service.cli.cohort.generate import generate
from service.cohort.generate import output
from service.cohort.generate.cohort import Part, parts
from tests.cohort.generate.made import AT, FILE, design, folder_bytes, small, small_design, wanted
from tests.strategies import ROOT, rulebook

#: the module; its name in the package is taken by the command
command = sys.modules[generate.callback.__module__]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `flask cohort generate`, with few items unless a file is named; gives exit code, output and errors."""
    monkeypatch.chdir(ROOT)
    few = tmp_path_factory.mktemp("distributions") / "few.yaml"
    few.write_text(small(), encoding="utf-8")
    # The rules are loaded once for all these tests.
    monkeypatch.setattr(command, "loaded", lambda directory: rulebook())

    def run(*arguments: object) -> tuple[int, str, str]:
        named = () if "--distributions" in arguments else ("--distributions", few)
        result = app.test_cli_runner().invoke(generate, [*map(str, (*arguments, *named))])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


AS_OF = ("--as-of", "2026-11-23T09:00:00+01:00")


def test_the_same_is_asked_the_same_comes(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        # The project's own file, with every kind of column.
        code, told, _ = run(400, "--out", tmp_path / name, "--seed", 5, *AS_OF, "--distributions", FILE)
        assert code == 0
        assert told.startswith(f"{tmp_path / name}: 400 synthetic patients with ")
    first, second = folder_bytes(tmp_path / "a"), folder_bytes(tmp_path / "b")
    assert set(first) == {"patients.parquet", "lesions.parquet", "cohort.json", "README.txt"}
    assert first == second
    assert not any(name.endswith(".partial") for name in first)


def test_every_file_says_that_nobody_in_it_is_real(run: Run, tmp_path: Path) -> None:
    run(50, "--out", tmp_path / "a", *AS_OF, "--missing", "sparse", "--faults", 0.1)
    for name in ("patients.parquet", "lesions.parquet"):
        marks = pq.read_metadata(tmp_path / "a" / name).metadata
        assert marks[b"synthetic"] == b"true"
        assert (marks[b"seed"], marks[b"patients"], marks[b"faults"]) == (b"1", b"50", b"0.1")
    about = json.loads((tmp_path / "a" / "cohort.json").read_text(encoding="utf-8"))
    assert about["synthetic"] is True
    assert about["missing"] == "sparse"
    assert about["lesions"] == pq.read_metadata(tmp_path / "a" / "lesions.parquet").num_rows
    readme = (tmp_path / "a" / "README.txt").read_text(encoding="utf-8")
    assert "Nobody in these files has ever lived" in readme
    assert "n’a jamais vécu" in readme
    ids = pq.read_table(tmp_path / "a" / "patients.parquet", columns=["patient"])["patient"].to_pylist()
    assert ids[0] == "synthetic-0000001"
    assert not [name for name in pq.read_schema(tmp_path / "a" / "patients.parquet").names if "name" in name]


def test_the_command_in_the_readme_makes_the_same_files(run: Run, tmp_path: Path) -> None:
    run(60, "--out", tmp_path / "a", "--as-of", "2026-11-23T09:00:59", "--missing", 0.5, "--faults", 0.01)
    readme = (tmp_path / "a" / "README.txt").read_text(encoding="utf-8")
    words = readme[readme.index("flask cohort generate") :].replace("\\\n", " ").split()[3:]
    words[words.index("FOLDER")] = str(tmp_path / "b")
    assert run(*words)[0] == 0
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")


def test_texts_read_as_texts_and_moments_as_instants(run: Run, tmp_path: Path) -> None:
    run(30, "--out", tmp_path / "a", *AS_OF, "--distributions", FILE)
    schema = pq.read_schema(tmp_path / "a" / "patients.parquet")
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    assert kinds["patient__sex"] == "string"
    assert kinds["blood__platelets"] == "int64"
    assert kinds["blood__inr"] == "double"
    assert kinds["blood__inr__date"] == "date32[day]"
    assert kinds["recorded_at"] == "timestamp[ms, tz=UTC]"
    assert kinds["last_dose__apixaban"] == "string"
    assert kinds["medications"].startswith("list<")


# ---- what is there is kept ----


def test_nothing_is_replaced_unless_asked_for(run: Run, tmp_path: Path) -> None:
    run(20, "--out", tmp_path / "a", *AS_OF)
    before = folder_bytes(tmp_path / "a")
    code, _, errors = run(30, "--out", tmp_path / "a", *AS_OF)
    assert code == 1
    assert "already: nothing is written" in errors
    assert "--force" in errors
    assert folder_bytes(tmp_path / "a") == before
    assert run(30, "--out", tmp_path / "a", *AS_OF, "--force")[0] == 0
    assert pq.read_metadata(tmp_path / "a" / "patients.parquet").num_rows == 30


def test_what_is_read_is_what_was_drawn(tmp_path: Path) -> None:
    about = output.about(wanted(500, faults=0.05), "registry", AT.isoformat(), design(), rulebook())
    output.write(tmp_path / "a", parts(design(), rulebook(), wanted(500, faults=0.05)), about, "", lambda done: None)
    (drawn,) = parts(design(), rulebook(), wanted(500, faults=0.05))
    for name, table in (("patients", drawn.patients), ("lesions", drawn.lesions)):
        read = pq.read_table(tmp_path / "a" / f"{name}.parquet")
        assert read.to_pydict() == table.to_pydict()


@pytest.mark.parametrize("name", ["patients.csv", "lesions", "lesions.csv.gz"])
def test_another_table_of_the_same_name_is_not_joined(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("", encoding="utf-8")
    code, _, errors = run(20, "--out", tmp_path, *AS_OF, "--force")
    assert code == 1
    assert name in errors
    assert set(folder_bytes(tmp_path)) == {name}


def test_a_file_is_no_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("", encoding="utf-8")
    code, _, errors = run(20, "--out", tmp_path / "a", *AS_OF)
    assert (code, "is a file" in errors) == (1, True)


# ---- what goes wrong leaves nothing ----


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 20 kB: a write fails then just as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_told_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    code, _, errors = run(1000, "--out", tmp_path / "new" / "a", *AS_OF)
    assert code == 1
    assert "cannot be written: File too large" in errors
    assert "Make room" in errors
    assert not (tmp_path / "new" / "a").exists()


def broken(error: BaseException) -> Iterator[Part]:
    yield from parts(small_design(), rulebook(), wanted(20))
    raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(28, "No space left on device"), output.OutputError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_half_a_cohort_is_not_left(tmp_path: Path, error: BaseException, told: type[BaseException]) -> None:
    about = output.about(wanted(20), "registry", AT.isoformat(), small_design(), rulebook())
    output.write(tmp_path / "a", parts(small_design(), rulebook(), wanted(10)), about, "", lambda done: None)
    before = folder_bytes(tmp_path / "a")
    for folder in ("a", "new"):
        with pytest.raises(told):
            output.write(tmp_path / folder, broken(error), about, "", lambda done: None)
    assert folder_bytes(tmp_path / "a") == before
    assert not (tmp_path / "new").exists()


# ---- what is asked for wrongly ----


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0, "--out", "x"), "0 is not in the range"),
        ((10, "--out", "x", "--missing", "registri"), "did you mean «registry»?"),
        ((10, "--out", "x", "--missing", "-1"), "a number from 0 is needed"),
        ((10, "--out", "x", "--missing", "nan"), "a number from 0 is needed"),
        ((10, "--out", "x", "--faults", "2"), "2.0 is not in the range"),
        ((10, "--out", "x", "--as-of", "yesterday"), "a date and time is needed"),
        ((10, "--out", "x", "--as-of", "2026-11-23"), "a date and time is needed"),
        ((10,), "Missing option '--out'"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_told(run: Run, arguments: tuple[object, ...], told: str) -> None:
    code, _, errors = run(*arguments)
    assert (code, told in errors) == (2, True), errors


def test_a_faulty_file_of_distributions_is_told_line_by_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        FILE.read_text(encoding="utf-8").replace("patient.ecog:\n    values", "patient.ecgo:\n    values"),
        encoding="utf-8",
    )
    code, _, errors = run(10, "--out", tmp_path / "a", "--distributions", file)
    assert code == 1
    assert f"{file}:" in errors
    assert "did you mean «patient.ecog»?" in errors
    assert not (tmp_path / "a").exists()
    assert run(10, "--out", tmp_path / "a", "--distributions", tmp_path / "none.yaml")[0] == 1


def test_help_teaches(run: Run) -> None:
    code, told, _ = run("--help")
    assert code == 0
    assert "Examples:" in told
    assert "flask cohort generate 1000 --out trial" in told


def test_the_command_is_known_without_the_libraries_of_cohorts() -> None:
    tree = ast.parse(Path(command.__file__).read_text(encoding="utf-8"))
    names = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert "service.cli.common" in names
    assert not [name for name in names if name.startswith(("service.cohort", "numpy", "pyarrow", "ibis"))]


def test_progress_is_told_in_patients(tmp_path: Path) -> None:
    seen: list[int] = []
    about = output.about(wanted(20), "registry", AT.isoformat(), small_design(), rulebook())
    output.write(tmp_path / "a", parts(small_design(), rulebook(), wanted(20)), about, "x", seen.append)
    assert seen == [20]
