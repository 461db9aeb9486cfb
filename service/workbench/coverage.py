"""What cases exercise of a rulebook: which rules came out yes, no and unknown, and which criteria were shown to matter.

A criterion is *decisive* in an evaluation when it alone gives the verdict: everything beside it is neutral (yes in an
`all`, no in an `any`), all the way up. Were it to come out the other way, with all else as it is, so would the rule.
It is shown to matter when it was decisive as a yes and, in another evaluation, as a no. This is masking MC/DC, in
three-valued logic; `docs/workbench/test.md` says why this form of it. A criterion that was decisive as an unknown was
shown to leave the rule open: that its absence is not taken for a no.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from service.language.facts import Case
from service.language.kleene import NO, YES, Verdict, conjunction, disjunction, negation
from service.language.meaning import Condition, Meaning, Situation, situations
from service.language.scores import Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    CountLesions,
    Leaf,
    Node,
    Not,
    OfTechnique,
    criteria,
    for_technique,
    leaves,
)
from service.language.vocabulary import Scope
from service.rulebook.model import Rulebook
from service.workbench.places import Place, Places
from service.workbench.tables.read import Tables

Kind: TypeAlias = Literal["rule", "score"]


class Counts(NamedTuple):
    """How often each verdict was met, in the order of the verdicts themselves."""

    no: int
    unknown: int
    yes: int


@dataclass(frozen=True, slots=True)
class CriterionCoverage:
    """One criterion where it stands; the same criterion written twice is two."""

    text: str
    place: Place
    counts: Counts
    #: how often it alone gave the verdict, being that itself
    decisive: Counts
    #: a property of the technique: known as soon as the technique is
    always_known: bool

    @property
    def matters(self) -> bool:
        """Covered in the sense of masking MC/DC."""
        return self.decisive.yes > 0 and self.decisive.no > 0

    @property
    def leaves_open(self) -> bool:
        return self.decisive.unknown > 0


@dataclass(frozen=True, slots=True)
class ConditionCoverage:
    """The condition of one rule, or one condition of a score, over all evaluations of it."""

    id: str
    kind: Kind
    place: Place
    counts: Counts
    criteria: tuple[CriterionCoverage, ...]
    #: technique -> counts, of a rule whose condition speaks of the technique being judged
    by_technique: dict[str, Counts] = field(default_factory=dict)

    @property
    def never(self) -> list[str]:
        """The verdicts that it never gave, of `yes`, `no` and `unknown`, but for those that it can never give."""
        can = [] if not self.criteria else ["yes", "no"]
        can += ["unknown"] if any(not criterion.always_known for criterion in self.criteria) else []
        return [name for name in can if getattr(self.counts, name) == 0]


@dataclass(frozen=True, slots=True)
class Coverage:
    #: cases decided; lesions in them
    cases: int
    lesions: int
    rules: tuple[ConditionCoverage, ...]
    scores: tuple[ConditionCoverage, ...]

    def criteria(self) -> Iterator[tuple[ConditionCoverage, CriterionCoverage]]:
        for condition in (*self.rules, *self.scores):
            for criterion in condition.criteria:
                yield condition, criterion


# ---- one evaluation --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weighed:
    """A part of a condition with its verdict. `neutral` is what its parts must be for one of them to decide alone."""

    verdict: Verdict
    parts: tuple["Weighed", ...] = ()
    neutral: Verdict = YES


def weigh(node: Node, verdict_of: Callable[[Leaf], Verdict]) -> Weighed:
    """The verdict of every part of a condition, from those of its criteria."""
    match node:
        case All(parts):
            inner = tuple(weigh(part, verdict_of) for part in parts)
            return Weighed(conjunction(part.verdict for part in inner), inner, YES)
        case AnyOf(parts):
            inner = tuple(weigh(part, verdict_of) for part in parts)
            return Weighed(disjunction(part.verdict for part in inner), inner, NO)
        case Not(part):
            negated = weigh(part, verdict_of)
            return Weighed(negation(negated.verdict), (negated,))
        case _:
            return Weighed(verdict_of(node))


def decisive(weighed: Weighed, alone: bool = True) -> Iterator[tuple[Verdict, bool]]:
    """Of each criterion, in reading order: its verdict, and whether it alone gives that of the whole."""
    if not weighed.parts:
        yield weighed.verdict, alone
        return
    # Every part but one must be neutral: with two that are not, neither decides alone.
    others = sum(part.verdict != weighed.neutral for part in weighed.parts)
    for part in weighed.parts:
        yield from decisive(part, alone and others - (part.verdict != weighed.neutral) == 0)


# ---- many evaluations ------------------------------------------------------------------------------------------------


class _Tally:
    """Evaluations of one condition, counted."""

    def __init__(self, size: int) -> None:
        self.verdicts = [0, 0, 0]
        self.criteria = [([0, 0, 0], [0, 0, 0]) for _ in range(size)]

    def add(self, weighed: Weighed) -> None:
        self.verdicts[weighed.verdict] += 1
        for (counts, alone), (verdict, decides) in zip(self.criteria, decisive(weighed), strict=True):
            counts[verdict] += 1
            alone[verdict] += decides


class _Watched:
    """One condition as it is written: its own evaluations, and those of what it asks of several lesions."""

    def __init__(self, when: Node) -> None:
        self.when = when
        self.tally = _Tally(sum(1 for _ in leaves(when)))
        self.asked = [(leaf.where, _Watched(leaf.where)) for leaf in leaves(when) if isinstance(leaf, CountLesions)]
        self.by_technique: dict[str, list[int]] = {}

    def of_criteria(self) -> Iterator[tuple[list[int], list[int]]]:
        """In the order of `criteria`."""
        inner = iter(self.asked)
        for leaf, counted in zip(leaves(self.when), self.tally.criteria, strict=True):
            yield counted
            if isinstance(leaf, CountLesions):
                yield from next(inner)[1].of_criteria()


class Observer:
    """Watches a rulebook's conditions while patients are judged."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._meaning = Meaning(rulebook.vocabulary, rulebook.scores)
        self._rules = {name: _Watched(rule.when) for name, rule in rulebook.rules.items()}
        self._scores = {
            name: [_Watched(node) for node in score.conditions()] for name, score in rulebook.scores.items()
        }
        # The criteria of one tree are compiled once, and found again by the identity of the leaf.
        self._compiled: dict[int, tuple[Leaf, Condition]] = {}
        self._cases = self._lesions = 0

    def see(self, case: Case) -> None:
        """One case: every rule and score is evaluated once for the patient or once for each lesion, as its scope asks."""
        patient, lesions = situations(case)
        asked: dict[Scope, Sequence[Situation]] = {"patient": [patient], "lesion": lesions}
        for bound in self._rulebook.bound:
            for situation in asked[bound.scope]:
                self.see_rule(bound.rule.id, bound.when, situation, bound.technique)
        for rule in self._rulebook.rules.values():
            self._see_lesions(self._rules[rule.id], patient)
        for score in self._rulebook.scores.values():
            for situation in asked[score.scope]:
                self._see_score(score, situation)
        self._cases += 1
        self._lesions += len(lesions)

    def see_tables(self, tables: Tables) -> None:
        """The patients of the case tables: each is an evaluation of the one rule or score that its table speaks of."""
        for table in tables.rules.values():
            rule = self._rulebook.rules.get(table.id)
            for example in table.examples if rule else ():
                assert rule is not None
                when = for_technique(rule.when, example.duration, example.position)
                self.see_rule(rule.id, when, example.situation)
                self._see_lesions(self._rules[rule.id], example.situation)
        for table in tables.scores.values():
            score = self._rulebook.scores.get(table.id)
            for example in table.examples if score else ():
                assert score is not None
                self._see_score(score, example.situation)

    def see_rule(self, rule: str, when: Node, situation: Situation, technique: str | None = None) -> None:
        """One evaluation of a rule. `when` is its condition, settled for the technique if it speaks of it."""
        watched = self._rules[rule]
        weighed = weigh(when, lambda leaf: self._verdict(leaf, situation))
        watched.tally.add(weighed)
        if technique is not None:
            watched.by_technique.setdefault(technique, [0, 0, 0])[weighed.verdict] += 1

    def _see_lesions(self, watched: _Watched, patient: Situation) -> None:
        """What a rule asks of several lesions is a condition of its own, evaluated on each of them."""
        for where, inner in watched.asked:
            for known in patient.lesions:
                situation = Situation(known, patient.lesions)
                inner.tally.add(weigh(where, lambda leaf, of=situation: self._verdict(leaf, of)))  # type: ignore[misc]

    def _see_score(self, score: Score, situation: Situation) -> None:
        """The conditions of a score as far as they are read: no row where it does not apply, none after one that holds."""
        watched = iter(self._scores[score.id])
        if self._see(next(watched), situation) == NO:
            return
        for component in score.components:
            rows = [next(watched) for _ in component.rows]
            for row in rows:
                if self._see(row, situation) == YES:
                    break

    def _see(self, watched: _Watched, situation: Situation) -> Verdict:
        weighed = weigh(watched.when, lambda leaf: self._verdict(leaf, situation))
        watched.tally.add(weighed)
        return weighed.verdict

    def _verdict(self, leaf: Leaf, situation: Situation) -> Verdict:
        found = self._compiled.get(id(leaf))
        if found is None:
            found = self._compiled[id(leaf)] = (leaf, self._meaning.atom(leaf))
        return found[1](situation)

    def coverage(self, places: Places) -> Coverage:
        """What was seen so far, each criterion with its place."""
        rules = tuple(
            _covered(name, "rule", watched, places.rules[name])
            for name, watched in sorted(self._rules.items(), key=lambda each: places.rules[each[0]])
        )
        scores = tuple(
            _covered(name, "score", watched, places.scores[score][at])
            for score in sorted(self._scores)
            for at, (name, watched) in enumerate(
                zip(_names(self._rulebook.scores[score]), self._scores[score], strict=True)
            )
        )
        return Coverage(self._cases, self._lesions, rules, scores)


