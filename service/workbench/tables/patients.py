"""Patients as case tables write them: plain words and numbers, and the situation they stand for."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from service.language.errors import LanguageError
from service.language.facts import Listing, Moment, Value
from service.language.meaning import Situation
from service.language.units import hours
from service.language.vocabulary import Item, Vocabulary

#: the noon at which every case of the tables is judged; no change to or from summer time in the 100 days before it
AT = datetime(2026, 2, 15, 12, tzinfo=ZoneInfo("Europe/Paris"))

#: what a table gives of one patient: item, `score.NAME`, `technique.PROPERTY` or `lesions` -> value
Given: TypeAlias = dict[str, Any]


class TableError(ValueError):
    """A case table that cannot be read. Its text says where and what."""


class Patients:
    """Makes situations from what a table gives."""

    def __init__(self, vocabulary: Vocabulary, zone: str) -> None:
        self.vocabulary = vocabulary
        self.at = AT.astimezone(ZoneInfo(zone))

    def situation(self, given: Given) -> Situation:
        """The patient, judged on the one lesion that is given. Raises TableError."""
        known: dict[str, Value] = {}
        intervals: dict[str, tuple[float, float]] = {}
        for name, value in given.items():
            if name.startswith("score."):
                low, high = value if isinstance(value, list) else (value, value)
                intervals[name.removeprefix("score.")] = (float(low), float(high))
            elif name != "lesions" and not name.startswith("technique.") and value != "unknown":
                known[name] = self.value(name, value)
        lesions = [
            {**known, **{name: self.value(name, value) for name, value in entry.items()}}
            for entry in _counted(given["lesions"])
        ] if "lesions" in given else [known]  # fmt: skip
        return Situation(known, lesions, intervals)

    def item(self, name: str) -> Item:
        """Raises TableError."""
        if name not in self.vocabulary:
            raise TableError(f"no item is called {name}")
        return self.vocabulary[name]

    def value(self, name: str, value: Any) -> Value:
        """A value as written, of the item's own type. Raises TableError."""
        item = self.item(name)
        match item.type, value:
            case "number", int() | float() if not isinstance(value, bool):
                return float(value)
            case "flag", bool():
                return value
            case "choice", str() if value in item.choices:
                return value
            case "set", "incomplete":
                return Listing(frozenset(), frozenset(), complete=False)
            case "set", list() if all(word in item.choices for word in value):
                return Listing(frozenset(value), frozenset(), complete=True)
            case "moment", str():
                return self.moment(value)
        raise TableError(f"{name} cannot be {value}: a {item.type} is needed, in the words of the vocabulary")

    def moment(self, text: str) -> Moment:
        """`D-3` is that calendar day, hour unknown; `72 h` is exactly that long ago. Raises TableError."""
        try:
            days, elapsed = (int(text[2:]), 0.0) if text.startswith("D-") else (None, hours(text))
        except (ValueError, LanguageError) as error:
            raise TableError(f"{text} is no moment: write D-3 or 23 h") from error
        if days is not None:
            day = self.at.date() - timedelta(days=days)
            start = datetime.combine(day, time(), self.at.tzinfo)
            longest = (self.at.timestamp() - start.timestamp()) / 3600
            return Moment(day, (max(0.0, longest - 24), longest), (self.at.date() - day).days)
        instant = self.at - timedelta(hours=elapsed)
        return Moment(instant.date(), (elapsed, elapsed), (self.at.date() - instant.date()).days, instant)


def _counted(lesions: Any) -> Iterator[Given]:
    """`{count: 3, …}` stands for three such lesions."""
    for entry in lesions:
        plain = {name: value for name, value in entry.items() if name != "count"}
        for _ in range(int(entry.get("count", 1))):
            yield plain
