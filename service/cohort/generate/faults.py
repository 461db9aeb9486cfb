"""Values that nobody can use, put in on purpose, so that what reads a cohort is tried on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from service.cohort.generate.cells import Cells, Dated, ListCells
from service.cohort.generate.clock import Clock
from service.cohort.generate.streams import Bits, Streams, threshold
from service.cohort.generate.tables import Flags
from service.language.vocabulary import Item

#: puts one kind of fault into the rows that are marked; `bits` vary it
_Fault: TypeAlias = Callable[[Flags, Bits], None]

_DAY_MS: Final = 86_400_000
#: days beyond a limit: from one to so many
_SPREAD: Final = 30


@dataclass(frozen=True, slots=True)
class Faults:
    """`share` of the values written, in percent, become unusable."""

    share: float
    clock: Clock

    def into(self, cells: Cells, streams: Streams) -> None:
        """Puts faults into the cells of an item."""
        kinds: list[_Fault] = []
        if cells.kind in ("whole", "number"):
            kinds.append(lambda rows, bits: _implausible(cells, rows, bits))
        if cells.unit is not None:
            kinds.append(lambda rows, bits: _wrong_unit(cells, rows, bits))
        if cells.item.type == "choice":
            kinds.append(lambda rows, bits: _last_words(cells, rows, bits))
        if cells.kind in ("day", "instant"):
            kinds.append(lambda rows, bits: self._later(cells, rows, bits))
        elif cells.item.type == "moment":
            kinds.append(lambda rows, bits: _last_words(cells, rows, bits))
        kinds += self._of_date(cells.item, cells.dated)
        self._put(cells.item, cells.written, kinds, streams)

    def into_list(self, cells: ListCells, streams: Streams) -> None:
        """Puts faults into the cells of a list."""
        strange = np.uint64(1 << len(cells.item.choices))
        everything = np.uint64((1 << len(cells.item.choices)) - 1)

        def unknown(rows: Flags, _bits: Bits) -> None:
            cells.present[rows] |= strange

        def contradictory(rows: Flags, _bits: Bits) -> None:
            # Who has no word at all cannot be said to have it and not to have it.
            cells.absent[rows] |= cells.present[rows] & everything

        kinds = [unknown, contradictory, *self._of_date(cells.item, cells.dated)]
        self._put(cells.item, cells.written, kinds, streams)

    def _put(self, item: Item, written: Flags, kinds: list[_Fault], streams: Streams) -> None:
        if not kinds:
            return
        rows = len(written)
        struck = written & (streams.bits(rows, "fault", item.id) < threshold(self.share))
        which, varied = streams.bits(rows, "fault kind", item.id), streams.bits(rows, "fault value", item.id)
        for at, put in enumerate(kinds):
            marked = struck & (which % len(kinds) == at)
            put(marked, varied[marked])

    # ---- dates ----

    def _of_date(self, item: Item, dated: Dated | None) -> list[_Fault]:
        if dated is None:
            return []
        found: list[_Fault] = [lambda rows, bits: self._move(dated, rows, _days(bits))]
        if (fresh_for := item.fresh_for) is not None:
            found.append(lambda rows, bits: self._move(dated, rows, -_days(bits) - round(fresh_for / 24) - 1))
        return found

    def _move(self, dated: Dated, rows: Flags, days: np.ndarray) -> None:
        """Sets the dates so many days after the as-of moment."""
        if dated.to_the_day:
            dated.values[rows] = self.clock.days(np.zeros(1))[0] + days
        else:
            dated.values[rows] = self.clock.milliseconds(np.zeros(1))[0] + days * _DAY_MS

    def _later(self, cells: Cells, rows: Flags, bits: Bits) -> None:
        moved = Dated(cells.kind == "day", np.asarray(cells.values, np.int64))
        self._move(moved, rows, _days(bits))
        cells.values = moved.values


def _days(bits: Bits) -> np.ndarray:
    return 1 + bits.astype(np.int64) % _SPREAD


def _implausible(cells: Cells, rows: Flags, bits: Bits) -> None:
    """Far above what is plausible in any unit, or below zero where that is not plausible."""
    factors = cells.item.units.values() or (1.0,)
    above = np.ceil(10 * (cells.item.high + 1) / min(factors))
    below = np.floor(10 * (cells.item.low - 1) / min(factors)) if cells.item.low <= 0 else 0.0
    cells.values[rows] = np.where(bits % 2 == 0, above, below)


def _wrong_unit(cells: Cells, rows: Flags, bits: Bits) -> None:
    assert cells.unit is not None
    faulty = [at for at, unit in enumerate(cells.unit.spellings) if unit not in cells.item.units]
    if faulty:
        cells.unit.places[rows] = np.array(faulty)[bits % len(faulty)]


def _last_words(cells: Cells, rows: Flags, bits: Bits) -> None:
    """The texts after those that can be used: no words of the item, or moments to come."""
    faulty = np.arange(len(cells.item.choices), len(cells.words))
    if cells.item.type == "moment":
        faulty = np.array([len(cells.words) - 1])
    cells.values[rows] = faulty[bits % len(faulty)]
