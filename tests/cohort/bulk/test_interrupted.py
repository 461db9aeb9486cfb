"""An import that stops, for whatever reason, leaves nothing half done under a final name, and the next one goes on from there."""

import json
import multiprocessing
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from service.cli.cohort.import_fhir import import_fhir
from service.cohort.bulk import bucket, duck, gather, pool, store
from service.cohort.bulk.run import import_folder
from service.cohort.bulk.work import Work
from service.cohort.running.errors import DiskFull, RunError
from service.rulebook.model import Rulebook
from tests.cohort.bulk import dying
from tests.cohort.bulk.exports import AT, lesion_of, person, platelets, rows, write_export

NAMES = [f"p{number}" for number in range(30)]
#: what the settings below cut them into
TASKS, BUCKETS = 3, 2


class Stop(Exception):
    """What ends an import in the middle."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks and several buckets, of a few patients."""
    monkeypatch.setattr("service.cohort.bulk.export._LEAST", 8_000)
    monkeypatch.setattr("service.cohort.bulk.export._BUCKET", 7_000)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    resources = [each for name in NAMES for each in (person(name), lesion_of(name), platelets(name, 90))]
    return write_export(tmp_path / "export", resources)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, rulebook: Rulebook) -> list[Any]:
    """What an import gives that nobody interrupts, in one piece."""
    folder = tmp_path_factory.mktemp("whole")
    resources = [each for name in NAMES for each in (person(name), lesion_of(name), platelets(name, 90))]
    import_folder(write_export(folder / "export", resources), folder / "cohort", rulebook, AT)
    return results(folder / "cohort")


def stopping(after: str, at: int) -> Callable[[str, int, int], None]:
    def tell(what: str, done: int, _of: int) -> None:
        if what == after and done == at:
            raise Stop

    return tell


def results(out: Path) -> list[Any]:
    report = json.loads((out / "import.json").read_text(encoding="utf-8"))
    return [rows(out / "patients.parquet"), rows(out / "lesions.parquet"), {**report, "files": sorted(report["files"])}]


