"""The skeleton on which a clinician points at a lesion: from the front, from the back, and the spine from its left side.

All of it is drawn from the tables below. What lies on both sides is drawn once, at the viewer's right (x above 0), and
mirrored. The words of sites, levels and sides are those of the vocabulary. A bone in the midline says nothing of the
side: a lesion may well lie on one side of it. Sites without a region are only in the list of the form.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import hypot
from typing import TypeAlias

from service.language.vocabulary import Vocabulary

Point: TypeAlias = tuple[float, float]
Ring: TypeAlias = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a bone that can be pointed at."""

    #: unique over the whole picture
    key: str
    view: str
    site: str
    level: str | None
    side: str | None
    #: SVG path data
    shape: str
    #: where a mark stands
    anchor: Point


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is only seen."""

    #: its class in the style sheet
    kind: str
    shape: str
    #: if it is drawn on the other side too, mirrored
    name: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that a later view draws again: there it has its name alone, and nothing in it can be pointed at."""

    name: str
    shapes: tuple[Region | Backdrop, ...] = ()


Drawn: TypeAlias = Region | Backdrop | Group


@dataclass(frozen=True, slots=True)
class Name:
    """A level printed beside its vertebra."""

    text: str
    at: Point


@dataclass(frozen=True, slots=True)
class View:
    name: str
    #: the viewBox: left, top, width, height
    box: tuple[int, int, int, int]
    #: in the order of drawing
    drawn: tuple[Drawn, ...]
    names: tuple[Name, ...] = ()
    #: the sides at the viewer's left and right
    sides: tuple[str, ...] = ()

    @property
    def regions(self) -> Iterator[Region]:
        for each in self.drawn:
            for shape in each.shapes if isinstance(each, Group) else (each,):
                if isinstance(shape, Region):
                    yield shape


@dataclass(frozen=True, slots=True)
class Mark:
    """A lesion in the picture: a numbered disc wherever it is seen."""

    number: int
    title: str
    #: of what is proposed first: a class in the style sheet
    status: str
    regions: tuple[Region, ...]
    #: view, x, y
    anchors: tuple[tuple[str, float, float], ...] = ()


# ---- the tables --------------------------------------------------------------------------------------------------------
#
# The first line: the view, the sides at the viewer's right and left. Then one shape a line, in the order of drawing:
#
#   site sides anchor outline         a region; `site:level` of one level; sides: `*` both, `-` midline
#   .kind sides outline               backdrop
#   | site levels edges widths half   a column: its upper and lower edge, half widths of the first and the last vertebra,
#                                     and half the outline of one that is one high and two wide
#   {name … }                         a group; `{name}` draws it again
#
# An outline has control points `x,y` in order: it passes smoothly halfway between them, and through one marked `!`, where
# it has a corner. `=` before them: half of it, from the midline to the midline. `~1.5`: a band along them, 1.5 to either
# side. `_`: an open line. `;` parts pieces. A line that begins with spaces continues the one before.

