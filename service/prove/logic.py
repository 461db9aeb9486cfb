"""Verdicts as pairs of formulas, and the connectives that Z3 does not take of nothing at all."""

from collections.abc import Iterable
from dataclasses import dataclass

import z3

TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)


def all_of(parts: Iterable[z3.BoolRef]) -> z3.BoolRef:
    held = list(parts)
    return z3.And(*held) if held else TRUE


def any_of(parts: Iterable[z3.BoolRef]) -> z3.BoolRef:
    held = list(parts)
    return z3.Or(*held) if held else FALSE


@dataclass(frozen=True, slots=True)
class Tri:
    """A verdict: `yes` when it is certain, `no` when its contrary is; neither when it is open. Never both."""

    yes: z3.BoolRef
    no: z3.BoolRef

    @property
    def open(self) -> z3.BoolRef:
        return z3.And(z3.Not(self.yes), z3.Not(self.no))


YES = Tri(TRUE, FALSE)
NO = Tri(FALSE, TRUE)
OPEN = Tri(FALSE, FALSE)


def every(parts: Iterable[Tri]) -> Tri:
    held = list(parts)
    return Tri(all_of(part.yes for part in held), any_of(part.no for part in held))


def some(parts: Iterable[Tri]) -> Tri:
    held = list(parts)
    return Tri(any_of(part.yes for part in held), all_of(part.no for part in held))


def number(value: float) -> z3.RatNumRef:
    """Exactly the decimal that was written, not the nearest binary fraction."""
    return z3.RealVal(repr(value))
