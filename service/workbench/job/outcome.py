"""What a computation over a draft found, as plain data in both languages: whoever shows it chooses the words."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from service.language.errors import Mistake
from service.language.vocabulary import Text

Plain: TypeAlias = dict[str, Any]
#: `fault`: the draft is not good; `notice`: worth reading; `good`: shown to be so
Grade: TypeAlias = Literal["fault", "notice", "good"]

#: more than anybody reads on one page; the headline tells how many there were
MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Patient:
    """A referral as the API takes it, the moment at which it is decided, and what makes it worth looking at."""

    name: Text
    referral: Plain
    at: str
    #: what a case would expect of it, when it is known
    expect: Plain | None = None

    def plain(self) -> Plain:
        return {"name": both(self.name), "referral": self.referral, "at": self.at, "expect": self.expect}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: of what, as it was or should be, as it is."""

    what: Text
    before: Text
    after: Text

    def plain(self) -> Plain:
        return {"what": both(self.what), "before": both(self.before), "after": both(self.after)}


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was found."""

    grade: Grade
    title: Text
    text: Text | None = None
    #: where it stands, when it stands in a file; the line counts from 1
    file: str | None = None
    line: int | None = None
    rules: tuple[str, ...] = ()
    lines: tuple[Text, ...] = ()
    rows: tuple[Row, ...] = ()
    patients: tuple[Patient, ...] = ()
    #: a mistake of the loader, which has its own words
    mistake: Mistake | None = None

    def plain(self) -> Plain:
        told: Plain = {"grade": self.grade, "title": both(self.title), "rules": list(self.rules)}
        if self.text is not None:
            told["text"] = both(self.text)
        if self.file is not None:
            told |= {"file": self.file, "line": self.line or 1}
        if self.mistake is not None:
            keys = ("file", "line", "column", "message", "offender", "suggestion")
            told["mistake"] = {key: getattr(self.mistake, key) for key in keys}
        return told | {
            "lines": [both(line) for line in self.lines],
            "rows": [row.plain() for row in self.rows],
            "patients": [patient.plain() for patient in self.patients],
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that one computation found. `columns` head the rows of its points.

    `good` is None where nothing is asked that could be good or bad.
    """

    good: bool | None
    headline: Text
    points: tuple[Point, ...] = ()
    columns: tuple[Text, Text, Text] | None = None
    #: a picture (SVG) in each language
    picture: Text | None = None

    def plain(self) -> Plain:
        return {
            "good": self.good,
            "headline": both(self.headline),
            "points": [point.plain() for point in self.points[:MOST_POINTS]],
            "left_out": max(0, len(self.points) - MOST_POINTS),
            "columns": [both(column) for column in self.columns] if self.columns else None,
            "picture": both(self.picture) if self.picture else None,
        }


def both(text: Text) -> dict[str, str]:
    return {"fr": text.fr, "en": text.en}


def same(word: str) -> Text:
    """What is written alike in both languages: an id, a figure."""
    return Text(word, word)
