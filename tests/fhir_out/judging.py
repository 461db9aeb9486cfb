"""Judges that are not ours, asked about many resources at once (node/judge.mjs, and HL7's own JSON Schema)."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft6Validator

NODE = Path(__file__).parent / "node"
SCHEMA = NODE / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4" / "fhir.schema.json"


def faults(resources: Mapping[str, Any]) -> dict[str, list[str]]:
    """By name, what any judge finds wrong."""
    assert SCHEMA.is_file(), "the judges are not installed: script/setup dev"
    node = shutil.which("node")
    assert node is not None, "node is missing: script/setup dev"
    run = subprocess.run(
        [node, NODE / "judge.mjs"],
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, list[str]] = json.loads(run.stdout)
    for name, resource in resources.items():
        # The patterns of ids, dates and times, which neither of the others looks at.
        wrong = [f"schema: {place}: {said}" for place, said in _by_schema(resource)]
        if wrong:
            found[name] = [*found.get(name, []), *wrong]
    return found


def _by_schema(resource: Any) -> list[tuple[str, str]]:
    validator = _validator(resource["resourceType"])
    return [(error.json_path, error.message[:200]) for error in validator.iter_errors(resource)][:10]


@cache
def _validator(kind: str) -> Draft6Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    if kind == "Bundle":
        # A resource in a list is any of 150 types: trying each makes every complaint unreadable and slow.
        schema["definitions"]["ResourceList"] = {"type": "object", "required": ["resourceType"]}
    return Draft6Validator({**schema, "oneOf": [{"$ref": f"#/definitions/{kind}"}]})
