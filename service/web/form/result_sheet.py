"""The sheet for the multidisciplinary meeting: how much of a result stands on one printed page.

The page must be one, whatever the case. So every text on it may take a fixed number of lines and no more (`print.css` holds it
to that), the height of the page is reckoned before it is printed, and the roomiest arrangement that fits is taken. What is
left out is counted, never passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from service.web.form.result_option import Option
from service.web.form.result_words import Badge, either

#: lesions on one page at most
MOST_LESIONS = 12
MOST_ALERTS = 8
MOST_SESSIONS = 6
#: questions still open that are named
MOST_QUESTIONS = 6
#: facts of the situation; the page is reckoned as if all were there
MOST_FACTS = 14
_MOST_CONDITIONS = 2

#: millimetres between the margins of `print.css`, less what rounding may take
_PAGE = 274.0
_FOOTER, _DECISION = 18.5, 10.0


@dataclass(frozen=True, slots=True)
class Room:
    """An arrangement: options of one lesion, lines of one option, columns of facts. `name` is its class in `print.css`.

    In millimetres: `line`, the `gap` between parts, and the `header` with the two lines to fill in.
    """

    name: str
    options: int
    lines: int
    columns: int
    line: float
    gap: float
    header: float

    @property
    def by_lesion(self) -> bool:
        """Whether each lesion has a heading of its own, and not a cell in its only row."""
        return self.options > 1


#: the roomiest first
_ROOMS = (
    Room("wide", 4, 5, 2, 3.9, 2.3, 23.0),
    Room("wide", 4, 4, 2, 3.9, 2.3, 23.0),
    Room("wide", 4, 3, 2, 3.9, 2.3, 23.0),
    Room("wide", 4, 3, 3, 3.9, 2.3, 23.0),
    Room("middle", 2, 4, 2, 3.6, 2.3, 22.0),
    Room("middle", 2, 3, 2, 3.6, 2.3, 22.0),
    Room("middle", 2, 3, 3, 3.6, 2.3, 22.0),
    Room("tight", 2, 3, 3, 3.2, 1.7, 14.0),
    Room("tight", 1, 3, 3, 3.2, 1.7, 14.0),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One option. `notes`: what to do first, precautions, conditions."""

    rank: int
    label: str
    badge: Badge
    anaesthesia: str
    earliest: str
    sentence: str
    notes: str
    unchecked: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One lesion, with its number in the order of treatment. `left_out`: options that are offered too and not printed."""

    number: int
    label: str
    rows: tuple[Row, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """`left_out`: lesions that are not printed."""

    room: Room
    blocks: tuple[Block, ...]
    left_out: int

    @property
    def unchecked(self) -> bool:
        return any(row.unchecked for block in self.blocks for row in block.rows)


def sheet(
    lesions: Sequence[tuple[str, Sequence[Option]]], alerts: int, sessions: int, questions: int, language: str
) -> Sheet:
    """The page for these lesions, each with its label and its offered options, in the order of treatment."""
    room, shown = _arranged([len(options) for _, options in lesions], alerts, sessions, questions)
    return Sheet(
        room,
        tuple(
            Block(
                number,
                label,
                tuple(_row(option, language) for option in options[: room.options]),
                max(0, len(options) - room.options),
            )
            for number, (label, options) in enumerate(lesions[:shown], 1)
        ),
        len(lesions) - shown,
    )


def _arranged(options: Sequence[int], alerts: int, sessions: int, questions: int) -> tuple[Room, int]:
    """The roomiest arrangement that fits, and how many lesions it shows."""
    for room in _ROOMS[_first(len(options)) : -1]:
        if height(room, options, alerts, sessions, questions) <= _PAGE:
            return room, len(options)
    room = _ROOMS[-1]
    shown = min(len(options), MOST_LESIONS)
    while shown > 1 and height(room, options[:shown], alerts, sessions, questions) > _PAGE:
        shown -= 1
    return room, shown


def _first(lesions: int) -> int:
    """With more lesions, fewer options of each, even where more would fit: the page must stay easy to read."""
    options = 4 if lesions <= 2 else 2 if lesions <= 5 else 1
    return next(place for place, room in enumerate(_ROOMS) if room.options == options)


def height(room: Room, options: Sequence[int], alerts: int, sessions: int, questions: int) -> float:
    """Millimetres that the page takes at most; `options`: how many each lesion offers."""
    line, heading = room.line, room.line * 1.1 + 1.4
    rows = sum(max(1, min(count, room.options)) for count in options)
    parts = [
        room.header,
        4.0 + min(alerts, MOST_ALERTS) * (2 * line + 1.2) + (line if alerts > MOST_ALERTS else 0.0) if alerts else 0.0,
        heading + ceil(MOST_FACTS / room.columns) * (line + 0.2),
        2 * heading + rows * (room.lines * line + 1.2) + (len(options) * (heading + 1.2) if room.by_lesion else line),
        heading + ceil(min(sessions, MOST_SESSIONS) / 2) * (line + 0.3) if sessions else 0.0,
        heading + ceil(min(questions, MOST_QUESTIONS) / 2) * (line + 0.3) if questions else 0.0,
        _DECISION,
        _FOOTER,
    ]
    return sum(parts) + room.gap * sum(part > 0 for part in parts)


def _row(option: Option, language: str) -> Row:
    anaesthesia = next((modes.chosen.label for modes in option.modes if modes.kind == "anaesthesia"), "")
    return Row(
        option.rank,
        option.label,
        option.badge,
        anaesthesia,
        option.earliest,
        option.why,
        " ".join(_notes(option, language)),
        option.unchecked,
    )


def _notes(option: Option, language: str) -> list[str]:
    found = [correction.by for correction in option.corrections] + [each.text for each in option.precautions]
    if option.provided_that:
        conditions = list(option.provided_that[:_MOST_CONDITIONS])
        more = len(option.provided_that) - len(conditions)
        if more > 0:
            conditions.append(either(language, f"et {more} de plus", f"and {more} more"))
        told = either(language, "\u00a0; ", "; ").join(conditions)
        found.append(either(language, "À condition que\u00a0: ", "Provided that: ") + told + ".")
    return found
