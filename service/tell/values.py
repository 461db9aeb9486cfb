"""A value of an item in words."""

from service.language.facts import Listing, Moment, Value
from service.language.vocabulary import Item
from service.tell import words
from service.tell.words import listed, lower_first, number


def told(item: Item, value: Value, language: str) -> str:
    """«42 G/L», «oui», «lytique», «apixaban, aspirine (liste complète)», «il y a 3 jours»."""
    match value:
        case bool():
            return words.VERDICT["yes" if value else "no"].in_(language)
        case float():
            return f"{number(value, language)} {item.unit or ''}".strip()
        case str():
            return lower_first(item.choices[value].in_(language))
        case Listing():
            present = listed(
                [lower_first(item.choices[word].in_(language)) for word in sorted(value.present)], language
            )
            nothing = "none" if language == "en" else "aucun"
            return present or nothing
        case Moment():
            # To the tenth of an hour while hours matter, then in whole days.
            hours = round(value.since[0], 1) if value.since[0] < 72 else round(value.since[0] / 24) * 24
            elapsed = words.duration(hours, language) if value.since[0] >= 1 else "< 1 h"
            return f"{elapsed} ago" if language == "en" else f"il y a {elapsed}"
