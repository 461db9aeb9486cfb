"""A sheet of paper to draw on: in points, from the upper edge down."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from service.cohort.summary.picture.letters import font, width, wrapped

Align: TypeAlias = Literal["start", "middle", "end"]

#: A4, landscape
WIDE: Final = 841.89
HIGH: Final = 595.28
INK: Final = "#1a1a1a"
GREY: Final = "#595959"
_POINTS_IN_AN_INCH: Final = 72
_MAKER: Final = "Indication"
#: dots per inch of a picture in pixels
_DPI: Final = 200
#: letters as outlines and unhinted, so that they are as wide as they were measured, on any machine; the ids inside an SVG the
#: same each time
_DRAWN: Final[Any] = {
    "svg.hashsalt": "indication",
    "svg.fonttype": "path",
    "text.hinting": "no_hinting",
    "hatch.linewidth": 0.5,
    "path.simplify": False,
}
#: of the height of letters: from line to line, and from a line's upper edge to its foot
_LEADING, _RISE = 1.22, 0.93


@dataclass(frozen=True, slots=True)
class Fill:
    """How a surface is filled: a colour that is told apart by its lightness too, and a hatch."""

    colour: str
    hatch: str = ""
    #: of the hatch
    ink: str = "#ffffff"


class Sheet:
    """Draws on a white page."""

    def __init__(self, wide: float = WIDE, high: float = HIGH) -> None:
        self._figure = Figure(figsize=(wide / _POINTS_IN_AN_INCH, high / _POINTS_IN_AN_INCH), facecolor="white")
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_xlim(0, wide)
        self._axes.set_ylim(high, 0)
        self._axes.set_axis_off()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = INK,
        bold: bool = False,
        align: Align = "start",
    ) -> None:
        """One line, whose upper edge is at `y`."""
        room = width(text, size, bold=bold)
        x -= {"start": 0.0, "middle": room / 2, "end": room}[align]
        self._axes.text(
            x,
            y + size * _RISE,
            text,
            fontproperties=font(size, bold=bold),
            color=colour,
            va="baseline",
            parse_math=False,
        )

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        room: float,
        *,
        colour: str = INK,
        bold: bool = False,
        align: Align = "start",
    ) -> float:
        """Text broken to `room`; the upper edge of what follows."""
        for line in wrapped(text, size, room, bold=bold):
            self.text(x, y, line, size, colour=colour, bold=bold, align=align)
            y += leading(size)
        return y

    def box(
        self, x: float, y: float, wide: float, high: float, fill: Fill, *, edge: str = "#ffffff", line: float = 0.6
    ) -> None:
        """A filled rectangle."""
        if wide <= 0:
            return
        # The hatch takes the colour of the edge, so the edge is drawn apart.
        self._axes.add_patch(
            Rectangle(
                (x, y), wide, high, facecolor=fill.colour, hatch=fill.hatch or None, edgecolor=fill.ink, linewidth=0
            )
        )
        self._axes.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=edge, linewidth=line))

    def label(self, x: float, y: float, high: float, text: str, size: float) -> None:
        """A number on a filled surface, on a plate of its own so that no hatch runs through it; `x` is its middle."""
        room = width(text, size) + 3
        plate = size * 1.12
        self._axes.add_patch(
            Rectangle((x - room / 2, y + (high - plate) / 2), room, plate, facecolor="white", linewidth=0, alpha=0.9)
        )
        self.text(x, y + (high - size * _RISE) / 2 - size * 0.06, text, size, align="middle")

    def rule(self, x: float, y: float, wide: float, *, colour: str = "#bfbfbf", line: float = 0.6) -> None:
        """A thin line across."""
        self._axes.plot((x, x + wide), (y, y), color=colour, linewidth=line, solid_capstyle="butt")

    def write(self, path: Path, title: str, description: str) -> None:
        """An SVG or a PNG, by the name's ending. The same drawing is the same file, byte for byte."""
        vector = path.suffix.lower() == ".svg"
        made = {"Date": None, "Creator": _MAKER} if vector else {"Software": _MAKER}
        with rc_context(_DRAWN):
            self._figure.savefig(
                path,
                format="svg" if vector else "png",
                dpi="figure" if vector else _DPI,
                metadata={"Title": title, "Description": description, **made},
            )


def leading(size: float) -> float:
    """From one line to the next, in points."""
    return size * _LEADING


def stacked(numbers: Sequence[int], wide: float, most: int) -> list[float]:
    """Widths of the parts of a bar, where `most` takes the whole of `wide`."""
    return [wide * number / most if most else 0.0 for number in numbers]
