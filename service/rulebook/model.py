"""The Rulebook: everything the files in `rules/` say, checked and immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from service.language.parser import MomentAfter, Setting
from service.language.scores import Score
from service.language.tree import Compare, Node, leaves
from service.language.vocabulary import Scope, Text, Vocabulary

Claim: TypeAlias = Literal["indicates", "favours", "contraindicates", "preempts"]
Strength: TypeAlias = Literal["strong", "moderate", "weak"]
Certainty: TypeAlias = Literal["high", "moderate", "low", "very_low", "consensus"]
ModeKind: TypeAlias = Literal["anaesthesia", "guidance", "stay"]
Status: TypeAlias = Literal[
    "preempted", "excluded", "deferred", "not_indicated", "undetermined", "cautioned", "provisional", "eligible"
]

#: from best to worst. A contraindication or an alert that is added can only move an option towards the end.
STATUSES: tuple[Status, ...] = (
    "eligible",
    "provisional",
    "cautioned",
    "undetermined",
    "deferred",
    "not_indicated",
    "excluded",
    "preempted",
)

MODE_KINDS: tuple[ModeKind, ...] = ("anaesthesia", "guidance", "stay")
#: strongest first
STRENGTHS: tuple[Strength, ...] = ("strong", "moderate", "weak")
#: most certain first
CERTAINTIES: tuple[Certainty, ...] = ("high", "moderate", "low", "very_low", "consensus")


@dataclass(frozen=True, slots=True)
class Evidence:
    certainty: Certainty
    sources: tuple[str, ...]
    #: False when the figure or claim was not checked against its source
    verified: bool


@dataclass(frozen=True, slots=True)
class Source:
    key: str
    citation: str
    where: str
    supports: str
    seen: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule speaks of. Empty `techniques` and `traits` mean every technique; `mode` narrows to one mode."""

    techniques: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    mode: tuple[ModeKind, str] | None = None
    #: `preempts: {}`: an alert that warns and blocks nothing
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """What corrects a contraindication: `lead_time` in hours from the evaluation, `earliest` from an item if given."""

    by: Text
    lead_time: float
    earliest: MomentAfter | None
    recheck: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    claim: Claim
    target: Target
    when: Node
    because: Text
    evidence: Evidence
    topic: str
    file: str
    line: int
    strength: Strength | None = None
    absolute: bool = False
    correction: Correction | None = None
    precaution: Text | None = None
    #: of an alert: its name, what to do instead, and within how many hours
    label: Text | None = None
    action: Text | None = None
    within: float | None = None
    #: rules that this one contradicts on purpose, and rules beside which it says nothing new, each with the reason
    overrides: Mapping[str, Text] = field(default_factory=dict)
    tolerates: Mapping[str, Text] = field(default_factory=dict)
    #: why it is kept although no patient can fulfil it today
    dormant: Text | None = None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What was measured after the act: a share or a number of points, `by` and `lasts` in hours."""

    measure: str
    low: float
    high: float
    unit: str
    by: float | None
    lasts: float | None
    note: Text | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Technique:
    id: str
    label: Text
    summary: Text
    #: its own traits and those of its parts
    traits: frozenset[str]
    parts: tuple[str, ...]
    #: rules against one of its parts that do not hold of the combined act, with the reason
    sets_aside: Mapping[str, Text]
    #: minutes, first site, in the room
    duration: float
    position: str
    burden: int
    #: admissible modes, preferred first
    modes: Mapping[ModeKind, tuple[str, ...]]
    benefits: tuple[Benefit, ...]


@dataclass(frozen=True, slots=True)
class Mode:
    kind: ModeKind
    id: str
    label: Text
    summary: Text


@dataclass(frozen=True, slots=True)
class Impossible:
    id: str
    when: Node
    because: Text
    scope: Scope


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold of every patient: no option that `target` speaks of has a status of `never`

    while `when` is certain, or except where `unless` is certain. With `alone`, two patients are compared who differ in
    that item only and of both of whom `when` is certain: it never is what brings an option to a status of `never`.
    """

    id: str
    target: Target
    never: tuple[Status, ...]
    when: Node | None
    unless: Node | None
    alone: str | None
    because: Text
    line: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Patients who should be left with more than the techniques named in `besides`. Those who are not are shown."""

    id: str
    when: Node
    besides: tuple[str, ...]
    because: Text
    line: int


@dataclass(frozen=True, slots=True)
class Release:
    """One published version of the rulebook."""

    version: str
    date: str
    approved_by: tuple[str, ...]
    changes: Text


@dataclass(frozen=True, slots=True)
class Standing:
    """A tier of the ranking: which statuses stand in it; deferred options only up to `deferred_within` hours."""

    id: str
    label: Text
    statuses: tuple[Status, ...]
    deferred_within: float | None


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the lexicographic ranking, by its name, with the words that tell it."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Ranking:
    standings: tuple[Standing, ...]
    keys: tuple[Key, ...]
    mode_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which lesion first: by the value of an item or score, highest or lowest first, unknown last."""

    name: str
    highest: bool
    label: Text