@pytest.mark.parametrize(
    ("after", "at"),
    [("reading lines", 2), ("comparing patients", 0), ("reading patients", 1), ("writing", 0)],
)
def test_an_interrupted_import_goes_on(
    source: Path,
    tmp_path: Path,
    rulebook: Rulebook,
    whole: list[Any],
    after: str,
    at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "cohort"
    with pytest.raises(Stop):
        import_folder(source, out, rulebook, AT, tell=stopping(after, at))
    assert not out.exists()
    finished = [path for path in Work(out).path.rglob("*.json") if path.name in ("gathered.json", "mapped.json")]
    again: list[str] = []
    monkeypatch.setattr(gather, "gather", _noted(gather.gather, again))
    monkeypatch.setattr(bucket, "map_bucket", _noted(bucket.map_bucket, again))
    assert import_folder(source, out, rulebook, None)["as_of"] == AT.isoformat()
    assert results(out) == whole
    assert not (tmp_path / "cohort.parts").exists()
    # What was finished was not done again.
    assert len(again) == TASKS + BUCKETS - len(finished)


def _noted(work: Callable[[Any, Any], None], noted: list[str]) -> Callable[[Any, Any], None]:
    def noting(common: Any, piece: Any) -> None:
        noted.append(str(piece))
        work(common, piece)

    return noting


def test_what_was_left_half_written_does_no_harm(source: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    out = tmp_path / "cohort"
    with pytest.raises(Stop):
        import_folder(source, out, rulebook, AT, tell=stopping("reading patients", 1))
    work = Work(out)
    for folder in (work.gathered / "00001.tmp", work.mapped / "00001.tmp", work.path / "joined.tmp"):
        folder.mkdir()
        (folder / "patient.parquet").write_bytes(b"PAR1 half")
    import_folder(source, out, rulebook, AT)
    assert [row["patient"] for row in rows(out / "patients.parquet")] == sorted(NAMES)


def test_only_the_same_import_is_gone_on_with(source: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    out = tmp_path / "cohort"
    with pytest.raises(Stop):
        import_folder(source, out, rulebook, AT, tell=stopping("reading patients", 1))
    with pytest.raises(RunError, match=r"as-of moment: then 2026-11-23T09:00:00\+01:00, now 2026-11-23T10"):
        import_folder(source, out, rulebook, AT + timedelta(hours=1))
    (source / "Patient.ndjson").write_text(json.dumps(person("p0")), encoding="utf-8")
    (source / "more.ndjson").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match=r"(?s)Patient.ndjson: has changed since.*more.ndjson: is there now.*--force"):
        import_folder(source, out, rulebook, None)
    assert import_folder(source, out, rulebook, AT, force=True)["patients"]["without_patient_resource"] == 29


def test_files_that_change_meanwhile_are_told(source: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    def tell(what: str, done: int, _of: int) -> None:
        if what == "reading patients" and done == 1:
            (source / "Patient.ndjson").write_text("", encoding="utf-8")

    with pytest.raises(RunError, match="have changed meanwhile"):
        import_folder(source, tmp_path / "cohort", rulebook, AT, tell=tell)
    assert not (tmp_path / "cohort").exists()


def test_nothing_that_stands_there_is_replaced_unasked(source: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    out = tmp_path / "cohort"
    import_folder(source, out, rulebook, AT)
    with pytest.raises(RunError, match=r"(?s)holds patients.parquet already.*--force"):
        import_folder(source, out, rulebook, AT)
    (out / "mine.txt").write_text("kept", encoding="utf-8")
    import_folder(source, out, rulebook, AT, force=True)
    assert (out / "mine.txt").read_text(encoding="utf-8") == "kept"
    (tmp_path / "other.parts").mkdir()
    (tmp_path / "other.parts" / "mine.txt").touch()
    with pytest.raises(RunError, match=r"holds mine.txt, and no import"):
        import_folder(source, tmp_path / "other", rulebook, AT)


def test_two_imports_into_one_folder(source: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    with Work(tmp_path / "cohort").locked(), pytest.raises(RunError, match="another import works here"):
        import_folder(source, tmp_path / "cohort", rulebook, AT)


@pytest.mark.parametrize("where", [(store.Sheet, "flush"), (bucket._Table, "_flush"), (duck, "write")])
def test_a_full_disk(
    source: Path, tmp_path: Path, rulebook: Rulebook, where: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "cohort"
    with monkeypatch.context() as patched:
        patched.setattr(*where, full)
        with pytest.raises(DiskFull, match="no room is left"):
            import_folder(source, out, rulebook, AT)
    assert not out.exists()
    import_folder(source, out, rulebook, AT)
    assert len(rows(out / "patients.parquet")) == len(NAMES)


@pytest.mark.parametrize(
    ("name", "text"), [("nowhere", "no such folder"), ("empty", "no file of FHIR Bulk Data"), ("file", "is a file")]
)
def test_what_is_no_export(tmp_path: Path, rulebook: Rulebook, name: str, text: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=text):
        import_folder(tmp_path / name, tmp_path / "cohort", rulebook, AT)


# ---- several processes ----


def test_several_processes(
    source: Path, tmp_path: Path, rulebook: Rulebook, whole: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cohort.bulk.run.WORTH_PROCESSES", 0)
    import_folder(source, tmp_path / "cohort", rulebook, AT, processes=2)
    assert results(tmp_path / "cohort") == whole


def test_the_work_is_shared_out(tmp_path: Path) -> None:
    with pool.Pool(2) as workers:
        assert sorted(workers.each(dying.write, tmp_path, range(6))) == list(range(6))
        assert str(os.getpid()) not in {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
        with pytest.raises(OSError, match="No space"):
            list(workers.each(dying.fail, tmp_path, range(4)))
    assert multiprocessing.active_children() == []


def test_a_process_that_is_ended_from_outside(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="fewer --processes"), pool.Pool(2) as workers:
        list(workers.each(dying.die, tmp_path, range(4)))
    assert multiprocessing.active_children() == []


# ---- the command ----


def test_the_command(app: Flask, source: Path, tmp_path: Path) -> None:
    runner = app.test_cli_runner()
    given = [str(source), "--out", str(tmp_path / "cohort"), "--as-of", "2026-11-23T09:00:00+01:00", "--lang", "en"]
    ended = runner.invoke(import_fhir, given)
    assert ended.exit_code == 0, ended.output
    assert "30 patients with a bone lesion, 30 lesions" in ended.output
    ended = runner.invoke(import_fhir, [*given, "--as-of", "soon"])
    assert ended.exit_code == 2
    assert "--as-of" in ended.output
