"""What an engine says of a rule when the answer hangs on something missing: only "unknown" is right.

Two experiments. In the first, items are simply absent, and every engine takes part. In the second, some lists are
also incomplete and some moments known to the day only, which only this project can express.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.language.tree import leaves, scores_of
from service.rulebook.model import Rulebook

from bench.patients import AT, Drawer, Known, known_of_fixtures
from bench.rivals.engines import Engine, Questions, Said, patients
from bench.truth import TooMany, World

#: share of items withheld, and of lists and moments blurred in the second experiment
WITHHELD = 0.15
BLURRED = 0.3
REDRAWN = 0.35


@dataclass(frozen=True)
class Evaluation:
    """One rule for one patient, and what its completions say."""

    patient: int
    rule: str
    possible: frozenset[bool]


@dataclass
class Experiment:
    """Partial patients, and the truth of every rule for each."""

    patients: list[Known]
    #: the answer hangs on something missing
    hanging: list[Evaluation] = field(default_factory=list)
    #: whatever is missing, the answer is the same
    settled: list[Evaluation] = field(default_factory=list)
    #: nothing that bears on the rule is missing
    complete: int = 0
    #: too many completions to enumerate
    left_out: int = 0


@dataclass
class Score:
    """How one engine did. `wrong` is what hurts: it decided, and a completion says otherwise."""

    fired: int = 0
    said_no: int = 0
    unknown: int = 0
    failed: int = 0
    #: it said "unknown" although every completion says the same
    cautious: int = 0
    #: it contradicted what every completion says
    contradicted: int = 0
    #: of those, on a rule that reads a score
    contradicted_scores: int = 0

    @property
    def wrong(self) -> int:
        return self.fired + self.said_no


def partial_patients(rulebook: Rulebook, number: int, *, blurred: bool, seed: int = 7) -> list[Known]:
    drawer = Drawer(rulebook, seed)
    given = known_of_fixtures(rulebook)
    found = []
    for at in range(number):
        known = drawer.withheld(drawer.completed(given[at % len(given)], REDRAWN), WITHHELD)
        found.append(drawer.blurred(known, BLURRED) if blurred else known)
    return found


def experiment(asked: Questions, partial: Sequence[Known]) -> Experiment:
    """The truth of every rule for every patient, by enumeration."""
    world = World(asked.rulebook.vocabulary, asked.rulebook.scores, AT)
    result = Experiment(list(partial))
    bearing = {name: world.items(node) for name, node in asked.nodes.items()}
    for at, known in enumerate(partial):
        for name, node in asked.nodes.items():
            if all(_settles(known, item) for item in bearing[name]):
                result.complete += 1
                continue
            try:
                evaluation = Evaluation(at, name, world.possible(node, known))
            except TooMany:
                result.left_out += 1
                continue
            (result.hanging if len(evaluation.possible) == 2 else result.settled).append(evaluation)
    return result


def _settles(known: Known, item: str) -> bool:
    value = known.get(item)
    whole = getattr(value, "complete", True) and (not hasattr(value, "since") or value.since[0] == value.since[1])
    return value is not None and whole


def scored(asked: Questions, done: Experiment, answers: Sequence[dict[str, Said]]) -> Score:
    """Counts what an engine said. `answers` has one entry for each patient of the experiment."""
    result = Score()
    for evaluation in done.hanging:
        said = answers[evaluation.patient][evaluation.rule]
        result.fired += said == "yes"
        result.said_no += said == "no"
        result.unknown += said == "unknown"
        result.failed += said == "error"
    for evaluation in done.settled:
        said = answers[evaluation.patient][evaluation.rule]
        if said in ("unknown", "error"):
            result.cautious += 1
        elif (said == "yes") not in evaluation.possible:
            result.contradicted += 1
            result.contradicted_scores += reads_score(asked, evaluation.rule)
    return result


def reads_score(asked: Questions, rule: str) -> bool:
    return any(scores_of(leaf) for leaf in leaves(asked.nodes[rule]))


def answers_of(engine: Engine, asked: Questions, done: Experiment) -> list[dict[str, Said]]:
    return engine.answers(patients(asked, done.patients))
