"""The file of clients as a server takes it: checked, then written anew with the key files that it names inside it.

What workers read was checked as it stands there: who edits the file, or a key file, changes nothing before it is taken again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.clients.file import entries_of, read_document


def take(path: Path, to: Path) -> list[str]:
    """Writes the file at `path` to `to`, for its owner alone; or says every mistake, and writes nothing.

    Raises OSError when `to` cannot be written, or is there already.
    """
    document, mistakes = read_document(path)
    _, mistakes = entries_of(document, mistakes, path.parent)
    if mistakes:
        return list(map(str, mistakes))
    try:
        data = {"clients": [_whole(entry, path.parent) for entry in document.data["clients"]]}
    except (OSError, ValueError):
        return [f"{path.name}: a key file changed while it was read: try again"]
    to.touch(mode=0o600, exist_ok=False)
    to.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    # A key file may have changed since it was checked; and JSON is YAML, but for rare characters and numbers.
    written, mistakes = read_document(to)
    _, mistakes = entries_of(written, mistakes, to.parent)
    if mistakes or written.data != data:
        to.unlink()
        why = mistakes[0].message if mistakes else "it does not read as it was written"
        return [f"{path.name}: cannot be taken with its key files inside it: {why}"]
    return []


def _whole(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """An entry that names no other file. Raises OSError or ValueError."""
    found = dict(entry)
    if "keys" in found:
        found["keys"] = _inlined(found["keys"], folder)
    if "tokens" in found:
        found["tokens"] = {**found["tokens"], "keys": _inlined(found["tokens"]["keys"], folder)}
    return found


def _inlined(keys: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Where public keys are, those of a file as they stand in it."""
    found = dict(keys)
    if "jwks_file" in found:
        found["jwks"] = json.loads((folder / found.pop("jwks_file")).read_bytes())
    return found
