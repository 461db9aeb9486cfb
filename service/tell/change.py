"""What would have to change for an option to be eligible: the smallest set of changes that a treatment, an
organisational act or time can bring about (items that the vocabulary calls `changeable`).

Each answer is tried out before it is told: the changed patient is judged again, and every goal must be reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from service.language.facts import Listing, Moment, Value
from service.language.kleene import NO, YES, Verdict
from service.language.meaning import Meaning, Situation
from service.language.scores import items_read
from service.language.tree import (
    All,
    AnyOf,
    Compare,
    CountLesions,
    Includes,
    Leaf,
    Node,
    Not,
    items_of,
    scores_of,
)
from service.language.vocabulary import Item
from service.recommend.options import BINDING, ModeChoice, Option
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.rulebook.model import Arguments, Rulebook

#: item -> the value it would have to take
Changes: TypeAlias = Mapping[str, Value]

#: alternatives looked at for one condition; beyond that the search would cost more than its answer is worth
_MOST = 60


@dataclass(frozen=True, slots=True)
class WayOut:
    """The smallest changes that leave nothing known standing against the act, with the modes it would then take.

    `precautions_remain`: relative contraindications that nothing can change would still hold.
    """

    changes: Changes
    modes: tuple[str, ...]
    precautions_remain: bool


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """Nothing that can be changed would do: the rules that stand in the way, by id."""

    rules: tuple[str, ...]


class Changer:
    """Finds ways out for the options of one lesion."""

    def __init__(self, recommendation: Recommendation, lesion: LesionRecommendation) -> None:
        self._rulebook: Rulebook = recommendation.rulebook
        self._meaning: Meaning = recommendation.meaning
        self._judgement = lesion.judgement
        self._situation = lesion.judgement.situation
        #: alternatives already found: one rule stands against many options
        self._found: dict[tuple[int, Verdict], list[Changes]] = {}

    def way_out(self, option: Option) -> WayOut | DeadEnd | None:
        """None when nothing known stands against the option."""
        attempts = []
        for modes in self._combinations(option):
            attempt = self._attempt(option, modes)
            if isinstance(attempt, WayOut) and not attempt.changes and not attempt.precautions_remain:
                return None
            attempts.append(attempt)
        found = [attempt for attempt in attempts if isinstance(attempt, WayOut)]
        if found:
            easiest = min(found, key=lambda way: (way.precautions_remain, len(way.changes)))
            return easiest if easiest.changes else None
        return attempts[0]

    def _combinations(self, option: Option) -> Iterator[tuple[ModeChoice, ...]]:
        """Every choice of modes, the chosen one first."""
        yield from product(*(option.modes[kind] for kind in BINDING if option.modes[kind]))

    def _attempt(self, option: Option, modes: Sequence[ModeChoice]) -> WayOut | DeadEnd:
        parts = [option.arguments, *(mode.arguments for mode in modes)]
        verdicts = self._judgement.verdicts
        blocking = [
            place
            for part in parts
            for place in (*part.alerts, *part.excluding, *part.deferring)
            if verdicts[place] == YES
        ]
        cautions = [place for part in parts for place in part.cautions if verdicts[place] == YES]
        indicated = option.bearing.indicated != NO
        names = tuple(mode.mode for mode in modes)
        for goals, free in ((blocking + cautions, True), (blocking, False)):
            changes = self._reach(goals, () if indicated else option.arguments.indications, parts, cautions=not free)
            if changes is not None:
                remain = not free and any(
                    self._verdict(place, changes) == YES for part in parts for place in part.cautions
                )
                return WayOut(changes, names, remain)
        stuck = [place for place in blocking if not self._ways(place, NO)]
        if not indicated and not any(self._ways(place, YES) for place in option.arguments.indications):
            stuck += option.arguments.indications
        return DeadEnd(tuple(sorted({self._rulebook.bound[place].rule.id for place in stuck or blocking})))

    def _reach(
        self, refute: Sequence[int], fulfil: Sequence[int], parts: Sequence[Arguments], *, cautions: bool
    ) -> Changes | None:
        """The smallest changes that refute every rule of `refute` and, if `fulfil` is not empty, fulfil one of it.

        They must not bring on anything else that bears on the act: nothing in `parts` may stand against it afterwards,
        but relative contraindications if `cautions` are admitted.
        """
        alternatives: list[Changes] = [{}]
        for place in refute:
            alternatives = _combined(alternatives, self._ways(place, NO))
        if fulfil:
            alternatives = _combined(alternatives, [way for place in fulfil for way in self._ways(place, YES)])
        for changes in sorted(alternatives, key=lambda way: (len(way), sorted(way))):
            if self._holds(changes, fulfil, parts, cautions=cautions):
                return changes
        return None

    def _holds(self, changes: Changes, fulfil: Sequence[int], parts: Sequence[Arguments], *, cautions: bool) -> bool:
        if not changes:
            # Nothing was to be refuted.
            return not fulfil
        free = all(
            self._verdict(place, changes) != YES
            for part in parts
            for place in (*part.alerts, *part.excluding, *part.deferring, *(() if cautions else part.cautions))
        )
        return free and (not fulfil or any(self._verdict(place, changes) == YES for place in fulfil))

    def _verdict(self, place: int, changes: Changes) -> Verdict:
        """The verdict with the changes made. What none of them touches stays as it is."""
        if not self._judgement.reads(place, changes):
            return self._judgement.verdicts[place]
        return self._meaning.condition(self._rulebook.bound[place].when)(self._changed(changes))

    def _changed(self, changes: Changes) -> Situation:
        known = {**self._situation.known, **changes}
        own = self._judgement.place
        lesions = [known if at == own else other for at, other in enumerate(self._situation.lesions)]
        return Situation(known, lesions)

    def _ways(self, place: int, wanted: Verdict) -> list[Changes]:
        if (place, wanted) not in self._found:
            self._found[(place, wanted)] = self._alternatives(self._rulebook.bound[place].when, wanted)[:_MOST]
        return self._found[(place, wanted)]

    def _alternatives(self, node: Node, wanted: Verdict) -> list[Changes]:
        """Sets of changes each of which gives `node` the wanted verdict; [{}] when it has it already."""
        if self._meaning.condition(node)(self._situation) == wanted:
            return [{}]
        match node:
            case All(parts) if wanted == YES:
                return self._every(parts, wanted)
            case AnyOf(parts) if wanted == NO:
                return self._every(parts, wanted)
            case All(parts) | AnyOf(parts):
                return [way for part in parts for way in self._alternatives(part, wanted)][:_MOST]
            case Not(part):
                return self._alternatives(part, YES if wanted == NO else NO)
            case _:
                return list(self._flips(node, wanted))

    def _every(self, parts: Sequence[Node], wanted: Verdict) -> list[Changes]:
        ways: list[Changes] = [{}]
        for part in parts:
            ways = _combined(ways, self._alternatives(part, wanted))
        return ways

    def _flips(self, leaf: Leaf, wanted: Verdict) -> Iterator[Changes]:
        """Single changes that give one criterion the wanted verdict, the nearest value first."""
        if isinstance(leaf, CountLesions):
            return
        items = set(items_of(leaf))
        for score in scores_of(leaf):
            items |= items_read(self._rulebook.scores[score], self._rulebook.scores)
        for name in sorted(items):
            item = self._rulebook.vocabulary[name]
            if not item.changeable or name not in self._situation.known:
                continue
            for value in self._candidates(item, leaf):
                if self._meaning.condition(leaf)(self._changed({name: value})) == wanted:
                    yield {name: value}
                    break

    def _candidates(self, item: Item, leaf: Leaf) -> Iterator[Value]:
        """Values an item could be brought to, the nearest to the present one first."""
        value = self._situation.known[item.id]
        match value:
            case bool():
                yield not value
            case float():
                limits = {limit + shift * item.step for limit in self._rulebook.limits[item.id] for shift in (-1, 0, 1)}
                inside = {round(limit, 9) for limit in limits if item.low <= limit <= item.high}
                yield from sorted(inside, key=lambda limit: (abs(limit - value), limit))
            case str():
                yield from (word for word in item.choices if word != value)
            case Listing() if isinstance(leaf, Includes):
                words = frozenset(leaf.words)
                yield Listing(value.present - words, value.absent | words, value.complete)
            case Moment() if isinstance(leaf, Compare):
                # Time passes: the same event, seen from the moment at which the limit is reached.
                hours = leaf.value * (24 if leaf.term.quantity == "days_since" else 1)
                if hours > value.since[0]:
                    yield Moment(value.day, (hours, hours), int(hours // 24), value.instant)
            case _:
                return


def _combined(left: Sequence[Changes], right: Sequence[Changes]) -> list[Changes]:
    """Every union of one alternative from each side that does not ask for two values of one item; smallest first."""
    found: list[Changes] = []
    for a, b in product(left, right):
        if all(a[name] == value for name, value in b.items() if name in a):
            union = {**a, **b}
            if union not in found:
                found.append(union)
        if len(found) >= _MOST:
            break
    return sorted(found, key=len)
