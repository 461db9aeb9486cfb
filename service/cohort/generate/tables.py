"""Distributions as tables: the draw is the place in the table, what stands there is the code of a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.cohort.generate.design import Case, Points, Weighted
from service.cohort.generate.streams import RANGE, threshold
from service.language.vocabulary import Item

Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Flags: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

#: the middle of each of the 65 536 parts of a percentage
_PERCENTS: Final = (np.arange(RANGE, dtype=np.float64) + 0.5) * (100 / RANGE)
#: how moments are told apart: by quarters of an hour in the last two days, by hours in the last month, before that by days
_QUARTER, _HOUR, _DAY = 0.25, 1.0, 24.0
_QUARTERS_UNTIL, _HOURS_UNTIL = 48.0, 720.0


@dataclass(frozen=True, slots=True)
class Table:
    """What one item's draws give. Codes are places in `values`."""

    #: numbers in the item's unit; places in the item's words; 0 and 1 of a flag; hours before the as-of moment
    values: Numbers
    #: one row of 65 536 codes for each case
    codes: Codes

    @property
    def nothing(self) -> int:
        """The code of no value at all."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Values in the order of the draws that give them: the first up to its end, the second from there to its own, …"""

    values: Numbers
    ends: Whole


def table_of(item: Item, cases: Sequence[Case], step: float) -> Table:
    """The table of an item that is no list."""
    drawn = [_runs(item, case, step) for case in cases]
    known = np.unique(np.concatenate([runs.values for runs in drawn]))
    kind = np.uint8 if len(known) < np.iinfo(np.uint8).max else np.uint16
    rows = []
    for case, runs in zip(cases, drawn, strict=True):
        # Fewer draws give a value when not everybody has one, in the same proportions; the others give nothing.
        ends = np.rint(runs.ends * (threshold(case.exists) / RANGE)).astype(np.int64)
        codes = np.append(np.searchsorted(known, runs.values), len(known)).astype(kind)
        rows.append(np.repeat(codes, np.diff(ends, prepend=0, append=RANGE)))
    return Table(known, np.stack(rows))


def _runs(item: Item, case: Case, step: float) -> _Runs:
    if isinstance(case.draw, Weighted):
        places = {word: float(at) for at, word in enumerate(item.choices)}
        values = [places[key] if isinstance(key, str) else key for key in case.draw.weights]
        return _Runs(np.array(values), ends_of(list(case.draw.weights.values())))
    exact = along(case.draw.points)
    return _runs_of(_told_apart(exact) if item.type == "moment" else rounded(exact, step))


def table_of_moments(points: Points) -> Table:
    """The table of hours before the as-of moment."""
    runs = _runs_of(_told_apart(along(points)))
    codes = np.repeat(np.arange(len(runs.values)), np.diff(runs.ends, prepend=0))
    return Table(runs.values, codes.astype(np.uint16)[None, :])


def _told_apart(hours: Numbers) -> Numbers:
    fine = np.where(hours < _QUARTERS_UNTIL, rounded(hours, _QUARTER), rounded(hours, _HOUR))
    return np.where(hours < _HOURS_UNTIL, fine, rounded(hours, _DAY))


def _runs_of(exact: Numbers) -> _Runs:
    last = np.flatnonzero(np.diff(exact, append=np.inf))
    return _Runs(exact[last], last + 1)


def ends_of(weights: Sequence[float]) -> Whole:
    """Where the draws of each value end: to each its part of the 65 536, as its weight says."""
    upto = np.cumsum(weights)
    ends: Whole = np.rint(upto / upto[-1] * RANGE).astype(np.int64)
    return ends


def along(points: Points) -> Numbers:
    """The value for each possible draw along a curve of quantiles."""
    percents, values = zip(*points, strict=True)
    found: Numbers = np.interp(_PERCENTS, percents, values)
    return found


def rounded(values: Numbers, step: float) -> Numbers:
    """The nearest whole number of steps, without the dust of binary fractions."""
    found: Numbers = np.round(np.round(values / step) * step, decimals(step))
    return found


def decimals(step: float) -> int:
    """Digits after the point that a number rounded to `step` has."""
    return len(np.format_float_positional(step, trim="-").partition(".")[2])
