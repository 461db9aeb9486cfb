"""What is still open: the unknown items that keep a condition from being decided."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from service.language.arithmetic import variables
from service.language.kleene import NO, UNKNOWN, YES
from service.language.meaning import Meaning, Situation
from service.language.scores import Score
from service.language.tree import All, AnyOf, Compare, CountLesions, Leaf, Node, Not, items_of
from service.language.vocabulary import Vocabulary


class OpenItem(NamedTuple):
    """An unknown item, of the patient (`lesion` is None) or of the lesion with this place in the case."""

    lesion: int | None
    item: str


class OpenItems:
    """Finds open items over one vocabulary and its scores."""

    def __init__(self, meaning: Meaning, vocabulary: Vocabulary, scores: Mapping[str, Score]) -> None:
        self._meaning = meaning
        self._vocabulary = vocabulary
        self._scores = scores

    def of(self, node: Node, situation: Situation, lesion: int | None) -> frozenset[OpenItem]:
        """The unknown items that can still decide `node`, asked in `situation` of the lesion at this place.

        Empty when the verdict is known: parts already decided cannot matter any more, since in Kleene's logic a known
        verdict stays under everything that may still be learnt.
        """
        return frozenset(self._of(node, situation, lesion))

    def _of(self, node: Node, situation: Situation, lesion: int | None) -> Iterator[OpenItem]:
        if self._meaning.condition(node)(situation) != UNKNOWN:
            return
        match node:
            case All(parts) | AnyOf(parts):
                for part in parts:
                    yield from self._of(part, situation, lesion)
            case Not(part):
                yield from self._of(part, situation, lesion)
            case _:
                yield from self._of_leaf(node, situation, lesion)

    def _of_leaf(self, leaf: Leaf, situation: Situation, lesion: int | None) -> Iterator[OpenItem]:
        match leaf:
            case Compare(term) if term.quantity == "score":
                yield from self._of(self._scores[term.name].applies, situation, lesion)
                yield from self._of_score(self._scores[term.name], situation, lesion)
            case CountLesions(where):
                for place, known in enumerate(situation.lesions):
                    yield from self._of(where, Situation(known, situation.lesions), place)
            case _:
                # Also an item that is known, but not well enough: an incomplete list, a moment known only to the day.
                for item in items_of(leaf):
                    yield self._item(item, lesion)

    def _of_score(self, score: Score, situation: Situation, lesion: int | None) -> Iterator[OpenItem]:
        for component in score.components:
            for row in component.rows:
                verdict = self._meaning.condition(row.when)(situation)
                if verdict == NO:
                    continue
                yield from self._of(row.when, situation, lesion)
                yield from self._of_variables(variables(row.points), situation, lesion)
                if verdict == YES:
                    break
            else:
                yield from self._of_variables(variables(component.otherwise), situation, lesion)

    def _of_variables(self, items: Iterator[str], situation: Situation, lesion: int | None) -> Iterator[OpenItem]:
        for item in items:
            if item not in situation.known:
                yield self._item(item, lesion)

    def _item(self, item: str, lesion: int | None) -> OpenItem:
        return OpenItem(lesion if self._vocabulary[item].scope == "lesion" else None, item)
