"""Small counts are hidden: a count of a few patients can tell who they are.

A count is hidden when it speaks of fewer patients than the smallest that may be told, and also when it would tell such a
count by subtraction: from a total that is told, or as the only one hidden among counts that add up to such a total.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from service.cohort.summary.figures import Cell, Count, Figures, MissingItem, Number, Obstacle, TechniqueFigures
from service.rulebook.model import Status

#: an alert suspends many techniques alike: the row of another technique would tell what is hidden here
_SHARED: Final[tuple[Status, ...]] = ("preempted",)

_Key = TypeVar("_Key")
_Told = TypeVar("_Told")


def hidden(figures: Figures, smallest: int) -> Figures:
    """The figures without counts of fewer than `smallest` patients; 1 hides nothing."""
    if smallest <= 1:
        return figures
    hide = _Hide(smallest)
    firsts = hide.among({each.technique: each.first for each in figures.techniques})
    return replace(
        figures,
        ways=hide.among(figures.ways),
        techniques=tuple(hide.technique(each, firsts[each.technique]) for each in figures.techniques),
        obstacles=_told_first(
            (Obstacle(each.rule, hide.part(each.count, figures.cohort)) for each in figures.obstacles),
            lambda each: each.count is not None,
            lambda each: each.rule,
        ),
        questions=_told_first(
            (hide.missing(each, figures.cohort) for each in figures.questions),
            lambda each: each.count is not None,
            lambda each: each.item,
        ),
        problems=_told_first(
            (replace(each, number=hide.number(each.number)) for each in figures.problems),
            lambda each: each.number is not None,
            lambda each: (each.item, each.problem, each.table),
        ),
        refused=dict(
            _told_first(hide.numbers(figures.refused).items(), lambda each: each[1] is not None, lambda each: each[0])
        ),
        smallest=smallest,
    )


class _Hide:
    def __init__(self, smallest: int) -> None:
        self._smallest = smallest

    def _few(self, patients: int) -> bool:
        return 0 < patients < self._smallest

    def number(self, number: Number) -> Number:
        return None if number is None or self._few(number) else number

    def part(self, count: Cell, whole: Cell) -> Cell:
        """A count within another one: the rest of the whole is not told either."""
        if count is None or whole is None or self._few(count.patients) or self._few(whole.patients - count.patients):
            return None
        return count

    def among(self, counts: Mapping[_Key, Cell], last: Collection[_Key] = ()) -> dict[_Key, Cell]:
        """Counts that add up to a total that is told: no hidden one can be had by subtraction.

        Those of `last` are not hidden for the sake of another one while there are others.
        """
        told = {key: None if count is None or self._few(count.patients) else count for key, count in counts.items()}
        kept_back = [count for key, count in counts.items() if count is not None and told[key] is None]
        patients = sum(count.patients for count in kept_back)
        # The smallest that are told follow, until what is hidden is several counts and together enough patients.
        rest = sorted(
            (
                (key in last, count.patients, count.lesions, at, key)
                for at, (key, count) in enumerate(told.items())
                if count and count.lesions
            ),
            key=lambda each: each[:4],
        )
        number = len(kept_back)
        for _, each, _, _, key in rest:
            if not number or (number > 1 and patients >= self._smallest):
                break
            told[key] = None
            number, patients = number + 1, patients + each
        return told

    def numbers(self, numbers: Mapping[str, Number]) -> dict[str, Number]:
        told = self.among({key: None if number is None else Count(number, number) for key, number in numbers.items()})
        return {key: None if count is None else count.patients for key, count in told.items()}

    def technique(self, figures: TechniqueFigures, first: Cell) -> TechniqueFigures:
        by_status = self.among(figures.by_status, _SHARED)
        under = self.among(figures.anaesthesia) if first is not None else dict.fromkeys(figures.anaesthesia)
        return replace(
            figures,
            by_status=by_status,
            indicated={status: self.part(count, by_status[status]) for status, count in figures.indicated.items()},
            first=first,
            anaesthesia=under,
        )

    def missing(self, item: MissingItem, cohort: Count) -> MissingItem:
        count = self.part(item.count, cohort)
        alone = self.part(item.alone, count)
        return replace(
            item,
            count=count,
            alone=alone,
            options=None if count is None else item.options,
            alone_options=None if alone is None else item.alone_options,
        )


def _told_first(
    found: Iterable[_Told], told: Callable[[_Told], bool], name: Callable[[_Told], Any]
) -> tuple[_Told, ...]:
    """Those that are told in their order, then the hidden ones by name: their place would tell how many they are."""
    everything = list(found)
    return (*filter(told, everything), *sorted((each for each in everything if not told(each)), key=name))
