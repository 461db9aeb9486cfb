"""The EHR's own FHIR server: one that is not ours (node/server.mjs), with the patients of fixtures/fhir in it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

NODE = Path(__file__).parent / "node"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|T)")
_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]+)\Z")
STOP_SECONDS = 10


def record(root: Path, name: str) -> list[dict[str, Any]]:
    """The resources of a fixture, with ids that no other fixture has, and as long before now as they were before its moment."""
    case = json.loads((root / "fixtures" / "fhir" / f"{name}.json").read_text(encoding="utf-8"))
    later = datetime.now(UTC).date() - datetime.fromisoformat(case["at"]).date()
    resources = [entry["resource"] for entry in case["bundle"]["entry"]]
    return [_moved(resource, name, later) | {"id": f"{name}-{resource['id']}"} for resource in resources]


def _moved(value: Any, name: str, later: timedelta, key: str = "") -> Any:
    if isinstance(value, dict):
        return {inner: _moved(each, name, later, inner) for inner, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, name, later, key) for each in value]
    if not isinstance(value, str) or key == "birthDate":
        return value
    if key == "reference":
        return _REFERENCE.sub(rf"\1/{name}-\2", value)
    return _DATE.sub(lambda found: str(date.fromisoformat(found[0]) + later), value, count=1)


@contextmanager
def fhir_server(resources: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """The port of a server that holds `resources`; it ends with the block, and by itself when this process dies."""
    assert (NODE / "node_modules").is_dir(), "the FHIR server of the tests is not installed: script/setup dev"
    node = shutil.which("node")
    assert node is not None, "node is missing: script/setup dev"
    process = subprocess.Popen(
        [node, NODE / "server.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(list(resources)) + "\n")
        process.stdin.flush()
        # It ends by itself when it cannot start: then there is no line.
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def target(template: str, context: Mapping[str, str]) -> str:
    """A prefetch template as the query that it stands for. A token that this EHR does not know is an error."""
    filled = re.sub(r"\{\{context\.(\w+)\}\}", lambda found: context[found[1]], template)
    assert "{{" not in filled, template
    path, _, query = filled.partition("?")
    return f"/{path}?{quote(query, safe='=&,')}" if query else f"/{path}"
