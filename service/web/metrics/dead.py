"""What a worker that ended had counted: its gauges vanish, its counts stay, in one file for all who ended.

prometheus_client leaves the files of dead workers where they are, and reads each of them again at every scrape. Workers
are replaced every some thousand requests and at every reload, so there would be no end to them.

This module knows nothing of the application. gunicorn.conf.py loads it by its path and calls it in the master.
"""

import fcntl
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

#: made when the server starts and never written: when that was, and the lock between a scrape and the merging of files
STARTED = "started"
_COUNTS = re.compile(r"(counter|histogram)_(\d+)\.db")


def bury(folder: Path, pid: int) -> list[str]:
    """A worker ended. While somebody reads the files they stay: the next call finds them. Raises OSError.

    Returns the names of files that could not be read. They are put aside: one of them would keep /metrics from everything.
    """
    mark_process_dead(pid, str(folder))
    unreadable = []
    with (folder / STARTED).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        for path in sorted(folder.glob("*.db")):
            match = _COUNTS.fullmatch(path.name)
            if match and not _lives(int(match[2])):
                try:
                    _merge(path, folder / f"{match[1]}_ended.db")
                except (RuntimeError, ValueError, struct.error):
                    path.rename(path.with_suffix(".unreadable"))
                    unreadable.append(path.name)
    return unreadable


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """While this lasts no file is merged: a count is found once, in one file or the other."""
    with (folder / STARTED).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _merge(path: Path, into: Path) -> None:
    found = list(MmapedDict.read_all_values_from_file(str(path)))
    sums = MmapedDict(str(into))
    try:
        for key, value, _, _ in found:
            held, _ = sums.read_value(key)
            sums.write_value(key, held + value, 0.0)
    finally:
        sums.close()
    path.unlink()
