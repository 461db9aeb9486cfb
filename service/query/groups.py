"""Rules that bear on exactly the same acts and modes, taken together once for all of them.

Most rules speak of a trait, and so bear on many techniques alike. What a group says is computed once for each row, and
shared by every technique and mode that it bears on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import ibis
import ibis.expr.types as ir

from service.query import combine, words
from service.query.clock import Clock
from service.query.open_items import Open
from service.rulebook.model import CERTAINTIES, STRENGTHS, Arguments, Rulebook

#: the kinds of argument, in the order in which reasons are given
Kind: TypeAlias = Literal["alerts", "excluding", "deferring", "indications", "cautions", "favours"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: what must be known before an act is decided
RISKS: tuple[Kind, ...] = ("alerts", "excluding", "deferring")
#: bits of a whole number that databases leave to a mask
_BITS = 62


@dataclass(frozen=True, slots=True)
class Evidence:
    """How strong an indication is, and how certain: places in `STRENGTHS` and `CERTAINTIES`, lower is better."""

    strength: int
    certainty: int


@dataclass(frozen=True, slots=True)
class Group:
    """The rules at `places` of `Rulebook.bound`: all of one kind, all bearing on the same `bearers`."""

    number: int
    kind: Kind
    places: tuple[int, ...]
    #: places in `Grouping.bearers`
    bearers: frozenset[int]
    #: of indications: the same for all of them
    evidence: Evidence | None

    def column(self, what: str) -> str:
        return f"group_{self.number}_{what}"


class Grouping:
    """The groups of one rulebook, and everything that arguments bear on: each technique, each mode of each."""

    def __init__(self, rulebook: Rulebook) -> None:
        bearers: dict[tuple[Arguments, bool], int] = {}
        for dossier in rulebook.dossiers.values():
            bearers.setdefault((dossier.own, False), len(bearers))
            for modes in dossier.modes.values():
                for arguments in modes.values():
                    bearers.setdefault((arguments, True), len(bearers))
        #: distinct arguments, of a mode or not: where both are equal, so is the status
        self.bearers: Mapping[tuple[Arguments, bool], int] = bearers
        borne: dict[tuple[int, Kind], set[int]] = {}
        for (arguments, _), number in bearers.items():
            for kind in KINDS:
                for place in getattr(arguments, kind):
                    borne.setdefault((place, kind), set()).add(number)
        alike: dict[tuple[Kind, frozenset[int], Evidence | None], list[int]] = {}
        for (place, kind), on in sorted(borne.items()):
            key = (kind, frozenset(on), _evidence(rulebook, place) if kind == "indications" else None)
            alike.setdefault(key, []).append(place)
        self.groups = tuple(
            Group(number, kind, tuple(places), on, evidence)
            for number, ((kind, on, evidence), places) in enumerate(alike.items())
        )

    def of(self, bearer: int, *kinds: Kind) -> list[Group]:
        """The groups of these kinds that bear on one of the bearers."""
        return [group for group in self.groups if group.kind in kinds and bearer in group.bearers]


def _evidence(rulebook: Rulebook, place: int) -> Evidence:
    rule = rulebook.bound[place].rule
    assert rule.strength is not None
    return Evidence(STRENGTHS.index(rule.strength), CERTAINTIES.index(rule.evidence.certainty))


class Masks:
    """Sets of items as bits of a few whole numbers, so that the items of many rules are united without repetition."""

    def __init__(self, items: tuple[str, ...]) -> None:
        self._items = items
        self.widths = tuple(range(0, len(items), _BITS))

    def of(self, is_open: Mapping[str, ir.BooleanValue]) -> list[ir.IntegerValue | None]:
        """One number for each width; None where no item of it can be open."""
        nothing = ibis.literal(0, "int64")
        result: list[ir.IntegerValue | None] = []
        for start in self.widths:
            bits = [
                is_open[item].ifelse(ibis.literal(1 << bit, "int64"), nothing)
                for bit, item in enumerate(self._items[start : start + _BITS])
                if item in is_open
            ]
            result.append(combine.united(bits) if bits else None)
        return result

    def text(self, masks: Sequence[ir.IntegerValue], among: Collection[str]) -> ir.StringValue:
        """The items, in the order of the vocabulary; only those of `among` can be there."""
        named = words.joined(
            [
                words.listed((mask & ibis.literal(1 << bit, "int64")) != 0, item)
                for start, mask in zip(self.widths, masks, strict=True)
                for bit, item in enumerate(self._items[start : start + _BITS])
                if item in among
            ]
        )
        # Most options ask nothing: databases then skip the rest.
        return (combine.united(masks) != 0).ifelse(named, ibis.null("string"))


def group_columns(
    group: Group,
    rulebook: Rulebook,
    verdicts: Mapping[int, ir.BooleanValue],
    is_open: Mapping[int, Open],
    masks: Masks,
    clock: Clock,
    table: ir.Table,
) -> dict[str, ir.Value]:
    """What the group says, by column: `holds` (some rule does: true, false, NULL), `reasons`, and by its kind `count`,
    `asks_…` and `corrected`."""
    columns: dict[str, ir.Value] = {
        group.column("reasons"): words.joined(
            [words.listed(verdicts[place], rulebook.bound[place].rule.id) for place in group.places]
        )
    }
    if group.kind != "favours":
        columns[group.column("holds")] = combine.some(verdicts[place] for place in group.places)
    if group.kind in ("cautions", "favours"):
        columns[group.column("count")] = combine.total(combine.counted(verdicts[place]) for place in group.places)
    if group.kind in (*RISKS, "indications"):
        united: Open = {}
        for place in group.places:
            for item, condition in is_open[place].items():
                united[item] = united[item] | condition if item in united else condition
        for width, mask in enumerate(masks.of(united)):
            if mask is not None:
                columns[group.column(f"asks_{width}")] = mask
    if group.kind == "deferring":
        codes = []
        for place in group.places:
            correction = rulebook.bound[place].rule.correction
            assert correction is not None
            codes.append(combine.holds(verdicts[place]).ifelse(clock.code(correction, table), ibis.null("int64")))
        columns[group.column("corrected")] = ibis.greatest(*codes) if len(codes) > 1 else codes[0]
    return columns
