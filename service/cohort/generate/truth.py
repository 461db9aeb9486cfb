"""The truth about one chunk of drawn patients and their lesions, before anything of it is written down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.cohort.generate.clock import Clock
from service.cohort.generate.conditions import Rows, Verdicts, bits_of, holds
from service.cohort.generate.design import NUMBER_OF_LESIONS, Case, Design, Drawn, Handful
from service.cohort.generate.streams import Bits, Streams, threshold
from service.cohort.generate.tables import Codes, Flags, Numbers, Table, ends_of, table_of
from service.language.tree import Compare, Includes, Leaf
from service.language.vocabulary import Scope, Vocabulary

#: of a list, one bit for each word
Masks: TypeAlias = NDArray[np.uint64]

#: how often a word that must be distinct is drawn again before the lesion goes without
_AGAIN = 12


@dataclass(frozen=True, slots=True)
class Planned:
    """An item with what its draws need. A list has no table."""

    drawn: Drawn
    words: tuple[str, ...]
    table: Table | None
    #: of a moment: calendar days from each value to the as-of moment
    days: Numbers | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A design made ready for one as-of moment."""

    clock: Clock
    vocabulary: Vocabulary
    lesions: tuple[Case, ...]
    number_of_lesions: Table
    items: tuple[Planned, ...]

    @classmethod
    def of(cls, design: Design, vocabulary: Vocabulary, clock: Clock) -> "Plan":
        number = table_of(NUMBER_OF_LESIONS, design.lesions, 1.0)
        return cls(clock, vocabulary, design.lesions, number, tuple(_planned(each, clock) for each in design.drawn))

    def vocabulary_words(self, item: str) -> tuple[str, ...]:
        """The words of a choice or a list."""
        return tuple(self.vocabulary[item].choices)


def _planned(drawn: Drawn, clock: Clock) -> Planned:
    words = tuple(drawn.item.choices)
    if drawn.item.type == "set":
        return Planned(drawn, words, None, None)
    table = table_of(drawn.item, drawn.cases, drawn.step)
    days = clock.days_since(table.values) if drawn.item.type == "moment" else None
    return Planned(drawn, words, table, days)


@dataclass
class Truth:
    """One chunk. Codes of an item are places in the values of its table; of a list they are sets of bits."""

    plan: Plan
    patients: int
    #: the place of each lesion's patient, rising
    owner: NDArray[np.int64]
    codes: dict[str, Codes | Masks] = field(default_factory=dict)

    def known(self, planned: Planned) -> Flags:
        """Who has such a value."""
        codes = self.codes[planned.drawn.item.id]
        if planned.table is None:
            return np.ones(len(codes), bool)
        known: Flags = codes != planned.table.nothing
        return known


def draw(plan: Plan, streams: Streams, patients: int) -> Truth:
    """`patients` patients of one chunk; fewer of them are the first of more."""
    return _Drawing(plan, streams, patients).draw()


