"""Techniques by status, as bars: how many lesions each is indicated for, or might be, and what becomes of them."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from service.cohort.summary.counting import PERCUTANEOUS
from service.cohort.summary.figures import BLOCKED, NOW, Cell, Figures, TechniqueFigures
from service.cohort.summary.picture import inks
from service.cohort.summary.picture.letters import width, wrapped
from service.cohort.summary.picture.sheet import GREY, Sheet, leading, stacked
from service.cohort.summary.words import HIDDEN, Names
from service.language.vocabulary import Text
from service.rulebook.model import Status

#: x, y, width, height
Place: TypeAlias = tuple[float, float, float, float]

#: in the order of the bars: what can be done as things are, then the rest
_SHOWN: Final[tuple[Status, ...]] = (*NOW, "undetermined", *BLOCKED)
_LEGEND: Final = (NOW, _SHOWN[len(NOW) :])
#: of a name: the first in which it fits its row
_SIZES: Final = (7.6, 7.2, 6.8, 6.4, 6.0, 5.6)
_NUMBER: Final = 6.8
_TITLE: Final = Text("Lésions par technique et par statut", "Lesions by technique and status")
_HEADS: Final = (Text("possible maintenant", "possible now"), Text("première option", "first option"))
_OTHERS: Final = Text("Alternatives (barres à une autre échelle)", "Alternatives (bars on another scale)")
#: of the width: the names, and each of the two columns of numbers
_NAMES, _COLUMN = 0.29, 0.105
#: the heading of the alternatives
_HEADING: Final = 14.0


def techniques(sheet: Sheet, figures: Figures, names: Names, place: Place) -> None:
    """Percutaneous acts first, those that most lesions may have now at the top; then the alternatives to them."""
    x, y, wide, high = place
    bottom = y + high
    sheet.text(x, y, names.say(_TITLE), 10, bold=True)
    y = _legend(sheet, names, x, y + leading(10) + 3)
    for at, text in enumerate(reversed(_HEADS)):
        lines = wrapped(names.say(text), _NUMBER, wide * _COLUMN)
        edge = y - 5 - leading(_NUMBER) * len(lines)
        for line in lines:
            sheet.text(x + wide * (1 - _COLUMN * at), edge, line, _NUMBER, colour=GREY, align="end")
            edge += leading(_NUMBER)
    groups = _grouped(figures.techniques, names)
    step = (bottom - y - _HEADING * (len(groups) - 1)) / max(sum(map(len, groups)), 1)
    for at, group in enumerate(groups):
        if at:
            sheet.rule(x, y + 3, wide)
            sheet.text(x, y + 5, names.say(_OTHERS), _NUMBER, colour=GREY)
            y += _HEADING
        most = max(sum(_numbers(each)) for each in group)
        for each in group:
            _row(sheet, each, names, (x, y, wide, step), most)
            y += step


def _row(sheet: Sheet, figures: TechniqueFigures, names: Names, place: Place, most: int) -> None:
    x, y, wide, step = place
    label = wide * _NAMES
    name = names.technique(figures.technique)
    lines, size = next(
        (lines, size)
        for size in _SIZES
        if leading(size) * len(lines := wrapped(name, size, label - 6)) <= step or size == _SIZES[-1]
    )
    top = y + (step - leading(size) * len(lines)) / 2
    for at, line in enumerate(lines):
        sheet.text(x + label - 6, top + leading(size) * at, line, size, align="end")
    high = min(step - 3.5, 14.0)
    bar = y + (step - high) / 2
    cells = _cells(figures)
    numbers = _numbers(figures)
    # Room for the total stays at the end of the longest bar.
    room = wide * (1 - 2 * _COLUMN) - label - width(f"≥ {names.number(most)}", _NUMBER) - 6
    end = x + label
    for status, number, part in zip(_SHOWN, numbers, stacked(numbers, room, most), strict=True):
        sheet.box(end, bar, part, high, inks.STATUS[status], edge=inks.EDGE, line=0.4)
        told = names.number(number)
        if part > width(told, _NUMBER) + 4.5:
            sheet.label(end + part / 2, bar, high, told, _NUMBER)
        end += part
    middle = y + (step - leading(_NUMBER)) / 2
    sheet.text(end + 3, middle, _sum(cells, names), _NUMBER, colour=GREY)
    now = _sum([figures.by_status[status] for status in NOW], names)
    sheet.text(x + wide * (1 - _COLUMN), middle, now, _NUMBER + 0.8, bold=True, align="end")
    sheet.text(x + wide, middle, names.lesions(figures.first), _NUMBER + 0.8, align="end")


def _legend(sheet: Sheet, names: Names, x: float, y: float) -> float:
    """Each status with its fill; the upper edge of what follows."""
    for line in _LEGEND:
        at = x
        for status in line:
            text = names.status(status, short=True)
            sheet.box(at, y + 0.7, 11, 7.5, inks.STATUS[status], edge=inks.EDGE, line=0.4)
            sheet.text(at + 14, y, text, _NUMBER + 0.2)
            at += 14 + width(text, _NUMBER + 0.2) + 11
        y += leading(_NUMBER) + 3
    return y + 3


def _cells(figures: TechniqueFigures) -> list[Cell]:
    """In each status shown; of the blocked ones, where the indication is established."""
    return [figures.indicated[status] if status in BLOCKED else figures.by_status[status] for status in _SHOWN]


def _numbers(figures: TechniqueFigures) -> list[int]:
    """Lesions in each status shown; those that are hidden are left out."""
    return [cell.lesions if cell else 0 for cell in _cells(figures)]


def _sum(cells: Iterable[Cell], names: Names) -> str:
    """Lesions in all these; at least so many, when some are hidden."""
    counts = list(cells)
    total = sum(cell.lesions for cell in counts if cell)
    if None not in counts:
        return names.number(total)
    return f"≥\u00a0{names.number(total)}" if total else HIDDEN


def _grouped(figures: Sequence[TechniqueFigures], names: Names) -> list[list[TechniqueFigures]]:
    known = names.rulebook.techniques
    mine = [each for each in figures if each.technique in known and PERCUTANEOUS in known[each.technique].traits]
    others = [each for each in figures if each not in mine]
    return [sorted(group, key=_order) for group in (mine, others) if group]


def _order(figures: TechniqueFigures) -> tuple[int, int, str]:
    """Most lesions now, then most lesions at all."""
    now: list[Cell] = [figures.by_status[status] for status in NOW]
    return -sum(cell.lesions for cell in now if cell), -sum(_numbers(figures)), figures.technique
