"""Files that are there whole or not at all."""

import os
from pathlib import Path


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
