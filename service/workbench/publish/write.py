"""Writes several files, or none of them."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_all(files: Mapping[Path, bytes]) -> None:
    """Every file as given, or, whatever happens on the way, all as they were. Raises OSError, and what interrupts it.

    Each stands whole beside its place before the first one takes its place: what can fail (rights, a full disk) fails
    before anything has changed.
    """
    drafts: dict[Path, Path] = {}
    before: dict[Path, bytes | None] = {}
    try:
        for path, content in files.items():
            before[path] = path.read_bytes() if path.exists() else None
            drafts[path] = _draft(path, content)
        try:
            for path, draft in drafts.items():
                draft.replace(path)
        except BaseException:
            _restore(before, drafts)
            raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _draft(path: Path, content: bytes) -> Path:
    # The dot in front keeps it from being taken for a rule file by whoever reads the folder meanwhile.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _restore(before: Mapping[Path, bytes | None], drafts: Mapping[Path, Path]) -> None:
    for path, draft in drafts.items():
        if draft.exists():
            # It has not taken its place.
            continue
        content = before[path]
        with contextlib.suppress(OSError):
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
