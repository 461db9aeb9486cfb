"""Tables for a terminal: labels on the left, wrapped and never cut; numbers on the right."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

#: columns of a page
WIDTH = 110
_GAP = "  "


def grid(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], wide: int = 2) -> list[str]:
    """A table under a title. The first cell of a row is its label; the first `wide` columns may wrap, if they are words.

    `heads` names the columns after the first, each in one or more lines.
    """
    body = [list(row) for row in rows]
    if not body:
        return []
    names = [title, *heads]
    columns = list(zip(names, *body, strict=True))
    numbers = [not any(any(letter.isalpha() for letter in cell) for cell in column[1:]) for column in columns]
    widths = [
        max(len(word) for cell in column for word in ([*cell.split(" ")] if number else [cell]))
        for column, number in zip(columns, numbers, strict=True)
    ]
    free = WIDTH - len(_GAP) * (len(columns) - 1) - sum(w for w, number in zip(widths, numbers, strict=True) if number)
    words = [at for at, number in enumerate(numbers) if not number or at == 0]
    widths = _fitted(widths, words[:wide], free - sum(widths[at] for at in words[wide:]))
    lines = [*_lines(names, widths, numbers), "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))]
    for row in body:
        lines += _lines(row, widths, numbers)
    return lines


def _fitted(widths: list[int], at: Sequence[int], free: int) -> list[int]:
    """The widths, those at `at` made to fit into `free`: the widest gives way first."""
    fitted = list(widths)
    while sum(fitted[each] for each in at) > free and max(fitted[each] for each in at) > 12:
        widest = max(at, key=lambda each: fitted[each])
        fitted[widest] -= 1
    return fitted


def _lines(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> list[str]:
    wrapped = [wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        parts = [
            (cell[at] if at < len(cell) else "").rjust(width)
            if number
            else (cell[at] if at < len(cell) else "").ljust(width)
            for cell, width, number in zip(wrapped, widths, numbers, strict=True)
        ]
        lines.append(_GAP.join(parts).rstrip())
    return lines
