"""The reference meaning: what a condition says of a patient, in Kleene's logic.

Conditions are compiled once per rulebook into closures. Every distinct criterion becomes one *atom*, evaluated once
per patient or lesion however many rules share it; rules then combine the verdicts of atoms. The same verdicts make
the trace, so that the trace cannot say anything but what was decided.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from service.language.arithmetic import Interval, interval
from service.language.facts import Case, Listing, Moment, Value
from service.language.kleene import NO, UNKNOWN, YES, Verdict, negation
from service.language.scores import Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    OfTechnique,
    Operator,
    Settled,
    leaves,
)
from service.language.vocabulary import Vocabulary

Verdicts: TypeAlias = list[Verdict]


@dataclass(frozen=True, slots=True)
class Situation:
    """What conditions are asked about: one patient, or one patient with one of the lesions.

    `lesions` holds the known values of each lesion joined with the patient's, for questions about several lesions.
    `intervals` remembers the scores already computed.
    """

    known: Mapping[str, Value]
    lesions: Sequence[Mapping[str, Value]] = ()
    intervals: dict[str, Interval] = field(default_factory=dict)


def situations(case: Case) -> tuple[Situation, list[Situation]]:
    """The patient's situation, and that of each lesion in order."""
    joined = [{**case.patient.known, **lesion.facts.known} for lesion in case.lesions]
    return Situation(case.patient.known, joined), [Situation(known, joined) for known in joined]


@dataclass(frozen=True, slots=True)
class ComponentPoints:
    """Points of one component of a score, lowest and highest possible."""

    id: str
    low: float
    high: float


class Meaning:
    """Compiles conditions over one vocabulary and its scores."""

    def __init__(self, vocabulary: Vocabulary, scores: Mapping[str, Score]) -> None:
        self._vocabulary = vocabulary
        self._scores = scores
        self._atoms: dict[Leaf, Callable[[Situation], Verdict]] = {}
        self._conditions: dict[int, tuple[Node, Condition]] = {}

    def atom(self, leaf: Leaf) -> "Condition":
        """The compiled criterion. Equal criteria give the same closure."""
        if leaf not in self._atoms:
            self._atoms[leaf] = self._compile_leaf(leaf)
        return self._atoms[leaf]

    def condition(self, node: Node) -> "Condition":
        """A condition as a function of a situation. For rules prefer `Table`, which shares atoms."""
        # By identity, as hashing a tree costs more than compiling it; the tree is kept, so its identity stays its own.
        found = self._conditions.get(id(node))
        if found is None:
            found = self._conditions[id(node)] = (node, self._compile(node))
        return found[1]

    def _compile(self, node: Node) -> "Condition":
        match node:
            case All(parts):
                inner = [self.condition(part) for part in parts]
                return lambda s: min([part(s) for part in inner])
            case AnyOf(parts):
                inner = [self.condition(part) for part in parts]
                return lambda s: max([part(s) for part in inner])
            case Not(part):
                negated = self.condition(part)
                return lambda s: negation(negated(s))
            case _:
                return self.atom(node)

    def score(self, name: str, situation: Situation) -> Interval:
        """Lowest and highest total of a score, whether it applies or not."""
        found = situation.intervals.get(name)
        if found is None:
            points = self.components(name, situation)
            found = (sum(part.low for part in points), sum(part.high for part in points))
            situation.intervals[name] = found
        return found

    def components(self, name: str, situation: Situation) -> list[ComponentPoints]:
        """Lowest and highest points of each component of a score."""
        score = self._scores[name]
        result = []
        for component in score.components:
            low, high = float("inf"), float("-inf")
            for row in component.rows:
                verdict = self.condition(row.when)(situation)
                if verdict == NO:
                    continue
                a, b = interval(row.points, lambda item: self.bounds(item, situation))
                low, high = min(low, a), max(high, b)
                if verdict == YES:
                    break
            else:
                a, b = interval(component.otherwise, lambda item: self.bounds(item, situation))
                low, high = min(low, a), max(high, b)
            result.append(ComponentPoints(component.id, low, high))
        return result

    def applies(self, name: str, situation: Situation) -> Verdict:
        return self.condition(self._scores[name].applies)(situation)

    def bounds(self, item_id: str, situation: Situation) -> Interval:
        """The value of a number, or its whole plausible range when it is unknown."""
        value = situation.known.get(item_id)
        if value is None:
            item = self._vocabulary[item_id]
            return item.low, item.high
        assert isinstance(value, float)
        return value, value

    def _compile_leaf(self, leaf: Leaf) -> "Condition":
        match leaf:
            case Always():
                return lambda s: YES
            case Settled(verdict):
                return lambda s: verdict
            case Flag(item):
                return _flag(item)
            case Member(item, words):
                return _member(item, frozenset(words))
            case Includes(item, words):
                return _includes(item, words)
            case Compare():
                return self._compare(leaf)
            case CountLesions():
                return self._count(leaf)
            case OfTechnique():
                raise ValueError(f"not settled for a technique: {leaf.text}")

    def _compare(self, leaf: Compare) -> "Condition":
        operator, value, name = leaf.operator, leaf.value, leaf.term.name
        match leaf.term.quantity:
            case "item":
                return _number(name, operator, value)
            case "since":
                return _since(name, operator, value)
            case "days_since":
                return _days_since(name, operator, value)
            case "score":
                applies = self.condition(self._scores[name].applies)

                def score(s: Situation) -> Verdict:
                    # A score that does not apply is neither high nor low: no comparison with it holds.
                    applicable = applies(s)
                    return NO if applicable == NO else min(applicable, compared(self.score(name, s), operator, value))

                return score

    def _count(self, leaf: CountLesions) -> "Condition":
        where, operator, value = self.condition(leaf.where), leaf.operator, leaf.value

        def count(s: Situation) -> Verdict:
            verdicts = [where(Situation(known, s.lesions)) for known in s.lesions]
            certain = verdicts.count(YES)
            possible = len(verdicts) - verdicts.count(NO)
            return compared((certain, possible), operator, value)

        return count


