"""GoRules ZEN: one collect decision table, one row for each rule, its condition in one cell."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import zen

from bench.rivals.engines import Patient, Questions, Said
from bench.rivals.plain import Every, Holds, IsTrue, Negated, Number, Plain, Record, Some, Word
from bench.rounds import median_of_calls


class Zen:
    def __init__(self, questions: Questions) -> None:
        self.name = f"zen-engine {version('zen-engine')}"
        self.form = "ZenEngine with a static loader, one collect table, one expression cell for each rule"
        self._rules = list(questions.plain)
        rows = [
            {"_id": f"r{at}", "c": expression(condition), "o": str(at)}
            for at, condition in enumerate(questions.plain.values())
        ]
        content = json.dumps(_decision(rows))
        self._engine = zen.ZenEngine({"loader": lambda _: content})

    def _ask(self, record: Record) -> list[dict[str, int]]:
        found: list[dict[str, int]] = self._engine.evaluate("rules", record)["result"]
        return found

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        result: list[dict[str, Said]] = []
        for patient in patients:
            fired = {entry["id"] for entry in self._ask(patient.record)}
            result.append({name: "yes" if at in fired else "no" for at, name in enumerate(self._rules)})
        return result

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        records = [patient.record for patient in patients]
        return [median_of_calls(self._ask, records) for _ in range(rounds)]


def expression(condition: Plain) -> str:
    match condition:
        case Every(parts):
            return "(" + " and ".join(map(expression, parts)) + ")"
        case Some(parts):
            return "(" + " or ".join(map(expression, parts)) + ")"
        case Negated(part):
            return f"(not {expression(part)})"
        case IsTrue(field, value):
            return f"({field} == {'true' if value else 'false'})"
        case Number(field, operator, value):
            return f"({field} {operator} {value!r})"
        case Word(field, (word,), negated):
            return f"({field} {'!=' if negated else '=='} '{word}')"
        case Word(field, words, negated):
            return f"({field} {'not in' if negated else 'in'} {list(words)!r})"
        case Holds(field, words, negated):
            return f"({'none' if negated else 'some'}({field}, # in {list(words)!r}))"


def _decision(rows: list[dict[str, str]]) -> dict[str, Any]:
    place = {"x": 0, "y": 0}
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "c", "name": "condition"}],
        "outputs": [{"id": "o", "name": "id", "field": "id"}],
        "rules": rows,
        "passThrough": False,
        "executionMode": "single",
        "inputField": None,
        "outputPath": None,
    }
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": place},
            {"id": "table", "type": "decisionTableNode", "name": "table", "position": place, "content": table},
            {"id": "out", "type": "outputNode", "name": "out", "position": place},
        ],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }
