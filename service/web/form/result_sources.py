"""The sources that are cited, with how much of each was read: an answer must not look better founded than it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.language.vocabulary import Text
from service.rulebook.model import Rulebook

#: how much of a source was read, as `rules/sources.yaml` says it
_SEEN = {
    "abstract": Text("résumé lu", "abstract read"),
    "opening": Text("première page lue", "first page read"),
    "secondary": Text("lu de seconde main", "read at second hand"),
    "code": Text("code public lu", "public code read"),
    "unchecked": Text("non lu", "not read"),
}


@dataclass(frozen=True, slots=True)
class Source:
    key: str
    citation: str
    where: str
    seen: str


def bibliography(keys: Iterable[str], rulebook: Rulebook, language: str) -> tuple[Source, ...]:
    """The sources named by `keys`, each once, in the order of their keys."""
    return tuple(_source(key, rulebook, language) for key in sorted(set(keys)))


def _source(key: str, rulebook: Rulebook, language: str) -> Source:
    source = rulebook.sources[key]
    seen = _SEEN[source.seen].in_(language) if source.seen in _SEEN else source.seen
    return Source(key, source.citation, source.where, seen)
