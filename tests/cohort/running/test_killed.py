"""A run in a process of its own that is killed, or that finds no room: the next one ends it without loss or doubles."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.cohort.running.record import from_json
from tests.cohort.running.small import files, rows, run_small, write_cohort

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("recommendations", "lesions", "refused", "problems")
PARTS = 9
PATIENTS = 20_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    write_cohort(folder, PATIENTS)
    return folder


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    out = tmp_path_factory.mktemp("whole") / "out"
    run_small(source, out, 1)
    return {name: rows(out, name) for name in NAMES}


def begun(source: Path, out: Path, largest: int | None = None) -> subprocess.Popen:
    """A run in another process; with `largest`, no file may become larger than so many bytes, as on a disk that is full."""

    def limited() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    command = [sys.executable, "-m", "tests.cohort.running.small", source, out, str(PARTS)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=limited)


def when(there: Callable[[], bool], process: subprocess.Popen) -> None:
    """Waits until something is there, for as long as the process runs."""
    while not there():
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)


def test_killed_at_any_moment(source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out = tmp_path / "out"
    moments = [
        lambda: (out / ".work/ranges.json").exists(),
        lambda: any(out.glob("recommendations/*.tmp")),
        lambda: (out / "lesions/part-00005.parquet").exists(),
    ]
    done = 0
    for moment in moments:
        process = begun(source, out)
        when(moment, process)
        process.kill()
        process.communicate()
        record = from_json((out / "run.json").read_text())
        assert not record.complete
        assert len(record.done) >= done
        done = len(record.done)
    assert 0 < done < PARTS
    last = begun(source, out)
    _, said = last.communicate()
    assert last.returncode == 0, said
    assert {name: rows(out, name) for name in NAMES} == whole
    assert not [name for name in files(out) if ".work" in name or name.endswith(".tmp")]


def test_no_room(source: Path, tmp_path: Path, whole: dict[str, list]) -> None:
    out = tmp_path / "out"
    stopped = begun(source, out, largest=10_000)
    _, said = stopped.communicate()
    assert stopped.returncode == 1
    assert "no room" in said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert not [name for name in files(out) if name.startswith(("recommendations/", "lesions/"))]
    run_small(source, out)
    assert {name: rows(out, name) for name in NAMES} == whole