@dataclass(frozen=True, slots=True)
class SessionRules:
    max_sites: int
    because: Text
    evidence: Evidence
    order: tuple[SessionKey, ...]
    #: from least to most
    anaesthesia_order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule ready to be judged: its condition, settled for one technique when it speaks of the technique's properties."""

    place: int
    rule: Rule
    when: Node
    scope: Scope
    technique: str | None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What bears on a technique or on one of its modes, as places in `Rulebook.bound`."""

    alerts: tuple[int, ...] = ()
    #: absolute contraindications nobody can correct
    excluding: tuple[int, ...] = ()
    #: absolute contraindications that can be corrected
    deferring: tuple[int, ...] = ()
    indications: tuple[int, ...] = ()
    favours: tuple[int, ...] = ()
    #: relative contraindications
    cautions: tuple[int, ...] = ()

    def all(self) -> tuple[int, ...]:
        return (*self.alerts, *self.excluding, *self.deferring, *self.indications, *self.favours, *self.cautions)


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that bears on one technique: on itself, and on each of its admissible modes."""

    technique: Technique
    own: Arguments
    modes: Mapping[ModeKind, Mapping[str, Arguments]]


@dataclass(frozen=True, slots=True)
class Info:
    name: str
    version: str
    effective: str
    status: str
    approved_by: tuple[str, ...]
    timezone: str
    label: Text
    notice: Text


@dataclass(frozen=True)
class Rulebook:
    info: Info
    vocabulary: Vocabulary
    scores: Mapping[str, Score]
    sources: Mapping[str, Source]
    traits: Mapping[str, Text]
    settings: Mapping[str, Setting]
    techniques: Mapping[str, Technique]
    modes: Mapping[tuple[ModeKind, str], Mode]
    rules: Mapping[str, Rule]
    #: item -> its place in the committee's order
    checklist: Mapping[str, int]
    #: items that the form asks first, in the committee's order
    asked_first: tuple[str, ...]
    impossible: tuple[Impossible, ...]
    invariants: tuple[Invariant, ...]
    coverage: tuple[Coverage, ...]
    #: newest first
    releases: tuple[Release, ...]
    #: file -> the day (YYYY-MM-DD) by which the committee means to read it again
    review_by: Mapping[str, str]
    ranking: Ranking
    session: SessionRules
    bound: tuple[BoundRule, ...]
    dossiers: Mapping[str, Dossier]
    #: alerts that warn without blocking, as places in `bound`
    warnings: tuple[int, ...]
    #: sha256 of the canonical content, hexadecimal
    digest: str
    #: canonical JSON content of every file, for replay
    content: str = field(repr=False, default="")

    @cached_property
    def limits(self) -> Mapping[str, frozenset[float]]:
        """The numbers with which rules and scores compare each numeric item."""
        found: dict[str, set[float]] = {item.id: set() for item in self.vocabulary}
        nodes = [bound.when for bound in self.bound]
        nodes += [node for score in self.scores.values() for node in score.conditions()]
        for node in nodes:
            for leaf in leaves(node):
                if isinstance(leaf, Compare) and leaf.term.quantity == "item":
                    found[leaf.term.name].add(leaf.value)
        return {item: frozenset(values) for item, values in found.items()}
