"""The sources that are cited, with how much of each was read: an answer must not look better founded than it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.rulebook.model import Rulebook
from service.tell import words


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
    seen = words.SEEN[source.seen].in_(language) if source.seen in words.SEEN else source.seen
    return Source(key, source.citation, source.where, seen)
