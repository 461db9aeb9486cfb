"""The values at which a criterion turns, and plain values well within what it asks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from service.language.arithmetic import Constant
from service.language.kleene import NO, YES
from service.language.meaning import Meaning, Situation
from service.language.parser import POSITIONS
from service.language.tree import (
    Compare,
    Flag,
    Includes,
    Leaf,
    Member,
    OfTechnique,
    Operator,
    Settled,
    Term,
    for_technique,
    holds,
)
from service.rulebook.model import Rulebook
from service.workbench.borderline.case import UNKNOWN
from service.workbench.borderline.ways import Demand
from service.workbench.tables.patients import Patients

#: hours up to which elapsed time is told to the hour, and to the day beyond
_WEEK, _DAY = 168.0, 24.0
#: one step of a score that is not made of whole points
_TENTH = 0.1
#: steps from a limit at which nobody would call a value borderline
_STEPS = 10


@dataclass(frozen=True, slots=True)
class Turn:
    """With the values of `holds` the criterion holds, with those of `fails` it does not, with `open` it is open."""

    holds: tuple[Any, ...]
    fails: tuple[Any, ...]
    open: Any = UNKNOWN


@dataclass(frozen=True, slots=True)
class _Scale:
    """The numbers that something measured can be: from `low` to `high`, in steps."""

    low: float
    high: float
    step: float

    def on(self, value: float) -> float:
        """The nearest step at or below."""
        return plain(math.floor(value / self.step + 1e-9) * self.step)

    def within(self, value: float) -> bool:
        return self.low <= value <= self.high


def slot_of(leaf: Leaf) -> str:
    """What a criterion reads: an item, `score.NAME`, `technique.PROPERTY` or `lesions`."""
    match leaf:
        case Flag(item) | Member(item) | Includes(item):
            return item
        case Compare(Term(quantity, name)):
            return f"score.{name}" if quantity == "score" else name
        case OfTechnique(quality):
            return f"technique.{quality}"
        case _:
            return "lesions"


def plain(value: float) -> float:
    """A number as a table writes it: whole ones without decimals."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


