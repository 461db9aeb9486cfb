"""What one reading gathers: candidates for each item, lists, what could not be used, and where everything came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.fhir.codebook import Codebook
from service.fhir.elements import When, words
from service.fhir.unused import Unused, unused


@dataclass(frozen=True, slots=True)
class Source:
    """One resource and the name it has in the trace."""

    kind: str
    #: as sent, to follow references; None when there is none
    id: str | None
    name: str
    resource: Mapping[str, Any]
    #: its meaning is changed in a way unknown to us: it counts only as a result that cannot be read
    barred: bool = False

    def get(self, element: str) -> Any:
        return self.resource.get(element)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value that a resource states for an item; `value` is None when it is there but cannot be read."""

    origin: str
    value: bool | str | float | None
    unit: str | None = None
    #: in the item's own unit, to compare
    measure: float | None = None
    when: When | None = None
    #: a fact that stays: all of them must agree, not only the newest
    lasting: bool = False
    #: a fact recorded as still true: no other statement outdates it, one that differs contradicts it
    standing: bool = False

    @property
    def meaning(self) -> object:
        return self.measure if self.measure is not None else self.value


@dataclass(slots=True)
class Found:
    """A lesion as one resource tells it: where it is (item -> word), and where each word came from."""

    origin: str
    #: (type, id) of the resource, to follow references to it
    key: tuple[str, str | None]
    place: dict[str, str]
    origins: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion of the referral, with every resource that tells of it."""

    name: str
    place: Mapping[str, str]
    keys: frozenset[tuple[str, str | None]]


@dataclass(slots=True)
class Listed:
    """What is known of a list: each word with the resources that name it."""

    present: dict[str, list[str]] = field(default_factory=dict)
    #: the resource that says that the list is empty, with its date
    nothing: tuple[str, When | None] | None = None


@dataclass(slots=True)
class Work:
    codebook: Codebook
    at: datetime
    zone: ZoneInfo
    partial: frozenset[str]
    sources: list[Source]
    #: names of resources refused before they were read
    refused: frozenset[str] = frozenset()
    unused: list[Unused] = field(default_factory=list)
    #: (lesion id or "", item) -> what resources state
    candidates: dict[tuple[str, str], list[Candidate]] = field(default_factory=dict)
    lists: dict[str, Listed] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    lesions: list[Lesion] = field(default_factory=list)
    concerned: bool = False
    _by_key: dict[tuple[str, str], Source] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for source in self.sources:
            if source.id is not None:
                self._by_key.setdefault((source.kind, source.id), source)

    def refuse(self, resource: str, code: str) -> None:
        if (resource, code) not in self._told:
            self._told.add((resource, code))
            self.unused.append(unused(resource, code))

    def state(self, item: str, candidate: Candidate, lesion: str = "") -> None:
        self.candidates.setdefault((lesion, item), []).append(candidate)

    def list_word(self, item: str, word: str, origin: str) -> None:
        origins = self.lists.setdefault(item, Listed()).present.setdefault(word, [])
        if origin not in origins:
            origins.append(origin)

    def resource(self, kind: str, target: tuple[str | None, str] | None) -> Source | None:
        """The resource of this kind that a reference points to, if it was sent."""
        if target is None or target[0] not in (kind, None):
            return None
        return self._by_key.get((kind, target[1]))

    def of(self, *kinds: str) -> list[Source]:
        return [source for source in self.sources if source.kind in kinds]

    def is_future(self, moment: When | None) -> bool:
        return moment is not None and moment.low > self.at

    def now(self) -> When:
        return When(None, self.at, self.at)


def has_status(source: Source, allowed: Iterable[str], element: str = "status") -> bool:
    """Whether the resource has a status, and every word of it is allowed."""
    said = words(source.get(element))
    return bool(said) and said <= set(allowed)