_FRONT = """
front left right
{body
.body * -1,4! 8,4 16,8 20.6,16 21,27 19.4,40 16,52 11,60 11,69 13,74.6 22,78 36,78.6 48,78 55,84 58,96 60,112 63,132
  66.6,150 69.6,170 72.6,192 75,210 79,222 81.4,238 79,254 73,265 65,264 59,254 58.6,240 58.4,226 57,212 52,192 48,174
  45.6,158 43.6,140 41,118 38.6,103! 37,118 36,134 34.4,150 33.6,162 35,174 38.4,188 41.4,202 42.4,218 42,240 40,262
  36.6,280 35,296 36,312 35.6,330 31.6,350 28,370 26.6,388 28.4,398 33,407 31.6,414 21,416 12,414 10,404 11.4,390
  9.8,370 7.4,350 6,330 7.6,308 6.4,290 3.6,264 2,240 0.8,226 -1,225!
}
scapula * 37,104 41,87! 36,86 34,88 31,87 30,84.6 20,85.4! 18.6,94 21,112 24,128! 29,118 35,106 41,97.6!;
  39,83.4 44,80 49.4,81.4 51,85! 46,84.6 40,86
.far * _ 4,81 10,79.6 16.6,82.6 17,86; _ 4,86.4 13,84.4 21,89 22.6,93; _ 4,91.6 15,89.6 25,95 27.6,101;
  _ 4,97 16,95 28,101 30.8,109; _ 4,102.4 17,100.6 30,107 32.4,117; _ 4,107.8 17,106.4 30.8,114 33.4,125;
  _ 4,113.2 17,112.4 31,121 34,133; _ 4,118.6 17,118.6 31,128 34,141; _ 4,124 16,125 30,135.4 33.4,148;
  _ 4,129.6 15,131.6 28.6,142 32.4,154; _ 4,135.4 14,138 25,147 29.4,157.6; _ 4,141.4 11,144 18,149.4 21.4,156.4
rib * 31,117 5,86! 12,79 20,82 27,92 32,104 35,122 36.4,142 34.6,158 29,165 22,158 12,138 5,127!
upper_abdomen - 0,139 = 0,129 7,130 13,137 13,146 8,152 0,153
ilium * 25,184 12.4,187! 14.4,180 17,174.6 23,170.4 30,170.6 34.8,175 36.6,181 35.6,187.6! 33,189.6 32.4,194.4
  30.6,197.6! 26,195.6 19,196 15.2,200! 14.6,196 13,191
.bone - = 0,213.4 2.6,214 2,217 0.6,220.4 0,220.6
| vertebra L1-5 146-187.4 5-6.4 1,-0.44! 0.84,-0.2 1.9,-0.4 2,-0.1 0.86,0.1 1,0.44!
| vertebra T10-12 129.5-146 4.6-5 1,-0.5! 0.84,0 1,0.5!
| vertebra T1-1 80-86 5-5 1,-0.5! 0.86,0 1,0.5!
| vertebra C4-7 64-80 4.6-5 1,-0.5! 0.86,0 1,0.5!
sacrum - 0,197 = 0,187.4 6,187 7.6,185.6 13.6,185.6! 15,190 13,198 8,207 4,213.4 2,214.6 0,214.6
{foramina
.hole * 5,192 6.6,191.4 7,193 5.4,193.8; 4.4,198 5.8,197.6 6,199 4.6,199.6; 3.8,203.4 5,203 5.2,204.4 4,204.8
}
acetabulum * 22.4,197 13.6,202 16.4,196 22,194.4 29,195.6 32.4,199 31,205 28.6,211.6 23,214 16.4,213.6 13.6,208
pubis * 7,208 15.4,202.4! 10.4,204.8 6,207.4 1,208! 1,217! 3.6,219.4 6.8,223.4! 9.4,221! 6.4,217.4 5.6,213.6 9,210.4
  15,209.4!
ischium * 17,222 15.2,211! 14.8,215 14,218.4 11.6,220.6 9.4,221! 6.8,223.4! 11,226.6 15.4,227.6 20,224.6 22,219 22.6,213!
{limbs
.bone * 55.6,163 60,162 61,166 59.6,169 62.6,184 66.2,202 69.4,213 67.6,218 63.2,218 62.6,213 60,196 57.4,180
  56.6,170; 49.6,160 53,163.6 55.4,163.4 55.2,168 57,184 60,202 61.8,215 59,218.6 57.4,214 54.6,196 52,178 49.8,168;
  58.6,219.4 63,218.4 69,218.8 71,222.4 69.4,227 63,228 59,225.8; ~1.2 70.4,222.8 75,231; ~1.2 75.4,231.6 78,238.4;
  ~1.1 68.4,227.6 71.6,238.6; ~1 71.8,239 73.2,248.4; ~0.9 73.2,248.6 73.6,256; ~1.1 65.8,228.2 68,240.4;
  ~1 68.2,240.6 69,251; ~0.9 69,251.4 69,260; ~1.1 63.2,228.2 64.4,239.8; ~1 64.4,240 64.6,250.4; ~0.9 64.6,250.6 64.2,258;
  ~1.1 60.6,227 61,237.8; ~0.9 60.8,238 60.4,246.4; ~0.9 60.4,246.6 59.6,252.6;
  28.6,305 31.4,303.6 33,307.4 30.6,312 29.4,340 27.6,372 28.4,384 29,391 26.4,397 24.6,391 25.6,378 27.4,350 28.2,320
femoral_neck * 29.4,208.4 25,199.6! 28.6,202 33.6,203.2! 29.4,217! 26.6,213 21.4,210! 22,204!
femoral_head * 21.2,204 15.4,206.4 15.4,201.6 18.8,198.2 23.6,198.2 27,201.6 27,206.4 23.6,209.8 18.8,209.8
trochanter * 35.6,211 33.6,203.2! 33.6,200 36,199 39.8,201.4 41,207 40.4,213 38.6,219! 28.6,222! 26.2,219.4 29.4,217!
subtrochanteric * 33.2,229 28.6,222! 38.6,219! 37.2,226 36.6,237! 29.2,238! 29.2,229
femoral_shaft * 30,258 29.2,238! 36.6,237! 35.4,250 32.4,264 30,276! 22.2,277! 24.8,264 28,250
distal_femur * 21,288 22.2,277! 30,276! 30.4,282 32.2,287 32.6,294 29.8,298.6 26,298.8 21.6,294.6 17,299.4 12.4,298.4
  9.6,293.4 11,288 18,284 20.8,280.6
tibial_plateau * 21.4,307 11.6,300.6! 18,300.4 21.4,298.2 25,300 31,300.2! 32,303.4 29.4,307.4 26.8,312 26.2,318!
  17.4,318.4! 16,312 12.6,308 10.8,304.4
tibial_shaft * 20.4,350 17.4,318.4! 26.2,318! 24.6,336 23.8,360 23.2,378 24.6,389! 20,389.2 17.4,389.6 16.6,394 13.4,393.6
  13,386 16,374 17,350 16.8,332
humeral_shaft * 50,128 43.2,99! 49.2,98.4! 49.6,112 52,130 54.2,146 58.6,153 60.8,157 58,162 52,160.6 47,160.4 46.4,156
  49.6,152 48.6,140 46,118
humeral_head * 45.4,91 39,92 39.4,86.4 44,83.4 49.4,84.2 51.6,89 51,94.4 49.2,98.4! 43.2,99! 42,96
}
calcaneus * 26.6,400 22,394! 26.4,394 29.4,398.4 29,404 26.4,406.6 22,404!
.bone * 18.6,285.6 24.4,285.4 26.4,289 24,293 21.4,295 18.6,293 16.6,289;
  14.4,391.6! 24.4,390.6! 25,396 23,401! 14,402! 12.6,398; ~1.6 14.4,402.6 12.4,409; ~1.4 12.4,409.4 11.8,413.6;
  ~1 16.8,402.6 16.4,411; ~1 19.2,402.6 19.8,411; ~1 21.4,402.2 23,410; ~1 23.6,401.6 26,409
.rib * ~1.5 11,81.6 17.6,83 17.4,88.4 7,89.6; ~1.5 19.4,86 22.4,91 20.6,97.4 12.6,99 5,98;
  ~1.5 25.4,94.4 27.4,99.4 25,106.2 15,106 5,103.4; ~1.5 29,102.6 30.6,108 27.8,115.4 17,112.6 5,108.8;
  ~1.5 30.8,111 32.4,116.4 29.4,124.6 17.6,120 5.4,114; ~1.5 32,119 33.6,124.8 30.2,133.8 18,128.6 8.6,119.8 5,118.6;
  ~1.5 32.6,127 34.2,132.8 30.8,142.4 19,137.4 9.6,126.4 4.6,122.4;
  ~1.5 33,135 34.6,140.8 31.2,149.8 22.4,146 13.6,134.6 7.4,126.6;
  ~1.5 32.8,143 34,148 30.8,156.4 24.6,153.4 18.4,144.4 12,134;
  ~1.4 32,150 33,154.6 30,161 26.2,158.4 21.4,151 16.8,142.6
sternum - 0,105 = 0,86.8 3.6,85.2 8,86 8,90 5,96.4 3.6,98.4 4.6,106 6,116 4.4,123.6 1.6,126 1.4,131 0,133.4
clavicle * 24,84 ~1.7 4.6,87.2 13,82.4 25,85.6 34,80.6 43.4,81.4
skull - 0,22 = 0,7.6 7,7.8 14,11 18.4,17.6 19,25 17.4,31 16,34 17.4,38 16.6,42.6 13.6,45.4 13.4,52 11.4,57.4 6.4,63 3,63.8 0,63.4
.hole * 2.8,34.6 4.4,31 9.6,30.4 13.4,32.6 13,37 9.8,40 5,39.2
.hole - = 0,38.4 1.2,39.6 3.4,45.2 1.6,46.6 0,45.4
.line - = 0,49.6 4.6,49.4 7,50.6 6.6,53 4,54.2 0,54.4
.line * _ 0,52 3.6,52 6.6,51.8; _ 0,50 0,54; _ 2,50 2,54; _ 4.2,50 4,54; _ 13.4,49 12,48 11,45
"""

