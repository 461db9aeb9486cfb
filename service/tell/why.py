"""Why this one before that one: the first key of the ranking that differs, in one sentence."""

from service.recommend.ranking import Ranked, first_difference
from service.recommend.recommendation import Recommendation
from service.rulebook.model import STATUSES, Rulebook
from service.tell import words
from service.tell.words import lower_first


class NotAnOption(LookupError):
    """The technique is not an option for this lesion. `known` lists those that are."""

    def __init__(self, technique: str, known: list[str]) -> None:
        self.technique = technique
        self.known = tuple(known)
        super().__init__(f"«{technique}» is not an option; options: {', '.join(known)}")


def why_before(recommendation: Recommendation, lesion_id: str, first: str, second: str, language: str) -> str:
    """Why `first` stands before `second`, or the other way round if that is how they stand. Raises NotAnOption."""
    lesion = next(lesion for lesion in recommendation.lesions if lesion.judgement.lesion == lesion_id)
    by_technique = {ranked.option.technique.id: ranked for ranked in lesion.ranked}
    for name in (first, second):
        if name not in by_technique:
            raise NotAnOption(name, sorted(by_technique))
    ahead, behind = sorted((by_technique[first], by_technique[second]), key=lambda ranked: ranked.rank)
    return compared(ahead, behind, recommendation.rulebook, language)


def compared(ahead: Ranked, behind: Ranked, rulebook: Rulebook, language: str) -> str:
    """«Vertébroplastie avant radiothérapie — force de l’indication : forte contre modérée.»"""
    a = ahead.option.technique.label.in_(language)
    b = lower_first(behind.option.technique.label.in_(language))
    before, versus = ("before", "against") if language == "en" else ("avant", "contre")
    difference = first_difference(ahead, behind)
    if difference is None:
        equal = (
            "equal on every key; alphabetical order"
            if language == "en"
            else "à égalité sur tous les critères ; ordre alphabétique"
        )
        return f"{a} {before} {b} — {equal}."
    name, x, y = difference
    colon = ": " if language == "en" else " : "
    values = f" {versus} ".join(_value(name, value, rulebook, language) for value in (x, y))
    return f"{a} {before} {b} — {_key(name, rulebook, language)}{colon}{values}."


def _key(name: str, rulebook: Rulebook, language: str) -> str:
    if name == "standing":
        return words.STANDING.in_(language)
    return next(key.label for key in rulebook.ranking.keys if key.name == name).in_(language)


def _value(name: str, value: int, rulebook: Rulebook, language: str) -> str:
    match name:
        case "standing":
            return rulebook.ranking.standings[value].label.in_(language)
        case "indication":
            return words.INDICATION[value].in_(language)
        case "strength":
            return words.STRENGTH[value].in_(language)
        case "certainty":
            return words.CERTAINTY[value].in_(language)
        case "status":
            # `eligible` and `provisional` are one tier: see `rulebook.bearing.tier`.
            return words.STATUS[STATUSES[value + 1] if value else "eligible"].in_(language)
        case _:
            return str(abs(value))
