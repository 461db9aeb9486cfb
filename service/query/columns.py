"""The columns that the facts of a cohort stand in, derived from the vocabulary: only what a rule can ask about."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from service.language.arithmetic import variables
from service.language.tree import Includes, Node, criteria, items_of
from service.language.vocabulary import Item, Scope
from service.rulebook.model import Rulebook

#: the columns that name whose facts a row holds
PATIENT, LESION = "patient", "lesion"

#: column -> Ibis type
Types: TypeAlias = Mapping[str, str]


def column(item: str) -> str:
    """The name of an item's column: its id, the dot as two underscores, since many databases take no dot."""
    return item.replace(".", "__")


def word_column(item: str, word: str) -> str:
    """Whether a list is known to hold `word`: true, false, or NULL when it is not known."""
    return f"{column(item)}__has__{word}"


def low_column(item: str) -> str:
    """Hours elapsed since a moment, at least."""
    return f"{column(item)}__low"


def high_column(item: str) -> str:
    """Hours elapsed since a moment, at most."""
    return f"{column(item)}__high"


def days_column(item: str) -> str:
    """Calendar days elapsed since a moment, in the rulebook's time zone."""
    return f"{column(item)}__days"


class FactColumns:
    """The fact columns that the conditions of one rulebook read."""

    def __init__(self, rulebook: Rulebook) -> None:
        words: dict[str, dict[str, None]] = {}
        for node in _conditions(rulebook):
            for leaf in criteria(node):
                for item in items_of(leaf):
                    asked = words.setdefault(item, {})
                    if isinstance(leaf, Includes):
                        asked.update(dict.fromkeys(leaf.words))
        for score in rulebook.scores.values():
            for expression in score.expressions():
                for item in variables(expression):
                    words.setdefault(item, {})
        for rule in rulebook.rules.values():
            if rule.correction is not None and rule.correction.earliest is not None:
                words.setdefault(rule.correction.earliest.item, {})
        #: items that are read, in the order of the vocabulary
        self.items: tuple[Item, ...] = tuple(item for item in rulebook.vocabulary if item.id in words)
        self._words = {item: tuple(sorted(asked)) for item, asked in words.items()}

    def words(self, item: str) -> tuple[str, ...]:
        """The words of a list that some condition asks about."""
        return self._words[item]

    def of_item(self, item: Item) -> Types:
        """The columns of one item, with their types."""
        match item.type:
            case "flag":
                return {column(item.id): "boolean"}
            case "number":
                return {column(item.id): "float64"}
            case "choice":
                return {column(item.id): "string"}
            case "set":
                return {word_column(item.id, word): "boolean" for word in self._words[item.id]}
            case "moment":
                return {
                    low_column(item.id): "float64",
                    high_column(item.id): "float64",
                    days_column(item.id): "int64",
                }

    def of(self, scope: Scope) -> Types:
        """Every fact column of the patients' table or of the lesions'."""
        return {name: kind for item in self.items if item.scope == scope for name, kind in self.of_item(item).items()}


def _conditions(rulebook: Rulebook) -> Iterator[Node]:
    """Everything that is asked of a patient: rules, scores, and what cannot be."""
    for bound in rulebook.bound:
        yield bound.when
    for score in rulebook.scores.values():
        yield from score.conditions()
    for impossible in rulebook.impossible:
        yield impossible.when