_BACK = """
back right left
{body}
{limbs}
.bone * 15,203! 10,205.4 5,208 0,208.6! 0,217! 4,219.4 7,223! 9,221 6,217 5.6,213.4 9,210.6 15,209!
ischium * 17,221 15.2,211! 14.8,215 14,218.4 11,221.4! 8.4,224! 12,227 16,227.6 20.4,224.6 22.6,218.6 22.6,211.6!
acetabulum * 21,205 14.6,202 16.6,197.6 21,195 27,195.6 30.6,198.4! 28,203 27,208 22.6,214! 16.6,213.6 14.4,208
rib * 31,137 3,79! 13,76 22,84 30,98 34.6,117 36,140 34,156 26,162 20,158 11,148 3,147!
.bone - = 0,49 11,46 13,50 11.4,57.4 6.4,63 0,63.4
.rib * ~1.3 4,81 10,79.6 16.6,82.6 17,86; ~1.3 4,86.4 13,84.4 21,89 22.6,93; ~1.4 4,91.6 15,89.6 25,95 27.6,101;
  ~1.4 4,97 16,95 28,101 30.8,109; ~1.4 4,102.4 17,100.6 30,107 32.4,117; ~1.4 4,107.8 17,106.4 30.8,114 33.4,125;
  ~1.4 4,113.2 17,112.4 31,121 34,133; ~1.4 4,118.6 17,118.6 31,128 34,141; ~1.4 4,124 16,125 30,135.4 33.4,148;
  ~1.4 4,129.6 15,131.6 28.6,142 32.4,154; ~1.2 4,135.4 14,138 25,147 29.4,157.6; ~1.1 4,141.4 11,144 18,149.4 21.4,156.4
.bone - = 0,213.4 2.6,214 2,217.6 0.6,221 0,221.2
sacrum:S5 - 0,212 = 5.4,209.6! 3.6,214.4 0,214.8
sacrum:S4 - 0,207 = 7.8,204.6! 5.4,209.6!
sacrum:S3 - 0,202 = 10.4,199.2! 7.8,204.6!
sacrum:S2 - 0,196 = 12.6,193.4! 10.4,199.2!
sacrum:S1 - 0,190 = 13,185! 12.6,193.4!
{foramina}
.line - _ 0,189 0,212
ilium * 26,183 8.4,188 9.6,182.6! 13.4,176.6 19,171.6 25,170 31,171 35.6,176.6 36.6,182 35.4,188! 33.4,192 31,198.4!
  25,196 19,196.8 15,201! 13.4,198 12.4,194.4 9.4,192.4
| vertebra L1-5 146-187.4 6.6-7 0,-0.36 0.4,-0.6 0.7,-0.3 1.5,-0.34 1.5,0 0.5,0 0.8,0.6 0.3,0.3 0.2,0.6
| vertebra T1-12 80.4-146 5.6-5 0,-0.4 0.4,-0.5 1.4,-0.6 1.4,-0.1 0.5,-0.1 0.5,0.4 0.2,0.4 0,1.3
| vertebra C1-7 51.6-80.4 5-5 0,-0.4 0.5,-0.5 1.2,-0.4 1.1,0.3 0.4,0.3 0.2,0.8
scapula * 26,104 20.6,82.4! 28,83.6 36,86 40,84 44,80.4 49.6,80.8 52,85.4 47,86.6 42.4,87.6 41,90 41.6,97.4! 38,100.4
  33,109 28,122 24.8,129.6! 22.4,127 19,110 17.6,92
.line * _ 17.8,96 28,91.6 36,90 42,87.4
skull - 0,28 = 0,7.6 7,7.8 14,11 18.4,17.6 19,26 17.4,37 15.6,45 13.6,50.6 11.4,50 9,47.4 5,51 0,51.4
.line * _ 0,9 0,27; _ 0,27 4,30 11,34.6 16,40
.bone * 14.6,391.6! 24.6,390.6! 24,396 19,397.6 14.8,396
calcaneus * 19.4,402 14.8,396.4 18.4,394 23,395 25,400.6 24.4,408 20.4,411.4 16.4,409.6 14.2,402.6
"""

