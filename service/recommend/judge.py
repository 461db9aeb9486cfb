"""Every decision is taken twice: by durable-rules and by the reference meaning. Only what both say leaves here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from service.language.facts import Case
from service.language.kleene import UNKNOWN, Verdict
from service.language.meaning import Meaning, Situation, Table, situations
from service.language.open_items import OpenItem, OpenItems
from service.language.scores import items_read
from service.language.tree import items_of, leaves, scores_of
from service.rulebook.bearing import Bearing
from service.rulebook.model import BoundRule, Rulebook, Status
from service.run.reading import RunReading
from service.run.statuses import Statuses


class Disagreement(Exception):
    """The two engines do not agree: no answer may be given. `what` names rules or acts, never a patient's values."""

    def __init__(self, what: Iterable[str]) -> None:
        self.what = tuple(sorted(set(what)))
        super().__init__(f"the two engines disagree on: {', '.join(self.what)}")


@dataclass
class LesionJudgement:
    """The verdicts of all bound rules for one lesion, and what is open in those that are unknown."""

    place: int
    lesion: str
    situation: Situation
    verdicts: Sequence[Verdict]
    _rulebook: Rulebook = field(repr=False)
    _open_items: OpenItems = field(repr=False)
    _possible_items: Sequence[frozenset[str]] = field(repr=False)
    _open: dict[int, frozenset[OpenItem]] = field(default_factory=dict, repr=False)

    def reads(self, place: int, items: Iterable[str]) -> bool:
        """Whether one of `items` can bear on the rule at `place`."""
        return not self._possible_items[place].isdisjoint(items)

    def open_items(self, place: int) -> frozenset[OpenItem]:
        """The unknown items that keep the rule at `place` from being decided; empty when it is decided."""
        if place not in self._open:
            bound = self._rulebook.bound[place]
            self._open[place] = (
                self._open_items.of(bound.when, self.situation, self.place)
                if self.verdicts[place] == UNKNOWN
                else frozenset()
            )
        return self._open[place]

    @cached_property
    def to_verify(self) -> frozenset[int]:
        """Places of the unknown rules that only items of the pre-procedure checklist keep open."""
        checklist = self._rulebook.checklist
        return frozenset(
            place
            for place, verdict in enumerate(self.verdicts)
            if verdict == UNKNOWN
            # Most rules have nothing to do with the checklist, and need no search.
            and not checklist.keys().isdisjoint(self._possible_items[place])
            and all(item.item in checklist for item in self.open_items(place))
        )


class Judge:
    """Judges cases under one rulebook, twice. Built after fork, one per worker: it holds the C engine."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.meaning = Meaning(rulebook.vocabulary, rulebook.scores)
        self._open_items = OpenItems(self.meaning, rulebook.vocabulary, rulebook.scores)
        self._possible_items = [_items(bound, rulebook) for bound in rulebook.bound]
        self._places = {
            scope: [bound.place for bound in rulebook.bound if bound.scope == scope] for scope in ("patient", "lesion")
        }
        self._tables = {
            scope: Table(self.meaning, [rulebook.bound[place].when for place in places])
            for scope, places in self._places.items()
        }
        self._run = RunReading(rulebook)
        self._statuses = Statuses()

    def judge(self, case: Case) -> list[LesionJudgement]:
        """The verdicts for each lesion. Raises Disagreement, or EngineError when the engine fails."""
        patient, lesions = situations(case)
        reference = self._reference(patient, lesions)
        run = self._run.verdicts(patient, lesions)
        differing = {
            self.rulebook.bound[place].rule.id
            for ours, theirs in zip(reference, run, strict=True)
            for place, (a, b) in enumerate(zip(ours, theirs, strict=True))
            if a != b
        }
        if differing:
            raise Disagreement(differing)
        return [
            LesionJudgement(
                place,
                case.lesions[place].id,
                situation,
                verdicts,
                self.rulebook,
                self._open_items,
                self._possible_items,
            )
            for place, (situation, verdicts) in enumerate(zip(lesions, reference, strict=True))
        ]

    def confirm(self, statuses: Mapping[Bearing, Status]) -> None:
        """Checks with the engine the statuses that the reference gave. Raises Disagreement."""
        for bears, status in self._statuses.of(statuses).items():
            if status != statuses[bears]:
                raise Disagreement([f"status {status}/{statuses[bears]}"])

    def _reference(self, patient: Situation, lesions: Sequence[Situation]) -> list[list[Verdict]]:
        shared = self._tables["patient"]
        of_patient = shared.verdicts(shared.evaluate(patient))
        result = []
        for situation in lesions:
            verdicts: list[Verdict] = [UNKNOWN] * len(self.rulebook.bound)
            for place, verdict in zip(self._places["patient"], of_patient, strict=True):
                verdicts[place] = verdict
            own = self._tables["lesion"]
            for place, verdict in zip(self._places["lesion"], own.verdicts(own.evaluate(situation)), strict=True):
                verdicts[place] = verdict
            result.append(verdicts)
        return result


def _items(bound: BoundRule, rulebook: Rulebook) -> frozenset[str]:
    """Every item that can bear on a rule, through scores too."""
    found = {item for leaf in leaves(bound.when) for item in items_of(leaf)}
    for leaf in leaves(bound.when):
        for score in scores_of(leaf):
            found |= items_read(rulebook.scores[score], rulebook.scores)
    return frozenset(found)
