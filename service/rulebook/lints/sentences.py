"""Sentences against conditions, and French against English: what a clinician reads is what the rule does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose

from service.language.tree import Compare, CountLesions, OfTechnique
from service.language.units import HOURS
from service.language.vocabulary import Text
from service.rulebook.lints.figures import Figure, Language, Reader, plain
from service.rulebook.lints.subject import Found, Lint, Subject, nodes, signed, within
from service.rulebook.model import Rule

LANGUAGES: tuple[Language, ...] = ("fr", "en")

_DIGIT = re.compile(r"\d")
_HOUR = "h"
_DAY = HOURS["d"]
_NAMES: Mapping[Language, str] = {"fr": "French", "en": "English"}
_PAIRS: tuple[tuple[Language, Language], ...] = (("fr", "en"), ("en", "fr"))
_SIDES = {True: "below", False: "above"}
#: of figures without a unit: one more or one less is the same limit said the other way (ASA 1 to 3, not 4)
_NEXT = 1.0

# Which side of a figure a sentence speaks of. Only phrases that open a sentence, or an adjective after a noun, and
# never beside a word of demand («demande un INR inférieur à 1,8»), which names the good side and not the danger.
_BELOW = {
    "fr": (r"\A(?:sous|moins de|à moins de|en dessous de)\b", r"\binférieure?s? à\b"),
    "en": (r"\A(?:below|under|less than|within)\b", r"\bbelow\b"),
}
_ABOVE = {
    "fr": (r"\A(?:au-delà d[e']|au-dessus d[e']|plus de|à partir d[e']|après)", r"\bsupérieure?s? à\b"),
    "en": (r"\A(?:above|beyond|over|more than|after|from)\b", r"\babove\b"),
}
_DEMAND = {
    "fr": r"\b(?:demand(?:e|ent)|exig(?:e|ent)|faut|doi(?:t|vent)|admise?s?|réservée?s?|seulement|au moins|au plus|si|sauf)\b",
    "en": r"\b(?:need(?:s|ed)?|requir(?:es?|ed)|must|calls? for|accepted|only|at least|at most|if|unless)\b",
}


@dataclass(frozen=True, slots=True)
class _Limit:
    """A number in a condition with the spellings of its unit; none for a pure number. Times are in hours."""

    value: float
    units: Mapping[str, float]
    #: its value as written, without its unit, and the criterion
    bare: float
    text: str
    #: what is measured
    item: str = ""


def _said(rule: Rule) -> Iterator[tuple[tuple[str, ...], Text]]:
    """Every sentence of a rule, with where it stands in its entry."""
    yield ("because",), rule.because
    if rule.precaution:
        yield ("precaution",), rule.precaution
    if rule.action:
        yield ("action",), rule.action
    if rule.correction:
        yield ("correctable", "by"), rule.correction.by


def _reader(subject: Subject) -> Reader:
    book = subject.rulebook
    return Reader(
        [spelling for item in book.vocabulary for spelling in item.units]
        + [score.unit for score in book.scores.values() if score.unit]
    )


def _limit(subject: Subject, compare: Compare) -> _Limit:
    book, term, bare, text = subject.rulebook, compare.term, compare.value, compare.text
    if term.quantity in ("since", "days_since"):
        return _Limit(bare * (_DAY if term.quantity == "days_since" else 1), {_HOUR: 1.0}, bare, text, term.name)
    if term.quantity == "score":
        unit = book.scores[term.name].unit
        return _Limit(bare, {plain(unit): 1.0} if unit else {}, bare, text, term.name)
    item = book.vocabulary[term.name]
    if item.unit in HOURS:
        return _Limit(bare * HOURS[item.unit], {_HOUR: 1.0}, bare, text, item.id)
    return _Limit(bare, {plain(spelling): factor for spelling, factor in item.units.items()}, bare, text, item.id)


def _limits(subject: Subject, rule: Rule) -> list[_Limit]:
    """The limits in the condition of a rule. That there is a lesion at all (`any_lesion`) is none."""
    found = []
    for node in nodes(rule.when):
        if isinstance(node, Compare):
            found.append(_limit(subject, node))
        elif isinstance(node, CountLesions) and (node.operator, node.value) != (">=", 1):
            found.append(_Limit(node.value, {}, node.value, node.text or f"{node.operator} {node.value:g}"))
        elif isinstance(node, OfTechnique) and isinstance(node.value, float):
            found.append(_Limit(node.value * HOURS["min"], {_HOUR: 1.0}, node.value, node.text))
    return found


def _delays(rule: Rule) -> list[_Limit]:
    """The times that a rule states outside its condition."""
    hours = {"within": rule.within}
    if rule.correction:
        hours["lead_time"] = rule.correction.lead_time
        if moment := rule.correction.earliest:
            hours["earliest"] = moment.hours if moment.hours is not None else (moment.days or 0) * _DAY
    return [_Limit(value, {_HOUR: 1.0}, value, key) for key, value in hours.items() if value is not None]


def _same(figure: Figure, limit: _Limit) -> bool:
    """Whether a figure is this limit."""
    if figure.unit is None:
        return abs(figure.value - limit.bare) <= _NEXT if limit.bare.is_integer() else figure.value == limit.bare
    factor = limit.units.get(figure.unit)
    return factor is not None and isclose(figure.value * factor, limit.value, rel_tol=1e-6, abs_tol=1e-9)


def _comparable(figure: Figure, limit: _Limit) -> bool:
    """Whether the figure could be this limit: same unit, or neither has one (a score of points has none in sentences)."""
    if figure.unit is None:
        return limit.units.keys() <= {"points"}
    return figure.unit in limit.units


def _figures_and_limits(subject: Subject) -> Iterator[Found]:
    reader = _reader(subject)
    limits = {rule.id: _limits(subject, rule) for rule in subject.rulebook.rules.values()}
    by_item: dict[str, list[_Limit]] = {}
    for limit in (limit for of_rule in limits.values() for limit in of_rule if limit.item):
        by_item.setdefault(limit.item, []).append(limit)
    for rule in subject.rulebook.rules.values():
        own = limits[rule.id]
        # What to do may name the limit of another rule on the same item, as the value to aim for; or a delay.
        elsewhere = [other for item in {limit.item for limit in own if limit.item} for other in by_item[item]]
        for where, text in _said(rule):
            known = own if where == ("because",) else own + elsewhere + _delays(rule)
            for language in LANGUAGES:
                figures = reader.figures(text.in_(language), language)
                if message := _differing(figures, own, known):
                    yield subject.of(rule, f"{rule.id}: {message}", *where, language)


def _differing(figures: list[Figure], own: list[_Limit], known: list[_Limit]) -> str | None:
    """What to say when, in some unit, the sentence has figures, the condition has limits, and none is one of `known`."""
    for unit in dict.fromkeys(figure.unit for figure in figures):
        alike = [figure for figure in figures if figure.unit == unit and not (unit is None and figure.spelt)]
        rivals = [limit for limit in own if alike and _comparable(alike[0], limit)]
        if rivals and not any(_same(figure, limit) for figure in alike for limit in known):
            said = ", ".join(figure.text for figure in alike)
            meant = ", ".join(dict.fromkeys(f"«{limit.text}»" for limit in rivals))
            return f"the sentence says {said}, the condition {meant}"
    return None


def _figures_by_language(subject: Subject) -> Iterator[Found]:
    """A figure in digits must be in the other language, in digits or as a numeral."""
    reader = _reader(subject)
    for name, document in subject.documents.items():
        for keys, data in within(document.data):
            if not isinstance(data, dict) or not all(isinstance(data.get(each), str) for each in LANGUAGES):
                continue
            if not _DIGIT.search(data["fr"] + data["en"]):
                continue
            figures = {language: reader.figures(data[language], language) for language in LANGUAGES}
            values = {language: {figure.written for figure in figures[language]} for language in LANGUAGES}
            for language, other in _PAIRS:
                lacking = [each for each in figures[language] if not each.spelt and each.written not in values[other]]
                if lacking:
                    said = ", ".join(each.text for each in lacking)
                    yield subject.at(
                        name,
                        (*keys, language),
                        f"{said} stands in the {_NAMES[language]} text and not in the {_NAMES[other]}",
                    )
                    break


def _sides(subject: Subject) -> Iterator[Found]:
    reader = _reader(subject)
    for rule in subject.rulebook.rules.values():
        for language in LANGUAGES:
            text = plain(rule.because.in_(language)).lower()
            if (said := _side(text, language)) is None:
                continue
            end, below = said
            figure = next((each for each in reader.figures(text, language) if each.start >= end), None)
            if figure is None or re.search("[,:;.]", text[end : figure.start]):
                continue
            met = _sides_of(subject, rule, figure)
            if met and below not in met.values():
                yield subject.in_condition(
                    rule,
                    next(iter(met)),
                    f"{rule.id}: the sentence speaks of values {_SIDES[below]} the limit,"
                    f" the condition «{next(iter(met))}» of those {_SIDES[not below]}",
                )
                break


def _sides_of(subject: Subject, rule: Rule, figure: Figure) -> dict[str, bool]:
    """The criteria whose limit is this figure, and whether each holds below it."""
    found = {}
    for leaf, negated in signed(rule.when):
        if isinstance(leaf, Compare) and leaf.operator not in ("==", "!=") and _same(figure, _limit(subject, leaf)):
            found[leaf.text] = (leaf.operator in ("<", "<=")) != negated
    return found


def _side(text: str, language: Language) -> tuple[int, bool] | None:
    """Where the phrase that names a side of a limit ends, and whether it means below; None when in doubt."""
    opening = [
        (match.end(), below)
        for phrases, below in ((_BELOW, True), (_ABOVE, False))
        if (match := re.search(phrases[language][0], text))
    ]
    if opening:
        return opening[0]
    if re.search(_DEMAND[language], text):
        return None
    inside = [
        (match.end(), below)
        for phrases, below in ((_BELOW, True), (_ABOVE, False))
        if (match := re.search(phrases[language][1], text))
    ]
    return inside[0] if len(inside) == 1 else None


SENTENCES = (
    Lint(
        "figure-and-limit",
        "fault",
        finds="A sentence of a rule gives figures in the unit of one of its limits, and none of them is that limit.",
        why="The clinician reads one limit and the rule applies another.",
        mend="Check the figure against the source; then correct the sentence or the condition.",
        look=_figures_and_limits,
    ),
    Lint(
        "figure-by-language",
        "fault",
        finds="A figure stands in the French text and not in the English one, or the other way round.",
        why="The same rule would say two things, by the language of its reader.",
        mend="Give both texts the same figures; a numeral in words counts as its figure.",
        look=_figures_by_language,
    ),
    Lint(
        "side-reversed",
        "fault",
        finds="The sentence speaks of values below a limit and the condition of those above it, or the other way round.",
        why="A comparison turned round stops the healthy and lets the endangered through.",
        mend="Turn the comparison round, or the sentence.",
        look=_sides,
    ),
)
