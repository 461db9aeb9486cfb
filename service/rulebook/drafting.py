"""The mistakes found so far, and the well-formed entries among the faulty ones.

Every mistake of a rulebook is listed at once. So reading goes on past a mistake: an entry with a mistake of form is
left out, its name is remembered, and what refers to that name is not blamed for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from service.language.errors import LanguageError, Mistake, nearest
from service.language.vocabulary import Text
from service.rulebook.model import Evidence
from service.rulebook.shape import shape_mistakes
from service.rulebook.source import Document, Keys

_WORD = re.compile(r"[A-Za-z][\w.-]*")


@dataclass
class Draft:
    """A rulebook being read."""

    documents: dict[str, list[Document]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    #: names declared by entries that could not be read
    tainted: set[str] = field(default_factory=set)
    #: kinds of file that are there, readable or not
    kinds: set[str] = field(default_factory=set)
    #: what cannot be looked up at all, because the one file that declares it is missing or cannot be read
    lost: set[str] = field(default_factory=set)
    _faulty: dict[str, set[int]] = field(default_factory=dict)
    _faulty_at: dict[str, set[tuple[int, int]]] = field(default_factory=dict)

    def add(self, kind: str, document: Document, mistakes: list[Mistake]) -> None:
        """Takes a document in, with the mistakes found in reading it, and checks its shape."""
        found = mistakes + (shape_mistakes(document, kind) if document.data is not None else [])
        self.mistakes += found
        self.kinds.add(kind)
        if isinstance(document.data, dict):
            self._faulty[document.name] = {mistake.line for mistake in found}
            self._faulty_at[document.name] = {(mistake.line, mistake.column) for mistake in found}
            self.documents.setdefault(kind, []).append(document)
            return
        # Nobody can tell what it declares; so no name that stands in it is held against another file.
        for word in (PurePosixPath(document.name).stem, *_WORD.findall(document.text)):
            self.tainted |= {word, f"score.{word}", f"site.{word}"}

    def entries(self, document: Document, keys: Keys = ()) -> Iterator[tuple[Keys, Any, Any]]:
        """(keys, name or index, data) of each well-formed entry of the mapping or list at `keys`."""
        data = document.data
        for key in keys:
            data = data.get(key) if isinstance(data, dict) else None
        pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        # A mapping where a list is needed: no entry of it is one, on whatever line it stands.
        wrong = document.places.get(keys) in self._faulty_at.get(document.name, set())
        for name, entry in list(pairs):
            place = (*keys, name)
            if wrong or self.faulty(document, place):
                self.taint(str(name))
                if isinstance(entry, dict):
                    self.taint(str(entry.get("id", "")))
            else:
                yield place, name, entry

    def faulty(self, document: Document, keys: Keys) -> bool:
        """Whether a mistake of form stands within the part at `keys`."""
        lines = self._faulty.get(document.name, set())
        if not lines:
            return False
        own = [place[0] for path, place in document.places.items() if path[: len(keys)] == keys]
        return bool(own) and any(min(own) <= line <= max(own) for line in lines)

    def taint(self, name: str) -> None:
        if name:
            self.tainted.add(name)

    def complain(
        self, document: Document, keys: Keys, message: str, *, offender: str = "", suggestion: str | None = None
    ) -> None:
        if self._excused(message, offender):
            return
        self.mistakes.append(document.mistake(keys, message, offender=offender, suggestion=suggestion))

    def _excused(self, message: str, offender: str) -> bool:
        """Whether a name is unknown only because what declares it could not be read: that mistake is told already."""
        unknown, _, what = message.partition(" ")
        return unknown == "unknown" and (offender in self.tainted or what in self.lost)

    def complain_of(self, document: Document, keys: Keys, error: LanguageError) -> None:
        """A mistake within one line, shifted to its column."""
        if self._excused(error.message, error.offender):
            return
        self.mistakes.append(
            document.mistake(
                keys, error.message, shift=error.column, offender=error.offender, suggestion=error.suggestion
            )
        )

    def lookup(self, document: Document, keys: Keys, what: str, name: str, known: Any) -> bool:
        """Whether `name` is known; complains if not."""
        if name in known:
            return True
        self.complain(document, keys, f"unknown {what}", offender=name, suggestion=nearest(name, known))
        return False


def text_of(data: Any) -> Text:
    return Text(data["fr"], data["en"])


def optional_text(data: Any) -> Text | None:
    return text_of(data) if data else None


def evidence_of(draft: Draft, document: Document, keys: Keys, data: Any, sources: Any) -> Evidence:
    """Reads certainty, sources and verification; complains of sources that the bibliography lacks."""
    for at, key in enumerate(data["sources"]):
        draft.lookup(document, (*keys, "sources", at), "source", key, sources)
    return Evidence(data["certainty"], tuple(data["sources"]), data["verified"])


def words_of(data: Any) -> tuple[str, ...]:
    return () if data is None else (data,) if isinstance(data, str) else tuple(data)