Condition: TypeAlias = Callable[[Situation], Verdict]


def compared(measured: Interval, operator: Operator, value: float) -> Verdict:
    """An interval against a number: yes or no when the whole interval agrees, else unknown."""
    low, high = measured
    match operator:
        case "<":
            return YES if high < value else NO if low >= value else UNKNOWN
        case "<=":
            return YES if high <= value else NO if low > value else UNKNOWN
        case ">":
            return YES if low > value else NO if high <= value else UNKNOWN
        case ">=":
            return YES if low >= value else NO if high < value else UNKNOWN
        case "==":
            return YES if low == high == value else NO if value < low or value > high else UNKNOWN
        case "!=":
            return NO if low == high == value else YES if value < low or value > high else UNKNOWN


def _flag(item: str) -> Condition:
    def flag(s: Situation) -> Verdict:
        value = s.known.get(item)
        return UNKNOWN if value is None else YES if value else NO

    return flag


def _member(item: str, words: frozenset[str]) -> Condition:
    def member(s: Situation) -> Verdict:
        value = s.known.get(item)
        return UNKNOWN if value is None else YES if value in words else NO

    return member


def _includes(item: str, words: tuple[str, ...]) -> Condition:
    def includes(s: Situation) -> Verdict:
        value = s.known.get(item)
        if value is None:
            return UNKNOWN
        assert isinstance(value, Listing)
        answers = [value.holds(word) for word in words]
        return YES if True in answers else UNKNOWN if None in answers else NO

    return includes


def _number(item: str, operator: Operator, limit: float) -> Condition:
    def number(s: Situation) -> Verdict:
        value = s.known.get(item)
        if value is None:
            return UNKNOWN
        assert isinstance(value, float)
        return compared((value, value), operator, limit)

    return number


def _since(item: str, operator: Operator, limit: float) -> Condition:
    def since(s: Situation) -> Verdict:
        value = s.known.get(item)
        if value is None:
            return UNKNOWN
        assert isinstance(value, Moment)
        return compared(value.since, operator, limit)

    return since


def _days_since(item: str, operator: Operator, limit: float) -> Condition:
    def days_since(s: Situation) -> Verdict:
        value = s.known.get(item)
        if value is None:
            return UNKNOWN
        assert isinstance(value, Moment)
        return compared((value.days, value.days), operator, limit)

    return days_since


class Table:
    """The conditions of many rules over one shared set of atoms.

    `evaluate(situation)` gives the verdict of every atom; `verdicts(atoms)` combines them into one verdict per
    condition, in the order in which the conditions were given.
    """

    def __init__(self, meaning: Meaning, conditions: Iterable[Node]) -> None:
        self._index: dict[Leaf, int] = {}
        self._atoms: list[Condition] = []
        nodes = list(conditions)
        for node in nodes:
            for leaf in leaves(node):
                if leaf not in self._index:
                    self._index[leaf] = len(self._atoms)
                    self._atoms.append(meaning.atom(leaf))
        self._combined = [self._combine(node) for node in nodes]

    def evaluate(self, situation: Situation) -> Verdicts:
        return [atom(situation) for atom in self._atoms]

    def verdicts(self, atoms: Verdicts) -> Verdicts:
        return [combined(atoms) for combined in self._combined]

    def of(self, leaf: Leaf, atoms: Verdicts) -> Verdict:
        """The verdict of one criterion among those of `evaluate`."""
        return atoms[self._index[leaf]]

    def _combine(self, node: Node) -> Callable[[Verdicts], Verdict]:
        match node:
            case All(parts) if all(not isinstance(part, All | AnyOf | Not) for part in parts):
                places = [self._index[part] for part in parts if not isinstance(part, All | AnyOf | Not)]
                return lambda atoms: min([atoms[place] for place in places])
            case AnyOf(parts) if all(not isinstance(part, All | AnyOf | Not) for part in parts):
                places = [self._index[part] for part in parts if not isinstance(part, All | AnyOf | Not)]
                return lambda atoms: max([atoms[place] for place in places])
            case All(parts):
                inner = [self._combine(part) for part in parts]
                return lambda atoms: min([part(atoms) for part in inner])
            case AnyOf(parts):
                inner = [self._combine(part) for part in parts]
                return lambda atoms: max([part(atoms) for part in inner])
            case Not(part):
                negated = self._combine(part)
                return lambda atoms: negation(negated(atoms))
            case _:
                place = self._index[node]
                return lambda atoms: atoms[place]
