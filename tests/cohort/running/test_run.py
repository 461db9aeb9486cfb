"""A run in parts: nothing is lost, nothing is there twice, whatever happens in between."""

import csv
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import ibis.expr.types as ir
import pytest

from service.cohort.engines import Dialect
from service.cohort.running.errors import RunError
from service.cohort.running.folder import Folder
from service.cohort.running.plan import Judged
from service.cohort.running.record import Record, from_json
from service.cohort.running.run import run
from service.query.criteria import Keep
from tests.cohort.running.small import IDENTITY, files, judge, other, rows, run_small, write, write_cohort

NAMES = ("recommendations", "lesions", "refused", "problems")
PATIENTS = 600


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    write_cohort(folder, PATIENTS)
    return folder


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """The same cohort in one part."""
    out = tmp_path_factory.mktemp("whole") / "out"
    run_small(source, out, 1)
    return {name: rows(out, name) for name in NAMES}


def test_one_part_holds_everything(whole: dict[str, list]) -> None:
    usable = PATIENTS - PATIENTS // 10
    assert len(whole["recommendations"]) == usable * 2 * 3
    assert len(whole["lesions"]) == usable * 2
    assert len(whole["refused"]) == PATIENTS // 10
    assert whole["problems"] == [("lesions", "patient", "unknown_patient", 1)]


