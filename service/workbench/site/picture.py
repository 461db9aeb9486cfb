"""Columns of boxes joined by bands, from left to right: where each stands, in units of the drawing.

No font is at hand to measure a text: widths are reckoned for a wide one, so that no line leaves its box.
"""

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: of a character, a line of text, the room around the text of a box, and between boxes
CHARACTER, LINE, PADDING, GAP = 7.3, 15.0, 6.0, 7.0
#: between columns, for the bands; above the boxes, for the headings
CHANNEL, HEAD = 66.0, 34.0
#: of a band: the least that is seen, and the widest
THIN, THICK = 1.0, 8.0
#: a picture of single rules has thin bands throughout
FEW = 16.0
SWEEPS = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One box: what it is, and what more is said in small letters."""

    id: str
    text: str
    note: str = ""
    #: how many it stands for, at the right of its first line
    count: str = ""
    #: for its colour and sign; the text alone says everything
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A band from one box to another; `weight` counts what it stands for, `open`: only while something is unknown."""

    start: str
    end: str
    weight: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    nodes: tuple[Node, ...]
    width: float
    #: whether boxes may change places so that bands cross less
    free: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Band:
    path: str
    width: float
    kind: str
    open: bool


@dataclass(frozen=True, slots=True)
class Heading:
    x: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    width: float
    height: float
    headings: tuple[Heading, ...]
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]


def drawn(columns: Sequence[Column], edges: Iterable[Edge]) -> Picture:
    """The picture of `columns`. Edges whose ends are not both there are left out; empty columns too."""
    columns = [column for column in columns if column.nodes]
    known = {node.id for column in columns for node in column.nodes}
    joined = [edge for edge in edges if edge.start in known and edge.end in known]
    ordered = _untangled(columns, joined)
    heights = [sum(_height(node, column.width) + GAP for node in column.nodes) - GAP for column in ordered]
    tallest = max(heights, default=0.0)
    boxes: list[Box] = []
    headings = []
    x = 1.0
    for column, height in zip(ordered, heights, strict=True):
        # Short columns are spread over the whole height: bands then run level rather than steep.
        spare = (tallest - height) / len(column.nodes)
        y = HEAD + spare / 2
        headings.append(Heading(x, _wrapped(column.heading, column.width)[:2]))
        for node in column.nodes:
            box = _box(node, x, y, column.width)
            boxes.append(box)
            y += box.height + GAP + spare
        x += column.width + CHANNEL
    places = {box.node.id: box for box in boxes}
    return Picture(
        round(x - CHANNEL + 1.0, 1),
        round(HEAD + tallest + 2.0, 1),
        tuple(headings),
        tuple(boxes),
        tuple(_bands(places, joined)),
    )


def _wrapped(text: str, width: float) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, max(6, int((width - 2 * PADDING) / CHARACTER)), break_on_hyphens=False)) or ("",)


def _lines(node: Node, width: float) -> tuple[str, ...]:
    return _wrapped(node.text, width - (len(node.count) + 1) * CHARACTER if node.count else width)


def _notes(node: Node, width: float) -> tuple[str, ...]:
    # Notes are set in smaller letters: more of them fit.
    return _wrapped(node.note, width * 1.13) if node.note else ()


def _height(node: Node, width: float) -> float:
    return (len(_lines(node, width)) + len(_notes(node, width))) * LINE + 2 * PADDING


def _box(node: Node, x: float, y: float, width: float) -> Box:
    return Box(node, round(x, 1), round(y, 1), width, _height(node, width), _lines(node, width), _notes(node, width))


def _untangled(columns: Sequence[Column], edges: Sequence[Edge]) -> list[Column]:
    """The columns with the boxes of free ones ordered by where their neighbours stand, swept there and back."""
    orders = [list(column.nodes) for column in columns]
    for sweep in range(SWEEPS):
        sides = range(len(orders)) if sweep % 2 == 0 else range(len(orders) - 1, -1, -1)
        for at in sides:
            if columns[at].free:
                heights = {
                    node.id: place / max(1, len(order) - 1) for order in orders for place, node in enumerate(order)
                }
                orders[at].sort(key=lambda node, heights=heights: (_middle(node, edges, heights), node.id))  # type: ignore[misc]
    return [
        Column(column.heading, tuple(order), column.width, column.free)
        for column, order in zip(columns, orders, strict=True)
    ]


def _middle(node: Node, edges: Iterable[Edge], heights: dict[str, float]) -> float:
    """The weighted middle of a box's neighbours; where it stands when it has none."""
    pairs = [
        (edge.weight, heights[edge.end if edge.start == node.id else edge.start])
        for edge in edges
        if node.id in (edge.start, edge.end)
    ]
    total = sum(weight for weight, _ in pairs)
    return sum(weight * height for weight, height in pairs) / total if total else heights[node.id]


def _bands(places: dict[str, Box], edges: Sequence[Edge]) -> Iterable[Band]:
    full = max([FEW, *(edge.weight for edge in edges)])
    leaving: dict[str, list[Edge]] = {}
    arriving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.start, []).append(edge)
        arriving.setdefault(edge.end, []).append(edge)
    out = {name: _ports(places[name], found, [places[edge.end].y for edge in found]) for name, found in leaving.items()}
    into = {
        name: _ports(places[name], found, [places[edge.start].y for edge in found]) for name, found in arriving.items()
    }
    for edge in edges:
        start, end = places[edge.start], places[edge.end]
        x0, y0 = start.x + start.width, out[edge.start][edge]
        x1, y1 = end.x, into[edge.end][edge]
        bend = min((x1 - x0) / 2, 90.0)
        path = f"M{x0:.1f} {y0:.1f}C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        width = THIN + (THICK - THIN) * math.sqrt(edge.weight / full)
        yield Band(path, round(width, 1), end.node.kind or start.node.kind, edge.open)


def _ports(box: Box, edges: Sequence[Edge], heights: Sequence[float]) -> dict[Edge, float]:
    """Where each band touches a side of a box: spread over it, in the order of their other ends."""
    order = sorted(range(len(edges)), key=lambda at: (heights[at], edges[at].start, edges[at].end))
    step = box.height / (len(edges) + 1)
    return {edges[at]: box.y + step * (place + 1) for place, at in enumerate(order)}
