"""A row of the source layout as the referral that the API takes, for holding the two readings against each other.

What the API would refuse for one item alone (a unit, a range, an unknown word, a date to come) is left out, as settling makes it
unknown. What it refuses as a whole (a contradiction, no lesion, two lesions of one id) is left to it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from service.language.vocabulary import Item, Scope
from service.query.columns import LESION, PATIENT, column
from service.referral.schema import YEARS, Day
from service.rulebook.model import Rulebook

Row: TypeAlias = Mapping[str, Any]

_RECORDED: Final = "recorded_at"
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
#: characters of the longest number that is read
_LONGEST: Final = 40
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:\d{2})?)?)?\Z", re.ASCII
)
_PARTED: Final = re.compile("[ ,;]+")
_TRUTH: Final = {"true": True, "false": False}
#: beyond, the API takes a whole number for infinite
_ENDLESS: Final = 10**15

_UNIT, _DATE, _ABSENT, _COMPLETE = "__unit", "__date", "__absent", "__complete"
#: a date that cannot be read, or that is still to come: its value is then unknown
_UNUSABLE: Final = ""
#: moments remembered; a table has far fewer different ones than rows
_REMEMBERED: Final = 200_000


class AsReferral:
    """Makes referrals of the rows of one cohort, as they are at one moment."""

    def __init__(self, rulebook: Rulebook, at: datetime) -> None:
        self._zone = ZoneInfo(rulebook.info.timezone)
        self._at = at.replace(tzinfo=self._zone) if at.tzinfo is None else at.astimezone(self._zone)
        self._items: dict[Scope, list[Item]] = {
            "patient": [*rulebook.vocabulary.of("patient").values()],
            "lesion": [*rulebook.vocabulary.of("lesion").values()],
        }
        self._readers: dict[tuple[Scope, tuple[str, ...]], list[_Reader]] = {}
        self._days: dict[str | date, str] = {}

    def referral(self, patient: Row, lesions: Iterable[Row]) -> dict[str, Any]:
        """The referral of one patient from its row and those of its lesions; values as Arrow's `to_pylist` gives them."""
        recorded = self._day(patient.get(_RECORDED))
        given = patient.get(_RECORDED)
        # A referral cannot do without this date: where there is none, what ages and has no date of its own is left out.
        future = recorded == _UNUSABLE and given is not None and self._readable(given)
        spare = "all" if future else "aging" if not recorded else "nothing"
        return {
            "recorded_at": recorded or self._at.isoformat(),
            "patient": self._values("patient", patient, spare),
            "lesions": [{"id": str(lesion[LESION]), **self._values("lesion", lesion, spare)} for lesion in lesions],
        }

    def _values(self, scope: Scope, row: Row, spare: str) -> dict[str, Any]:
        names = (scope, tuple(row))
        readers = self._readers.get(names)
        if readers is None:
            readers = self._readers[names] = self._readers_of(scope, names[1])
        found: dict[str, Any] = {}
        for reader in readers:
            # Most cells are empty: seen here, before anything is called.
            if reader.column is not None and row[reader.column] is None:
                continue
            value = reader.read(row)
            if value is None:
                continue
            item = reader.item
            if reader.date is None or (given := row[reader.date]) is None or (on := self._day(given)) is None:
                if spare == "nothing" or (spare == "aging" and item.fresh_for is None):
                    found[item.id] = value
            elif on != _UNUSABLE:
                found[item.id] = {**value, "date": on} if isinstance(value, dict) else {"value": value, "date": on}
        return found

    def _readers_of(self, scope: Scope, names: Sequence[str]) -> list["_Reader"]:
        own = {name.replace(".", "__"): name for name in names}
        found = []
        for item in self._items[scope]:
            name = column(item.id)
            there = {part: own.get(name + part) for part in ("", _UNIT, _DATE, _ABSENT, _COMPLETE)}
            read = self._read(item, there)
            if read is not None:
                found.append(_Reader(item, read, there[_DATE], None if item.type == "set" else there[""]))
        return found

    def _read(self, item: Item, there: Mapping[str, str | None]) -> Callable[[Row], Any] | None:
        """What reads the item from a row; None when no column tells of it."""
        if item.type == "set":
            present, absent, complete = (there[part] for part in ("", _ABSENT, _COMPLETE))
            return _list(item, present, absent, complete) if present or absent or complete else None
        name = there[""]
        if name is None:
            return None
        match item.type:
            case "flag":
                return lambda row: _flag(row[name])
            case "choice":
                words = {word: word for word in item.choices}
                return lambda row: words.get(value.strip(" ")) if isinstance(value := row[name], str) else None
            case "number":
                return _number(item, name, there[_UNIT])
            case _:
                return lambda row: self._day(row[name]) or None

    # ---- days and moments ----

    def _day(self, value: Any) -> str | None:
        """A day or an instant as the API takes it; None where none is told, empty where it cannot be used."""
        if value is None:
            return None
        if not isinstance(value, str | date):
            return _UNUSABLE
        found = self._days.get(value)
        if found is None:
            if isinstance(value, str) and not value.strip(" "):
                return None
            day = _parsed(value)
            found = _UNUSABLE if day is None or self._after(day) else _iso(day)
            if len(self._days) < _REMEMBERED:
                self._days[value] = found
        return found

    def _readable(self, value: Any) -> bool:
        return _parsed(value) is not None

    def _after(self, day: Day) -> bool:
        if isinstance(day, datetime):
            local = day.replace(tzinfo=self._zone) if day.tzinfo is None else day
            return local.timestamp() > self._at.timestamp()
        return day > self._at.date()


