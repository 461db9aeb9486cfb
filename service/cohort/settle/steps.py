"""Settling as a row of projections: what one step computes the next one reads by name, so that no expression is written out twice."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import ibis.expr.types as ir

#: column -> its expression
Columns: TypeAlias = Mapping[str, ir.Value]
#: the columns of the next table, from those of the one before
Step: TypeAlias = Callable[[ir.Table], Columns]


def same(*names: str) -> Step:
    """These columns as they are."""
    return lambda t: {name: t[name] for name in names}


def nothing(_: ir.Table) -> Columns:
    """No column."""
    return {}


def together(steps: Sequence[Step]) -> Step:
    """All columns of several steps, side by side."""
    return lambda t: {name: value for step in steps for name, value in step(t).items()}
