"""Scores as a clinician reads them: a total or an interval, its band, and what is still open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.language.scores import Score as RulebookScore
from service.rulebook.model import Rulebook
from service.tell.answer import Answer
from service.tell.words import unit
from service.web.form.result_words import NBSP, either, figure, interval


@dataclass(frozen=True, slots=True)
class Component:
    label: str
    points: str
    open: bool


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is empty when nothing of the score is known: an interval would then only look like knowledge.

    `out_of`: its highest total, when its bands say one. `open`: the components still to be known.
    """

    id: str
    label: str
    value: str
    out_of: str
    unit: str
    bands: str
    components: tuple[Component, ...]
    open: tuple[str, ...]


def scores(told: Answer, rulebook: Rulebook, scope: Literal["patient", "lesion"], language: str) -> Iterator[Score]:
    """The scores of one scope that apply, in the answer's order."""
    for name, score in told.items():
        if "components" in score and rulebook.scores[name].scope == scope:
            yield _score(name, score, rulebook.scores[name], language)


def _score(name: str, told: Answer, score: RulebookScore, language: str) -> Score:
    components = tuple(
        Component(
            each["label"],
            interval(each["points"][0], each["points"][1], language),
            each["points"][0] != each["points"][1],
        )
        for each in told["components"]
    )
    bands = [words for words in (told["bands"][:1] + told["bands"][1:][-1:]) if words]
    return Score(
        name,
        told["label"],
        _value(told, score, language),
        figure(max(band.high for band in score.bands), language) if score.bands else "",
        "" if told.get("unit") == "points" else unit(told.get("unit"), language),
        f" {either(language, 'à', 'to')} ".join(bands),
        # A score of one component is that component.
        components if len(components) > 1 else (),
        tuple(each.label for each in components if each.open),
    )


def _value(told: Answer, score: RulebookScore, language: str) -> str:
    low, high = told["total"]
    if low == high:
        return figure(low, language)
    known = [each["points"][0] for each in told["components"] if each["points"][0] == each["points"][1]]
    if score.bands:
        return interval(low, high, language) if known else ""
    # Without bands the upper end is only what the plausible values allow: the lower end alone says something.
    return f"{either(language, 'au moins', 'at least')}{NBSP}{figure(low, language)}" if any(known) else ""