def _names(score: Score) -> Iterator[str]:
    yield f"{score.id} applies"
    for component in score.components:
        for number in range(1, len(component.rows) + 1):
            yield f"{score.id} {component.id} row {number}"


def _covered(name: str, kind: Kind, watched: _Watched, places: Sequence[Place]) -> ConditionCoverage:
    found = zip(criteria(watched.when), watched.of_criteria(), places, strict=True)
    return ConditionCoverage(
        id=name,
        kind=kind,
        place=places[0],
        counts=Counts(*watched.tally.verdicts),
        criteria=tuple(
            CriterionCoverage(leaf.text, place, Counts(*counts), Counts(*alone), isinstance(leaf, OfTechnique))
            for leaf, (counts, alone), place in found
            # What holds for everybody cannot come out otherwise: it is no criterion.
            if not isinstance(leaf, Always)
        ),
        by_technique={technique: Counts(*counts) for technique, counts in sorted(watched.by_technique.items())},
    )


# ---- what is not covered ---------------------------------------------------------------------------------------------


def why_not(criterion: CriterionCoverage) -> str:
    """Why a criterion was not shown to matter."""
    counts, alone = criterion.counts, criterion.decisive
    unseen = [name for name in ("yes", "no") if getattr(counts, name) == 0]
    if unseen:
        return "never met" if not any(counts) else f"never {' nor '.join(unseen)}"
    missing = [name for name in ("yes", "no") if getattr(alone, name) == 0]
    return "never alone decisive" if len(missing) > 1 else f"never alone decisive as a {missing[0]}"
