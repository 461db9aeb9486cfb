"""Questions: the unknown items that can still change the answer, the most telling first.

An item is asked when it keeps open a rule that can change the status of an option that may still be offered, or an
alert. Items of the pre-procedure checklist are not asked one by one: they are listed as "to verify".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.open_items import OpenItem
from service.recommend.judge import LesionJudgement
from service.recommend.options import BINDING, Option
from service.recommend.ranking import Ranked
from service.rulebook.bearing import bearing, status_of, together
from service.rulebook.model import Rulebook, Status

#: options whose status nothing can improve or whose indication is known to be absent are not worth a question
_CLOSED: frozenset[Status] = frozenset({"preempted", "excluded", "not_indicated"})


@dataclass(frozen=True, slots=True)
class Effect:
    """What a question can do to one option: its status if that item alone is answered well, and if badly."""

    technique: str
    rules: tuple[str, ...]
    if_well: Status
    if_badly: Status


@dataclass(frozen=True, slots=True)
class Question:
    """One unknown item, of the patient or of a lesion (by id), and what its answer can change."""

    item: str
    lesion: str | None
    alerts: tuple[str, ...]
    effects: tuple[tuple[str, Effect], ...]


def asked_of(option: Option, judgement: LesionJudgement) -> list[tuple[int, frozenset[OpenItem]]]:
    """The open rules that must be asked before the option is decided, with their open items."""
    return [
        (place, judgement.open_items(place))
        for arguments in option.bearing_arguments()
        for place in (*arguments.alerts, *arguments.excluding, *arguments.deferring, *arguments.indications)
        if judgement.verdicts[place] == UNKNOWN
        and place not in judgement.to_verify
        # Once one indication holds, the others can no longer change the status.
        and not (place in arguments.indications and option.bearing.indicated == YES)
    ]


def to_verify(option: Option, judgement: LesionJudgement, checklist: Mapping[str, int]) -> list[OpenItem]:
    """Checklist items that are still open for this option: verified just before the act."""
    return sorted(
        {
            item
            for arguments in option.bearing_arguments()
            for place in (*arguments.alerts, *arguments.excluding, *arguments.deferring, *arguments.cautions)
            if judgement.verdicts[place] == UNKNOWN
            for item in judgement.open_items(place)
            if item.item in checklist
        },
        key=lambda item: (checklist[item.item], item.lesion or 0),
    )


def precautions_to_check(option: Option, judgement: LesionJudgement, checklist: Mapping[str, int]) -> list[OpenItem]:
    """Items outside the checklist that could at most call for a precaution."""
    return sorted(
        {
            item
            for arguments in option.bearing_arguments()
            for place in arguments.cautions
            if judgement.verdicts[place] == UNKNOWN
            for item in judgement.open_items(place)
            if item.item not in checklist
        },
        key=_order,
    )


def questions(
    ranked: Sequence[tuple[LesionJudgement, Sequence[Ranked]]], rulebook: Rulebook, warnings: Iterable[int]
) -> list[Question]:
    """Every question worth asking, the most telling first.

    Order: those that could raise an alert; then by the best-placed option they bear on, weighing first places most;
    then by how many options they bear on; then those that settle a rule alone; then by id.
    """
    lesions = [judgement.lesion for judgement, _ in ranked]
    effects: dict[OpenItem, list[tuple[str, Effect]]] = {}
    alerts: dict[OpenItem, set[str]] = {}
    best_rank: dict[OpenItem, int] = {}
    alone: dict[OpenItem, int] = {}
    for judgement, options in ranked:
        for place in warnings:
            if judgement.verdicts[place] == UNKNOWN and place not in judgement.to_verify:
                for item in judgement.open_items(place):
                    alerts.setdefault(item, set()).add(rulebook.bound[place].rule.id)
        for entry in options:
            option = entry.option
            if option.status in _CLOSED:
                continue
            open_rules = asked_of(option, judgement)
            for item in {item for _, items in open_rules for item in items}:
                if item.item in rulebook.checklist:
                    continue
                places = [place for place, items in open_rules if item in items]
                effect = _effect(option, judgement, places, rulebook)
                # An answer that leaves the status as it is, good or bad, is still asked when others are open beside it.
                if effect.if_well == effect.if_badly == option.status != "undetermined":
                    continue
                effects.setdefault(item, []).append((judgement.lesion, effect))
                alerts.setdefault(item, set()).update(
                    rulebook.bound[place].rule.id for place in places if rulebook.bound[place].rule.claim == "preempts"
                )
                best_rank[item] = min(best_rank.get(item, entry.rank), entry.rank)
                alone[item] = alone.get(item, 0) + sum(len(items) == 1 for _, items in open_rules if item in items)

    def order(item: OpenItem) -> tuple[object, ...]:
        return (
            not alerts.get(item),
            best_rank.get(item, len(rulebook.techniques) + 1),
            -len(effects.get(item, [])),
            -alone.get(item, 0),
            _order(item),
        )

    everything = sorted({*effects, *(item for item, rules in alerts.items() if rules)}, key=order)
    return [
        Question(
            item.item,
            None if item.lesion is None else lesions[item.lesion],
            tuple(sorted(alerts.get(item, ()))),
            tuple(effects.get(item, [])),
        )
        for item in everything
        if item.item not in rulebook.checklist
    ]


def _effect(option: Option, judgement: LesionJudgement, places: Sequence[int], rulebook: Rulebook) -> Effect:
    return Effect(
        option.technique.id,
        tuple(sorted({rulebook.bound[place].rule.id for place in places})),
        _status_if(option, judgement, places, well=True),
        _status_if(option, judgement, places, well=False),
    )


def _status_if(option: Option, judgement: LesionJudgement, places: Sequence[int], *, well: bool) -> Status:
    """The status of the act if the open rules at `places` are settled in its favour, or against it."""
    verdicts: list[Verdict] = list(judgement.verdicts)
    for place in places:
        favourable = place in option.arguments.indications
        verdicts[place] = YES if favourable == well else NO
    parts = [bearing(option.arguments, verdicts, judgement.to_verify)]
    for kind in BINDING:
        chosen = option.chosen(kind)
        if chosen is not None:
            parts.append(bearing(chosen.arguments, verdicts, judgement.to_verify, mode=True))
    return status_of(together(parts[0], *parts[1:]))


def _order(item: OpenItem) -> tuple[int, str]:
    return (-1 if item.lesion is None else item.lesion, item.item)
