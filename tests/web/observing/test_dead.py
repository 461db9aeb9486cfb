"""The counts of workers that ended: added up in one file, once, and never while they are read."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from service.web.metrics.dead import STARTED, bury, reading


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / STARTED).touch()
    return tmp_path


def ended() -> int:
    """The number of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def write(path: Path, **values: float) -> None:
    found = MmapedDict(str(path))
    for key, number in values.items():
        found.write_value(key, number, 0.0)
    found.close()


def read(path: Path) -> dict[str, float]:
    return {key.strip(): number for key, number, _, _ in MmapedDict.read_all_values_from_file(str(path))}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {STARTED}


def test_counts_stay_and_gauges_vanish(folder):
    first, second, alive = ended(), ended(), os.getpid()
    for kind in ("counter", "histogram"):
        write(folder / f"{kind}_{first}.db", a=3, b=1.5)
        write(folder / f"{kind}_{second}.db", b=2, c=4)
        write(folder / f"{kind}_{alive}.db", a=7)
    write(folder / f"gauge_livesum_{first}.db", a=1)
    write(folder / f"gauge_livesum_{alive}.db", a=1)
    assert bury(folder, first) == []
    living = {f"counter_{alive}.db", f"histogram_{alive}.db", f"gauge_livesum_{alive}.db"}
    assert names(folder) == living | {"counter_ended.db", "histogram_ended.db"}
    for kind in ("counter", "histogram"):
        assert read(folder / f"{kind}_ended.db") == {"a": 3, "b": 3.5, "c": 4}
        assert read(folder / f"{kind}_{alive}.db") == {"a": 7}
    bury(folder, second)
    assert read(folder / "counter_ended.db") == {"a": 3, "b": 3.5, "c": 4}, "once"


def test_not_while_somebody_reads(folder):
    pid = ended()
    write(folder / f"counter_{pid}.db", a=1)
    with reading(folder):
        bury(folder, pid)
        assert names(folder) == {f"counter_{pid}.db"}
    bury(folder, ended())
    assert names(folder) == {"counter_ended.db"}


def test_nobody_reads_while_files_are_merged(folder):
    read_ = threading.Event()

    def read_it() -> None:
        with reading(folder):
            read_.set()

    with (folder / STARTED).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=read_it)
        thread.start()
        assert not read_.wait(0.2)
    thread.join(5)
    assert read_.is_set()


@pytest.mark.parametrize("content", [b"", (64).to_bytes(4, "little") + b"\0" * 4 + b"\x7f" * 56])
def test_a_file_that_cannot_be_read_is_put_aside(folder, content):
    bad, good = sorted((ended(), ended()))
    (folder / f"counter_{bad}.db").write_bytes(content)
    write(folder / f"counter_{good}.db", a=1)
    assert bury(folder, bad) == [f"counter_{bad}.db"]
    assert names(folder) == {f"counter_{bad}.unreadable", "counter_ended.db"}
    assert read(folder / "counter_ended.db") == {"a": 1}