# The spine from its left: site, level, the middle of its upper end plate (or disc), how deep that is, then how far behind
# the body its spinous process ends and how low, in heights of the body. The atlas has an outline instead.

_SPINE = """
spine
vertebra C1 45,10 11 36.6,15 39,12.4 43,14.4 46,13 49.6,12 53,15 59,14 63,13.4 65.4,16.6 62,19 55,17.6 51,18.4 49,20.6 45,19 41,20 37.6,18.6
vertebra C2 43.2,20.5 11.2 16 0.9
vertebra C3 41.7,32.5 11.5 12 0.8
vertebra C4 41.2,43.3 11.8 12 0.8
vertebra C5 41.5,54.1 12.2 13 0.8
vertebra C6 42.6,64.9 12.5 15 0.8
vertebra C7 44.3,75.9 12.8 19 0.9
vertebra T1 46.5,87.3 13.3 20 1
vertebra T2 48.7,99.1 13.9 20 1.2
vertebra T3 50.8,111.2 14.5 20 1.3
vertebra T4 52.7,123.6 15.1 19 1.5
vertebra T5 54.2,136.4 15.6 18 1.6
vertebra T6 55.4,149.4 16.2 18 1.7
vertebra T7 56.2,162.7 16.8 18 1.7
vertebra T8 56.5,176.4 17.4 18 1.6
vertebra T9 56.3,190.4 18 18 1.4
vertebra T10 55.6,204.6 18.5 18 1.2
vertebra T11 54.1,219.2 19.1 18 1
vertebra T12 51.7,234.1 19.7 18 0.9
vertebra L1 48.7,249.3 20.3 20 0.7
vertebra L2 45.1,266.1 20.8 21 0.7
vertebra L3 41.9,283.7 21.3 21 0.7
vertebra L4 39.9,301.7 21.7 20 0.7
vertebra L5 39.5,319.7 22.2 17 0.7
sacrum S1 41,337.3 20.7 9
sacrum S2 45.6,351.3 17 8
sacrum S3 51.9,363.7 13.5 6.6
sacrum S4 57.5,374.7 10.8 5
sacrum S5 61.9,384.7 8.5 3
- - 64.9,393.7 7.4
.bone - 61,396! 68,394! 70,398 66,404 61,407 59.6,405.6 63,401
"""

