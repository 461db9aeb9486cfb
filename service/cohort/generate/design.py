"""What a file of distributions says, checked: how patients are drawn, and how they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from service.language.errors import Mistake
from service.language.tree import Node
from service.language.vocabulary import Item, Text
from service.referral.schema import MAX_LESIONS

#: percent of the draws that lie below -> value
Points: TypeAlias = tuple[tuple[float, float], ...]
#: how exactly a moment is known: all to the day, all to the minute, or in some percent to the minute (then it is a text)
Given: TypeAlias = Literal["day", "time"] | float

_NO_TEXT = Text("", "")
#: how many lesions a patient has, drawn as if it were an item; no referral may hold more
NUMBER_OF_LESIONS = Item("lesions", "", "patient", "number", _NO_TEXT, _NO_TEXT, low=1.0, high=float(MAX_LESIONS))


class DesignError(Exception):
    """The file of distributions cannot be used. `mistakes` lists all that is wrong with it, in order of line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class Weighted:
    """One of several values, each with its weight: words of a choice, numbers, or yes and no (1.0 and 0.0)."""

    weights: Mapping[str | float, float]


@dataclass(frozen=True, slots=True)
class Along:
    """A number, or hours before the as-of moment, drawn along a curve of quantiles: straight lines between its points."""

    points: Points


Draw: TypeAlias = Weighted | Along


@dataclass(frozen=True, slots=True)
class Case:
    """A draw for those of whom `when` holds; None: for the rest. Some percent have such a value at all."""

    when: Node | None
    draw: Draw
    exists: float = 100.0


@dataclass(frozen=True, slots=True)
class Handful:
    """Words that come into a list, for those of whom `when` holds: one at most, or each on its own."""

    when: Node | None
    one_of: bool
    #: word -> percent
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Follows:
    """An item that only those have in whose list a word stands, as the dose of a drug."""

    list: str
    word: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """How one item is drawn."""

    item: Item
    cases: tuple[Case, ...] = ()
    #: a list's own
    handfuls: tuple[Handful, ...] = ()
    #: who can have it; None: everybody
    applies: Node | None = None
    follows: Follows | None = None
    #: numbers are rounded to it
    step: float = 1.0
    given: Given = "day"
    #: no two lesions of a patient have the same word
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Centre:
    """A kind of centre: its share of the patients, and what it multiplies the odds of a missing value with."""

    share: float
    odds: float


@dataclass(frozen=True, slots=True)
class Section:
    """What of a section is missing in an ordinary centre: all of it at once, or each item on its own, in percent."""

    whole: float
    each: float


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is written, in percent: said to be complete; else words forgotten, and words said to be absent."""

    complete: float
    forgotten: float
    denied: float


@dataclass(frozen=True, slots=True)
class Dating:
    """When values were taken, in hours before the as-of moment; `current` where nothing is missing."""

    ago: Points
    current: Points
    given: Literal["day", "time"]


@dataclass(frozen=True, slots=True)
class Written:
    """How patients are written down."""

    centres: Mapping[str, Centre]
    #: name of a degree of missingness -> factor of the odds
    levels: Mapping[str, float]
    sections: Mapping[str, Section]
    #: items with a share of their own, in percent; a section that is missing as a whole spares them
    items: Mapping[str, float]
    lists: Mapping[str, Listing]
    recorded: Dating
    #: group -> (its items, when they were taken)
    dates: Mapping[str, tuple[tuple[str, ...], Dating]]
    #: kind of laboratory -> percent
    laboratories: Mapping[str, float]
    #: item -> kind of laboratory -> unit; the item's own where none is named
    units: Mapping[str, Mapping[str, str]]
    #: texts that stand for faulty units and words
    wrong_units: tuple[str, ...]
    wrong_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """A whole file of distributions."""

    #: how many lesions a patient has
    lesions: tuple[Case, ...]
    #: in the order of drawing
    drawn: tuple[Drawn, ...]
    written: Written
    #: sha256 of the file
    digest: str
    #: items of the vocabulary that are never drawn
    left_out: tuple[str, ...] = ()
    #: what each distribution is taken from: its name -> source ids and assumptions
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
