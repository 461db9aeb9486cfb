"""The figures in a sentence: numbers, with their unit when one follows.

Words of French and English only; which units exist is read from the vocabulary.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from service.language.units import HOURS

Language: TypeAlias = Literal["fr", "en"]

#: what a sentence calls a unit of time -> that unit in the rules
TIMES: Mapping[str, str] = {
    **dict.fromkeys(("min", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "heure", "heures", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "j", "jour", "jours", "day", "days"), "d"),
    **dict.fromkeys(("wk", "semaine", "semaines", "week", "weeks"), "wk"),
    **dict.fromkeys(("mo", "mois", "month", "months"), "mo"),
    **dict.fromkeys(("y", "an", "ans", "année", "années", "year", "years"), "y"),
}
NUMERALS: Mapping[Language, Mapping[str, float]] = {
    "fr": {"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8}
    | {"neuf": 9, "dix": 10, "douze": 12, "quinze": 15, "vingt": 20},
    "en": {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
    | {"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20},
}
#: spellings in sentences that the vocabulary does not accept in data
_LETTERS = str.maketrans({"\u00a0": " ", "\u202f": " ", "²": "2", "³": "3", "’": "'"})

#: not within a name (T5, 1c, CO2, L4-L5), a formula or a longer number; «3e jour» and «3rd day» are figures
_DIGITS = r"(?<![\w.,/^*+-])(?:(?:J-?|D-)(?P<day>\d+)|(?P<number>\d+(?:[.,]\d+)?)(?:e|er|ème|st|nd|rd|th)?)(?![\w^*+]|[.,-]\d)"
#: between the two ends of a range, which share the unit that follows
_RANGE = re.compile(r"\s*(?:à|et|ou|to|and|or|[-–])\s*\Z")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a sentence. `unit` as it is spelt there, or None; times are in hours, with the unit `h`.

    `written` is the number and `text` the words as they stand there, from `start`; `spelt` says whether it is a numeral.
    """

    value: float
    unit: str | None
    written: float
    text: str
    start: int
    spelt: bool = False


def plain(text: str) -> str:
    """The text with one kind of space, apostrophe and exponent, so that places in both agree."""
    return text.translate(_LETTERS)


class Reader:
    """Reads figures, given every spelling of every unit that is known."""

    def __init__(self, units: Iterable[str]) -> None:
        spellings = {*map(plain, units), *TIMES} - {""}
        longest_first = "|".join(re.escape(each) for each in sorted(spellings, key=len, reverse=True))
        self._unit = re.compile(rf"[\s-]?(?P<unit>{longest_first})(?![\w/])")
        words = sorted({word for numerals in NUMERALS.values() for word in numerals}, key=len, reverse=True)
        self._number = re.compile(rf"{_DIGITS}|\b(?P<word>{'|'.join(words)})\b", re.IGNORECASE)

    def figures(self, text: str, language: Language) -> list[Figure]:
        """Every figure of a sentence in order, numerals included."""
        text = plain(text)
        found: list[tuple[Figure, int]] = []
        for match in self._number.finditer(text):
            word = (match["word"] or "").lower()
            if word and word not in NUMERALS[language]:
                continue
            value = NUMERALS[language][word] if word else float((match["day"] or match["number"]).replace(",", "."))
            unit = self._unit.match(text, match.end())
            spelling = "d" if match["day"] else unit["unit"] if unit else None
            words = text[match.start() : unit.end() if unit else match.end()]
            found.append((Figure(value, spelling, value, words, match.start(), bool(word)), match.end()))
        return [_in_hours(figure) for figure in _shared(found, text)]


def _shared(found: list[tuple[Figure, int]], text: str) -> Iterator[Figure]:
    """Gives the first number of a range the unit of the second: 4 à 6 h."""
    for at, (figure, end) in enumerate(found):
        unit, following = figure.unit, at + 1
        while unit is None and following < len(found) and _RANGE.match(text[end : found[following][0].start]):
            unit, end = found[following][0].unit, found[following][1]
            following += 1
        yield replace(figure, unit=unit)


def _in_hours(figure: Figure) -> Figure:
    if figure.unit is None or figure.unit not in TIMES:
        return figure
    return replace(figure, value=round(figure.value * HOURS[TIMES[figure.unit]], 6), unit="h")
