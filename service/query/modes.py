"""Which mode of each kind is chosen for a technique: the first by the committee's mode keys (`recommend.options`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.types as ir

from service.query import combine
from service.query.bearing import Bearer, place, tier_of
from service.query.clock import Clock

#: what is taken over from the mode that is chosen
_TAKEN = ("status", "if_well", "reasons", "corrected")


@dataclass(frozen=True, slots=True)
class Choice:
    """Modes to choose from, preferred first. Techniques that choose among the same ones share it."""

    number: int
    bearers: tuple[Bearer, ...]

    def column(self, what: str) -> str:
        return f"choice_{self.number}_{what}"


@dataclass(frozen=True, slots=True)
class _Key:
    values: tuple[ir.IntegerValue, ...]
    preference: int

    def precedes(self, other: "_Key") -> ir.BooleanValue:
        """Whether the first key that differs favours this one; if none does, the preferred one."""
        result = combine.YES if self.preference < other.preference else combine.NO
        for one, another in reversed(list(zip(self.values, other.values, strict=True))):
            result = (one < another) | ((one == another) & result)
        return result


def wait_column(bearer: Bearer, table: ir.Table, clock: Clock) -> dict[str, ir.Value]:
    """`wait`: microseconds until a deferred mode is possible, 0 for one that is not deferred."""
    status, corrected = _integer(table, bearer.column("status")), _integer(table, bearer.column("corrected"))
    wait = (status == place("deferred")).ifelse(clock.wait(corrected), ibis.literal(0, "int64"))
    return {bearer.column("wait"): wait}


def chosen_column(choice: Choice, table: ir.Table, mode_keys: Sequence[str]) -> dict[str, ir.Value]:
    """`chosen`: the place of the mode that comes first."""
    keys = [_key(bearer, at, table, mode_keys) for at, bearer in enumerate(choice.bearers)]
    *others, last = range(len(keys))
    # Each is compared with all the others: the order is total, so one and only one of them comes first.
    branches = [
        (combine.every(keys[at].precedes(other) for other in keys if other is not keys[at]), _literal(at))
        for at in others
    ]
    return {choice.column("chosen"): ibis.cases(*branches, else_=_literal(last)) if branches else _literal(last)}


def choice_columns(choice: Choice, table: ir.Table, widths: int) -> dict[str, ir.Value]:
    """What bears on the mode that is chosen."""
    chosen = _integer(table, choice.column("chosen"))
    columns: dict[str, ir.Value] = {choice.column("chosen"): chosen}
    for what in (*_TAKEN, *(f"asks_{width}" for width in range(widths))):
        values = [table[bearer.column(what)] for bearer in choice.bearers]
        branches = [(chosen == at, value) for at, value in enumerate(values[:-1])]
        columns[choice.column(what)] = ibis.cases(*branches, else_=values[-1]) if branches else values[-1]
    return columns


def _key(bearer: Bearer, at: int, table: ir.Table, mode_keys: Sequence[str]) -> _Key:
    # Among deferred modes the one that is possible first is the better.
    of: Mapping[str, tuple[ir.IntegerValue, ...]] = {
        "status": (tier_of(_integer(table, bearer.column("status"))), _integer(table, bearer.column("wait"))),
        "favours": (-_integer(table, bearer.column("favours")),),
        "preference": (_literal(at),),
    }
    return _Key(tuple(value for name in mode_keys for value in of[name]), at)


def _integer(table: ir.Table, name: str) -> ir.IntegerValue:
    return cast(ir.IntegerValue, table[name])


def _literal(value: int) -> ir.IntegerValue:
    return cast(ir.IntegerValue, ibis.literal(value, "int64"))
