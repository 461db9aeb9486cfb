"""Patients near those of a table, drawn by a fixed seed: whether one of them is judged otherwise under a mutant."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from service.language.facts import Listing, Value
from service.language.kleene import NO, Verdict
from service.language.meaning import Meaning, Situation
from service.language.parser import POSITIONS
from service.language.scores import Score, items_read
from service.language.tree import Leaf, Node, OfTechnique, for_technique, items_of, leaves, scores_of
from service.rulebook.model import Rulebook
from service.workbench.tables.patients import Patients
from service.workbench.tables.read import Table

#: patients drawn for one mutant
DRAWN = 1500

#: (duration in minutes, position) of the technique that is judged
Technique: TypeAlias = tuple[float, str]


class Nearby:
    """Compares conditions and scores on patients near those of a table."""

    def __init__(self, rulebook: Rulebook, meaning: Meaning) -> None:
        self._vocabulary = rulebook.vocabulary
        self._scores = rulebook.scores
        self._meaning = meaning
        self._patients = Patients(rulebook.vocabulary, rulebook.info.timezone)

    def same_condition(self, before: Node, after: Node, table: Table) -> bool:
        """Whether both conditions say the same of every patient that is drawn."""
        nodes = (before, after)
        items = {item for node in nodes for leaf in leaves(node) for item in self._items_of(leaf)}
        durations = cells(limit for node in nodes for limit in _durations(node))
        compiled: dict[Technique, Sequence[Callable[[Situation], Verdict]]] = {}
        for case, technique in self._drawn(table, items, durations):
            if technique not in compiled:
                compiled[technique] = [self._meaning.condition(for_technique(node, *technique)) for node in nodes]
            one, other = compiled[technique]
            if one(case) != other(case):
                return False
        return True

    def same_score(self, name: str, changed: Mapping[str, Score], table: Table) -> bool:
        """Whether a score gives the same points to every patient that is drawn, and applies to the same."""
        altered = Meaning(self._vocabulary, changed)
        items = items_read(self._scores[name], self._scores) | items_read(changed[name], changed)

        def read(meaning: Meaning, case: Situation) -> tuple[object, object]:
            # A score that does not apply has no points. None is taken as given: it is the score that is in question.
            applies = meaning.applies(name, case)
            fresh = Situation(case.known, case.lesions)
            return applies, meaning.score(name, fresh) if applies != NO else None

        drawn = self._drawn(table, items, (0.0,))
        return all(read(self._meaning, case) == read(altered, case) for case, _ in drawn)

    def _items_of(self, leaf: Leaf) -> set[str]:
        through = {item for name in scores_of(leaf) for item in items_read(self._scores[name], self._scores)}
        return {*items_of(leaf), *through}

    def _drawn(
        self, table: Table, items: set[str], durations: Sequence[float]
    ) -> Iterator[tuple[Situation, Technique]]:
        drawn = random.Random(table.id)  # noqa: S311 - the same patients every time is what is wanted
        listed = sorted(items)
        for _ in range(DRAWN):
            example = drawn.choice(table.examples)
            technique = (
                drawn.choice([example.duration, *durations]),
                drawn.choice([example.position, *POSITIONS]),
            )
            known = dict(example.situation.known)
            lesions = [dict(lesion) for lesion in example.situation.lesions]
            for item in drawn.sample(listed, min(len(listed), drawn.randint(1, 4))):
                for holder in [known, *lesions] if drawn.random() < 0.5 else [drawn.choice([known, *lesions])]:
                    self._redraw(drawn, holder, item)
            # A score that the table gave outright stays as often as it is computed anew.
            kept = dict(example.situation.intervals) if drawn.random() < 0.5 else {}
            yield Situation(known, lesions, kept), technique

    def _redraw(self, drawn: random.Random, known: dict[str, Value], name: str) -> None:
        item = self._vocabulary[name]
        if drawn.random() < 0.1:
            known.pop(name, None)
            return
        old = known.get(name)
        match item.type:
            case "flag":
                known[name] = drawn.random() < 0.5
            case "choice":
                known[name] = drawn.choice(list(item.choices))
            case "number":
                start = old if isinstance(old, float) and drawn.random() < 0.7 else drawn.uniform(item.low, item.high)
                moved = round(start / item.step + drawn.choice([-1, 0, 1])) * item.step
                known[name] = min(item.high, max(item.low, round(moved, 9)))
            case "set":
                words = drawn.sample(list(item.choices), drawn.randint(0, min(3, len(item.choices))))
                held = old.present if isinstance(old, Listing) and drawn.random() < 0.5 else frozenset()
                known[name] = Listing(held | frozenset(words), frozenset(), complete=drawn.random() < 0.8)
            case "moment":
                text = f"D-{drawn.randint(0, 200)}" if drawn.random() < 0.5 else f"{drawn.randint(0, 200)} h"
                known[name] = self._patients.moment(text)


def _durations(node: Node) -> Iterator[float]:
    for leaf in leaves(node):
        if isinstance(leaf, OfTechnique) and isinstance(leaf.value, float):
            yield leaf.value


def cells(limits: Iterator[float]) -> tuple[float, ...]:
    """One number for each way of standing to these limits: at each of them, beside and between them."""
    known = sorted(set(limits))
    beside = [*(limit - 1 for limit in known[:1]), *(limit + 1 for limit in known[-1:])]
    between = [(one + other) / 2 for one, other in pairwise(known)]
    return tuple(sorted({*known, *beside, *between})) or (0.0,)


def techniques_told_apart(*nodes: Node) -> tuple[Technique, ...]:
    """A technique for each way in which these conditions can tell techniques apart; one for all when they do not."""
    if not any(isinstance(leaf, OfTechnique) for node in nodes for leaf in leaves(node)):
        return ((0.0, POSITIONS[0]),)
    durations = cells(limit for node in nodes for limit in _durations(node))
    return tuple((duration, position) for duration in durations for position in POSITIONS)