class _Drawing:
    def __init__(self, plan: Plan, streams: Streams, patients: int) -> None:
        self._plan = plan
        self._streams = streams
        self._truth = Truth(plan, patients, np.zeros(0, np.int64))
        self._planned = {planned.drawn.item.id: planned for planned in plan.items}
        self._rows = self._asked_of()
        self._asked: dict[Leaf, Verdicts] = {}

    def _asked_of(self) -> Rows:
        return Rows(self._truth.patients, self._truth.owner, self._scope, self._criterion)

    def draw(self) -> Truth:
        drawn_lesions = False
        for planned in self._plan.items:
            item = planned.drawn.item
            if item.scope == "lesion" and not drawn_lesions:
                self._draw_lesions()
                drawn_lesions = True
            self._truth.codes[item.id] = self._handfuls(planned) if planned.table is None else self._codes(planned)
        if not drawn_lesions:
            self._draw_lesions()
        return self._truth

    def _draw_lesions(self) -> None:
        table = self._plan.number_of_lesions
        codes = self._coded(table, self._plan.lesions, "patient", NUMBER_OF_LESIONS.id)
        numbers = table.values.astype(np.int64)[codes]
        self._truth.owner = np.repeat(np.arange(self._truth.patients), numbers)
        self._rows = self._asked_of()

    # ---- one item ----

    def _codes(self, planned: Planned) -> Codes:
        drawn, table = planned.drawn, planned.table
        assert table is not None
        codes = self._coded(table, drawn.cases, drawn.item.scope, drawn.item.id)
        if drawn.applies is not None:
            codes[~self._rows.ask(drawn.applies, drawn.item.scope).yes] = table.nothing
        if drawn.follows is not None:
            word = self._planned[drawn.follows.list].words.index(drawn.follows.word)
            codes[self._truth.codes[drawn.follows.list] & np.uint64(1 << word) == 0] = table.nothing
        if drawn.distinct:
            self._part(planned, codes)
        return codes

    def _coded(self, table: Table, cases: Sequence[Case], scope: Scope, name: str) -> Codes:
        bits = self._bits(scope, "value", name)
        if len(cases) == 1:
            codes: Codes = table.codes[0].take(bits)
            return codes
        which = self._case_of(cases, scope)
        chosen: Codes = table.codes[which, bits]
        return chosen

    def _part(self, planned: Planned, codes: Codes) -> None:
        """Draws again the words that an earlier lesion of the same patient has; a lesion that finds none goes without."""
        table = planned.table
        assert table is not None
        for again in range(_AGAIN + 1):
            have = np.flatnonzero(codes != table.nothing)
            pairs = self._truth.owner[have] * (table.nothing + 1) + codes[have]
            later = np.ones(len(have), bool)
            later[np.unique(pairs, return_index=True)[1]] = False
            twice = have[later]
            if again == _AGAIN:
                codes[twice] = table.nothing
                return
            which = self._case_of(planned.drawn.cases, "lesion")[twice]
            bits = self._streams.bits(len(twice), "again", planned.drawn.item.id, again)
            codes[twice] = table.codes[which, bits]

    def _case_of(self, cases: Sequence[Case], scope: Scope) -> NDArray[np.int64]:
        """The place of each row's case: the first that holds, the last for who is left."""
        which = np.full(self._rows.number(scope), len(cases) - 1, np.int64)
        for at, case in reversed(list(enumerate(cases))):
            if case.when is not None:
                which[self._rows.ask(case.when, scope).yes] = at
        return which

    # ---- a list ----

    def _handfuls(self, planned: Planned) -> Masks:
        item = planned.drawn.item
        masks = np.zeros(self._rows.number(item.scope), np.uint64)
        for at, handful in enumerate(planned.drawn.handfuls):
            drawn = self._one_of(planned, handful, at) if handful.one_of else self._each(planned, handful, at)
            if handful.when is not None:
                drawn[~self._rows.ask(handful.when, item.scope).yes] = 0
            masks |= drawn
        if planned.drawn.applies is not None:
            masks[~self._rows.ask(planned.drawn.applies, item.scope).yes] = 0
        return masks

    def _one_of(self, planned: Planned, handful: Handful, at: int) -> Masks:
        item = planned.drawn.item
        weights = [*handful.words.values(), 100 - sum(handful.words.values())]
        words = [*(1 << planned.words.index(word) for word in handful.words), 0]
        table = np.repeat(np.array(words, np.uint64), np.diff(ends_of(weights), prepend=0))
        found: Masks = table.take(self._bits(item.scope, "value", item.id, at))
        return found

    def _each(self, planned: Planned, handful: Handful, at: int) -> Masks:
        item = planned.drawn.item
        masks = np.zeros(self._rows.number(item.scope), np.uint64)
        for word, percent in handful.words.items():
            has = self._bits(item.scope, "value", item.id, at, word) < threshold(percent)
            masks |= has.astype(np.uint64) << np.uint64(planned.words.index(word))
        return masks

    # ---- what conditions are asked of ----

    def _bits(self, scope: Scope, *name: str | int) -> Bits:
        return self._streams.bits(self._rows.number(scope), *name)

    def _scope(self, item: str) -> Scope:
        return self._planned[item].drawn.item.scope

    def _criterion(self, leaf: Leaf, name: str) -> Verdicts:
        if leaf not in self._asked:
            self._asked[leaf] = self._verdicts(leaf, self._planned[name])
        return self._asked[leaf]

    def _verdicts(self, leaf: Leaf, planned: Planned) -> Verdicts:
        codes = self._truth.codes[planned.drawn.item.id]
        if isinstance(leaf, Includes):
            yes = codes & np.uint64(bits_of(leaf, planned.words)) != 0
            return Verdicts(yes, ~yes)
        assert planned.table is not None
        values = planned.table.values
        if isinstance(leaf, Compare) and leaf.term.quantity == "days_since":
            assert planned.days is not None
            values = planned.days
        held = holds(leaf, values, planned.words)
        return Verdicts(np.append(held, False)[codes], np.append(~held, False)[codes])
