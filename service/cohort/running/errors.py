"""What ends a run, with what to do about it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class RunError(Exception):
    """A run that cannot go on. `lines` say what, where and how to mend it; they quote no patient's value."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class DiskFull(RunError):
    """No room is left where the run writes."""


class OutOfMemory(RunError):
    """A step needs more than the memory granted, and cannot go on on disk."""


#: how the engines say that there is no room, in lower case
_NO_ROOM: Final = ("no space left on device", "disk quota exceeded", "file too large", "max_temp_directory_size")
_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: what DuckDB's client raises when Ctrl-C ends a query
_INTERRUPTED: Final = "query interrupted"
#: errors of PostgreSQL that quote no value, and that a person can act on
_OF_SERVER: Final = ("OperationalError", "AdminShutdown", "CrashShutdown", "InsufficientPrivilege", "QueryCanceled")
KEPT: Final = "the parts that are finished are kept, and the same command goes on from there"


@contextmanager
def plainly(where: str, memory: str) -> Iterator[None]:
    """Raises RunError in place of what an engine or the system says for want of room, of memory, of a server or of a right;
    KeyboardInterrupt where Ctrl-C ended a query. `where`: what is written to."""
    try:
        yield
    except RunError:
        raise
    except Exception as error:
        if isinstance(error, RuntimeError) and _INTERRUPTED in str(error).lower():
            raise KeyboardInterrupt from None
        told = _told(error, where, memory)
        if told is None:
            raise
        raise told from None


def _told(error: Exception, where: str, memory: str) -> RunError | None:
    kind = type(error)
    text = str(error).lower()
    if (isinstance(error, OSError) and error.errno in _ROOM) or any(words in text for words in _NO_ROOM):
        return DiskFull(
            f"{where}: no room is left there for the result and the working files",
            f"make room (or lift the limit on the size of files); {KEPT}",
        )
    if isinstance(error, MemoryError) or kind.__name__ == "OutOfMemoryException":
        return OutOfMemory(
            f"a part of this cohort needs more than --memory {memory} leaves for it",
            f"give more, or fewer --threads; or start anew with --force and smaller parts (--part); {KEPT}",
        )
    if isinstance(error, OSError):
        return RunError(f"{error.filename or where}: {error.strerror or error}", KEPT)
    if kind.__module__.startswith("psycopg") and kind.__name__ in _OF_SERVER:
        return RunError(f"PostgreSQL: {str(error).strip().splitlines()[0]}", KEPT)
    return None
