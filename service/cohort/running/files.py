"""Files that are there whole or not at all, and a folder that one process has to itself."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.cohort.running.errors import RunError


def unfinished(final: Path) -> Path:
    """The name under which a file is written before it is whole."""
    return final.with_name(f"{final.name}.tmp")


def publish(final: Path) -> None:
    """Gives a file that was written as `unfinished` its final name, once it is safely on the disk."""
    written = unfinished(final)
    _sync(written)
    written.replace(final)
    _sync(final.parent)


def write_whole(final: Path, text: str) -> None:
    """Writes or replaces a text in one step."""
    unfinished(final).write_text(text, encoding="utf-8")
    publish(final)


@contextmanager
def locked(folder: Path, busy: str) -> Iterator[None]:
    """Nobody else writes into this folder meanwhile; the lock ends with the process, however it ends.

    The folder is made if need be. Raises RunError: it cannot be made or opened, or another holds it (`busy` says who).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made or opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"{folder}: {busy}; wait for it, or give another folder") from None
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
