"""Records as JSON data, with all that is needed to verify them elsewhere."""

import json
from typing import Any

from service.audit.record import Row


def parts(row: Row, *, with_content: bool) -> dict[str, Any]:
    """A record as JSON data.

    `line` and `content` stand as JSON; their canonical texts (`service.audit.record.canonical`) are what was hashed. With
    `with_content`, `content` is null when it was erased; otherwise neither it nor its salt is there.
    """
    r = row.recorded
    told: dict[str, Any] = {
        "seq": r.seq,
        "id": r.id,
        "kind": r.kind,
        "at": r.at,
        "line": _value(r.line),
        "previous": r.previous,
        "seal": r.seal,
        "hash": r.hash,
    }
    if with_content:
        content = row.content
        told |= {"salt": content and content.salt, "content": _value(content.body) if content else None}
    return told


def _value(text: str) -> Any:
    """The JSON value of a text; the text itself when somebody altered it to something else, which verification tells."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        return text
    return value
