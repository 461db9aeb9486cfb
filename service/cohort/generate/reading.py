"""A file of distributions, held against the rulebook: every mistake at once, each with its line and the nearest right name."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from service.cohort.generate.design import Case, Design, DesignError, Drawn, Follows, Given, Handful
from service.cohort.generate.reading_draws import DrawReader
from service.cohort.generate.reading_written import read_written
from service.cohort.generate.shape import SCHEMA
from service.language.condition import read_condition
from service.language.errors import LanguageError, Mistake, nearest
from service.language.parser import Words
from service.language.tree import CountLesions, Node, OfTechnique, criteria, items_of, leaves
from service.language.vocabulary import Item, Scope
from service.rulebook.model import Rulebook
from service.rulebook.shape import schema_mistakes
from service.rulebook.source import Document, Keys, read_bytes

_ASSUMPTION = "assumption: "


def read_design(path: Path, rulebook: Rulebook) -> Design:
    """The design that a file of distributions gives. Raises DesignError with all mistakes, OSError as `open` does."""
    return design_of(path.read_bytes(), str(path), rulebook)


def design_of(content: bytes, name: str, rulebook: Rulebook) -> Design:
    """The same from the content of a file. Raises DesignError."""
    document, mistakes = read_bytes(content, name)
    if document.data is not None:
        mistakes = [*mistakes, *schema_mistakes(document, Draft202012Validator(SCHEMA))]
    if mistakes:
        raise DesignError(mistakes)
    reader = Reader(document, rulebook)
    lesions, drawn = reader.drawn()
    written = read_written(reader)
    reader.check_sources()
    if reader.mistakes:
        raise DesignError(reader.mistakes)
    left_out = tuple(item.id for item in rulebook.vocabulary if item.id not in reader.seen)
    digest = hashlib.sha256(content).hexdigest()
    return Design(lesions, drawn, written, digest, left_out, dict(reader.sources))


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
        self._lesions_drawn = False

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

    # ---- items ----

    def drawn(self) -> tuple[tuple[Case, ...], tuple[Drawn, ...]]:
        """How many lesions there are, and how every item is drawn, in order."""
        draws = DrawReader(self)
        found: list[Drawn] = []
        lesions: tuple[Case, ...] = ()
        for name, entry in self.data["items"].items():
            keys: Keys = ("items", name)
            item = self.item(keys, name)
            if item is None:
                self.seen.add(name)
                continue
            if item.scope == "lesion" and not self._lesions_drawn:
                # Their number may depend on what of a patient is drawn before the first item of a lesion.
                lesions = draws.lesions()
                self._lesions_drawn = True
            found.append(self._drawn(draws, keys, item, entry))
            self.seen.add(name)
        return lesions or draws.lesions(), tuple(found)

    def _drawn(self, draws: DrawReader, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Drawn:
        applies = self.condition((*keys, "applies"), entry["applies"], item.scope) if "applies" in entry else None
        cases: tuple[Case, ...] = ()
        handfuls: tuple[Handful, ...] = ()
        if item.type == "set":
            handfuls = draws.handfuls(keys, item, entry)
        else:
            cases = draws.cases(keys, item, entry)
        if entry.get("distinct") and (item.type != "choice" or item.scope != "lesion"):
            self.complain((*keys, "distinct"), "only a choice of a lesion can be distinct", item.id)
        return Drawn(
            item=item,
            cases=cases,
            handfuls=handfuls,
            applies=applies,
            follows=self._follows(keys, entry["follows"]) if "follows" in entry else None,
            step=float(entry.get("step", item.step)),
            given=self._given(keys, item, entry),
            distinct=bool(entry.get("distinct", False)),
        )

    def _follows(self, keys: Keys, entry: Mapping[str, str]) -> Follows:
        below = (*keys, "follows")
        item = self.item((*below, "list"), entry["list"], "set")
        if item is not None:
            if item.id not in self.seen:
                self.complain((*below, "list"), "is drawn further below: draw it first", item.id)
            if entry["word"] not in item.choices:
                self.complain((*below, "word"), f"not a word of {item.id}", entry["word"], item.choices)
        return Follows(entry["list"], entry["word"])

    def _given(self, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Given:
        given = entry.get("given", "day")
        if "given" in entry and item.type != "moment":
            self.complain(
                (*keys, "given"), f"is a {item.type}; only a moment is given to the day or to the time", item.id
            )
        return float(given["time"]) if isinstance(given, dict) else "time" if given == "time" else "day"

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
            if isinstance(leaf, CountLesions) and not self._lesions_drawn:
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
