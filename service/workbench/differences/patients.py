"""A patient of a change in words: what is known of them, and nothing else."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from service.language.vocabulary import Item, Text
from service.rulebook.model import Rulebook
from service.tell.words import VERDICT, day, lower_first, number, unit

#: values told; the rest is counted
MOST_VALUES = 8


class Patients:
    """Words for patients known in the vocabulary of either rulebook."""

    def __init__(self, books: tuple[Rulebook, Rulebook], language: str) -> None:
        self._items = {**books[0].vocabulary.items, **books[1].vocabulary.items}
        self._language = language

    def told(self, referral: Mapping[str, Any]) -> str:
        """«plaquettes 40 G/L, vertèbre L2: …»; what is known of a second lesion is told with its id."""
        values = list(self._values(referral.get("patient") or {}))
        lesions = referral.get("lesions") or []
        for lesion in lesions:
            own = list(self._values({name: value for name, value in lesion.items() if name != "id"}))
            values += [f"{lesion['id']} : {value}" if len(lesions) > 1 else value for value in own]
        more = len(values) - MOST_VALUES
        if not values:
            return Text("rien n’est connu", "nothing is known").in_(self._language)
        tail = Text(f", et {more} de plus", f", and {more} more").in_(self._language) if more > 0 else ""
        return ", ".join(values[:MOST_VALUES]) + tail

    def _values(self, given: Mapping[str, Any]) -> Iterator[str]:
        for name, value in given.items():
            item = self._items.get(name)
            if item is not None and value is not None:
                yield self._value(item, value)

    def _value(self, item: Item, value: Any) -> str:
        bare, on = value, None
        if isinstance(value, dict) and item.type != "set":
            bare, on = value.get("value"), value.get("date")
        label = lower_first(item.label.in_(self._language))
        dated = Text(f" (le {self._day(on)})", f" (on {self._day(on)})").in_(self._language) if on else ""
        colon = " : " if self._language == "fr" else ": "
        return f"{label}{' ' if item.type == 'number' else colon}{self._bare(item, bare)}{dated}"

    def _bare(self, item: Item, value: Any) -> str:
        match item.type:
            case "flag":
                return VERDICT["yes" if value else "no"].in_(self._language)
            case "number" if isinstance(value, int | float):
                return f"{number(float(value), self._language)} {unit(item.unit, self._language)}".strip()
            case "set" if isinstance(value, dict):
                return self._list(item, value)
            case "moment":
                return self._day(str(value))
        return self._word(item, str(value))

    def _list(self, item: Item, value: Mapping[str, Any]) -> str:
        parts = [self._word(item, word) for word in value.get("items", ())]
        parts += [
            Text(f"pas de {self._word(item, word)}", f"no {self._word(item, word)}").in_(self._language)
            for word in value.get("absent", ())
        ]
        if value.get("complete"):
            parts.append(Text("liste complète", "complete list").in_(self._language))
        return " + ".join(parts)

    def _word(self, item: Item, word: str) -> str:
        return lower_first(item.choices[word].in_(self._language)) if word in item.choices else word

    def _day(self, text: str | None) -> str:
        return day(date.fromisoformat(str(text)[:10]), self._language)
