"""The process whose every write is written down: `child.py FOLDER SYNCHRONOUS` fills a record below FOLDER.

It tells what was acknowledged in FOLDER/acknowledged, a line each, after the call that made it durable has returned.
SYNCHRONOUS is what SQLite is told; "as it is": what the service tells it.
"""

import os
import sqlite3
import sys
from pathlib import Path

from service.audit import database, files
from service.audit.record import Entry
from service.audit.store import Record
from service.settings.folder import state_folder

ACKNOWLEDGED = "acknowledged"
AS_IT_IS = "as it is"
AT = "2026-11-26T03:00:00.000000+00:00"
#: entries that are recorded together
TOGETHER = ((2, 3), (6, 7))
ERASED = 2
RULEBOOK = "sha256:1"


def entry(number: int) -> Entry:
    return Entry(f"{number:032x}", "decision", AT, {"door": "api"}, {"text": text(number)})


def text(number: int) -> str:
    """What is personal of this entry."""
    return f"personal-{number}-" * 40


def store(folder: Path) -> str:
    return f"sqlite:///{folder}/kept/here/record.sqlite"


def spool(folder: Path) -> Path:
    return folder / "spool" / "spool.sqlite"


def less_durable(synchronous: str) -> None:
    """From now on, whatever the service says."""

    def set_up(connection: sqlite3.Connection) -> None:
        before(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    before = files.set_up
    files.set_up = database.set_up = set_up


def fill(folder: Path) -> None:
    state_folder({"INDICATION_STATE": str(spool(folder).parent)})  # made as the service makes it
    told = os.open(folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tell(*words: str) -> None:
        os.write(told, "".join(f"{word}\n" for word in words).encode())

    def append(record: Record, *numbers: int) -> None:
        record.append_many([entry(number) for number in numbers])
        tell(*map(str, numbers))

    record = Record.open(store(folder), spool(folder), "spool")
    append(record, 1)
    append(record, 2, 3)
    record.close()  # the last connection: SQLite ends its write-ahead log
    record = Record.open(store(folder), spool(folder), "spool")
    append(record, 4)
    record._circuit.failed("as if it were down")  # as when the store does not answer: these wait
    append(record, 5)
    append(record, 6, 7)
    record.keep_rulebook(RULEBOOK, b"rules" * 500)
    tell("rulebook")
    record._circuit.worked()
    append(record, 8)  # behind those that wait
    record.erase([entry(ERASED).id], "why", AT, "admin")
    tell("erased")
    append(record, 9)
    record._circuit.failed("as if it were down")
    append(record, 10)
    record.close()


if __name__ == "__main__":
    if sys.argv[2] != AS_IT_IS:
        less_durable(sys.argv[2])
    fill(Path(sys.argv[1]))
