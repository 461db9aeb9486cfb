"""Searches the borderline cases of a rule: for each criterion the smallest patient on whom it decides the rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import Meaning, Situation
from service.language.parser import POSITIONS
from service.language.tree import CountLesions, Leaf, Node, for_technique
from service.rulebook.model import Rulebook
from service.workbench.borderline.case import UNKNOWN as NOT_KNOWN
from service.workbench.borderline.case import Case, canonical
from service.workbench.borderline.values import Turn, Values, plain, slot_of
from service.workbench.borderline.ways import Demand, Steps, Ways, occurrences
from service.workbench.tables.patients import Given, Patients

_OF_TECHNIQUE = "technique."
#: patients tried for one way of deciding a condition
_TRIED = 60


@dataclass(frozen=True, slots=True)
class Undecisive:
    """A criterion on which no patient turns: the rest of the rule always says the same."""

    rule: str
    criterion: str


@dataclass(frozen=True, slots=True)
class _Found:
    """The patient beside what differs, and the values of it on either side."""

    on: str
    beside: Given
    yes: tuple[Any, ...]
    no: tuple[Any, ...]
    unknown: Any


class Searcher:
    """Searches over one rulebook. Remembers what it compiled; holds no patient."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._meaning = Meaning(rulebook.vocabulary, rulebook.scores)
        self._patients = Patients(rulebook.vocabulary, rulebook.info.timezone)
        self._ways = Ways(rulebook.scores)
        self._values = Values(rulebook, self._meaning, self._patients)
        self._compiled: dict[tuple[int, float, str], tuple[Node, Node]] = {}

    def of(self, rule: str) -> Iterator[Case | Undecisive]:
        """The case of each criterion of a rule, in reading order, each patient once. KeyError on an unknown rule."""
        when = self._rulebook.rules[rule].when
        seen: set[str] = set()
        for criterion, found in self._all(when):
            if found is None:
                yield Undecisive(rule, criterion)
                continue
            usual = {found.on: found.yes[0], **found.beside}
            case = Case(rule, criterion, found.on, usual, found.yes, found.no, found.unknown)
            if (written := canonical(case.written())) not in seen:
                seen.add(written)
                yield case

    def verdict(self, when: Node, given: Given) -> Verdict:
        """What a condition says of a patient, as the reference meaning has it."""
        return self._says(when, given, self._patients.situation(given))

    def _says(self, when: Node, given: Given, situation: Situation) -> Verdict:
        technique = float(given.get("technique.duration", 0)), str(given.get("technique.position", POSITIONS[0]))
        key = (id(when), *technique)
        if key not in self._compiled:
            # The condition is kept, so that its identity stays its own.
            self._compiled[key] = when, for_technique(when, *technique)
        return self._meaning.condition(self._compiled[key][1])(situation)

    # ---- one criterion ----

    def _all(self, when: Node) -> Iterator[tuple[str, _Found | None]]:
        for steps, leaf in occurrences(when):
            if isinstance(leaf, CountLesions):
                yield from self._of_lesions(when, steps, leaf)
            else:
                yield leaf.text, self._at(when, steps, leaf)

    def _at(self, when: Node, steps: Steps, leaf: Leaf, known: Turn | None = None) -> _Found | None:
        """The first patient, of the smallest way, on whom the criterion decides the condition. `known`: where it turns."""
        slot = slot_of(leaf)
        for way in self._ways.deciding(when, steps):
            if leaf in way:
                continue
            same = {other: wanted for other, wanted in way.items() if slot_of(other) == slot}
            turned = known or self._values.turn(leaf, same)
            if turned is None:
                continue
            rest = {other: wanted for other, wanted in way.items() if slot_of(other) != slot}
            for beside in self._patients_of(rest):
                if found := self._both_sides(when, slot, beside, turned):
                    return self._trimmed(when, found, turned)
        return None

    def _trimmed(self, when: Node, found: _Found, turn: Turn) -> _Found:
        """Without whatever else decides as much: one value can fulfil what another was taken for."""
        for name in found.beside:
            # A technique always has a duration and a position.
            if not name.startswith(_OF_TECHNIQUE):
                fewer = {other: value for other, value in found.beside.items() if other != name}
                smaller = self._both_sides(when, found.on, fewer, turn)
                if smaller and (smaller.yes, smaller.no, smaller.unknown) == (found.yes, found.no, found.unknown):
                    return self._trimmed(when, smaller, turn)
        return found

    def _patients_of(self, way: Demand) -> Iterator[Given]:
        """Patients of whom these criteria hold, or do not, as demanded; the plainest first."""
        by_slot: dict[str, dict[Leaf, bool]] = {}
        for leaf, wanted in way.items():
            by_slot.setdefault(slot_of(leaf), {})[leaf] = wanted
        each = [self._candidates(demand) for demand in by_slot.values()]
        for values in islice(product(*each), _TRIED):
            yield dict(zip(by_slot, values, strict=True))

    def _candidates(self, demand: Demand) -> list[Any]:
        counts = [leaf for leaf in demand if isinstance(leaf, CountLesions)]
        if not counts:
            return self._values.candidates(demand)
        proposed = [
            value
            for leaf in counts
            if (turn := self._counted(leaf)) is not None
            for value in (turn.holds if demand[leaf] else turn.fails)
        ]
        wanted = {leaf: YES if demand[leaf] else NO for leaf in counts}
        return [
            value
            for value in proposed
            if all(self.verdict(leaf, {"lesions": value}) == verdict for leaf, verdict in wanted.items())
        ]

    def _both_sides(self, when: Node, slot: str, beside: Given, turn: Turn) -> _Found | None:
        """The values with which the rule holds, and those with which it does not; None when there are not both."""
        sides: Mapping[Verdict, list[Any]] = {YES: [], NO: [], UNKNOWN: []}
        for value in (*turn.holds, *turn.fails):
            given = {slot: value, **beside}
            situation = self._patients.situation(given)
            if not self._impossible(situation):
                sides[self._says(when, given, situation)].append(value)
        if not sides[YES] or not sides[NO]:
            return None
        return _Found(slot, beside, tuple(sides[YES]), tuple(sides[NO]), self._open(when, slot, beside, turn.open))

    def _open(self, when: Node, slot: str, beside: Given, value: Any) -> Any:
        if value is None:
            return None
        given = dict(beside) if value == NOT_KNOWN else {slot: value, **beside}
        return value if self.verdict(when, given) == UNKNOWN else None

    def _impossible(self, situation: Situation) -> bool:
        return any(self._meaning.condition(entry.when)(situation) == YES for entry in self._rulebook.impossible)

    # ---- questions about several lesions ----

    def _of_lesions(self, when: Node, steps: Steps, leaf: CountLesions) -> Iterator[tuple[str, _Found | None]]:
        """The number of lesions; then each criterion asked of one lesion, the one that makes up the number."""
        fewer, _ = _figures(leaf)
        alike = self._lesion(leaf.where, True)
        each: list[tuple[str, _Found | None]] = []
        for criterion, found in self._all(leaf.where):
            turn = self._last_lesion(fewer, alike or {}, found) if found and (alike or not fewer) else None
            each.append((criterion, self._at(when, steps, leaf, turn) if turn else None))
        # Of a single lesion the criteria say it all: without them there is none.
        if fewer or not any(found for _, found in each):
            counted = self._counted(leaf)
            yield leaf.text, self._at(when, steps, leaf, counted) if counted else None
        yield from each

    def _counted(self, leaf: CountLesions) -> Turn | None:
        """One lesion fewer than the figure asks for, and as many as it asks for."""
        fewer, more = _figures(leaf)
        alike, other = self._lesion(leaf.where, True), self._lesion(leaf.where, False)
        if alike is None or other is None:
            return None
        few = _several(fewer, alike) if fewer else [other]
        many = _several(more, alike)
        open_ = [*_several(fewer, alike), {}]
        return Turn((few,), (many,), open_) if leaf.operator in ("<", "<=") else Turn((many,), (few,), open_)

    @staticmethod
    def _last_lesion(fewer: int, alike: Given, found: _Found) -> Turn:
        def lesions(value: Any) -> list[Given]:
            last = found.beside if value == NOT_KNOWN else {found.on: value, **found.beside}
            return [*_several(fewer, alike), last]

        # With two words on one side there are as many patients, each with one of them.
        fulfilling, failing = (tuple(map(lesions, values)) for values in (found.yes, found.no))
        return Turn(fulfilling, failing, lesions(found.unknown) if found.unknown is not None else None)

    def _lesion(self, where: Node, fulfils: bool) -> Given | None:
        """The smallest lesion that fulfils a condition, or that certainly does not."""
        wanted = YES if fulfils else NO
        for way in self._ways.to(where, fulfils):
            for lesion in self._patients_of(way):
                situation = self._patients.situation(lesion)
                if self._says(where, lesion, situation) == wanted and not self._impossible(situation):
                    return lesion
        return None


def _figures(leaf: CountLesions) -> tuple[int, int]:
    """The two neighbouring numbers of lesions between which the question turns."""
    figure = int(plain(leaf.value))
    return (figure - 1, figure) if leaf.operator in ("<", ">=") else (figure, figure + 1)


def _several(count: int, lesion: Given) -> list[Given]:
    return [{"count": count, **lesion} if count > 1 else dict(lesion)] if count else []
