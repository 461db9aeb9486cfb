"""CLIPS: the patient is one fact with a slot for each field (nil when absent), one rule for each rule."""

from collections.abc import Sequence
from importlib.metadata import version

import clips

from bench.rivals.engines import Patient, Questions, Said
from bench.rivals.plain import Every, Holds, IsTrue, Negated, Number, Plain, Record, Some, Word, fields_of
from bench.rounds import median_of_calls

#: CLIPS complains on the terminal when an environment goes before the process does
_kept: list[clips.Environment] = []

_OPERATORS = {"==": "=", "!=": "<>"}


class Clips:
    def __init__(self, questions: Questions) -> None:
        self.name = f"clipspy {version('clipspy')}"
        self.form = "one fact with a slot for each field, reset, assert, run, read the conclusions"
        self._rules = list(questions.plain)
        lists = {name for condition in questions.plain.values() for name in _lists(condition)}
        fields = dict.fromkeys(name for condition in questions.plain.values() for name in fields_of(condition))
        self._fields = list(fields)
        self._env = clips.Environment()
        _kept.append(self._env)
        slots = " ".join(f"({'multislot' if name in lists else 'slot'} {name})" for name in fields)
        self._env.build(f"(deftemplate patient {slots})")
        self._env.build("(deftemplate holds (slot rule))")
        for at, condition in enumerate(questions.plain.values()):
            bound = " ".join(f"({name} {'$' if name in lists else ''}?{name})" for name in fields_of(condition))
            self._env.build(
                f"(defrule r{at} (patient {bound}) (test {test(condition)}) => (assert (holds (rule {at}))))"
            )
        self._patient = self._env.find_template("patient")

    def _ask(self, record: Record) -> list[int]:
        self._env.reset()
        self._patient.assert_fact(
            **{
                name: tuple(record[name]) if isinstance(record[name], list) else record[name]
                for name in self._fields
                if name in record
            }
        )
        self._env.run()
        return [fact["rule"] for fact in self._env.find_template("holds").facts()]

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        result: list[dict[str, Said]] = []
        for patient in patients:
            fired = set(self._ask(patient.record))
            result.append({name: "yes" if at in fired else "no" for at, name in enumerate(self._rules)})
        return result

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        records = [patient.record for patient in patients]
        return [median_of_calls(self._ask, records) for _ in range(rounds)]


def test(condition: Plain) -> str:
    match condition:
        case Every(parts):
            return f"(and {' '.join(map(test, parts))})"
        case Some(parts):
            return f"(or {' '.join(map(test, parts))})"
        case Negated(part):
            return f"(not {test(part)})"
        case IsTrue(field, value):
            return f"(eq ?{field} {'TRUE' if value else 'FALSE'})"
        case Number(field, operator, value):
            # Comparing nil is an error in CLIPS: nobody could write it without this guard.
            return f"(and (numberp ?{field}) ({_OPERATORS.get(operator, operator)} ?{field} {value!r}))"
        case Word(field, words, negated):
            if negated:
                return "(neq " + f"?{field} " + " ".join(f'"{word}"' for word in words) + ")"
            return (
                "(or " + " ".join(f'(eq ?{field} "{word}")' for word in words) + ")"
                if len(words) > 1
                else (f'(eq ?{field} "{words[0]}")')
            )
        case Holds(field, words, negated):
            members = [f'(member$ "{word}" ?{field})' for word in words]
            some = members[0] if len(members) == 1 else f"(or {' '.join(members)})"
            return f"(not {some})" if negated else some


def _lists(condition: Plain) -> list[str]:
    match condition:
        case Every(parts) | Some(parts):
            return [name for part in parts for name in _lists(part)]
        case Negated(part):
            return _lists(part)
        case Holds(field):
            return [field]
    return []
