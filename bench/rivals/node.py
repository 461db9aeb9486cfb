"""The rivals that run on Node: one process for each measure, which reads rules and patients and times itself."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.rivals.engines import Patient, Questions, Said
from bench.rivals.plain import Every, Holds, IsTrue, Negated, Number, Plain, Some, Word

_HERE = Path(__file__).resolve().parent / "node"
_PACKAGES = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
_LIMIT_SECONDS = 300
#: one pass over the patients before the first that is timed, so that the compiler has seen the code
_WARM = 1


def installed() -> bool:
    home = os.environ.get("NODE_PATH")
    return bool(home) and all((Path(home or "") / name).is_dir() for name in _PACKAGES)


class _OnNode:
    script = ""

    def __init__(self, questions: Questions) -> None:
        self._rules = list(questions.plain)
        self._conditions = [told(condition) for condition in questions.plain.values()]

    def _run(self, patients: Sequence[Patient], rounds: int) -> Any:
        task = {"rules": self._conditions, "records": [patient.record for patient in patients], "rounds": rounds}
        done = subprocess.run(
            ["node", str(_HERE / self.script)],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=True,
            timeout=_LIMIT_SECONDS,
        )
        return json.loads(done.stdout)

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        found = self._run(patients, 0)["answers"]
        return [dict(zip(self._rules, row, strict=True)) for row in found]

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        taken: list[float] = self._run(patients, rounds + _WARM)["taken"][_WARM:]
        return taken


class JsonRules(_OnNode):
    script = "json_rules.js"
    name = f"json-rules-engine {_PACKAGES['json-rules-engine']}"
    form = "one engine, allowUndefinedFacts, one run for each patient"


class Cql(_OnNode):
    script = "cql.js"
    name = f"cql-execution {_PACKAGES['cql-execution']}"
    form = "one ELM library, one definition for each rule, one Executor for each patient"


def told(condition: Plain) -> dict[str, Any]:
    match condition:
        case Every(parts):
            return {"kind": "every", "parts": [told(part) for part in parts]}
        case Some(parts):
            return {"kind": "some", "parts": [told(part) for part in parts]}
        case Negated(part):
            return {"kind": "negated", "part": told(part)}
        case IsTrue(field, value):
            return {"kind": "is", "field": field, "value": value}
        case Number(field, operator, number):
            return {"kind": "number", "field": field, "operator": operator, "value": number}
        case Word(field, words, negated):
            return {"kind": "word", "field": field, "words": list(words), "negated": negated}
        case Holds(field, words, negated):
            return {"kind": "holds", "field": field, "words": list(words), "negated": negated}
