"""One rulebook over every patient: what conditions say of them, and what cannot be."""

import math
from collections.abc import Iterable, Iterator, Mapping

import z3

from service.language.scores import Score, items_read
from service.language.tree import CountLesions, Node, criteria, items_of, scores_of
from service.prove.conditions import Conditions
from service.prove.logic import Tri
from service.prove.patients import Patients
from service.referral.schema import MAX_LESIONS
from service.rulebook.model import Rulebook


def counts_lesions(nodes: Iterable[Node]) -> bool:
    return any(isinstance(leaf, CountLesions) for node in nodes for leaf in criteria(node))


def lesions_needed(rulebook: Rulebook, asked: Iterable[Node] = (), alone: str | None = None) -> int:
    """How many lesions beside the judged one are enough to show whatever questions about several lesions can tell apart.

    Such a question tells no number of lesions from another beyond its own figure; so, for each distinct `where`, one
    lesion more than the largest figure, and for all of them together the sum. `asked`: conditions that need not be
    those of rules. With `alone` two patients are compared who differ in that item: a `where` that reads it may hold of
    other lesions of the second.
    """
    figures: dict[Node, int] = {}
    nodes = [*(bound.when for bound in rulebook.bound), *(entry.when for entry in rulebook.impossible), *asked]
    for leaf in (leaf for node in nodes for leaf in criteria(node)):
        if isinstance(leaf, CountLesions):
            patients = 2 if alone is not None and alone in items_of_node(leaf, rulebook.scores) else 1
            figures[leaf.where] = max(figures.get(leaf.where, 0), patients * (math.floor(leaf.value) + 1))
    return min(sum(figures.values()), MAX_LESIONS - 1)


def items_of_node(node: Node, scores: Mapping[str, Score]) -> frozenset[str]:
    """Every item that a condition reads, through scores too."""
    read: set[str] = set()
    for leaf in criteria(node):
        read |= set(items_of(leaf))
        for score in scores_of(leaf):
            read |= items_read(scores[score], scores)
    return frozenset(read)


class World:
    """One patient of all those possible, under one rulebook. Not shared between threads or processes."""

    def __init__(self, rulebook: Rulebook, others: int = 0, patients: Patients | None = None) -> None:
        """`others`: how many lesions the patient may have beside the judged one (questions about them are slower)."""
        self.rulebook = rulebook
        self.patients = patients or Patients(rulebook.vocabulary, others)
        self.conditions = Conditions(self.patients, rulebook.scores, rulebook.checklist)
        self._impossible = list(self._what_cannot_be())

    def of(self, node: Node) -> Tri:
        """The verdict of a condition asked of the judged lesion."""
        return self.conditions.of(node)

    def _what_cannot_be(self) -> Iterator[z3.BoolRef]:
        for entry in self.rulebook.impossible:
            # Of a number of lesions nothing is said where only one is looked at: rather a patient too many.
            if not self.patients.others and counts_lesions((entry.when,)):
                continue
            places = range(self.patients.others + 1) if entry.scope == "lesion" else (0,)
            for at in places:
                certain = self.conditions.of(entry.when, at).yes
                yield z3.Not(z3.And(self.patients.there(at), certain))

    def assumptions(self) -> list[z3.BoolRef]:
        """What holds of every patient: plausible values, and nothing that the rulebook calls impossible."""
        return [*self.patients.bounds(), *self._impossible]
