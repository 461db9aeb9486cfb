"""One option as a card: what it is, why, what stands against it, and what would change it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.rulebook.model import MODE_KINDS, STRENGTHS, Rulebook
from service.tell import words
from service.tell.answer import Answer
from service.web.form.chart import Chart, charts
from service.web.form.result_words import (
    NBSP,
    Badge,
    badge,
    certainty,
    either,
    in_order,
    interval,
    moment,
    strength,
    typeset,
)

#: statuses whose sentence repeats what the card tells apart: the conditions, the correction, the precaution
_TOLD_APART = frozenset({"undetermined", "deferred", "cautioned"})


@dataclass(frozen=True, slots=True)
class Frame:
    """What telling one lesion needs: the whole answer, the lesion's own part of it, and the rulebook's words."""

    answer: Answer
    lesion: Answer
    rulebook: Rulebook
    language: str

    @property
    def anchor(self) -> str:
        return str(self.lesion["id"])

    def because(self, key: str) -> str:
        """Why a rule says what it says: as the answer tells it, or from the rulebook when the answer leaves it out."""
        if key in self.lesion["rules"]:
            return str(self.lesion["rules"][key]["because"])
        return typeset(self.rulebook.rules[key.partition("@")[0]].because.in_(self.language))


@dataclass(frozen=True, slots=True)
class ItemLink:
    """An item to be answered; `lesion` is None when it is about the patient."""

    item: str
    lesion: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Mode:
    label: str
    badge: Badge
    earliest: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of one kind, best first: the first is the one chosen."""

    kind: str
    label: str
    chosen: Mode
    others: tuple[Mode, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One expected benefit in words. `drawn`: it has a moment, and stands in the chart under its number."""

    number: int
    value: str
    label: str
    when: str
    certainty: str
    certainty_word: str
    sources: tuple[str, ...]
    verified: bool
    note: str
    drawn: bool


@dataclass(frozen=True, slots=True)
class Benefit:
    """The figures in the rulebook's order, with their charts."""

    figures: tuple[Figure, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Precaution:
    text: str
    because: str
    correction: str


@dataclass(frozen=True, slots=True)
class Correction:
    by: str
    because: str
    lead_time: str
    earliest: str
    recheck: ItemLink | None


@dataclass(frozen=True, slots=True)
class Step:
    """One value to be changed: label, what it is, what it would have to be."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """What would make the option eligible; or, if `steps` is empty, the reasons that nobody can turn."""

    steps: tuple[Step, ...]
    precautions_remain: bool
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Founding:
    """What the indication rests on, in words; empty when none holds yet."""

    words: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One card."""

    anchor: str
    rank: int
    technique: str
    label: str
    badge: Badge
    earliest: str
    why: str
    founding: Founding
    modes: tuple[Modes, ...]
    benefit: Benefit | None
    precautions: tuple[Precaution, ...]
    corrections: tuple[Correction, ...]
    provided_that: tuple[str, ...]
    #: the most telling first
    questions: tuple[ItemLink, ...]
    to_verify: tuple[ItemLink, ...]
    may_add: tuple[ItemLink, ...]
    why_here: str
    change: Change | None
    #: what it can end as, when that is not settled: at best, at worst
    outlook: tuple[Badge, Badge] | None
    #: reasons that hold and rest on an unchecked figure, and how many more are still open
    unverified: tuple[str, ...]
    unverified_open: int

    @property
    def unchecked(self) -> bool:
        """Whether a rule or a benefit behind this card rests on a figure nobody has checked."""
        return (
            bool(self.unverified)
            or self.unverified_open > 0
            or (self.benefit is not None and any(not each.verified for each in self.benefit.figures))
        )


def option_card(option: Answer, frame: Frame) -> Option:
    """The card of an option that may be offered."""
    language = frame.language
    holding = set(option["unverified"]) & {key.partition("@")[0] for key in holding_rules(option)}
    return Option(
        anchor=f"{frame.anchor}-{option['technique']}",
        rank=option["rank"],
        technique=option["technique"],
        label=option["label"],
        badge=badge(option["status"], language),
        earliest=moment(option["earliest"], language) if "earliest" in option else "",
        why=_why(option, frame),
        founding=_founding(option, frame),
        modes=tuple(_modes(kind, option[kind], frame) for kind in MODE_KINDS if option[kind]),
        benefit=_benefit(option["benefits"], language),
        precautions=tuple(
            Precaution(each["precaution"], each["because"], each.get("correction", ""))
            for each in option["precautions"]
        ),
        corrections=tuple(_correction(each, frame) for each in option["corrections"]),
        provided_that=tuple(option.get("provided_that", ())),
        questions=_questions(option["questions"], frame),
        to_verify=_links(option["to_verify"], frame),
        may_add=_links(option["may_call_for_precautions"], frame),
        why_here=option.get("why_here", ""),
        change=change(option, frame),
        outlook=_outlook(option, language),
        unverified=in_order(frame.because(rule) for rule in sorted(holding)),
        unverified_open=len(option["unverified"]) - len(holding),
    )


def holding_rules(option: Answer) -> Iterator[str]:
    """The rules that hold and bear on the option or on the modes chosen for it, by their key in the answer."""
    chosen = [option[kind][0] for kind in MODE_KINDS if option.get(kind)]
    for arguments in (option["arguments"], *(mode["arguments"] for mode in chosen)):
        for rules in arguments.values():
            yield from (key for key, verdict in rules.items() if verdict == "yes")


def change(option: Answer, frame: Frame) -> Change | None:
    """What would make it eligible; None when nothing known stands against it."""
    told = option.get("to_be_eligible")
    if told is None:
        return None
    steps = tuple(Step(each["label"], each["from"], each["to"]) for each in told.get("changes", ()))
    blocked = in_order(frame.because(rule) for rule in told.get("blocked_by", ()))
    return Change(steps, told.get("precautions_remain", False), blocked)


def _why(option: Answer, frame: Frame) -> str:
    if option["status"] not in _TOLD_APART:
        return str(option["why"])
    key = _indication(option, frame)
    return frame.because(key) if key is not None else ""


def _indication(option: Answer, frame: Frame) -> str | None:
    """The strongest indication that holds."""
    keys = [key for key, verdict in option["arguments"].get("indications", {}).items() if verdict == "yes"]
    rules = frame.lesion["rules"]
    return min(keys, key=lambda key: (STRENGTHS.index(rules[key]["strength"]), rules[key]["rule"]), default=None)


def _founding(option: Answer, frame: Frame) -> Founding:
    key = _indication(option, frame)
    if key is None:
        return Founding("", ())
    rule = frame.lesion["rules"][key]
    told = f"{strength(rule['strength'], frame.language)}, {certainty(rule['certainty'], frame.language)}"
    return Founding(words.sentence(told).removesuffix("."), tuple(rule["sources"]))


def _modes(kind: str, modes: Sequence[Answer], frame: Frame) -> Modes:
    told = [
        Mode(
            mode["label"],
            badge(mode["status"], frame.language),
            moment(mode["earliest"], frame.language) if "earliest" in mode else "",
            in_order(
                frame.because(key)
                for rules in mode["arguments"].values()
                for key, verdict in rules.items()
                if verdict == "yes"
            ),
        )
        for mode in modes
    ]
    return Modes(kind, words.KIND[kind].in_(frame.language), told[0], tuple(told[1:]))


def _benefit(benefits: Sequence[Answer], language: str) -> Benefit | None:
    if not benefits:
        return None
    figures = tuple(_figure(number, benefit, language) for number, benefit in enumerate(benefits, 1))
    return Benefit(figures, charts(benefits, language))


def _figure(number: int, benefit: Mapping[str, Any], language: str) -> Figure:
    value = interval(benefit["low"], benefit["high"], language, digits=2)
    sign = f"{NBSP if language == 'fr' else ''}%" if benefit["unit"] == "%" else f"{NBSP}{_points(benefit, language)}"
    return Figure(
        number,
        value + sign,
        benefit["label"],
        _when(benefit, language),
        benefit["certainty"],
        certainty(benefit["certainty"], language),
        tuple(benefit["sources"]),
        benefit["verified"],
        benefit.get("note", ""),
        "by_hours" in benefit,
    )


def _points(benefit: Mapping[str, Any], language: str) -> str:
    return "point" if benefit["high"] < (2 if language == "fr" else 1.01) else "points"


def _when(benefit: Mapping[str, Any], language: str) -> str:
    """«à 2 jours, jusqu’à 6 mois»: when it was measured, and until when it lasts after the act."""
    parts = []
    if "by" in benefit:
        parts.append(f"{either(language, 'à', 'at')}{NBSP}{benefit['by']}")
    if "lasts" in benefit and benefit["lasts_hours"] > benefit.get("by_hours", 0.0):
        parts.append(f"{either(language, 'jusqu’à', 'up to')}{NBSP}{benefit['lasts']}")
    return ", ".join(parts) or either(language, "moment non précisé", "moment not stated")


def _correction(correction: Answer, frame: Frame) -> Correction:
    recheck = correction.get("recheck")
    return Correction(
        correction["by"],
        correction["because"],
        words.duration(correction["lead_time_hours"], frame.language) if correction["lead_time_hours"] else "",
        moment(correction["earliest"], frame.language),
        None if recheck is None else _links([{"item": recheck}], frame)[0],
    )


def _links(items: Iterable[Answer], frame: Frame) -> tuple[ItemLink, ...]:
    vocabulary, language = frame.rulebook.vocabulary, frame.language
    return tuple(
        ItemLink(
            each["item"],
            # A rule names an item without saying whose it is.
            each.get("lesion") or (frame.anchor if vocabulary[each["item"]].scope == "lesion" else None),
            vocabulary[each["item"]].label.in_(language),
        )
        for each in items
    )


def _questions(items: Iterable[Answer], frame: Frame) -> tuple[ItemLink, ...]:
    asked = {
        (question["item"], question.get("lesion")): place for place, question in enumerate(frame.answer["questions"])
    }
    links = _links(items, frame)
    return tuple(sorted(links, key=lambda link: asked.get((link.item, link.lesion), len(asked))))


def _outlook(option: Answer, language: str) -> tuple[Badge, Badge] | None:
    if option["if_well"] == option["if_badly"]:
        return None
    return badge(option["if_well"], language), badge(option["if_badly"], language)
