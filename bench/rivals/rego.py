"""Rego, by rego-cpp (regopy; not OPA itself): one rule for each rule, helpers for what must be negated or is a choice."""

import json
from collections.abc import Sequence
from importlib.metadata import version

from regopy import Interpreter

from bench.rivals.engines import Patient, Questions, Said
from bench.rivals.plain import Every, Holds, IsTrue, Negated, Number, Plain, Record, Some, Word
from bench.rounds import median_of_calls


class Rego:
    def __init__(self, questions: Questions) -> None:
        self.name = f"regopy {version('regopy')} (rego-cpp)"
        self.form = "one module built into a bundle, set_input and one query for all rules"
        self._rules = list(questions.plain)
        self._lines = ["package rules", "import rego.v1"]
        self._helpers = 0
        for at, condition in enumerate(questions.plain.values()):
            self._rule(f"r{at}", condition)
        self._interpreter = Interpreter()
        self._interpreter.add_module("rules", "\n".join(self._lines))
        self._bundle = self._interpreter.build("data.rules", [])

    def _rule(self, name: str, condition: Plain) -> None:
        """A rule, or one of several under the same name for a choice."""
        for way in condition.parts if isinstance(condition, Some) else (condition,):
            parts = way.parts if isinstance(way, Every) else (way,)
            self._lines.append(f"{name} if {{ {'; '.join(self._expression(part) for part in parts)} }}")

    def _helper(self, condition: Plain) -> str:
        self._helpers += 1
        name = f"h{self._helpers}"
        self._rule(name, condition)
        return name

    def _expression(self, condition: Plain) -> str:
        match condition:
            case Every() | Some():
                return self._helper(condition)
            case Negated(part):
                return f"not {self._helper(part)}"
            case IsTrue(field, value):
                return f"input.{field} == {'true' if value else 'false'}"
            case Number(field, operator, value):
                return f"input.{field} {operator} {value!r}"
            case Word(field, (word,), negated):
                return f'input.{field} {"!=" if negated else "=="} "{word}"'
            case Word(field, words, negated):
                return f"{'not ' if negated else ''}input.{field} in {json.dumps(words)}"
            case Holds(field, words, False):
                return (
                    f"some word in input.{field}; word in {json.dumps(words)}"
                    if len(words) > 1
                    else (f'"{words[0]}" in input.{field}')
                )
            case Holds(field, words, True):
                return f"not {self._helper(Holds(field, words, negated=False))}"

    def _ask(self, record: Record) -> dict[str, bool]:
        self._interpreter.set_input(record)
        found: dict[str, bool] = json.loads(str(self._interpreter.query_bundle(self._bundle)))["expressions"][0]
        return found

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        found = [self._ask(patient.record) for patient in patients]
        return [
            {name: "yes" if fired.get(f"r{at}") else "no" for at, name in enumerate(self._rules)} for fired in found
        ]

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        records = [patient.record for patient in patients[:12]]
        return [median_of_calls(self._ask, records) for _ in range(rounds)]
