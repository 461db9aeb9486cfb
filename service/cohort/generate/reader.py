"""What every part of reading a file of distributions shares: its mistakes so far, and which items were drawn above."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.language.condition import read_condition
from service.language.errors import LanguageError, Mistake, nearest
from service.language.parser import Words
from service.language.tree import CountLesions, Node, OfTechnique, criteria, items_of, leaves
from service.language.vocabulary import Item, Scope
from service.rulebook.model import Rulebook
from service.rulebook.source import Document, Keys

_ASSUMPTION = "assumption: "


class Reader:
    """One document being read: its mistakes so far, and the items that were drawn above the place that is read."""

    def __init__(self, document: Document, rulebook: Rulebook) -> None:
        self.document = document
        self.data: Mapping[str, Any] = document.data
        self.vocabulary = rulebook.vocabulary
        self.mistakes: list[Mistake] = []
        self.seen: set[str] = set()
        self.sources: dict[str, tuple[str, ...]] = {}
        self._known_sources = rulebook.sources
        # Scores and settings are what rules conclude from, never what a patient is made of.
        self._words = Words(rulebook.vocabulary, {}, {})
        self.lesions_drawn = False

    def complain(self, keys: Keys, message: str, offender: str = "", known: Iterable[str] = ()) -> None:
        suggestion = nearest(offender, known) if offender else None
        self.mistakes.append(self.document.mistake(keys, message, offender=offender, suggestion=suggestion))

    def item(self, keys: Keys, name: str, *types: str) -> Item | None:
        """The item of that name, of one of `types` when there are any; a complaint when there is none."""
        if name not in self.vocabulary:
            self.complain(keys, "unknown item", name, self.vocabulary.items)
            return None
        item = self.vocabulary[name]
        if types and item.type not in types:
            self.complain(keys, f"is a {item.type}; a {' or '.join(types)} is needed here", name)
            return None
        return item

    # ---- conditions ----

    def condition(self, keys: Keys, data: Any, scope: Scope) -> Node:
        """A condition on what was drawn so far."""
        before = len(self.mistakes)

        def complain(path: Keys, error: LanguageError) -> None:
            self.mistakes.append(
                self.document.mistake(
                    (*keys, *path),
                    error.message,
                    shift=error.column,
                    offender=error.offender,
                    suggestion=error.suggestion,
                )
            )

        node = read_condition(data, self._words, complain)
        if len(self.mistakes) == before:
            for problem, offender in self._out_of_reach(node, scope):
                self.complain(keys, problem, offender)
        return node

    def _out_of_reach(self, node: Node, scope: Scope) -> Iterator[tuple[str, str]]:
        for leaf in criteria(node):
            if isinstance(leaf, OfTechnique):
                yield "no technique is chosen when a patient is drawn", leaf.text
            if isinstance(leaf, CountLesions) and not self.lesions_drawn:
                yield "the lesions are drawn further below", leaf.text
            for name in items_of(leaf):
                if name not in self.seen:
                    yield "is drawn further below: draw it first", name
        if scope == "patient":
            for leaf in leaves(node):
                for name in () if isinstance(leaf, CountLesions) else items_of(leaf):
                    if self.vocabulary[name].scope == "lesion":
                        yield "belongs to a lesion; ask about any_lesion or every_lesion of the patient", name

    # ---- sources ----

    def check_sources(self) -> None:
        """Every distribution says what it is taken from: source ids, or an assumption with its reason."""
        for keys, entry in self._sourced(self.data, ()):
            given = [entry] if isinstance(entry, str) else entry
            self.sources[".".join(map(str, keys[:-1]))] = tuple(given)
            for source in given:
                if not source.startswith(_ASSUMPTION) and source not in self._known_sources:
                    message = f"neither a source of rules/sources.yaml nor «{_ASSUMPTION}» and a reason"
                    self.complain(keys, message, source, self._known_sources)

    def _sourced(self, data: Mapping[str, Any], keys: Keys) -> Iterator[tuple[Keys, Any]]:
        for name, entry in data.items():
            if name == "source":
                yield (*keys, name), entry
            elif isinstance(entry, dict):
                yield from self._sourced(entry, (*keys, name))
