"""Forward chaining: from facts to scores, from scores to questions about lesions, from those to the rules.

Each step is a set of rulesets whose conclusions become facts of the next. The last step, from the rules' verdicts to
the status of techniques and modes, is in `statuses.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.language.arithmetic import Interval, interval
from service.language.kleene import NO, YES, Verdict
from service.language.meaning import Situation
from service.language.scores import Score, scores_read
from service.language.tree import Node
from service.rulebook.model import Rulebook
from service.run.compile import Compiler, Conditions, TooManyBranches
from service.run.properties import properties_of


@dataclass(frozen=True, slots=True)
class _ScoreStep:
    """Scores that can be computed together, and the conditions of all their rows in order."""

    scores: tuple[Score, ...]
    rows: Conditions


class RunReading:
    """The engine, loaded with one rulebook. Build after fork; one per worker.

    Raises `TooManyBranches` when a condition could overflow the engine: at load, never while a patient waits.
    """

    def __init__(self, rulebook: Rulebook) -> None:
        self._vocabulary = rulebook.vocabulary
        compiler = Compiler(rulebook.vocabulary, rulebook.scores)
        self._scores = [_score_step(compiler, scores) for scores in _levels(rulebook.scores.values())]
        places: dict[str, list[int]] = {"patient": [], "lesion": []}
        for bound in rulebook.bound:
            places[bound.scope].append(bound.place)
        self._patient_places, self._lesion_places = places["patient"], places["lesion"]
        conditions = {
            scope: _compiled(compiler, [(rulebook.bound[place].rule.id, rulebook.bound[place].when) for place in found])
            for scope, found in places.items()
        }
        self._patient_rules, self._lesion_rules = conditions["patient"], conditions["lesion"]
        # Compiling the rules has told which questions about several lesions they ask.
        self._counts = list(compiler.counts)
        self._counted = Conditions(compiler, [count.where for count in self._counts])

    def verdicts(self, patient: Situation, lesions: Sequence[Situation]) -> list[list[Verdict]]:
        """The verdict of every bound rule, for each lesion in order. Raises EngineError."""
        values = [self._with_scores(situation) for situation in lesions]
        counts = self._count(values)
        of_patient = {**self._with_scores(patient), **counts}
        shared = self._patient_rules.verdicts(of_patient)
        result = []
        for lesion in values:
            verdicts: list[Verdict] = [NO] * (len(self._patient_places) + len(self._lesion_places))
            for place, verdict in zip(self._patient_places, shared, strict=True):
                verdicts[place] = verdict
            own = self._lesion_rules.verdicts({**lesion, **counts})
            for place, verdict in zip(self._lesion_places, own, strict=True):
                verdicts[place] = verdict
            result.append(verdicts)
        return result

    def _with_scores(self, situation: Situation) -> dict[str, float]:
        values = properties_of(situation.known, self._vocabulary)

        def bounds(item_id: str) -> Interval:
            if item_id in values:
                return values[item_id], values[item_id]
            return self._vocabulary[item_id].low, self._vocabulary[item_id].high

        for step in self._scores:
            verdicts = iter(step.rows.verdicts(values))
            for score in step.scores:
                low = high = 0.0
                for component in score.components:
                    row_verdicts = [next(verdicts) for _ in component.rows]
                    reachable = _reachable(row_verdicts)
                    expressions = [row.points for row, taken in zip(component.rows, reachable, strict=True) if taken]
                    if YES not in row_verdicts:
                        expressions.append(component.otherwise)
                    intervals = [interval(expression, bounds) for expression in expressions]
                    low += min(a for a, _ in intervals)
                    high += max(b for _, b in intervals)
                values[f"score:{score.id}:low"], values[f"score:{score.id}:high"] = low, high
        return values

    def _count(self, lesions: Sequence[dict[str, float]]) -> dict[str, float]:
        """How many lesions fulfil each question: those that do for certain, and those that may."""
        if not self._counts:
            return {}
        verdicts = [self._counted.verdicts(values) for values in lesions]
        counts: dict[str, float] = {}
        for number in range(len(self._counts)):
            answers = [found[number] for found in verdicts]
            counts[f"count:{number}:low"] = float(answers.count(YES))
            counts[f"count:{number}:high"] = float(len(answers) - answers.count(NO))
        return counts


def _reachable(verdicts: Sequence[Verdict]) -> list[bool]:
    """Which rows may give the points: those that hold or may hold, up to the first that holds for certain."""
    result, decided = [], False
    for verdict in verdicts:
        result.append(not decided and verdict != NO)
        decided = decided or verdict == YES
    return result


def _score_step(compiler: Compiler, scores: tuple[Score, ...]) -> _ScoreStep:
    rows = [(score.id, row.when) for score in scores for component in score.components for row in component.rows]
    return _ScoreStep(scores, _compiled(compiler, rows))


def _levels(scores: Iterable[Score]) -> list[tuple[Score, ...]]:
    """Scores in the order in which they can be computed: first those that read no other score."""
    remaining = {score.id: score for score in scores}
    done: set[str] = set()
    levels = []
    while remaining:
        ready = tuple(score for score in remaining.values() if scores_read(score) <= done)
        levels.append(ready)
        done |= {score.id for score in ready}
        remaining = {name: score for name, score in remaining.items() if name not in done}
    return levels


def _compiled(compiler: Compiler, named: Sequence[tuple[str, Node]]) -> Conditions:
    """The conditions in one set of rulesets; says which one is too large if one is."""
    for name, node in named:
        try:
            Conditions(compiler, [node])
        except TooManyBranches:
            raise TooManyBranches(
                f"{name}: the condition has too many alternatives for the engine; split the rule"
            ) from None
    return Conditions(compiler, [node for _, node in named])
