"""The cells of one item as they are written down, still as arrays, so that faults can be put into them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.cohort.generate import columns
from service.cohort.generate.tables import Flags, Numbers, Whole
from service.cohort.generate.truth import Masks
from service.language.vocabulary import Item
from service.query.columns import column


@dataclass
class Unit:
    """The unit of each cell, as a place in `spellings`."""

    spellings: tuple[str, ...]
    places: Whole


@dataclass
class Dated:
    """When each value was taken: days or milliseconds since 1970."""

    to_the_day: bool
    values: Whole


@dataclass
class Cells:
    """One item. `values`: 0 and 1 of a flag, numbers in the unit written, places in `words`, days or milliseconds since 1970."""

    item: Item
    written: Flags
    values: Numbers | Whole
    #: flag, whole, number, text, day or instant
    kind: str
    words: tuple[str, ...] = ()
    unit: Unit | None = None
    dated: Dated | None = None

    def columns(self) -> dict[str, Any]:
        """The item's column and its companions."""
        name = column(self.item.id)
        found = {name: self._values()}
        if self.unit is not None:
            found[f"{name}__unit"] = columns.texts(self.unit.places, self.written, self.unit.spellings)
        return found | _dates(name, self.dated, self.written)

    def _values(self) -> Any:
        match self.kind:
            case "flag":
                return columns.flags(self.values > 0, self.written)
            case "whole":
                return columns.whole_numbers(np.asarray(self.values, np.float64), self.written)
            case "number":
                return columns.numbers(np.asarray(self.values, np.float64), self.written)
            case "day":
                return columns.days(np.asarray(self.values, np.int64), self.written)
            case "instant":
                return columns.instants(np.asarray(self.values, np.int64), self.written)
            case _:
                return columns.texts(self.values, self.written, self.words)


@dataclass
class ListCells:
    """One list: words written as present and as absent, as sets of bits, and whether it is said to be complete."""

    item: Item
    written: Flags
    present: Masks
    absent: Masks
    complete: Flags
    #: the item's own, and faulty ones after them
    words: tuple[str, ...]
    dated: Dated | None = None

    def columns(self) -> dict[str, Any]:
        """The item's column and its companions."""
        name = column(self.item.id)
        return {
            name: columns.lists(self._held(self.present), self.written, self.words),
            f"{name}__absent": columns.lists(self._held(self.absent), self.written, self.words),
            f"{name}__complete": columns.flags(self.complete, self.written),
            **_dates(name, self.dated, self.written),
        }

    def _held(self, masks: Masks) -> Flags:
        bits = np.uint64(1) << np.arange(len(self.words), dtype=np.uint64)
        held: Flags = (masks[:, None] & bits) != 0
        return held


def _dates(name: str, dated: Dated | None, written: Flags) -> dict[str, Any]:
    if dated is None:
        return {}
    made = columns.days if dated.to_the_day else columns.instants
    return {f"{name}__date": made(dated.values, written)}
