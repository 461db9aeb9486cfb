"""How a number is written down: in which unit in which kind of laboratory, and with how many digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log10
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.cohort.generate.tables import Numbers, Whole
from service.cohort.generate.truth import Planned

#: kind of laboratory and code -> number
Grid: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Numbering:
    """One item's. A code beyond the values stands for none, and gives 0."""

    values: Grid
    #: the units written, and for each kind of laboratory the place of its own among them; none when there is but one
    spellings: tuple[str, ...]
    places: Whole
    whole: bool


def numbering(planned: Planned, laboratories: Mapping[str, float], units: Mapping[str, str] | None) -> Numbering:
    """How the item's numbers are written, by kind of laboratory; `units` is None when nobody writes the unit."""
    assert planned.table is not None
    item, own = planned.drawn.item, planned.table.values
    spellings: tuple[str, ...] = ()
    if units is None or item.unit is None:
        rows, places = [own], np.zeros(len(laboratories), np.int64)
    else:
        written = [units.get(name, item.unit) for name in laboratories]
        spellings = tuple(dict.fromkeys(written))
        places = np.array([spellings.index(unit) for unit in written])
        rows = [_in(own, item.units[unit], planned.drawn.step) for unit in written]
    values = np.stack([np.append(row, 0.0) for row in rows])
    return Numbering(values, spellings, places, bool(np.all(values == np.round(values))))


def _in(own: Numbers, factor: float, step: float) -> Numbers:
    """The values in another unit, with as many digits after the point as tell one step from the next."""
    if factor == 1.0:
        return own
    digits = max(0, ceil(-log10(step / factor)))
    found: Numbers = np.round(own / factor, digits)
    return found
