"""Reads again what a mutant changes, and no more than that: the rest of the rulebook stays as it is."""

from collections.abc import Mapping

from service.language.condition import read_condition
from service.language.parser import ScoreHead, Words
from service.language.scores import Score
from service.language.tree import Node
from service.language.vocabulary import Item
from service.rulebook.drafting import Draft
from service.rulebook.load import RulebookError, assemble, load_files
from service.rulebook.model import MODE_KINDS, Rule, Rulebook, Technique
from service.rulebook.read_rules import RuleReader, read_techniques
from service.rulebook.read_words import read_node, read_scores, read_vocabulary
from service.rulebook.schema import kind_of
from service.rulebook.source import Document, Keys, read_bytes
from service.workbench.mutation.mutant import Mutant, replaced

_LISTS = ("rules", "indications", "favours", "contraindications")
#: keys of a rule that name other rules, which are not read beside it
_ELSEWHERE = ("overrides", "tolerates")


class Refused(Exception):
    """The rulebook does not load with this mutant, so that it could never be served."""


class Remaker:
    """One rulebook and its documents, from which any one entry can be read with another value in it.

    What is read raises Refused when the loader would not take it.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Raises RulebookError when the rules themselves cannot be used."""
        self.rulebook = book = load_files(files)
        self.documents: dict[str, tuple[str, Document]] = {}
        for name, content in files.items():
            kind = kind_of(name)
            assert kind is not None, name
            self.documents[name] = (kind, read_bytes(content, name)[0])
        heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}
        self.words = Words(book.vocabulary, heads, book.settings)
        self._modes: set[tuple[str, str]] = set(book.modes)

    def kind(self, mutant: Mutant) -> str:
        """The kind of thing that is mutated: `rule`, or the kind of its file."""
        kind = self.documents[mutant.file][0]
        ruled = kind in ("topic", "technique", *MODE_KINDS) and len(mutant.keys) > 1 and mutant.keys[0] in _LISTS
        return "rule" if ruled else kind

    def rule(self, mutant: Mutant) -> Rule:
        """The one rule that is mutated."""
        kind, document = self.documents[mutant.file]
        section, at, *rest = mutant.keys
        entry = replaced(document.data[section][at], tuple(rest), mutant.value)
        entry = {key: value for key, value in entry.items() if key not in _ELSEWHERE}
        data = {**{key: value for key, value in document.data.items() if not isinstance(value, list)}, section: [entry]}
        places: dict[Keys, tuple[int, int]] = {(section, 0, "id"): document.places[(section, at, "id")]}
        draft = Draft({kind: [Document(document.name, data, places)]})
        book = self.rulebook
        reader = RuleReader(draft, self.words, book.sources, book.traits, set(book.techniques), self._modes)
        rules = reader.read()
        _refuse(draft)
        return rules[mutant.owner]

    def impossible(self, mutant: Mutant) -> Node:
        """The condition of what is called impossible."""
        document = self.documents[mutant.file][1]
        data = replaced(document.data, mutant.keys, mutant.value)
        _, at, *_ = mutant.keys
        draft = Draft()
        changed = Document(document.name, data, document.places)
        place = ("impossible", at, "when")
        node = read_node(draft, changed, place, data["impossible"][at]["when"], self.words, "lesion")
        _refuse(draft)
        return node

    def conditions(self, mutant: Mutant) -> tuple[Node, Node] | None:
        """The condition of a rule before and after; None when the mutant changes something else."""
        if "when" not in mutant.keys:
            return None
        section, at, *rest = mutant.keys
        held = self.documents[mutant.file][1].data[section][at]
        before, after = (
            read_condition(entry["when"], self.words, lambda path, error: None)
            for entry in (held, replaced(held, tuple(rest), mutant.value))
        )
        return before, after

    def scores(self, mutant: Mutant) -> Mapping[str, Score]:
        """Every score, with the mutant in one of them."""
        draft = self._draft(mutant)
        book = self.rulebook
        scores = read_scores(draft, book.vocabulary, dict(book.settings), book.sources)
        _refuse(draft)
        return scores

    def technique(self, mutant: Mutant) -> Technique:
        draft = self._draft(mutant)
        techniques = read_techniques(draft, self.rulebook.sources, self.rulebook.traits, self._modes)
        _refuse(draft)
        return techniques[mutant.owner]

    def item(self, mutant: Mutant) -> Item:
        draft = self._draft(mutant)
        vocabulary = read_vocabulary(draft)
        _refuse(draft)
        return vocabulary[mutant.owner]

    def whole(self, mutant: Mutant) -> Rulebook:
        """The whole rulebook with the mutant in it. What is not changed is not read again."""
        kind, document = self.documents[mutant.file]
        changed = Document(document.name, replaced(document.data, mutant.keys, mutant.value), document.places)
        shape = Draft()
        shape.add(kind, changed, [])
        _refuse(shape)
        documents: dict[str, list[Document]] = {}
        for of, other in self.documents.values():
            documents.setdefault(of, []).append(changed if other is document else other)
        contents = {other.name: other.data for held in documents.values() for other in held}
        try:
            return assemble(Draft(documents, kinds=set(documents)), contents)
        except RulebookError as error:
            raise Refused(str(error)) from error

    def _draft(self, mutant: Mutant) -> Draft:
        """All documents of the mutant's kind, with the mutant in one of them."""
        kind, document = self.documents[mutant.file]
        changed = Document(document.name, replaced(document.data, mutant.keys, mutant.value), document.places)
        same_kind = [other for of, other in self.documents.values() if of == kind]
        return Draft({kind: [changed if other is document else other for other in same_kind]})


def _refuse(draft: Draft) -> None:
    if draft.mistakes:
        raise Refused(str(draft.mistakes[0]))
