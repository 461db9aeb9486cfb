"""This project's two engines, on the same subset of rules, and durable-rules as one would use it without the second."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from service.language.meaning import Meaning, Situation, Table
from service.run.compile import Compiler, Conditions
from service.run.properties import properties_of

from bench.rivals.engines import Patient, Questions, Said
from bench.rounds import median_of_calls

_SAID: tuple[Said, ...] = ("no", "unknown", "yes")


class Reference:
    """The reference meaning: three-valued closures over shared criteria. Computes the scores itself, unlike all others."""

    def __init__(self, questions: Questions) -> None:
        self.name = "Indication, reference meaning"
        self.form = "one pass over shared criteria, scores included, a verdict for every criterion and rule"
        self._rules = list(questions.nodes)
        rulebook = questions.rulebook
        self._table = Table(Meaning(rulebook.vocabulary, rulebook.scores), questions.nodes.values())

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        return [
            {name: _SAID[verdict] for name, verdict in zip(self._rules, self._ask(patient), strict=True)}
            for patient in patients
        ]

    def _ask(self, patient: Patient) -> Sequence[int]:
        return self._table.verdicts(self._table.evaluate(Situation(patient.known)))

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        return [median_of_calls(self._ask, patients) for _ in range(rounds)]


class Durable:
    """The run reading: durable-rules behind the project's adapter, each condition and its negation compiled."""

    def __init__(self, questions: Questions) -> None:
        self.name = f"Indication, run reading (durable_rules {version('durable_rules')})"
        self.form = "C module called directly, rulesets of at most 60 branches, condition and negation"
        self._rules = list(questions.nodes)
        self._rulebook = questions.rulebook
        self._meaning = Meaning(self._rulebook.vocabulary, self._rulebook.scores)
        self._conditions = Conditions(
            Compiler(self._rulebook.vocabulary, self._rulebook.scores), questions.nodes.values()
        )

    def _values(self, patient: Patient) -> Mapping[str, float]:
        values = properties_of(patient.known, self._rulebook.vocabulary)
        situation = Situation(patient.known)
        for name in self._rulebook.scores:
            values[f"score:{name}:low"], values[f"score:{name}:high"] = self._meaning.score(name, situation)
        return values

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        found = [self._conditions.verdicts(self._values(patient)) for patient in patients]
        return [{name: _SAID[verdict] for name, verdict in zip(self._rules, row, strict=True)} for row in found]

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        values = [self._values(patient) for patient in patients]
        return [median_of_calls(self._conditions.verdicts, values) for _ in range(rounds)]


class DurablePlain(Durable):
    """durable-rules as one would use it alone: what does not fire is taken for "no"."""

    def __init__(self, questions: Questions) -> None:
        super().__init__(questions)
        self.name = f"durable_rules {version('durable_rules')} alone"
        self.form = "the same, but what does not fire is taken for no"

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        return [
            {name: "yes" if said == "yes" else "no" for name, said in row.items()} for row in super().answers(patients)
        ]
