"""Many expressions into one, in balanced pairs: databases bound how deep an expression may be nested."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

T = TypeVar("T")

YES: ir.BooleanValue = ibis.literal(True)
NO: ir.BooleanValue = ibis.literal(False)


def every(parts: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    """SQL's AND, which is Kleene's: of nothing at all it is true."""
    return paired(list(parts), lambda a, b: a & b, YES)


def some(parts: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    """SQL's OR, which is Kleene's: of nothing at all it is false."""
    return paired(list(parts), lambda a, b: a | b, NO)


def total(parts: Iterable[ir.IntegerValue]) -> ir.IntegerValue:
    return paired(list(parts), lambda a, b: a + b, ibis.literal(0, "int64"))


def united(parts: Iterable[ir.IntegerValue]) -> ir.IntegerValue:
    """The bits that stand in at least one of `parts`."""
    return paired(list(parts), lambda a, b: a | b, ibis.literal(0, "int64"))


def holds(verdict: ir.BooleanValue) -> ir.BooleanValue:
    """Whether a verdict is yes: true or false, never NULL."""
    return verdict.fill_null(False)


def fails(verdict: ir.BooleanValue) -> ir.BooleanValue:
    """Whether a verdict is no: true or false, never NULL."""
    return ~verdict.fill_null(True)


def unknown(verdict: ir.BooleanValue) -> ir.BooleanValue:
    """Whether a verdict is unknown: true or false, never NULL.

    Asked of what is inside a negation or a list of words: Ibis 12 writes `NOT (a) IS NULL` for the negation, which databases
    read as `NOT (a IS NULL)`, and `a IN (…) IS NULL`, which Spark does not read at all.
    """
    match verdict.op():
        case ops.Not(inner):
            return unknown(inner.to_expr())
        case ops.InValues(inner, _):
            return inner.to_expr().isnull()
        case _:
            return verdict.isnull()


def counted(verdict: ir.BooleanValue) -> ir.IntegerValue:
    """1 if a verdict is yes, else 0."""
    return holds(verdict).ifelse(ibis.literal(1, "int64"), ibis.literal(0, "int64"))


def paired(parts: list[T], join: Callable[[T, T], T], empty: T) -> T:
    """`join` over all of `parts`, neighbours first."""
    if not parts:
        return empty
    while len(parts) > 1:
        parts = [join(*parts[at : at + 2]) if at + 1 < len(parts) else parts[at] for at in range(0, len(parts), 2)]
    return parts[0]
