"""The power fails at every write of the record: it opens again, its chain is whole, and what was acknowledged is there once.

A process fills a record in SQLite and its spool while every change of its files is written down. Then, for each beginning of
that log, the folder is made as a power cut at that point may leave it, in several ways, and the service's own code opens it.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from service.audit.errors import NotKnown, NotRecorded
from service.audit.store import Record
from tests.faults.crash import child
from tests.faults.crash.log import Operation, read
from tests.faults.crash.power import Disk, Image, laid_out

#: images of each point in pieces, besides the one with everything and the one with as little as can be
IN_PIECES = 2
#: asked to find faults it need not find all
FOUND_IS_ENOUGH = 5
AFTERWARDS = 99
#: where the images are laid out: in memory, for no disk is needed to read them
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a place, not a file


def written(library: Path, scratch: Path, synchronous: str) -> list[Operation]:
    """All that the process did to the disk."""
    folder = scratch / "folder"
    folder.mkdir()
    log = scratch / "log"
    subprocess.run(
        [sys.executable, "-m", "tests.faults.crash.child", str(folder), synchronous],
        check=True,
        env={**os.environ, "LD_PRELOAD": str(library), "DISK_FOLDER": str(folder), "DISK_LOG": str(log)},
    )
    return read(log)


def images(log: list[Operation], seed: int) -> Iterator[tuple[int, Image, list[str]]]:
    """Each different state of the disk: how many operations were begun, what is there, and what was acknowledged before."""
    random = Random(seed)  # noqa: S311 - nothing is kept secret here
    disk, told = Disk(), b""
    seen: set[str] = set()
    for place, operation in enumerate(log):
        if operation.name == child.ACKNOWLEDGED:
            told += operation.data
        elif operation.name.endswith("-shm"):
            continue
        else:
            disk.do(operation)
        found = [disk.process_ended(), disk.power_cut()]
        found += [disk.power_cut_in_pieces(random) for _ in range(IN_PIECES)]
        for image in found:
            digest = hashlib.sha256(repr((sorted(image.items()), told)).encode()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield place + 1, image, told.decode().split()


def wrong(image: Image, acknowledged: list[str]) -> str | None:
    """What is wrong when the service begins anew on this disk; None when nothing is."""
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        laid_out(image, folder)
        try:
            record = Record.open(child.store(folder), child.spool(folder), "spool")
            try:
                return _wrong_in(record, acknowledged) or _wrong_afterwards(record, acknowledged, folder)
            finally:
                record.close()
        except (NotRecorded, NotKnown) as error:
            return f"{type(error).__name__}: {error}"


def _wrong_in(record: Record, acknowledged: list[str]) -> str | None:
    record.append(child.entry(AFTERWARDS))
    if record.waiting():
        return "the store does not come back by itself"
    if fault := record.verify():
        return str(fault)
    found = [int(row.recorded.id, 16) for row in record.rows() if row.recorded.kind == "decision"]
    if found != [*range(1, len(found)), AFTERWARDS]:
        return f"{found}: missing, twice, or in another order"
    if any((first in found) != (second in found) for first, second in child.TOGETHER):
        return f"{found}: a part of what was recorded together"
    if missing := {word for word in acknowledged if word.isdecimal()} - {str(number) for number in found}:
        return f"acknowledged and lost: {sorted(missing)}"
    if "rulebook" in acknowledged:
        record.rulebook(child.RULEBOOK)
    return None


def _wrong_afterwards(record: Record, acknowledged: list[str], folder: Path) -> str | None:
    if "erased" not in acknowledged:
        return None
    if record.get(child.entry(child.ERASED).id).content is not None:
        return "erased, and there again"
    record.close()  # what the power cut left in the write-ahead log goes with the last connection
    left = [path.name for path in folder.rglob("*") if path.is_file() and _holds(path, child.text(child.ERASED))]
    return f"erased, and still in {left}" if left else None


def _holds(file: Path, text: str) -> bool:
    return text.encode() in file.read_bytes()


def test_the_power_fails_at_every_write(disk_library: Path, tmp_path: Path) -> None:
    log = written(disk_library, tmp_path, child.AS_IT_IS)
    tried, cut = 0, 0
    faults = []
    for place, image, acknowledged in images(log, seed=7):
        tried += 1
        cut = place
        if told := wrong(image, acknowledged):
            faults.append(f"after operation {place} ({log[place - 1].what} {log[place - 1].name}): {told}")
    print(f"\ncrash images {tried}, operations {cut}, faults {len(faults)}")  # noqa: T201 - the figures are quoted (pytest -s)
    assert not faults, "\n".join(faults[:20])
    assert tried > 500


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_harness_finds_it(disk_library: Path, tmp_path: Path, synchronous: str) -> None:
    """SQLite told to be less careful than the service tells it: what was acknowledged is lost, and that is seen."""
    log = written(disk_library, tmp_path, synchronous)
    found = []
    for _, image, acknowledged in images(log, seed=7):
        if told := wrong(image, acknowledged):
            found.append(told)
            if len(found) >= FOUND_IS_ENOUGH and "acknowledged and lost" in told:
                break
    assert any("acknowledged and lost" in told for told in found)
