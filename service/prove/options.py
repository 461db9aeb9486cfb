"""The status of an option as formulas: a fourth telling of docs/architecture.md, "Statuses", beside the reference's,

the engine's and the trace checker's. They are compared on every bearing there is (tests/prove).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import z3

from service.prove.logic import FALSE, NO, TRUE, YES, Tri, all_of, any_of, some
from service.prove.world import World
from service.rulebook.bearing import tier
from service.rulebook.model import Arguments, Dossier, ModeKind, Status

#: the kinds of mode whose status bears on the option, as in `recommend.options`
BINDING: tuple[ModeKind, ...] = ("anaesthesia", "guidance")


@dataclass(frozen=True, slots=True)
class Bears:
    """What bears on a technique, a mode or a whole act."""

    alert: Tri
    excluding: Tri
    deferring: Tri
    indicated: Tri
    against: Tri
    asked: z3.BoolRef

    def statuses(self) -> dict[Status, z3.BoolRef]:
        """When each status is the one: the first line that applies."""
        doubt = any_of(part.open for part in (self.alert, self.excluding, self.deferring, self.against))
        lines: tuple[tuple[Status, z3.BoolRef], ...] = (
            ("preempted", self.alert.yes),
            ("excluded", self.excluding.yes),
            ("not_indicated", self.indicated.no),
            ("deferred", self.deferring.yes),
            ("undetermined", self.asked),
            ("cautioned", self.against.yes),
            ("provisional", doubt),
            ("eligible", TRUE),
        )
        found: dict[Status, z3.BoolRef] = {}
        before: list[z3.BoolRef] = []
        for status, applies in lines:
            found[status] = all_of([*(z3.Not(earlier) for earlier in before), applies])
            before.append(applies)
        return found


@dataclass(frozen=True, slots=True)
class ModeOption:
    """One mode of a technique: what bears on it, and when it may be the one that is chosen."""

    bears: Bears
    chosen: z3.BoolRef


@dataclass(frozen=True, slots=True)
class Option:
    """A technique with its modes, for the judged lesion."""

    statuses: Mapping[Status, z3.BoolRef]
    own: Bears
    modes: Mapping[ModeKind, Mapping[str, ModeOption]]

    def has(self, statuses: Iterable[Status]) -> z3.BoolRef:
        """Whether its status is one of these."""
        return any_of(self.statuses[status] for status in statuses)


class Options:
    """The options of one patient of all those possible."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rulebook = world.rulebook
        self._made: dict[str, Option] = {}

    def of(self, technique: str) -> Option:
        if technique not in self._made:
            self._made[technique] = self._option(self._rulebook.dossiers[technique])
        return self._made[technique]

    def _option(self, dossier: Dossier) -> Option:
        own = self.bears(dossier.own)
        modes = {kind: self._modes(dossier.modes[kind]) for kind in dossier.modes}
        return Option(whole(own, [modes[kind] for kind in BINDING]).statuses(), own, modes)

    def bears(self, arguments: Arguments, *, mode: bool = False) -> Bears:
        """What bears on a technique or on a mode, which needs no indication of its own."""
        conditions, bound = self._world.conditions, self._rulebook.bound

        def strongest(places: Iterable[int]) -> Tri:
            return some(conditions.of(bound[place].when) for place in places)

        indicated = YES if mode else strongest(arguments.indications)
        risks = (*arguments.alerts, *arguments.excluding, *arguments.deferring)
        asked = any_of([indicated.open, *(conditions.asks(bound[place].when) for place in risks)])
        return Bears(
            strongest(arguments.alerts),
            strongest(arguments.excluding),
            strongest(arguments.deferring),
            indicated,
            strongest(arguments.cautions),
            asked,
        )

    def _modes(self, dossier: Mapping[str, Arguments]) -> dict[str, ModeOption]:
        """Each admissible mode."""
        bears = {name: self.bears(arguments, mode=True) for name, arguments in dossier.items()}
        favours = {name: self._favours(arguments) for name, arguments in dossier.items()}
        return ranked(bears, favours, self._rulebook.ranking.mode_keys)

    def _favours(self, arguments: Arguments) -> z3.ArithRef:
        """How many arguments in favour are certain."""
        holding = [self._world.of(self._rulebook.bound[at].when).yes for at in arguments.favours]
        return z3.Sum([z3.If(holds, 1, 0) for holds in holding]) if holding else z3.IntVal(0)


def ranked(
    bears: Mapping[str, Bears], favours: Mapping[str, z3.ArithRef], mode_keys: Iterable[str]
) -> dict[str, ModeOption]:
    """Modes, the preferred ones first, and when each is the one that is chosen.

    Two deferred ones are ordered by dates, which are left open here: either may be chosen.
    """
    names = (*mode_keys, "preference")
    keys = {mode: _key(bears[mode], favours[mode], preference, names) for preference, mode in enumerate(bears)}
    return {
        mode: ModeOption(bears[mode], all_of(_precedes(keys[mode], keys[other]) for other in bears if other != mode))
        for mode in bears
    }


def whole(own: Bears, modes: Iterable[Mapping[str, ModeOption]]) -> Bears:
    """What bears on the whole act: what bears on the technique, and on the mode chosen of each kind."""
    parts = [own, *(_chosen(of_kind) for of_kind in modes if of_kind)]
    return Bears(
        some(part.alert for part in parts),
        some(part.excluding for part in parts),
        some(part.deferring for part in parts),
        own.indicated,
        some(part.against for part in parts),
        any_of(part.asked for part in parts),
    )


@dataclass(frozen=True, slots=True)
class _Key:
    values: tuple[z3.ArithRef, ...]
    names: tuple[str, ...]
    deferred: z3.BoolRef


def _key(bears: Bears, favours: z3.ArithRef, preference: int, names: tuple[str, ...]) -> _Key:
    statuses = bears.statuses()
    place = z3.Sum([z3.If(formula, tier(status), 0) for status, formula in statuses.items()])
    of: dict[str, z3.ArithRef] = {"status": place, "favours": -favours, "preference": z3.IntVal(preference)}
    return _Key(tuple(of[name] for name in names), names, statuses["deferred"])


def _precedes(one: _Key, other: _Key) -> z3.BoolRef:
    """Whether the first key that differs favours `one`."""
    result: z3.BoolRef = FALSE
    for name, a, b in reversed(list(zip(one.names, one.values, other.values, strict=True))):
        equal = z3.And(a == b, result)
        if name == "status":
            equal = z3.And(a == b, z3.Or(z3.And(one.deferred, other.deferred), result))
        result = z3.Or(a < b, equal)
    return result


def _chosen(modes: Mapping[str, ModeOption]) -> Bears:
    """What bears on the mode that is chosen."""

    def part(select: Callable[[Bears], Tri]) -> Tri:
        return Tri(
            any_of(z3.And(mode.chosen, select(mode.bears).yes) for mode in modes.values()),
            any_of(z3.And(mode.chosen, select(mode.bears).no) for mode in modes.values()),
        )

    return Bears(
        part(lambda bears: bears.alert),
        part(lambda bears: bears.excluding),
        part(lambda bears: bears.deferring),
        NO,
        part(lambda bears: bears.against),
        any_of(z3.And(mode.chosen, mode.bears.asked) for mode in modes.values()),
    )
