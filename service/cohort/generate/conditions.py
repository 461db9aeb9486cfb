"""Conditions asked of many drawn patients at once, in Kleene's logic: who has no such value is neither yes nor no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.cohort.generate.tables import Flags, Numbers
from service.language.tree import All, Always, AnyOf, Compare, CountLesions, Flag, Includes, Leaf, Member, Node, Not
from service.language.vocabulary import Scope

_COMPARED: Final[Mapping[str, Callable[[Numbers, float], Flags]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """For each row whether a condition holds, and whether it is known not to."""

    yes: Flags
    no: Flags

    def __getitem__(self, rows: np.ndarray) -> "Verdicts":
        return Verdicts(self.yes[rows], self.no[rows])


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a condition is asked of."""

    patients: int
    #: the place of each lesion's patient; empty before the lesions are drawn
    owner: np.ndarray
    #: scope of an item
    scope: Callable[[str], Scope]
    #: what one criterion other than a count of lesions says of each row of its item's own table
    criterion: Callable[[Leaf, str], Verdicts]

    def number(self, scope: Scope) -> int:
        return self.patients if scope == "patient" else len(self.owner)

    def ask(self, node: Node, scope: Scope) -> Verdicts:
        """What a condition says of each patient or of each lesion."""
        match node:
            case All(parts):
                asked = [self.ask(part, scope) for part in parts]
                return Verdicts(_every([each.yes for each in asked]), _some([each.no for each in asked]))
            case AnyOf(parts):
                asked = [self.ask(part, scope) for part in parts]
                return Verdicts(_some([each.yes for each in asked]), _every([each.no for each in asked]))
            case Not(part):
                inner = self.ask(part, scope)
                return Verdicts(inner.no, inner.yes)
            case Always():
                everybody = np.ones(self.number(scope), bool)
                return Verdicts(everybody, ~everybody)
            case CountLesions():
                counted = self._counted(node)
                return counted if scope == "patient" else counted[self.owner]
            case _:
                item = _item(node)
                found = self.criterion(node, item)
                return found[self.owner] if scope == "lesion" and self.scope(item) == "patient" else found

    def _counted(self, node: CountLesions) -> Verdicts:
        asked = self.ask(node.where, "lesion")
        fewest = np.bincount(self.owner[asked.yes], minlength=self.patients).astype(np.float64)
        most = np.bincount(self.owner[~asked.no], minlength=self.patients).astype(np.float64)
        compared = _COMPARED[node.operator]
        at_least, at_most = compared(fewest, node.value), compared(most, node.value)
        if node.operator in ("==", "!="):
            sure = fewest == most
            return Verdicts(at_least & sure, ~at_least & sure)
        return Verdicts(at_least & at_most, ~at_least & ~at_most)


def holds(leaf: Leaf, values: Numbers, words: tuple[str, ...]) -> Flags:
    """Whether a criterion about one item holds of each of its `values`; of a list they are sets of bits."""
    match leaf:
        case Flag():
            return values > 0
        case Compare(_, operator, value):
            return _COMPARED[operator](values, value)
        case Member(_, named):
            return np.isin(values, [at for at, word in enumerate(words) if word in named])
        case _:
            raise TypeError(f"no criterion about one item: {leaf}")


def bits_of(leaf: Includes, words: tuple[str, ...]) -> int:
    """The words that a criterion asks a list for, one bit each."""
    return sum(1 << at for at, word in enumerate(words) if word in leaf.words)


def _item(leaf: Leaf) -> str:
    match leaf:
        case Flag(item) | Member(item) | Includes(item):
            return item
        case Compare(term):
            return term.name
        case _:
            raise TypeError(f"not asked of a drawn patient: {leaf}")


def _every(flags: list[Flags]) -> Flags:
    found: Flags = np.logical_and.reduce(flags)
    return found


def _some(flags: list[Flags]) -> Flags:
    found: Flags = np.logical_or.reduce(flags)
    return found
