"""What a process did to a folder, as disk.c writes it down."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<cIIQ")


@dataclass(frozen=True)
class Operation:
    """One change. `what`: create, mkdir, write, truncate (to `offset` bytes), sync, unlink, rename (to `data`)."""

    what: str
    #: within the folder; "" is the folder itself
    name: str
    offset: int
    data: bytes


_NAMES = {b"c": "create", b"m": "mkdir", b"w": "write", b"t": "truncate", b"s": "sync", b"u": "unlink", b"r": "rename"}


def read(file: Path) -> list[Operation]:
    return list(_operations(file.read_bytes()))


def _operations(log: bytes) -> Iterator[Operation]:
    place = 0
    while place < len(log):
        what, of_name, length, offset = _HEADER.unpack_from(log, place)
        place += _HEADER.size
        name = log[place : place + of_name].decode()
        place += of_name
        yield Operation(_NAMES[what], name, offset, log[place : place + length])
        place += length