@pytest.mark.parametrize("parts", [2, 7])
def test_parts_come_to_the_same(parts: int, source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out = tmp_path / "out"
    record = run_small(source, out, parts)
    assert {name: rows(out, name) for name in NAMES} == whole
    assert record.complete
    assert record.parts == parts == len(record.done)
    assert record.total("patients") == PATIENTS
    assert record.total("options") == len(whole["recommendations"])
    assert record.refused() == {"patient_twice": PATIENTS // 10}
    assert record.missing == ("nothing.gives-it",)
    numbered = {f"{name}/part-{number:05}.parquet" for name in NAMES[:2] for number in range(1, parts + 1)}
    assert files(out) == {"run.json", "refused.parquet", "problems.parquet", *numbered}
    assert from_json((out / "run.json").read_text()) == record
    sizes = [part.patients for part in record.done]
    assert max(sizes) < 2 * min(sizes), "about as many patients in each part"


@pytest.mark.parametrize("text_files", [False, True])
def test_rows_in_no_order_come_to_the_same(
    text_files: bool, tmp_path: Path, whole: dict[str, list], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out, steps = tmp_path / "source", tmp_path / "out", []
    write_cohort(source, PATIENTS, shuffled=True)
    monkeypatch.setattr("service.cohort.running.duck._OFTEN", 2.0)
    monkeypatch.setattr("service.cohort.running.duck._BLOCK", 500)
    monkeypatch.setattr("service.cohort.running.duck._RUN", 1e-5)  # several runs
    run_small(source, out, 4, step=steps.append, text_files=text_files)
    assert {"putting patients in order", "putting lesions in order"} <= set(steps)
    assert {name: rows(out, name) for name in NAMES} == whole


def test_rows_in_order_are_read_where_they_are(source: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    run_small(source, tmp_path / "out", 4, step=steps.append)
    assert steps[:3] == ["cutting the cohort into parts", "compiling the rules", "people"]


class Stopped(Exception):
    pass


def after(done: int) -> Callable[[Record], None]:
    """Stops a run once so many parts are done."""

    def told(record: Record) -> None:
        if len(record.done) == done:
            raise Stopped

    return told


@pytest.mark.parametrize("done", [0, 1, 3])
def test_goes_on_where_it_stopped(done: int, source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out, further = tmp_path / "out", []
    with pytest.raises(Stopped):
        run_small(source, out, told=after(done))
    assert not from_json((out / "run.json").read_text()).complete
    assert not (out / "refused.parquet").exists()
    # Another size of the parts is asked for meanwhile: the parts that were begun stay.
    record = run_small(source, out, 2, told=further.append)
    assert [len(each.done) for each in further] == list(range(done, 4))
    assert record.complete
    assert {name: rows(out, name) for name in NAMES} == whole
    assert not (out / ".work").exists()


def test_a_part_that_was_written_and_not_recorded_is_written_anew(
    source: Path, tmp_path: Path, whole: dict[str, list], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write = Folder._write

    def dies(self: Folder, record: Record) -> None:
        if len(record.done) == 2:
            raise Stopped
        write(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "_write", dies)
        with pytest.raises(Stopped):
            run_small(source, out)
    assert (out / "recommendations/part-00002.parquet").exists()
    assert len(from_json((out / "run.json").read_text()).done) == 1
    run_small(source, out)
    assert {name: rows(out, name) for name in NAMES} == whole


def test_a_part_half_written_has_no_final_name(source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        run_small(source, out, told=after(1))
    (out / "recommendations/part-00002.parquet.tmp").write_bytes(b"PAR1 half")
    (out / "run.json.tmp").write_text("{")
    run_small(source, out)
    assert {name: rows(out, name) for name in NAMES} == whole
    assert not [name for name in files(out) if name.endswith(".tmp")]


def test_a_finished_run_is_not_done_again(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run_small(source, out)
    written = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert run_small(source, out) == first
    assert {name: (out / name).stat().st_mtime_ns for name in files(out)} == written


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"as_of": "2027-01-01T00:00:00+01:00"}, "as-of moment: then 2026-11-23T09:00:00+01:00, now 2027-01-01"),
        ({"rulebook_digest": "d2"}, "digest of the rulebook: then d1, now d2"),
        ({"engine_version": "0.2"}, "version of Indication: then 0.1, now 0.2"),
        ({"written_as": "csv"}, "format of the result: then parquet, now csv"),
        ({"fingerprint": {"patients.parquet": "2 bytes"}}, "patients.parquet in the source: then 1 byte, now 2 bytes"),
        ({"fingerprint": {"patients.csv": "2 bytes"}}, "patients.csv in the source: then not there, now 2 bytes"),
    ],
)
def test_another_run_is_refused_and_forced(
    changes: dict, told: str, source: Path, tmp_path: Path, whole: dict[str, list]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        run_small(source, out, told=after(1))
    before = files(out)
    with pytest.raises(RunError, match="another run") as refused:
        run_small(source, out, identity=other(**changes))
    assert told in str(refused.value)
    assert "--force" in str(refused.value)
    assert files(out) == before
    record = run_small(source, out, 2, identity=other(**changes), force=True)
    assert record.complete
    assert record.parts == 2
    if "written_as" not in changes:
        assert {name: rows(out, name) for name in NAMES} == whole


def test_the_same_source_by_another_name_is_the_same(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        run_small(source, out, told=after(1))
    assert run_small(source, out, identity=other(source="elsewhere/")).complete


def test_a_source_that_changes_meanwhile_is_told(source: Path, tmp_path: Path) -> None:
    seen = iter([IDENTITY, IDENTITY, other(fingerprint={"patients.parquet": "2 bytes"})])
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "tests.cohort.running.small.run",
            lambda place, folder, identity, *rest, **more: run(place, folder, lambda: next(seen), *rest, **more),
        )
        with pytest.raises(RunError, match="changed while it was read"):
            run_small(source, out)
    assert not from_json((out / "run.json").read_text()).complete


def test_working_files_that_are_gone_are_told(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        run_small(source, out, told=after(2))
    (out / ".work/ranges.json").rename(tmp_path / "ranges.json")
    with pytest.raises(RunError, match=r"ranges.json: is gone"):
        run_small(source, out)
    (tmp_path / "ranges.json").rename(out / ".work/ranges.json")
    shutil.rmtree(out / ".work/refused")
    with pytest.raises(RunError, match=r"refused/part-00001.parquet: is gone"):
        run_small(source, out)


def test_a_folder_with_something_else_is_left_alone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "lesions").mkdir(parents=True)
    (out / "lesions" / "mine.parquet").write_bytes(b"x")
    for force in (False, True):
        with pytest.raises(RunError, match="no run of this command"):
            run_small(source, out, force=force)
    assert files(out) == {"lesions/mine.parquet"}


def test_the_source_as_result_is_refused(source: Path) -> None:
    before = files(source)
    with pytest.raises(RunError, match="no run of this command"):
        run_small(source, source, force=True)
    assert files(source) == before


def test_two_runs_into_one_folder(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Folder(out).locked(), pytest.raises(RunError, match="another run is writing here"):
        run_small(source, out)


def test_a_record_that_cannot_be_read(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_small(source, out)
    (out / "run.json").write_text('{"format": 99}')
    with pytest.raises(RunError, match="format 99"):
        run_small(source, out)
    assert run_small(source, out, force=True).complete


def test_a_finished_run_of_something_else_is_refused(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_small(source, out, 1)
    with pytest.raises(RunError, match="another run"):
        run_small(source, out, identity=other(rulebook_digest="d2"))


def test_rows_without_a_patient_are_in_some_part(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    write_cohort(source, 300)
    nobody = [(None, "l", 1), ("", "l", 1), ("~", "l", 1)]
    write(source, "lesions", ("patient", "lesion", "w"), [*rows(source, "lesions"), *nobody])
    run_small(source, out)
    # Lesions of nobody: q, NULL, blank and ~, each counted once, although in different parts.
    assert rows(out, "problems") == [("lesions", "patient", "unknown_patient", 4)]


def test_a_cohort_of_nobody(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    write_cohort(source, 0)
    record = run_small(source, out)
    assert record.complete
    assert (record.parts, record.total("patients")) == (1, 0)
    assert rows(out, "recommendations") == []


def test_whole_numbers_as_ids_of_one_table_and_text_of_the_other(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    write(source, "patients", ("patient", "v"), [(number, 1) for number in range(1000)])
    write(source, "lesions", ("patient", "lesion", "w"), [(str(number), "l", 1) for number in range(1000)])

    def by_text(raw: Mapping[str, ir.Table], dialect: Dialect, keep: Keep) -> Judged:
        """As the settling has it: ids are compared as text."""
        texts = {name: table.mutate(patient=table.patient.cast("string")) for name, table in raw.items()}
        return judge(texts, dialect, keep)

    record = run_small(source, out, judge=by_text)
    assert record.parts == 3
    assert record.total("lesions") == 1000
    assert rows(out, "problems") == []


def test_csv(source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out = tmp_path / "out"
    run_small(source, out, identity=other(written_as="csv"))
    found = [row for part in sorted(out.glob("recommendations/*.csv")) for row in lines(part)]
    assert found == [tuple(map(str, row)) for row in whole["recommendations"]]
    assert lines(out / "refused.csv") == whole["refused"]


def lines(file: Path) -> list[tuple[str, ...]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return sorted(tuple(row) for row in list(csv.reader(opened))[1:])
