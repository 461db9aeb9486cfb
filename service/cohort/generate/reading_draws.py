"""The draws of a file of distributions: of each item by its type, and how many lesions there are."""

from collections.abc import Mapping
from typing import Any, Final

from service.cohort.generate.design import NUMBER_OF_LESIONS, Along, Case, Draw, Handful, Points, Weighted
from service.cohort.generate.reader import Reader
from service.language.errors import LanguageError
from service.language.units import hours
from service.language.vocabulary import Item, Scope
from service.rulebook.source import Keys

#: type of an item -> the keys that can say how it is drawn
_DRAWS: Final[Mapping[str, tuple[str, ...]]] = {
    "flag": ("share",),
    "choice": ("words",),
    "number": ("quantiles", "values"),
    "moment": ("ago",),
}
_EVERY: Final = ("share", "words", "quantiles", "values", "ago")
#: more than a century: what is drawn beyond it is a slip
_LONGEST: Final = 24 * 365 * 120
_ALL: Final = 100.0


class DrawReader:
    """Reads draws, and complains to the reader of the whole file."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._complain = reader.complain

    def lesions(self) -> tuple[Case, ...]:
        """How many lesions a patient has."""
        return self.cases((NUMBER_OF_LESIONS.id,), NUMBER_OF_LESIONS, self._reader.data[NUMBER_OF_LESIONS.id])

    def cases(self, keys: Keys, item: Item, entry: Mapping[str, Any]) -> tuple[Case, ...]:
        """The draws of an item that is no list; the last one is for everybody who is left."""
        if "handfuls" in entry:
            self._complain((*keys, "handfuls"), f"is a {item.type}; only a list takes handfuls", item.id)
        if "cases" not in entry:
            return (self._case(keys, item, entry),)
        if any(key in entry for key in _EVERY):
            self._complain(keys, "either cases or one draw, not both", item.id)
        rows = [((*keys, "cases", at), row) for at, row in enumerate(entry["cases"])]
        for below, row in rows:
            last = row is rows[-1][1]
            if last and "when" in row:
                self._complain(below, "the last case is for all who are left: no «when»; use «applies» for some alone")
            if not last and "when" not in row:
                self._complain(below, "only the last case has no «when»")
        return tuple(self._case(below, item, row) for below, row in rows)

    def _case(self, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Case:
        when = self._condition(keys, entry, item.scope)
        return Case(when, self._draw(keys, item, entry), float(entry.get("exists", _ALL)))

    def _condition(self, keys: Keys, entry: Mapping[str, Any], scope: Scope) -> Any:
        return self._reader.condition((*keys, "when"), entry["when"], scope) if "when" in entry else None

    def _draw(self, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Draw:
        given = [key for key in _EVERY if key in entry]
        if len(given) != 1 or given[0] not in _DRAWS[item.type]:
            self._complain(keys, f"a {item.type} is drawn by «{'» or «'.join(_DRAWS[item.type])}»", item.id)
            return Weighted({})
        key = given[0]
        below, data = (*keys, key), entry[key]
        match key:
            case "share":
                return Weighted({1.0: float(data), 0.0: _ALL - data})
            case "words":
                self.words(below, item, data)
                return self._weighted(below, {word: float(weight) for word, weight in data.items()})
            case "values":
                return self._weighted(
                    below, {self._number((*below, value), value, item): float(data[value]) for value in data}
                )
            case "quantiles":
                return Along(self.points(below, {key: self._number((*below, key), data[key], item) for key in data}))
            case _:
                return Along(self.times(below, data))

    def words(self, keys: Keys, item: Item, words: Mapping[str, Any]) -> None:
        """Complains about what is no word of the item."""
        for word in words:
            if word not in item.choices:
                self._complain((*keys, word), f"not a word of {item.id}", word, item.choices)

    def _weighted(self, keys: Keys, weights: dict[str | float, float]) -> Weighted:
        if not sum(weights.values()) > 0:
            self._complain(keys, "the weights add up to nothing")
        return Weighted(weights)

    def _number(self, keys: Keys, text: Any, item: Item) -> float:
        try:
            number = float(text)
        except ValueError:
            self._complain(keys, "a number is needed", str(text))
            return item.low
        if not item.low <= number <= item.high:
            self._complain(keys, f"outside the plausible range of {item.id} ({item.low:g} to {item.high:g})", str(text))
        return number

    # ---- curves ----

    def points(self, keys: Keys, data: Mapping[str, float]) -> Points:
        """Percent -> value, from 0 to 100 and never falling."""
        points: list[tuple[float, float]] = []
        for percent, value in data.items():
            try:
                points.append((float(percent), value))
            except ValueError:
                self._complain((*keys, percent), "a percentage is needed before the colon", percent)
        percents = [percent for percent, _ in points]
        values = [value for _, value in points]
        if percents[:1] != [0.0] or percents[-1:] != [_ALL] or percents != sorted(set(percents)):
            self._complain(keys, "the percentages must rise from 0 to 100")
        if values != sorted(values):
            self._complain(keys, "the values must not fall while the percentages rise")
        return tuple(points)

    def times(self, keys: Keys, data: Mapping[str, str]) -> Points:
        """Percent -> hours before the as-of moment."""
        return self.points(keys, {percent: self._hours((*keys, percent), text) for percent, text in data.items()})

    def _hours(self, keys: Keys, text: str) -> float:
        try:
            found = hours(text)
        except LanguageError as error:
            self._complain(keys, error.message, error.offender)
            return 0.0
        if not 0 <= found <= _LONGEST:
            self._complain(keys, "not between 0 h and 120 y", text)
        return found

    # ---- lists ----

    def handfuls(self, keys: Keys, item: Item, entry: Mapping[str, Any]) -> tuple[Handful, ...]:
        """What comes into a list."""
        if "handfuls" not in entry or any(key in entry for key in (*_EVERY, "cases")):
            self._complain(keys, "a list is drawn by «handfuls»", item.id)
            return ()
        found = []
        for at, row in enumerate(entry["handfuls"]):
            below = (*keys, "handfuls", at)
            given = [key for key in ("one_of", "each") if key in row]
            if len(given) != 1:
                self._complain(below, "either «one_of» or «each» is needed")
                continue
            words = row[given[0]]
            self.words((*below, given[0]), item, words)
            if given[0] == "one_of" and sum(words.values()) > _ALL:
                self._complain((*below, "one_of"), "more than 100 percent in all")
            when = self._condition(below, row, item.scope)
            found.append(Handful(when, given[0] == "one_of", {word: float(words[word]) for word in words}))
        return tuple(found)
