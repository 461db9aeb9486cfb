"""Disks that are full, read-only or broken, under a server with its record in SQLite.

A disk that is really full is a small file system in memory, which root alone can mount; where that is not allowed, the same server
meets the same errors from disk.c, which refuses each change with the number that the system would give.
"""

import errno
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import service
from tests.faults.clients import Seen, ask, load, reported, waited
from tests.serving import Server

#: of the small disk, in kibibytes
SIZE = 4096


def test_changes_are_refused(small: Path, disk_library: Path, tmp_path: Path) -> None:
    """No room, no permission to write, and a disk that fails, while the files are open; the spool is on another disk: nobody is refused."""
    number = tmp_path / "number"
    kept = tmp_path / "kept"
    store = f"sqlite:///{kept}/record.sqlite"
    settings = {
        **service.settings(tmp_path, store, "spool"),
        "LD_PRELOAD": str(disk_library),
        "DISK_FOLDER": str(kept),
        "DISK_REFUSE": str(number),
    }
    with service.service(small, tmp_path, settings) as server:
        with load(server.port) as clients:
            for error in (errno.ENOSPC, errno.EROFS, errno.EIO):
                number.write_text(str(error))
                clients.until(12)
                number.unlink()
                clients.until(12)
        service.drained(server, store, settings, clients.seen)
        with service.record(store) as record:
            report = reported("disk full, read-only, failing (spool)", 3, clients.seen, record)
        assert (report.refused, report.cut) == (0, 0)


# ---- a real one ----


@contextmanager
def mounted(folder: Path) -> Iterator[Callable[[str], None]]:
    """A small file system at this folder, to begin with read-only. What is given mounts it anew with other options."""
    folder.mkdir()
    options = f"size={SIZE}k,mode=0700,ro"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("a file system can be mounted by root alone; the same errors are tried without one, above")
    try:
        yield lambda how: subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True) and None
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Nothing more goes into the file system of this folder."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - any other error is a fault of this test
        yield
    ballast.unlink()


@pytest.mark.parametrize("when_down", ["refuse", "spool"])
def test_a_small_disk(small: Path, tmp_path: Path, when_down: str) -> None:
    """Read-only when the service starts, later full twice. Where records may wait, their queue is on that disk too: they cannot."""
    disk = tmp_path / "disk"
    store = f"sqlite:///{disk}/kept/record.sqlite"
    settings = service.settings(disk if when_down == "spool" else tmp_path, store, when_down)
    seen = Seen()
    with mounted(disk) as anew:
        server = Server(service.ROOT, small, tmp_path / "log", service.WORKERS, settings)
        try:
            waited(lambda: ask(server.port, seen) == 503, "a read-only disk does not lead to a refusal")
            anew("rw")
            service.answers_again(server, seen)
            with load(server.port) as clients:
                for _ in range(2):
                    with full(disk):
                        clients.until(6, status=503)
                    clients.until(6)
            service.drained(server, store, settings, clients.seen)
            with service.record(store) as record:
                reported(f"a small disk ({when_down})", 3, clients.seen, record)
        finally:
            server.stop()