class _Reader:
    """One item: what reads it from a row, the column of its date, and the one that is all it reads, if there is one."""

    __slots__ = ("column", "date", "item", "read")

    def __init__(self, item: Item, read: Callable[[Row], Any], date: str | None, column: str | None) -> None:
        self.item = item
        self.read = read
        self.date = date
        self.column = column


def _parsed(value: Any) -> Day | None:
    if isinstance(value, str):
        text = value.strip(" ")
        if not _MOMENT.match(text):
            return None
        try:
            value = datetime.fromisoformat(text) if ":" in text else date.fromisoformat(text)
        except ValueError:
            return None
    return value if isinstance(value, date) and YEARS[0] <= value.year <= YEARS[1] else None


def _iso(day: Day) -> str:
    if not isinstance(day, datetime):
        return day.isoformat()
    # UTC, since a zone of long ago may lie some seconds off, which the API does not read.
    moment = day if day.tzinfo is None else day.astimezone(UTC)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")


def _flag(value: Any) -> bool | None:
    return (
        _TRUTH.get(value.strip(" ").lower()) if isinstance(value, str) else value if isinstance(value, bool) else None
    )


def _number(item: Item, name: str, unit: str | None) -> Callable[[Row], Any]:
    """A number that is plausible in its unit: bare, or with the unit as it was written."""
    units, low, high = item.units, item.low, item.high

    def read(row: Row) -> Any:
        value = row[name]
        if value is None:
            return None
        number = value if type(value) is float or type(value) is int else _plain(value)
        if number is None or not -_ENDLESS <= number <= _ENDLESS:
            return None
        spelling = _text(row[unit]) if unit is not None else None
        if spelling is None:
            return number if low <= number <= high else None
        if spelling not in units or not low <= item.in_unit(float(number), spelling) <= high:
            return None
        return {"value": number, "unit": spelling}

    return read


def _plain(value: Any) -> float | None:
    """A number of any other kind; None for what is none."""
    if isinstance(value, str):
        text = value.strip(" ")
        return float(text) if _NUMBER.match(text) and len(text) <= _LONGEST else None
    if isinstance(value, Decimal) and value.is_finite():
        return float(value)
    return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip(" ") or None


def _list(item: Item, present: str | None, absent: str | None, complete: str | None) -> Callable[[Row], Any]:
    """A list with what is said to be absent from it; None where nothing is told, or a word or the whole cannot be used."""

    def read(row: Row) -> Any:
        whole = row[complete] if complete is not None else None
        if isinstance(whole, str):
            if whole.strip(" "):
                whole = _flag(whole)
                if whole is None:
                    return None
            else:
                whole = None
        elif whole is not None and not isinstance(whole, bool):
            return None
        has = _words(item, row[present]) if present is not None else ()
        lacks = _words(item, row[absent]) if absent is not None else ()
        if has is None or lacks is None or (not has and not lacks and not whole) or not set(has).isdisjoint(lacks):
            return None
        return {"items": list(has), "absent": list(lacks), "complete": bool(whole)}

    return read


def _words(item: Item, value: Any) -> list[str] | tuple[()] | None:
    """The words of a list, each once; None when one of them is none of the item's."""
    if value is None:
        return ()
    words = [word for word in _PARTED.split(value) if word] if isinstance(value, str) else value
    if not isinstance(words, list):
        return None
    if any(word not in item.choices for word in words):
        return None
    return list(dict.fromkeys(words))


def grouped(lesions: Iterable[Row]) -> dict[Any, list[Row]]:
    """The rows of lesions by their patient."""
    found: dict[Any, list[Row]] = {}
    for lesion in lesions:
        found.setdefault(lesion[PATIENT], []).append(lesion)
    return found
