"""The vocabulary's codes, turned round: from a code found in a record to the items and words it names."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from service.language.vocabulary import Item, Vocabulary
from service.rulebook.model import Rulebook
from service.rulebook.schema import CODE_SYSTEMS

#: an item, and the word of it when a choice is named
Named: TypeAlias = tuple[str, str | None]
Phrase: TypeAlias = tuple[str, ...]

_TOKEN = re.compile(r"[a-z]+\d*|\d+|[^\sa-z\d]")
#: marks that part words and say nothing
_SILENT = frozenset("-_.,;:/'’()[]")


@dataclass(slots=True)
class CodeTable:
    """Codes of one part of a record: exact ones, and for ICD-10 and ATC whole families."""

    exact: dict[tuple[str, str], list[Named]] = field(default_factory=dict)
    families: list[tuple[str, str, str, Named]] = field(default_factory=list)

    def add(self, codes: Mapping[str, Any], named: Named) -> None:
        for system in CODE_SYSTEMS:
            for code in codes.get(system, ()):
                low, dash, high = code.partition("-") if system == "icd10" else (code, "", "")
                if dash:
                    self.families.append((system, plain(system, low), plain(system, high), named))
                elif low.endswith("*"):
                    start = plain(system, low[:-1])
                    self.families.append((system, start, start, named))
                else:
                    self.exact.setdefault((system, plain(system, code)), []).append(named)

    def find(self, found: Iterable[tuple[str, str]]) -> set[Named]:
        named: set[Named] = set()
        for system, code in found:
            short = plain(system, code)
            named.update(self.exact.get((system, short), ()))
            named.update(
                name
                for family, low, high, name in self.families
                if family == system and len(short) >= len(low) and low <= short[: len(low)] <= high
            )
        return named


def plain(system: str, code: str) -> str:
    """ICD-10 is written with and without its dot, in either case; ATC in either case."""
    if system == "icd10":
        return code.replace(".", "").upper()
    return code.upper() if system in ("atc", "loinc") else code


def phrase(said: str) -> Phrase:
    """The words of a text without accents or case. Marks other than separators stay: they may change the meaning."""
    bare = unicodedata.normalize("NFKD", said.casefold().replace("œ", "oe"))
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return tuple(token for token in _TOKEN.findall(letters) if token not in _SILENT)


class Codebook:
    """What the vocabulary of one rulebook says of records."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.tables: dict[str, CodeTable] = {}
        #: codes that count only when a place is named with them
        self.with_site = CodeTable()
        #: item -> codes that say that its list is empty
        self.nothing: dict[str, CodeTable] = {}
        #: item -> coded answers
        self.answers: dict[str, CodeTable] = {}
        #: (item, word) -> reactions, one of which must be named too
        self.reactions: dict[Named, CodeTable] = {}
        #: texts that name a place, and None for those that say nothing of it
        self.phrases: dict[Phrase, set[Named] | None] = {}
        #: (item, word) -> the items and words that follow from it
        self.implied: dict[Named, Named] = {}
        #: (item, word) -> items that must be known too before two places are taken for one
        self.numbered: dict[Named, set[str]] = {}
        self.one_per_side: set[Named] = set()
        for item in vocabulary:
            self._item(item, item.codes)
        #: every accepted spelling of a unit, of any item
        self.units = frozenset(unit for item in vocabulary for unit in item.units)
        self.longest = max(map(len, self.phrases), default=0)
        #: items that together say where a lesion is
        self.place = tuple(item.id for item in vocabulary if "Condition.bodySite" in _parts(item.codes))

    def _item(self, item: Item, codes: Mapping[str, Any]) -> None:
        parts = _parts(codes)
        for name in parts:
            self.tables.setdefault(name, CodeTable()).add(codes, (item.id, None))
        if "with_site" in codes:
            self.with_site.add(codes["with_site"], (item.id, None))
        if "nothing" in codes:
            self.nothing.setdefault(item.id, CodeTable()).add(codes["nothing"], (item.id, None))
        for answer, answered in codes.get("answers", {}).items():
            self.answers.setdefault(item.id, CodeTable()).add(answered, (item.id, answer))
        for said in codes.get("filler", ()):
            self.phrases[phrase(said)] = None
        for word, own in codes.get("choices", {}).items():
            self._choice((item.id, word), own, parts)

    def _choice(self, named: Named, codes: Mapping[str, Any], parts: Iterable[str]) -> None:
        for name in parts:
            # A choice of a place is named by a body site, never by a diagnosis.
            if name != "Condition.code" or "Condition.bodySite" not in parts:
                self.tables[name].add(codes, named)
        if "reaction" in codes:
            self.reactions.setdefault(named, CodeTable()).add(codes["reaction"], named)
        for said in codes.get("words", ()):
            held = self.phrases.setdefault(phrase(said), set())
            if held is not None:
                held.add(named)
        for other, others in codes.get("implied_by", {}).items():
            self.numbered.setdefault(named, set()).add(other)
            for word in others:
                self.implied[other, word] = named
        if codes.get("one_per_side"):
            self.one_per_side.add(named)

    def items(self, where: str) -> list[str]:
        """The items that are read from one part of a record."""
        return [item.id for item in self.vocabulary if where in _parts(item.codes)]

    def find(self, where: str, found: Iterable[tuple[str, str]]) -> set[Named]:
        """The items and words that codes found at `where` («Condition.code») name."""
        table = self.tables.get(where)
        return table.find(found) if table else set()


def _parts(codes: Mapping[str, Any]) -> list[str]:
    return list(codes.get("fhir", ()))


_BUILT: dict[str, Codebook] = {}
_MOST_BUILT = 4


def codebook_of(rulebook: Rulebook) -> Codebook:
    """Made once for each rulebook in service."""
    held = _BUILT.get(rulebook.digest)
    if held is None:
        if len(_BUILT) >= _MOST_BUILT:
            _BUILT.clear()
        held = _BUILT[rulebook.digest] = Codebook(rulebook.vocabulary)
    return held
