"""Where a lesion is: from codes, qualifiers and texts that name a place and nothing else."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.fhir.codebook import Codebook, Named, phrase
from service.fhir.elements import SYSTEMS, codings, entries, part, text


@dataclass(frozen=True, slots=True)
class Place:
    """Item -> word. `contradictory` when what was said names two places."""

    words: Mapping[str, str]
    contradictory: bool = False


NOWHERE = Place({})


def place_of(concept: object, codebook: Codebook) -> Place:
    """The place that a bodySite names: its codes, its qualifiers (side), its text and the displays of unknown codes."""
    where = "Condition.bodySite"
    named = _places(codebook.find(where, codings(concept)))
    for qualifier in entries(part(concept).get("extension")):
        named |= _places(codebook.find(where, codings(qualifier.get("valueCodeableConcept"))))
    texts = [text(part(concept).get("text"))]
    for coding in entries(part(concept).get("coding")):
        system, code = SYSTEMS.get((text(coding.get("system")) or "").rstrip("/")), text(coding.get("code"))
        if not (system and code and codebook.find(where, [(system, code)])):
            texts.append(text(coding.get("display")))
    for said in texts:
        named |= named_in(said, codebook)
    return _place(named, codebook)


def place_in_text(said: object, codebook: Codebook) -> Place:
    return _place(named_in(text(said), codebook), codebook)


def denied(said: object) -> bool:
    """Whether a text may say that something is not there."""
    plain = unicodedata.normalize("NFKD", text(said) or "").casefold()
    return bool(_DENIAL.search("".join(sign for sign in plain if not unicodedata.combining(sign))))


def named_in(said: str | None, codebook: Codebook) -> set[Named]:
    """What a text names, when every word of it is known; nothing otherwise: «L2 to L4», «no lesion at L2»."""
    if said is None or len(said) > _LONGEST_TEXT:
        return set()
    tokens = phrase(said)
    named: set[Named] = set()
    at = 0
    while at < len(tokens):
        for length in range(codebook.longest, 0, -1):
            piece = tokens[at : at + length]
            if len(piece) == length and piece in codebook.phrases:
                named |= codebook.phrases[piece] or set()
                at += length
                break
        else:
            return set()
    return named


_LONGEST_TEXT = 200
_DENIAL = re.compile(
    r"\b(?:pas (?:de|d['’])|no|without|absence|aucune?|sans (?!precision|autre)|exclue?s?|excluded|ruled[ -]out)(?!\w)"
)


def _places(named: set[Named]) -> set[Named]:
    return {name for name in named if name[1] is not None}


def _place(named: set[Named], codebook: Codebook) -> Place:
    named = named | {codebook.implied[name] for name in named if name in codebook.implied}
    words: dict[str, str] = {}
    for item, word in sorted((item, word) for item, word in named if word is not None):
        if words.setdefault(item, word) != word:
            return Place({}, contradictory=True)
    return Place(words)


def compatible(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one[item] == other[item] for item in one.keys() & other.keys())


def same_place(one: Mapping[str, str], other: Mapping[str, str], codebook: Codebook) -> bool:
    """Whether two places are certainly one: a numbered vertebra, or the one such bone of a side."""
    shared = one.keys() & other.keys()
    if not compatible(one, other):
        return False
    for item in shared:
        named = (item, one[item])
        if named in codebook.numbered:
            return codebook.numbered[named] <= shared
        if named in codebook.one_per_side:
            return len(shared) > 1
    return False


def lesion_name(place: Mapping[str, Any], codebook: Codebook) -> str:
    """A short name made of the words of a place, without those that follow from another: «L2», «ilium-left»."""
    implied = {codebook.implied[name] for name in place.items() if name in codebook.implied}
    return "-".join(place[item] for item in codebook.place if item in place and (item, place[item]) not in implied)
