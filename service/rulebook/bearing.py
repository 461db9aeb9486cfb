"""What bears on a technique or a mode, summed up from the verdicts of its rules, and the status it leads to."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.rulebook.model import STATUSES, Arguments, Status


class Bearing(NamedTuple):
    """The strongest verdict of each kind of argument.

    `asked` is YES when something unknown must be asked before the act is decided, that is: an indication is unknown, or
    an alert or absolute contraindication is unknown for want of an item that is not on the pre-procedure checklist.
    """

    alert: Verdict
    excluding: Verdict
    deferring: Verdict
    indicated: Verdict
    against: Verdict
    asked: Verdict


def bearing(
    arguments: Arguments, verdicts: Sequence[Verdict], to_verify: Collection[int], *, mode: bool = False
) -> Bearing:
    """Sums up `arguments`. `to_verify` holds the places of unknown rules that only the checklist keeps open.

    A mode needs no indication of its own: the technique lists the modes it admits.
    """
    alert = _strongest(arguments.alerts, verdicts)
    excluding = _strongest(arguments.excluding, verdicts)
    deferring = _strongest(arguments.deferring, verdicts)
    indicated = YES if mode else _strongest(arguments.indications, verdicts)
    must_ask = indicated == UNKNOWN or any(
        verdicts[place] == UNKNOWN and place not in to_verify
        for place in (*arguments.alerts, *arguments.excluding, *arguments.deferring)
    )
    against = _strongest(arguments.cautions, verdicts)
    return Bearing(alert, excluding, deferring, indicated, against, YES if must_ask else NO)


def _strongest(places: Iterable[int], verdicts: Sequence[Verdict]) -> Verdict:
    return max([verdicts[place] for place in places], default=NO)


def together(technique: Bearing, *modes: Bearing) -> Bearing:
    """What bears on the whole act: what bears on the technique and on each mode chosen for it."""
    everything = (technique, *modes)
    return Bearing(
        max(part.alert for part in everything),
        max(part.excluding for part in everything),
        max(part.deferring for part in everything),
        technique.indicated,
        max(part.against for part in everything),
        max(part.asked for part in everything),
    )


@cache
def status_of(bears: Bearing) -> Status:
    """The status, by the first line that applies (docs/architecture.md, "Statuses")."""
    if bears.alert == YES:
        return "preempted"
    if bears.excluding == YES:
        return "excluded"
    if bears.indicated == NO:
        return "not_indicated"
    if bears.deferring == YES:
        return "deferred"
    if bears.asked == YES:
        return "undetermined"
    if bears.against == YES:
        return "cautioned"
    if UNKNOWN in (bears.alert, bears.excluding, bears.deferring, bears.against):
        return "provisional"
    return "eligible"


@cache
def possible_statuses(bears: Bearing) -> frozenset[Status]:
    """Every status that what is still unknown could lead to. Contains the status of every completion of the data."""

    def ends(verdict: Verdict) -> tuple[Verdict, ...]:
        return (NO, YES) if verdict == UNKNOWN else (verdict,)

    everything = product(*(ends(verdict) for verdict in bears[:5]))
    return frozenset(status_of(Bearing(a, b, c, d, e, NO)) for a, b, c, d, e in everything)


def tier(status: Status) -> int:
    """How far a status is from the best, for ranking. `eligible` and `provisional` are one tier: that the
    pre-procedure checks are still to be made tells no act from another, since every act has them.
    """
    return max(0, STATUSES.index(status) - 1)


def worst(statuses: Iterable[Status]) -> Status:
    return max(statuses, key=STATUSES.index)
