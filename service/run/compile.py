"""Conditions to rulesets of the engine: for each condition, what makes it hold and what refutes it.

A condition and its negation are both compiled; when neither fires the verdict is unknown. Both are brought into
branches (a disjunction of conjunctions of tests), which is sound for Kleene's logic: a test over an unknown value does
not match, and a condition without negations above its tests is `yes` exactly when one of its branches matches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from service.language.kleene import NO, UNKNOWN, YES, Verdict
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
    Settled,
)
from service.language.vocabulary import Vocabulary
from service.run.adapter import MAX_BRANCHES, MAX_PROPERTIES, Branch, EngineError, Ruleset, Test

#: alternatives; () is "never", ((),) is "always"
Branches: TypeAlias = tuple[Branch, ...]

ALWAYS: Branches = ((),)
NEVER: Branches = ()

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


#: a condition with more branches than this is decided in two steps: its parts first, then the whole from their verdicts
MANY_BRANCHES = 12


class TooManyBranches(ValueError):
    """A condition would need more branches than one ruleset may hold. Refused when the rulebook loads."""


@dataclass(frozen=True, slots=True)
class _Concluded:
    """A part of a condition that an earlier step has decided, as a leaf of the condition that is left."""

    number: int


class Compiler:
    """Compiles conditions over one vocabulary. Properties of facts: see `properties_of` in `facts.py`."""

    def __init__(self, vocabulary: Vocabulary, scores: Mapping[str, Score]) -> None:
        self._vocabulary = vocabulary
        self._scores = scores
        self._counts: dict[CountLesions, int] = {}

    @property
    def counts(self) -> Mapping[CountLesions, int]:
        """The questions about several lesions met so far, numbered."""
        return self._counts

    def branches(self, node: "_Node", wanted: bool) -> Branches:
        """The branches on which `node` holds, or on which it is refuted. Raises TooManyBranches."""
        match node:
            case _Concluded(number):
                return (((f"part:{number}", "==", 1.0 if wanted else 0.0),),)
            case All(parts):
                return self._every(parts, wanted) if wanted else self._some(parts, wanted)
            case AnyOf(parts):
                return self._some(parts, wanted) if wanted else self._every(parts, wanted)
            case Not(part):
                return self.branches(part, not wanted)
            case _:
                return self._leaf(node, wanted)

    def _every(self, parts: Iterable[Node], wanted: bool) -> Branches:
        result: Branches = ALWAYS
        for part in parts:
            found = self.branches(part, wanted)
            result = tuple({tuple(dict.fromkeys((*left, *right))): None for left in result for right in found})
            if len(result) > MAX_BRANCHES:
                raise TooManyBranches
        return result

    def _some(self, parts: Iterable[Node], wanted: bool) -> Branches:
        result = tuple({branch: None for part in parts for branch in self.branches(part, wanted)})
        # A branch without tests holds always; the others add nothing to it.
        return ALWAYS if () in result else result

    def _leaf(self, leaf: Leaf, wanted: bool) -> Branches:
        match leaf:
            case Always():
                return ALWAYS if wanted else NEVER
            case Settled(verdict):
                return ALWAYS if (verdict == YES) == wanted else NEVER
            case Flag(item):
                return (((item, "==", 1.0 if wanted else 0.0),),)
            case Member(item, words):
                places = [at for at, word in enumerate(self._vocabulary[item].choices) if (word in words) == wanted]
                # Words are numbered in the vocabulary's order; neighbours (T5 to L5) are one range.
                return tuple(
                    ((item, "==", float(low)),)
                    if low == high
                    else ((item, ">=", float(low)), (item, "<=", float(high)))
                    for low, high in _runs(places)
                )
            case Includes(item, words):
                tests: list[Test] = [(f"{item}:{word}", "==", 1.0 if wanted else 0.0) for word in words]
                return tuple((test,) for test in tests) if wanted else (tuple(tests),)
            case Compare():
                return self._compare(leaf, wanted)
            case CountLesions():
                number = self._counts.setdefault(leaf, len(self._counts))
                return _interval(f"count:{number}", leaf.operator if wanted else _OPPOSITE[leaf.operator], leaf.value)
            case OfTechnique():
                raise ValueError(f"not settled for a technique: {leaf.text}")

    def _compare(self, leaf: Compare, wanted: bool) -> Branches:
        operator = leaf.operator if wanted else _OPPOSITE[leaf.operator]
        name = leaf.term.name
        match leaf.term.quantity:
            case "item":
                return (((name, operator, leaf.value),),)
            case "days_since":
                return (((f"{name}:days", operator, leaf.value),),)
            case "since":
                return _interval(f"{name}:since", operator, leaf.value)
            case "score":
                compared = _interval(f"score:{name}", operator, leaf.value)
                applies = self._scores[name].applies
                if wanted:
                    return self._every_of(self.branches(applies, True), compared)
                refuted = (*self.branches(applies, False), *compared)
                return ALWAYS if () in refuted else refuted

    @staticmethod
    def _every_of(left: Branches, right: Branches) -> Branches:
        return tuple((*a, *b) for a in left for b in right)


def _runs(places: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring numbers as ranges: 1 2 3 7 -> (1, 3), (7, 7)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _interval(name: str, operator: str, value: float) -> Branches:
    """Tests on the lowest and highest possible value that make the comparison certain."""
    low, high = f"{name}:low", f"{name}:high"
    match operator:
        case "<" | "<=":
            return (((high, operator, value),),)
        case ">" | ">=":
            return (((low, operator, value),),)
        case "==":
            return (((low, "==", value), (high, "==", value)),)
        case _:
            return ((((low, ">", value),)), ((high, "<", value),))


_Node: TypeAlias = Node | _Concluded


class Conditions:
    """Many conditions as few rulesets as is safe. `verdicts` gives the engine's verdict of each, in order.

    Conditions with many branches are decided by forward chaining: `_parts` decides what they are made of, and its
    conclusions are facts for the rest.
    """

    def __init__(self, compiler: Compiler, nodes: Iterable[_Node]) -> None:
        self._fixed: list[Verdict | None] = []
        parts: dict[_Node, int] = {}
        pending: dict[str, Branches] = {}
        # The same condition often stands in several rules: it is asked once.
        distinct: dict[_Node, int] = {}
        self._places = [distinct.setdefault(node, len(distinct)) for node in nodes]
        for place, node in enumerate(distinct):
            holds, refuted = self._both(compiler, node, parts)
            fixed: Verdict | None = YES if holds == ALWAYS else NO if refuted == ALWAYS else None
            self._fixed.append(fixed)
            if fixed is None:
                pending[f"+{place}"] = holds
                pending[f"-{place}"] = refuted
        self._parts = Conditions(compiler, parts) if parts else None
        self._rulesets = [Ruleset(part) for part in _packed(pending)]

    def __len__(self) -> int:
        return len(self._places)

    @staticmethod
    def _both(compiler: Compiler, node: _Node, parts: dict[_Node, int]) -> tuple[Branches, Branches]:
        """The branches of a condition and of its negation; with many, those over its parts, which go to `parts`."""
        try:
            holds, refuted = compiler.branches(node, True), compiler.branches(node, False)
        except TooManyBranches:
            holds = refuted = ()
        if (holds or refuted) and max(len(holds), len(refuted)) <= MANY_BRANCHES:
            return holds, refuted
        match node:
            case All(inner) | AnyOf(inner):
                # Single tests stay where they are; everything else is concluded beforehand.
                left = tuple(
                    part if _single(compiler, part) else _Concluded(parts.setdefault(part, len(parts)))
                    for part in inner
                )
                # `_Concluded` is a leaf of this module alone: the language's own trees do not know it.
                whole: _Node = All(left) if isinstance(node, All) else AnyOf(left)  # type: ignore[arg-type]
                return compiler.branches(whole, True), compiler.branches(whole, False)
            case Not(inner_part):
                refuted, holds = Conditions._both(compiler, inner_part, parts)
                return holds, refuted
            case _:
                return compiler.branches(node, True), compiler.branches(node, False)

    def verdicts(self, values: Mapping[str, float]) -> list[Verdict]:
        """Raises EngineError when the engine fails, or says of a condition both that it holds and that it does not."""
        if self._parts is not None:
            decided = enumerate(self._parts.verdicts(values))
            concluded = {f"part:{at}": verdict / 2 for at, verdict in decided if verdict != UNKNOWN}
            values = {**values, **concluded}
        fired: set[str] = set()
        for ruleset in self._rulesets:
            fired |= ruleset.conclude(values)
        result: list[Verdict] = []
        for place, fixed in enumerate(self._fixed):
            holds, refuted = f"+{place}" in fired, f"-{place}" in fired
            if holds and refuted:
                raise EngineError("the engine both holds and refutes a condition")
            result.append(fixed if fixed is not None else YES if holds else NO if refuted else UNKNOWN)
        return [result[place] for place in self._places]


def _single(compiler: Compiler, part: _Node) -> bool:
    """Whether a part is one test both ways, so that deciding it beforehand would gain nothing."""
    if isinstance(part, All | AnyOf):
        return False
    return len(compiler.branches(part, True)) <= 1 and len(compiler.branches(part, False)) <= 1


def _packed(conclusions: Mapping[str, Branches]) -> list[dict[str, Branches]]:
    """Conclusions in parts that one ruleset can hold, kept in order so that related rules share facts."""
    parts: list[dict[str, Branches]] = [{}]
    size, properties = 0, set[str]()
    for name, branches in conclusions.items():
        if not branches:
            continue
        own = {test[0] for branch in branches for test in branch}
        if len(branches) > MAX_BRANCHES or len(own) > MAX_PROPERTIES:
            raise TooManyBranches
        if size + len(branches) > MAX_BRANCHES or len(properties | own) > MAX_PROPERTIES:
            parts.append({})
            size, properties = 0, set()
        parts[-1][name] = branches
        size += len(branches)
        properties |= own
    return [part for part in parts if part]