# ---- from control points to outlines -----------------------------------------------------------------------------------

#: the picture is finer than the tables, so that whole numbers do
_GRAIN = 4


def mirrored(ring: Ring) -> Ring:
    """The same on the other side of the midline."""
    return tuple((-x, y) for x, y in ring)


def path(ring: Ring, closed: bool = True) -> str:
    """SVG path data: quadratic segments (`t`) from midpoint to midpoint; each control point reflects the one before."""
    # On even numbers: midpoints are then whole, and nothing drifts along the reflections.
    controls = [(2 * round(x * _GRAIN / 2), 2 * round(y * _GRAIN / 2)) for x, y in ring]
    if not closed:
        controls = [controls[0], *controls, controls[-1]]
    elif not controls[0] == controls[1] != controls[-2] == controls[-1]:  # from corner to corner, closing is straight
        controls = [controls[-1], *controls, controls[0]]
    middles = [((a + c) // 2, (b + d) // 2) for (a, b), (c, d) in pairwise(controls)]
    (x, y), *steps = middles[0], *((c - a, d - b) for (a, b), (c, d) in pairwise(middles))
    start = f"M{_numbers([(x, y)])}"
    if (x, y) != controls[1]:
        start += f"q{_numbers([(controls[1][0] - x, controls[1][1] - y), steps.pop(0)])}"
    return f"{start}t{_numbers(steps)}{'z' if closed else ''}"


def _numbers(points: Iterable[tuple[int, int]]) -> str:
    return " ".join(str(each) for point in points for each in point).replace(" -", "-")


def _outline(text: str, mirror: bool = False) -> str:
    return "".join(_piece(piece.split(), mirror) for piece in text.split(";"))


def _piece(words: Sequence[str], mirror: bool = False) -> str:
    kind, points = (words[0], words[1:]) if words[0][0] in "=~_" else ("", words)
    ring = tuple(_point(word) for word in points for _ in range(1 + word.endswith("!")))
    if kind == "=":
        ring += mirrored(tuple(point for point in reversed(ring) if point[0]))
    elif kind.startswith("~"):
        ring = _band(ring, float(kind[1:]))
    return path(mirrored(ring) if mirror else ring, closed=kind != "_")


def _point(word: str) -> Point:
    x, y = word.rstrip("!").split(",")
    return float(x), float(y)


def _band(line: Ring, half_width: float) -> Ring:
    """A ring around a line."""
    across = _across(line)
    there, back = (
        [(x + way * a, y + way * b) for (x, y), (a, b) in zip(line, across, strict=True)]
        for way in (half_width, -half_width)
    )
    return (*there, *reversed(back))


def _across(line: Ring) -> Ring:
    """At each point of a line, one unit at right angles to it."""
    found = []
    for (x, y), (to_x, to_y) in zip((line[0], *line), (*line[1:], line[-1]), strict=False):
        length = hypot(to_x - x, to_y - y)
        found.append(((to_y - y) / length, (x - to_x) / length))
    return tuple(found)


# ---- from tables to views ----------------------------------------------------------------------------------------------


def _view(table: str) -> View:
    header, *lines = re.sub(r"\n +", " ", table.strip()).splitlines()
    name, *sides = header.split()
    drawn: list[Drawn] = []
    opened: tuple[str, int] | None = None
    for number, line in enumerate(lines):
        match line[0]:
            case "{" if line.endswith("}"):
                drawn.append(Group(line[1:-1]))
            case "{":
                opened = line[1:], len(drawn)
            case "}":
                assert opened is not None
                group, start = opened
                drawn[start:] = [Group(group, tuple(each for each in drawn[start:] if not isinstance(each, Group)))]
            case ".":
                drawn.append(_backdrop(line[1:], f"{name}{number}"))
            case "|":
                drawn += _column(name, line[1:])
            case _:
                drawn += _regions(name, line, sides)
    left, top, width, height = -82, 0, 164, 420
    box = left * _GRAIN, top * _GRAIN, width * _GRAIN, height * _GRAIN
    return View(name, box, tuple(drawn), sides=tuple(sides[::-1]))


def _backdrop(line: str, name: str = "") -> Backdrop:
    kind, sides, text = line.split(maxsplit=2)
    return Backdrop(kind, _outline(text), name if sides == "*" else "")


def _regions(view: str, line: str, sides: Sequence[str]) -> Iterator[Region]:
    word, where, anchor, text = line.split(maxsplit=3)
    site, _, level = word.partition(":")
    x, y = (round(each * _GRAIN) for each in _point(anchor))
    region = Region(f"{view}.{level or site}", view, site, level or None, None, _outline(text), (x, y))
    if where == "-":
        yield region
        return
    for side, mirror in zip(sides, (False, True), strict=True):
        yield replace(
            region,
            key=f"{region.key}.{side}",
            side=side,
            shape=_outline(text, mirror),
            anchor=(-x if mirror else x, y),
        )


def _column(view: str, line: str) -> Iterator[Region]:
    """From the lowest up: a spinous process lies over the vertebra below."""
    site, levels, edges, widths, *half = line.split()
    letter, first, last = levels[0], *map(int, levels[1:].split("-"))
    (top, bottom), (wide, wider) = (map(float, each.split("-")) for each in (edges, widths))
    height = (bottom - top) / (last - first + 1)
    for number in range(last, first - 1, -1):
        middle = top + height * (number - first + 0.5)
        width = wide + (wider - wide) * (number - first) / max(last - first, 1)
        scaled = (f"{x * width},{middle + y * height}" for x, y in map(_point, half))
        corners = ("!" if word.endswith("!") else "" for word in half)
        outline = _piece(["=", *map("".join, zip(scaled, corners, strict=True))])
        level = f"{letter}{number}"
        yield Region(f"{view}.{level}", view, site, level, None, outline, (0, round(middle * _GRAIN)))


def _profile(table: str) -> View:
    name, *lines, coccyx = table.strip().splitlines()
    rows = [line.split() for line in lines]
    middles = tuple(_point(row[2]) for row in rows)
    across = _across(middles)
    depths = [float(row[3]) for row in rows]
    regions: list[Region] = []
    names: list[Name] = []
    for place, (site, level, _, _, *figures) in enumerate(rows[:-1]):
        ends = slice(place, place + 2)
        if "," in figures[0]:
            ring = tuple(map(_point, figures))
        else:
            ring = _vertebra(middles[ends], across[ends], depths[ends], *map(float, figures))
        y = (middles[place][1] + middles[place + 1][1]) / 2
        front, behind = min(x for x, _ in ring), max(x for x, _ in ring)
        anchor = round((behind + 9) * _GRAIN), round(y * _GRAIN)
        regions.append(Region(f"{name}.{level}", name, site, level, None, path(ring), anchor))
        names.append(Name(level, (round((front - 5) * _GRAIN), round((y + 3) * _GRAIN))))
    return View(name, (0, 0, 112 * _GRAIN, 420 * _GRAIN), (*reversed(regions), _backdrop(coccyx[1:])), tuple(names))


def _vertebra(middles: Ring, across: Ring, depths: Sequence[float], reach: float, drop: float = 0) -> Ring:
    """One vertebra from its left, between its two end plates; without `drop`, a piece of the sacrum."""

    def at(behind: float, down: float) -> Point:
        """A point `behind` the posterior wall, `down` the height of the body."""
        x, y, aside, along = (a + (b - a) * down for a, b in (*zip(*middles, strict=True), *zip(*across, strict=True)))
        way = (depths[0] + (depths[1] - depths[0]) * down) / 2 + behind
        return x + way * aside, y + way * along

    upper, lower = 0.06, 0.94
    corners = at(-depths[0], upper), at(-depths[1], lower), at(0, lower), at(0, upper)
    body = [corners[0], corners[0], at(1 - depths[0], 0.5), corners[1], corners[1], corners[2], corners[2]]
    if drop:
        arch = [at(-0.5, 0.5), at(3, 0.55), at(4.4, 1.1), at(7, 1.15), at(7.5, 0.75), at(reach, drop + 0.15)]
        arch += [at(reach, drop - 0.2), at(8, 0.3), at(6, -0.15), at(4, -0.1), at(3, 0.15)]
    else:
        arch = [at(reach - 1, 1), at(reach, 0.5), at(reach - 1, 0)]
    return (*body, *arch, corners[3], corners[3])


VIEWS: tuple[View, ...] = (_view(_FRONT), _view(_BACK), _profile(_SPINE))
_BOXES = {view.name: view.box for view in VIEWS}
REGIONS: tuple[Region, ...] = tuple(region for view in VIEWS for region in view.regions)


# ---- words and marks ---------------------------------------------------------------------------------------------------


def labels(vocabulary: Vocabulary, language: str) -> dict[str, str]:
    """What each region is called, by its key."""
    sites, levels, sides = (vocabulary[f"lesion.{item}"].choices for item in ("site", "level", "side"))

    def label(region: Region) -> str:
        site = sites[region.site].in_(language)
        said = site[:1].upper() + site[1:]
        if region.level:
            said += f" {levels[region.level].in_(language)}"
        return f"{said}, {sides[region.side].in_(language)}" if region.side else said

    return {region.key: label(region) for region in REGIONS}


def regions_at(site: str, level: str | None, side: str | None) -> tuple[Region, ...]:
    """Where a lesion is to be marked, in all views. A vertebra without its level is nowhere; a bone without its side,
    on both sides."""
    found = [region for region in REGIONS if region.site == site and region.level in (None, level)]
    return tuple(region for region in found if region.side in (None, side)) or tuple(found)


#: how far apart two discs stand
_DISC = 14 * _GRAIN
#: where a disc may stand instead of the place it is meant for: beside it first, as above or below is another vertebra
_ASIDE = tuple((across, down) for down, across in product((0, 1, -1), (0, 1, -1, 2, -2)))


def placed(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks with their anchors: those of their regions, or beside them where two discs would cover each other."""
    taken: list[tuple[str, float, float]] = []
    found = []
    for mark in marks:
        start = len(taken)
        for region in mark.regions:
            taken.append(_free(region, taken))
        found.append(replace(mark, anchors=tuple(taken[start:])))
    return tuple(found)


def _free(region: Region, taken: Sequence[tuple[str, float, float]]) -> tuple[str, float, float]:
    x, y = region.anchor
    left, top, width, height = _BOXES[region.view]
    for across, down in _ASIDE:
        spot = x + across * _DISC, y + down * _DISC
        inside = left < spot[0] - _DISC / 2 < left + width - _DISC and top < spot[1] - _DISC / 2 < top + height - _DISC
        if inside and all(view != region.view or hypot(spot[0] - a, spot[1] - b) >= _DISC for view, a, b in taken):
            return region.view, *spot
    return region.view, x, y
