"""One rulebook over every patient: what conditions say of them, and what cannot be."""

import math
from collections.abc import Iterable, Iterator

import z3

from service.language.tree import All, AnyOf, CountLesions, Leaf, Node, Not
from service.prove.conditions import Conditions
from service.prove.logic import Tri
from service.prove.patients import Patients
from service.rulebook.model import Rulebook


def criteria(node: Node) -> Iterator[Leaf]:
    """Every criterion of a condition, those asked of several lesions too."""
    match node:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from criteria(part)
        case Not(part):
            yield from criteria(part)
        case CountLesions(where):
            yield node
            yield from criteria(where)
        case _:
            yield node


def counts_lesions(nodes: Iterable[Node]) -> bool:
    return any(isinstance(leaf, CountLesions) for node in nodes for leaf in criteria(node))


def lesions_needed(rulebook: Rulebook) -> int:
    """How many lesions beside the judged one are enough to show whatever questions about several lesions can tell apart.

    Such a question tells no number of lesions from another beyond its own figure; so, for each distinct `where`, one
    lesion more than the largest figure, and for all of them together the sum.
    """
    figures: dict[Node, int] = {}
    nodes = [bound.when for bound in rulebook.bound]
    nodes += [node for score in rulebook.scores.values() for node in score.conditions()]
    for leaf in (leaf for node in nodes for leaf in criteria(node)):
        if isinstance(leaf, CountLesions):
            figures[leaf.where] = max(figures.get(leaf.where, 0), math.floor(leaf.value) + 1)
    return sum(figures.values())


class World:
    """One patient of all those possible, under one rulebook. Not shared between threads or processes."""

    def __init__(self, rulebook: Rulebook, *, several: bool, patients: Patients | None = None) -> None:
        """`several`: whether the patient may have other lesions than the judged one (questions about them are slower)."""
        self.rulebook = rulebook
        others = lesions_needed(rulebook) if several else 0
        self.patients = patients or Patients(rulebook.vocabulary, others)
        self.conditions = Conditions(self.patients, rulebook.scores, rulebook.checklist)
        self._impossible = list(self._what_cannot_be())

    def of(self, node: Node) -> Tri:
        """The verdict of a condition asked of the judged lesion."""
        return self.conditions.of(node)

    def _what_cannot_be(self) -> Iterator[z3.BoolRef]:
        for entry in self.rulebook.impossible:
            places = range(self.patients.others + 1) if entry.scope == "lesion" else (0,)
            for at in places:
                certain = self.conditions.of(entry.when, at).yes
                yield z3.Not(z3.And(self.patients.there(at), certain))

    def assumptions(self) -> list[z3.BoolRef]:
        """What holds of every patient: plausible values, and nothing that the rulebook calls impossible."""
        return [*self.patients.bounds(), *self._impossible]