class Values:
    """Values for the criteria of one rulebook; not for questions about several lesions."""

    def __init__(self, rulebook: Rulebook, meaning: Meaning, patients: Patients) -> None:
        self._rulebook = rulebook
        self._meaning = meaning
        self._patients = patients

    def turn(self, leaf: Leaf, beside: Demand) -> Turn | None:
        """Where a criterion turns. None when it cannot, within plausible values. `beside`: other demands on the same."""
        match leaf:
            case Flag():
                return Turn((True,), (False,))
            case Member(item, words):
                others = tuple(word for word in self._rulebook.vocabulary[item].choices if word not in words)
                return Turn(words, others) if others else None
            case Includes(item, words):
                held = [
                    tuple(lists[0]) for word in words if (lists := _lists({**beside, Includes(item, (word,)): True}))
                ]
                return Turn(tuple(map(list, held)), tuple(self._without(item, words, beside))) if held else None
            case OfTechnique("position", operator, word):
                others = tuple(other for other in POSITIONS if other != word)
                return Turn((word,), others, None) if operator == "==" else Turn(others, (word,), None)
            case Compare(term, operator, value):
                return self._crossing(term, operator, value)
            case OfTechnique(_, operator, float() as value):
                return _sides(operator, *_pair(operator, value, 1.0), open=None)
            case _:
                raise TypeError(leaf)

    def _without(self, item: str, words: Iterable[str], beside: Demand) -> list[list[str]]:
        """The list of all other words that nothing beside it rules out, so that no other word is taken for these."""
        ruled_out = {*words, *(word for leaf, wanted in beside.items() if not wanted for word in _words(leaf))}
        return [[word for word in self._rulebook.vocabulary[item].choices if word not in ruled_out]]

    def _crossing(self, term: Term, operator: Operator, value: float) -> Turn | None:
        scale = self._scale(term, value)
        below, above = _pair(operator, value, scale.step)
        if not scale.within(below) or not scale.within(above):
            return None
        if term.quantity == "score":
            return _sides(operator, below, above, open=[below, above])
        turn = _sides(operator, below, above, open=UNKNOWN)
        if term.quantity == "item":
            return turn
        return Turn(tuple(_moment(term, at) for at in turn.holds), tuple(_moment(term, at) for at in turn.fails))

    def _scale(self, term: Term, limit: float) -> _Scale:
        match term.quantity:
            case "item":
                item = self._rulebook.vocabulary[term.name]
                return _Scale(item.low, item.high, item.step)
            case "score":
                low, high = self._meaning.score(term.name, Situation({}))
                points = self._rulebook.scores[term.name].expressions()
                return _Scale(low, high, 1.0 if all(isinstance(each, Constant) for each in points) else _TENTH)
            case "since":
                return _Scale(0.0, math.inf, 1.0 if limit < _WEEK else _DAY)
            case "days_since":
                return _Scale(0.0, math.inf, 1.0)

    # ---- beside the criterion that is looked at ----

    def candidates(self, demand: Demand) -> list[Any]:
        """Values of one thing with which all these criteria on it hold or not as demanded; plain ones first."""
        leaf = next(iter(demand))
        if isinstance(leaf, Includes):
            return _lists(demand)
        proposed = [value for each, wanted in demand.items() for value in self._proposed(each, wanted, demand)]
        fitting = [value for value in proposed if all(self._fits(each, value, want) for each, want in demand.items())]
        return list({repr(value): value for value in fitting}.values())

    def _proposed(self, leaf: Leaf, wanted: bool, demand: Demand) -> list[Any]:
        turn = self.turn(leaf, {})
        at_the_turn = list(turn.holds if wanted else turn.fails) if turn else []
        match leaf:
            case Compare(term, operator, value):
                scale = self._scale(term, value)
                inside = _well_within(scale, value, upward=(operator in (">", ">=")) == wanted)
                if not scale.within(inside):
                    return at_the_turn
                return [_moment(term, inside) if term.quantity in ("since", "days_since") else inside, *at_the_turn]
            case _:
                return at_the_turn

    def _fits(self, leaf: Leaf, value: Any, wanted: bool) -> bool:
        """Whether a criterion holds, or certainly does not, of a value as tables write it."""
        name = slot_of(leaf)
        match leaf:
            case Compare(Term("score"), operator, limit):
                # Whether the score applies is a demand of its own.
                return holds(value, operator, limit) == wanted
            case OfTechnique():
                duration, position = (0.0, value) if isinstance(value, str) else (float(value), POSITIONS[0])
                leaf_of_one = for_technique(leaf, duration, position)
                assert isinstance(leaf_of_one, Settled)
                return leaf_of_one.verdict == (YES if wanted else NO)
            case _:
                verdict = self._meaning.atom(leaf)(self._patients.situation({name: value}))
                return verdict == (YES if wanted else NO)


def _pair(operator: Operator, value: float, step: float) -> tuple[float, float]:
    """The two neighbouring numbers between which a comparison turns."""
    if operator in ("<", ">="):
        return plain(value - step), plain(value)
    return plain(value), plain(value + step)


def _sides(operator: Operator, below: float, above: float, *, open: Any) -> Turn:  # noqa: A002  # the word of the field
    return Turn((below,), (above,), open) if operator in ("<", "<=") else Turn((above,), (below,), open)


def _well_within(scale: _Scale, limit: float, *, upward: bool) -> float:
    """Some steps from the limit, or half way to the end of the scale when that is nearer."""
    if upward:
        return max(scale.on(min(limit + _STEPS * scale.step, (limit + scale.high) / 2)), scale.on(limit + scale.step))
    return scale.on(max(limit - _STEPS * scale.step, (limit + scale.low) / 2))


def _moment(term: Term, value: float) -> str:
    """`D-3`, `23 h` or `83 d`."""
    if term.quantity == "days_since":
        return f"D-{math.floor(value)}"
    return f"{plain(value / _DAY):g} d" if value >= _WEEK - _DAY and value % _DAY == 0 else f"{plain(value):g} h"


def _words(leaf: Leaf) -> tuple[str, ...]:
    return leaf.words if isinstance(leaf, Includes) else ()


def _lists(demand: Demand) -> list[list[str]]:
    """Lists, complete, that hold a word of each criterion that must hold and none of those that must not."""
    ruled_out = {word for leaf, wanted in demand.items() if not wanted for word in _words(leaf)}
    needed = [_words(leaf) for leaf, wanted in demand.items() if wanted]
    found = {tuple(sorted(set(words))): None for words in product(*needed) if not ruled_out & set(words)}
    return [list(words) for words in sorted(found, key=len)]
