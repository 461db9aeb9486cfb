"""How wide text is, and where it is broken: by the letters' own measures, so that nothing is cut."""

from functools import cache
from typing import Final

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

#: comes with matplotlib: the same letters on every machine
FAMILY: Final = "DejaVu Sans"
_SPACE: Final = " "
_MEASURE: Final = TextToPath()


@cache
def font(size: float, *, bold: bool = False) -> FontProperties:
    return FontProperties(family=FAMILY, size=size, weight=700 if bold else 400)


@cache
def width(text: str, size: float, *, bold: bool = False) -> float:
    """In points."""
    return float(_MEASURE.get_text_width_height_descent(text, font(size, bold=bold), ismath=False)[0])


def wrapped(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Lines no wider than `room` points. A word that is wider alone keeps a line of its own."""
    lines: list[str] = []
    for word in text.split(_SPACE):
        joined = f"{lines[-1]}{_SPACE}{word}" if lines else word
        if lines and width(joined, size, bold=bold) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
