"""A criterion in words a clinician reads, as it is or turned into its contrary."""

from collections.abc import Mapping

from service.language.scores import Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Member,
    Node,
    Not,
    OfTechnique,
    Settled,
)
from service.language.vocabulary import Text, Vocabulary
from service.tell.words import POSITION, duration, listed, lower_first, number, unit

_CONTRARY = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_OR, _AND = Text("ou", "or"), Text("et", "and")


class Phrases:
    """Words criteria in one language."""

    def __init__(self, vocabulary: Vocabulary, scores: Mapping[str, Score], language: str) -> None:
        self._vocabulary = vocabulary
        self._scores = scores
        self._language = language

    def label(self, item: str) -> str:
        return lower_first(self._vocabulary[item].label.in_(self._language))

    def words(self, item: str, words: tuple[str, ...] | frozenset[str]) -> str:
        choices = self._vocabulary[item].choices
        return listed([lower_first(choices[word].in_(self._language)) for word in sorted(words)], self._language, _OR)

    def of(self, node: Node, *, holds: bool = True) -> str:
        """What `node` says, or what it says when it does not hold."""
        match node:
            case All(parts):
                return self._joined(parts, holds, _AND if holds else _OR)
            case AnyOf(parts):
                return self._joined(parts, holds, _OR if holds else _AND)
            case Not(part):
                return self.of(part, holds=not holds)
            case _:
                return self._leaf(node, holds)

    def _joined(self, parts: tuple[Node, ...], holds: bool, conjunction: Text) -> str:
        texts = [self.of(part, holds=holds) for part in parts]
        return texts[0] if len(texts) == 1 else f"({f' {conjunction.in_(self._language)} '.join(texts)})"

    def _leaf(self, leaf: Node, holds: bool) -> str:
        french = self._language == "fr"
        colon = " : " if french else ": "
        match leaf:
            case Flag(item):
                answer = ("oui" if holds else "non") if french else ("yes" if holds else "no")
                return f"{self.label(item)}{colon}{answer}"
            case Member(item, words):
                other = "" if holds else "autre que " if french else "other than "
                return f"{self.label(item)}{colon}{other}{self.words(item, words)}"
            case Includes(item, words):
                without = "" if holds else "sans " if french else "without "
                return f"{self.label(item)}{colon}{without}{self.words(item, words)}"
            case Compare():
                return self._compare(leaf, holds)
            case CountLesions(where, operator, value):
                lesions = "lésions avec" if french else "lesions with"
                count = "nombre de" if french else "number of"
                return f"{count} {lesions} {self.of(where)} {_sign(operator, holds)} {number(value, self._language)}"
            case Always():
                return ("toujours" if holds else "jamais") if french else ("always" if holds else "never")
            case Settled(criterion=OfTechnique() as criterion):
                return self._of_technique(criterion, holds)
            case OfTechnique():
                return self._of_technique(leaf, holds)
            case _:
                raise TypeError(leaf)

    def _of_technique(self, leaf: OfTechnique, holds: bool) -> str:
        french = self._language == "fr"
        if isinstance(leaf.value, float):
            act = "durée du geste" if french else "duration of the act"
            return f"{act} {_sign(leaf.operator, holds)} {number(leaf.value, self._language)} min"
        act = "position du geste : " if french else "position for the act: "
        other = "" if (leaf.operator == "==") == holds else "autre que " if french else "other than "
        return f"{act}{other}{POSITION[leaf.value].in_(self._language)}"

    def _compare(self, leaf: Compare, holds: bool) -> str:
        french = self._language == "fr"
        sign, value, name = _sign(leaf.operator, holds), leaf.value, leaf.term.name
        match leaf.term.quantity:
            case "item":
                read = unit(self._vocabulary[name].unit, self._language)
                return f"{self.label(name)} {sign} {number(value, self._language)}{f' {read}' if read else ''}"
            case "score":
                read = unit(self._scores[name].unit, self._language)
                label = self._scores[name].label.in_(self._language)
                return f"{label} {sign} {number(value, self._language)}{f' {read}' if read else ''}"
            case "since":
                elapsed = "délai depuis" if french else "time since"
                return f"{elapsed} {self.label(name)} {sign} {duration(value, self._language)}"
            case "days_since":
                elapsed, days = ("jours depuis", "") if french else ("days since", "")
                return f"{elapsed} {self.label(name)} {sign} {number(value, self._language)}{days}"


def _sign(operator: str, holds: bool) -> str:
    return _SIGNS[operator if holds else _CONTRARY[operator]]
