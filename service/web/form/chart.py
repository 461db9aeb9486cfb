"""Expected relief over time: the benefits of an answer as points and ranges in a small picture.

Time runs from the act on a scale that is nearly linear over the first days and logarithmic afterwards, so that both the first hours
and the first year can be read. What has no moment is not drawn; a range is drawn as a range, never as its middle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from typing import Any, Literal, TypeAlias

from service.language.vocabulary import Text

Kind: TypeAlias = Literal["percent", "points"]

WIDTH, HEIGHT = 300.0, 112.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 14.0, 16.0, 22.0
#: hours up to which the scale is nearly linear, and hours at its end
_BEND, LONGEST = 120.0, 8760.0
#: two marks nearer than this would hide each other
_APART = 11.0

_TICKS = (
    (24.0, Text("24 h", "24 h")),
    (168.0, Text("1 sem.", "1 wk")),
    (720.0, Text("1 mois", "1 mo")),
    (2160.0, Text("3 mois", "3 mo")),
    (4320.0, Text("6 mois", "6 mo")),
    (8760.0, Text("1 an", "1 yr")),
)
_TOP_OF: Mapping[Kind, float] = {"percent": 100.0, "points": 10.0}
_LEVELS: Mapping[Kind, tuple[float, ...]] = {"percent": (0, 25, 50, 75, 100), "points": (0, 2.5, 5, 7.5, 10)}
#: levels that carry their figure
_FIGURED: Mapping[Kind, tuple[float, ...]] = {"percent": (0, 50, 100), "points": (0, 5, 10)}


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure: a point (`top` is `bottom`) or a range, from `at` to `until` where the effect is known to last.

    `number` is its place in the list of benefits, from 1. `beyond`: it lasts longer than the picture shows.
    """

    number: int
    at: float
    until: float
    top: float
    bottom: float
    certainty: str
    beyond: bool

    @property
    def single(self) -> bool:
        return self.top == self.bottom

    @property
    def lasts(self) -> bool:
        return self.until > self.at


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of the figures of one kind, in its own units (`width` by `height`)."""

    kind: Kind
    width: float
    height: float
    #: the frame in which marks stand
    left: float
    right: float
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    marks: tuple[Mark, ...]


def charts(benefits: Sequence[Mapping[str, Any]], language: str) -> tuple[Chart, ...]:
    """One chart for shares and one for points on the 0–10 scale, of those benefits whose moment is known."""
    timed: dict[Kind, list[tuple[int, Mapping[str, Any]]]] = {"percent": [], "points": []}
    for number, benefit in enumerate(benefits, 1):
        if "by_hours" in benefit:
            timed[kind_of(benefit)].append((number, benefit))
    return tuple(_chart(kind, entries, language) for kind, entries in timed.items() if entries)


def kind_of(benefit: Mapping[str, Any]) -> Kind:
    return "percent" if benefit["unit"] == "%" else "points"


def across(hours: float) -> float:
    """Where a moment stands, from the left edge of the picture. What lies beyond the scale stands at its end."""
    share = log1p(min(max(hours, 0.0), LONGEST) / _BEND) / log1p(LONGEST / _BEND)
    return _neat(LEFT + share * (WIDTH - LEFT - RIGHT))


def up(value: float, kind: Kind) -> float:
    """Where a value stands, from the top edge of the picture."""
    share = min(max(value / _TOP_OF[kind], 0.0), 1.0)
    return _neat(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))


def lasting(benefit: Mapping[str, Any]) -> float:
    """Hours after the act until which the effect is known to last.

    `lasts` is counted from the act, as the rulebook's notes count it (measured at 6 months, significant until 12 months). To count it
    from `by` would promise more than the source says.
    """
    return max(float(benefit["by_hours"]), float(benefit.get("lasts_hours", 0.0)))


def _chart(kind: Kind, entries: Sequence[tuple[int, Mapping[str, Any]]], language: str) -> Chart:
    marks: list[Mark] = []
    for number, benefit in sorted(entries, key=lambda entry: (entry[1]["by_hours"], entry[0])):
        at = across(benefit["by_hours"])
        if marks and at - marks[-1].at < _APART:
            at = _aside(marks[-1].at)
        until = lasting(benefit)
        marks.append(
            Mark(
                number,
                at,
                max(at, across(until)) if until > benefit["by_hours"] else at,
                up(benefit["high"], kind),
                up(benefit["low"], kind),
                benefit["certainty"],
                until > LONGEST,
            )
        )
    return Chart(
        kind,
        WIDTH,
        HEIGHT,
        LEFT,
        WIDTH - RIGHT,
        TOP,
        HEIGHT - BOTTOM,
        tuple(Tick(across(hours), label.in_(language)) for hours, label in _TICKS),
        tuple(Tick(up(level, kind), f"{level:g}" if level in _FIGURED[kind] else "") for level in _LEVELS[kind]),
        tuple(marks),
    )


def _aside(taken: float) -> float:
    """The nearest free place beside a mark, within the frame."""
    return _neat(min(taken + _APART, WIDTH - RIGHT))


def _neat(value: float) -> float:
    return round(value, 1)
