"""What bears on a technique or a mode, and the status it leads to: `rulebook.bearing` as SQL.

A status is told by its place in `STATUSES`, best first. The lines that give it (docs/architecture.md, "Statuses") ask
each whether something is so of the technique or of a chosen mode; so the status of a whole act is the worst of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.types as ir

from service.query import combine, words
from service.query.groups import KINDS, RISKS, Group, Grouping, Kind, Masks
from service.rulebook.model import CERTAINTIES, STATUSES, STRENGTHS, Status

#: of an indication: it holds, it may, it does not (`recommend.ranking.INDICATION`)
ESTABLISHED, OPEN, ABSENT = range(3)


@dataclass(frozen=True, slots=True)
class Bearer:
    """The columns that tell what bears on one technique or one mode."""

    number: int

    def column(self, what: str) -> str:
        return f"bearer_{self.number}_{what}"


def place(status: Status) -> int:
    return STATUSES.index(status)


def tier_of(status: ir.IntegerValue) -> ir.IntegerValue:
    """How far a status is from the best (`rulebook.bearing.tier`)."""
    return ibis.greatest(status - 1, ibis.literal(0, "int64"))


def bearer_columns(
    bearer: Bearer, grouping: Grouping, table: ir.Table, masks: Masks, *, mode: bool
) -> dict[str, ir.Value]:
    """For one bearer: `status`, `if_well`, `favours`, `reasons`, `corrected`, `asks_…`; of a technique the keys of its rank too."""
    number = bearer.number

    def strongest(kind: Kind) -> ir.BooleanValue:
        return combine.some(_boolean(table, group.column("holds")) for group in grouping.of(number, kind))

    alert, excluding, deferring, against = (strongest(kind) for kind in (*RISKS, "cautions"))
    indicated = combine.YES if mode else strongest("indications")
    asked = [_asked(grouping.of(number, *RISKS), table, width) for width in range(len(masks.widths))]
    must_ask = combine.some([combine.unknown(indicated), *(mask != 0 for mask in asked if mask is not None)])
    doubt = combine.some(combine.unknown(each) for each in (alert, excluding, deferring, against))
    columns: dict[str, ir.Value] = {
        "status": _first(
            (alert, "preempted"),
            (excluding, "excluded"),
            (~indicated, "not_indicated"),
            (deferring, "deferred"),
            (must_ask, "undetermined"),
            (against, "cautioned"),
            (doubt, "provisional"),
        ),
        # All that is open is answered well: what is against it is not so, and it is indicated.
        "if_well": _first(
            (alert, "preempted"),
            (excluding, "excluded"),
            (~indicated, "not_indicated"),
            (deferring, "deferred"),
            (against, "cautioned"),
        ),
        "favours": _count(grouping.of(number, "favours"), table),
        "reasons": words.joined(
            [_text(table, group.column("reasons")) for kind in KINDS for group in grouping.of(number, kind)]
        ),
        "corrected": _latest(
            [_integer(table, group.column("corrected")) for group in grouping.of(number, "deferring")]
        ),
    }
    nothing = ibis.literal(0, "int64")
    for width, mask in enumerate(asked):
        of_indications = None if mode else _asked(grouping.of(number, "indications"), table, width)
        if of_indications is not None:
            # Once one indication holds, the others can no longer change the status.
            of_indications = combine.unknown(indicated).ifelse(of_indications, nothing)
        columns[f"asks_{width}"] = combine.united([each for each in (mask, of_indications) if each is not None])
    if not mode:
        columns |= _keys(grouping.of(number, "indications"), table, indicated)
        columns["cautions"] = _count(grouping.of(number, "cautions"), table)
    return {bearer.column(name): value for name, value in columns.items()}


def _first(*lines: tuple[ir.BooleanValue, Status]) -> ir.IntegerValue:
    """The status of the first line that applies, else the best."""
    *others, last = [(condition, ibis.literal(place(status), "int64")) for condition, status in lines]
    return ibis.cases(*others, last, else_=ibis.literal(0, "int64"))


def _asked(groups: Sequence[Group], table: ir.Table, width: int) -> ir.IntegerValue | None:
    names = [group.column(f"asks_{width}") for group in groups]
    found = [_integer(table, name) for name in names if name in table.columns]
    return combine.united(found) if found else None


def _keys(indications: Sequence[Group], table: ir.Table, indicated: ir.BooleanValue) -> dict[str, ir.Value]:
    """Whether it is indicated, and the best evidence of the indications that hold, or else of those that may."""
    best = sorted(
        indications, key=lambda group: (group.evidence.strength, group.evidence.certainty) if group.evidence else ()
    )
    lines: list[tuple[ir.BooleanValue, Group]] = []
    verdicts = [(_boolean(table, group.column("holds")), group) for group in best]
    lines += [(combine.holds(verdict), group) for verdict, group in verdicts]
    lines += [(combine.unknown(verdict), group) for verdict, group in verdicts]

    def by(what: str, none: int) -> ir.Value:
        if not lines:
            return ibis.literal(none, "int64")
        branches = [
            (condition, ibis.literal(int(getattr(group.evidence, what)), "int64")) for condition, group in lines
        ]
        return ibis.cases(*branches, else_=ibis.literal(none, "int64"))

    found = ibis.literal(ESTABLISHED, "int64"), ibis.literal(OPEN, "int64"), ibis.literal(ABSENT, "int64")
    return {
        "indication": ibis.cases(
            (combine.holds(indicated), found[0]), (combine.unknown(indicated), found[1]), else_=found[2]
        ),
        "strength": by("strength", len(STRENGTHS)),
        "certainty": by("certainty", len(CERTAINTIES)),
    }


def _count(groups: Sequence[Group], table: ir.Table) -> ir.IntegerValue:
    return combine.total(_integer(table, group.column("count")) for group in groups)


def _latest(codes: Sequence[ir.IntegerValue]) -> ir.IntegerValue:
    return ibis.null("int64") if not codes else codes[0] if len(codes) == 1 else ibis.greatest(*codes)


def _boolean(table: ir.Table, name: str) -> ir.BooleanValue:
    return cast(ir.BooleanValue, table[name])


def _integer(table: ir.Table, name: str) -> ir.IntegerValue:
    return cast(ir.IntegerValue, table[name])


def _text(table: ir.Table, name: str) -> ir.StringValue:
    return cast(ir.StringValue, table[name])
