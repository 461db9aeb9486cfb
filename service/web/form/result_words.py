"""Words of the result that neither the answer nor the rule files carry, and figures as they are written in each language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES, STRENGTHS
from service.tell import words
from service.tell.words import typeset as typeset

NBSP = "\u00a0"
#: parts of an answer in which there is no sentence to set, or thousands of short ones
_WORDLESS = frozenset(
    {"arguments", "criteria", "effects", "keys", "open", "questions", "to_verify", "may_call_for_precautions"}
)

#: in a chip or a table cell, where the status label of the answer is a whole sentence
_SHORT = {"provisional": Text("éligible sous réserve", "eligible, checks pending")}


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as a badge: `status` gives the sign, `word` the word. Neither stands without the other."""

    status: str
    word: str


def badge(status: str, language: str) -> Badge:
    return Badge(status, _SHORT.get(status, words.STATUS[status]).in_(language))


def figure(value: float, language: str, digits: int = 1) -> str:
    """«23,8»: no more digits than the figure can bear."""
    return words.number(round(value, digits), language)


def interval(low: float, high: float, language: str, digits: int = 1) -> str:
    """«7–17», or one figure when both ends are the same."""
    return "–".join(in_order(figure(end, language, digits) for end in (low, high)))


def moment(text: str, language: str) -> str:
    """«26 novembre 2026», with the hour when the answer gives one. A day does not part from its month."""
    when = datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    return words.day(when, language).replace(" ", NBSP, 1)


def certainty(name: str, language: str) -> str:
    """«certitude modérée», «consensus d’experts»."""
    word = words.CERTAINTY[CERTAINTIES.index(name)].in_(language)
    if name == "consensus":
        return word
    return f"{word} certainty" if language == "en" else f"certitude {word}"


def strength(name: str, language: str) -> str:
    """«indication forte»."""
    word = words.STRENGTH[STRENGTHS.index(name)].in_(language)
    return f"{word} indication" if language == "en" else f"indication {word}"


def either(language: str, fr: str, en: str) -> str:
    return en if language == "en" else fr


def in_order(found: Iterable[str]) -> tuple[str, ...]:
    """Without repetition, in the order of first mention."""
    return tuple(dict.fromkeys(found))


def typeset_all(value: Any) -> Any:
    """The same for every sentence in an answer."""
    match value:
        case str():
            return typeset(value)
        case dict():
            return {key: each if key in _WORDLESS else typeset_all(each) for key, each in value.items()}
        case list():
            return [typeset_all(each) for each in value]
        case _:
            return value
