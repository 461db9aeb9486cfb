"""Options of each lesion: technique and chosen modes, their status, and their place among the others (`recommend.ranking`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.types as ir

from service.query import combine, words
from service.query.bearing import ABSENT, Bearer, place, tier_of
from service.query.clock import Clock
from service.query.groups import Masks
from service.query.modes import Choice
from service.rulebook.model import CERTAINTIES, MODE_KINDS, STATUSES, STRENGTHS, ModeKind, Rulebook, Status, Technique

#: the kinds of mode whose status bears on the option, as in `recommend.options`
BINDING: tuple[ModeKind, ...] = ("anaesthesia", "guidance")
#: options whose status nothing can improve or whose indication is absent are not worth a question
_CLOSED: tuple[Status, ...] = ("preempted", "excluded", "not_indicated")
_MICROSECONDS = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Act:
    """A technique, what bears on it, and what it chooses its modes from (None: it has none of that kind)."""

    technique: Technique
    own: Bearer
    choices: Mapping[ModeKind, Choice | None]

    def column(self, what: str) -> str:
        return f"{self.technique.id}__{what}"

    def binding(self) -> list[Choice]:
        return [choice for kind in BINDING if (choice := self.choices[kind]) is not None]


def option_columns(
    act: Act, acts: Sequence[Act], rulebook: Rulebook, table: ir.Table, masks: Masks, clock: Clock
) -> dict[str, ir.Value]:
    """For one act: its status and all that is told of it, and its `key`, by which the options of a lesion are ordered."""
    parts: list[Bearer | Choice] = [act.own, *act.binding()]
    status = _worst([_integer(table, part.column("status")) for part in parts])
    if_well = _worst([_integer(table, part.column("if_well")) for part in parts])
    corrected = [_integer(table, part.column("corrected")) for part in parts]
    latest = ibis.greatest(*corrected) if len(corrected) > 1 else corrected[0]
    wait = (status == place("deferred")).ifelse(clock.wait(latest), ibis.null("int64"))
    asked = [
        combine.united(_integer(table, part.column(f"asks_{width}")) for part in parts)
        for width in range(len(masks.widths))
    ]
    closed = status.isin([place(each) for each in _CLOSED])
    columns: dict[str, ir.Value] = {
        "status": status,
        "if_well": if_well,
        "wait": wait,
        "key": _key(act, acts, rulebook, table, status, wait),
        "standing": _standing(rulebook, status, wait),
        "reasons": words.joined([_text(table, part.column("reasons")) for part in parts]),
    }
    columns |= {f"asks_{width}": closed.ifelse(ibis.literal(0, "int64"), mask) for width, mask in enumerate(asked)}
    for kind in MODE_KINDS:
        choice = act.choices[kind]
        if choice is not None:
            columns[kind] = _integer(table, choice.column("chosen"))
    return {act.column(name): value for name, value in columns.items()}


def _worst(statuses: Sequence[ir.IntegerValue]) -> ir.IntegerValue:
    return ibis.greatest(*statuses) if len(statuses) > 1 else statuses[0]


def _standing(rulebook: Rulebook, status: ir.IntegerValue, wait: ir.IntegerValue) -> ir.IntegerValue:
    branches = []
    for at, standing in enumerate(rulebook.ranking.standings):
        inside = status.isin([place(each) for each in standing.statuses])
        if standing.deferred_within is not None:
            soon = (status == place("deferred")) & (wait <= round(standing.deferred_within * _MICROSECONDS))
            inside = inside | soon.fill_null(False)
        branches.append((inside, ibis.literal(at, "int64")))
    return ibis.cases(*branches, else_=ibis.literal(len(rulebook.ranking.standings), "int64"))


def _key(
    act: Act, acts: Sequence[Act], rulebook: Rulebook, table: ir.Table, status: ir.IntegerValue, wait: ir.IntegerValue
) -> ir.IntegerValue:
    """All keys of the ranking in one number, the first key in its highest digits; the technique's own place last, so that
    no two are equal."""
    own = act.own
    burdens = [each.technique.burden for each in acts]
    most = len(rulebook.rules) + 1
    values: dict[str, tuple[ir.IntegerValue, int]] = {
        "indication": (_integer(table, own.column("indication")), ABSENT + 1),
        "strength": (_integer(table, own.column("strength")), len(STRENGTHS) + 1),
        "status": (tier_of(status), len(STATUSES)),
        "favours": (most - 1 - _integer(table, own.column("favours")), most),
        "cautions": (_integer(table, own.column("cautions")), most),
        "certainty": (_integer(table, own.column("certainty")), len(CERTAINTIES) + 1),
        "burden": (_number(act.technique.burden - min(burdens)), max(burdens) - min(burdens) + 1),
    }
    # Databases take a small literal for a narrow number: widened before it is multiplied.
    key = cast(ir.IntegerValue, _standing(rulebook, status, wait).cast("int32").cast("int64"))
    largest = len(rulebook.ranking.standings) + 1
    last = (_number(acts.index(act)), len(acts))
    for value, size in (*(values[each.name] for each in rulebook.ranking.keys), last):
        key = key * size + value
        largest *= size
    if largest >= 2**62:
        raise ValueError("the keys of the ranking do not fit into one whole number; name fewer keys in ranking.yaml")
    return key


def rank(act: Act, acts: Sequence[Act], table: ir.Table) -> ir.IntegerValue:
    """From 1: how many options of the lesion come before, and this one."""
    key = _integer(table, act.column("key"))
    before = [_integer(table, other.column("key")) < key for other in acts if other is not act]
    return combine.total([_number(1), *(combine.counted(each) for each in before)])


def told(act: Act, rulebook: Rulebook, table: ir.Table, masks: Masks, askable: Collection[str]) -> dict[str, ir.Value]:
    """The option as it stands in the answer. Nothing but `askable` items can be asked of it."""
    columns: dict[str, ir.Value] = {
        "technique": ibis.literal(act.technique.id),
        "rank": _integer(table, act.column("rank")),
        "status": _worded(_integer(table, act.column("status")), STATUSES),
        "standing": _worded(
            _integer(table, act.column("standing")), [standing.id for standing in rulebook.ranking.standings]
        ),
    }
    for kind in MODE_KINDS:
        if act.choices[kind] is None:
            columns[kind] = ibis.null("string")
        else:
            columns[kind] = _worded(_integer(table, act.column(kind)), act.technique.modes[kind])
    wait = _integer(table, act.column("wait"))
    columns |= {
        "if_well": _worded(_integer(table, act.column("if_well")), STATUSES),
        "wait_hours": wait.cast("float64") / float(_MICROSECONDS),
        "reasons": _text(table, act.column("reasons")),
        "questions": masks.text(
            [_integer(table, act.column(f"asks_{width}")) for width in range(len(masks.widths))], askable
        ),
    }
    return columns


def _worded(value: ir.IntegerValue, names: Sequence[str]) -> ir.StringValue:
    return ibis.cases(*((value == at, ibis.literal(name)) for at, name in enumerate(names)), else_=ibis.null("string"))


def _number(value: int) -> ir.IntegerValue:
    return cast(ir.IntegerValue, ibis.literal(value, "int64"))


def _integer(table: ir.Table, name: str) -> ir.IntegerValue:
    return cast(ir.IntegerValue, table[name])


def _text(table: ir.Table, name: str) -> ir.StringValue:
    return cast(ir.StringValue, table[name])
