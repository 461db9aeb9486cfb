"""The answer: a recommendation as plain JSON, in one language, with its reasons and its trace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.language.kleene import NO, UNKNOWN, WORDS, YES
from service.language.open_items import OpenItem
from service.language.vocabulary import Text
from service.recommend.options import ModeChoice, Option
from service.recommend.questions import Question, asked_of, precautions_to_check, to_verify
from service.recommend.ranking import Ranked
from service.recommend.recommendation import Alert, LesionRecommendation, Recommendation
from service.rulebook.model import MODE_KINDS, STATUSES, Arguments, Benefit, ModeKind, Status
from service.tell import words
from service.tell.change import Changer, DeadEnd
from service.tell.sentences import Sentences
from service.tell.trace import Tracer, rule_key
from service.tell.values import told
from service.tell.why import compared

Answer: TypeAlias = dict[str, Any]

#: statuses of options that may be offered, now or later
OFFERED: frozenset[Status] = frozenset({"eligible", "provisional", "cautioned", "undetermined", "deferred"})
#: of a mode, the arguments that the decisive answer tells when they hold
KNOWN_OF_MODES = ("excluding", "deferring", "cautions", "favours")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies an answer: the same stamp and input give the same bytes."""

    rulebook: str
    rulebook_version: str
    rulebook_status: str
    rulebook_digest: str
    engine_version: str
    evaluated_at: str
    input_digest: str


def answer(recommendation: Recommendation, stamp: Stamp, language: str, detail: str) -> Answer:
    """Everything a clinician or a machine is told. `detail` is "decisive" (rules that matter) or "full" (all rules)."""
    full = detail == "full"
    rulebook = recommendation.rulebook
    told_lesions = [_Lesion(recommendation, lesion, language, full=full).told() for lesion in recommendation.lesions]
    result: Answer = {
        "rulebook": {
            "name": stamp.rulebook,
            "version": stamp.rulebook_version,
            "status": stamp.rulebook_status,
            "digest": stamp.rulebook_digest,
        },
        "engine_version": stamp.engine_version,
        "evaluated_at": stamp.evaluated_at,
        "input_digest": stamp.input_digest,
        "language": language,
        "detail": detail,
        "notice": rulebook.info.notice.in_(language),
        "alerts": [_alert(alert, recommendation, language) for alert in recommendation.alerts],
        "lesions": told_lesions,
        "labels": {name: rulebook.vocabulary[name].label.in_(language) for name in sorted(_named(told_lesions))},
        "questions": [_question(question, recommendation, language) for question in recommendation.questions],
        "session": _session(recommendation, language),
    }
    if full:
        result["ranking"] = _ranking(recommendation, language)
        result["checklist"] = sorted(rulebook.checklist)
    return result


def _named(told_lesions: list[Answer]) -> set[str]:
    """Items that the options name as open."""
    lists = ("questions", "to_verify", "may_call_for_precautions")
    return {
        item["item"]
        for lesion in told_lesions
        for option in lesion["options"]
        for name in lists
        for item in option.get(name, ())
    }


def _in_order(item: OpenItem) -> tuple[int, str]:
    return (-1 if item.lesion is None else item.lesion, item.item)


def _alert(alert: Alert, recommendation: Recommendation, language: str) -> Answer:
    rule = recommendation.rulebook.rules[alert.rule]
    entry: Answer = {
        "rule": rule.id,
        "label": _in(rule.label, language),
        "because": rule.because.in_(language),
        "action": _in(rule.action, language),
        "within": words.duration(rule.within or 0.0, language),
        "within_hours": rule.within,
        "blocks": not rule.target.nothing,
        "sources": list(rule.evidence.sources),
        "verified": rule.evidence.verified,
    }
    return {**entry, "lesions": list(alert.lesions)} if alert.lesions else entry


def _question(question: Question, recommendation: Recommendation, language: str) -> Answer:
    item = recommendation.rulebook.vocabulary[question.item]
    entry: Answer = {
        "item": item.id,
        "label": item.label.in_(language),
        "help": item.help.in_(language),
        "type": item.type,
        "alerts": list(question.alerts),
        "effects": [
            {
                "lesion": lesion,
                "technique": effect.technique,
                "rules": list(effect.rules),
                "if_well": effect.if_well,
                "if_badly": effect.if_badly,
            }
            for lesion, effect in question.effects
        ],
    }
    if item.unit:
        entry["unit"] = item.unit
    if question.lesion is not None:
        entry["lesion"] = question.lesion
    return entry


def _session(recommendation: Recommendation, language: str) -> Answer:
    rulebook, plan = recommendation.rulebook, recommendation.plan
    sessions = []
    for session in plan.sessions:
        entry: Answer = {"lesions": list(session.lesions)}
        if session.anaesthesia is not None:
            entry["anaesthesia"] = session.anaesthesia
            entry["anaesthesia_label"] = rulebook.modes[("anaesthesia", session.anaesthesia)].label.in_(language)
            entry["status"] = session.status
        sessions.append(entry)
    return {
        "order": list(plan.order),
        "sessions": sessions,
        "max_sites": rulebook.session.max_sites,
        "because": rulebook.session.because.in_(language),
    }


def _ranking(recommendation: Recommendation, language: str) -> Answer:
    ranking = recommendation.rulebook.ranking
    return {
        "statuses": list(STATUSES),
        "standings": [
            {"id": tier.id, "statuses": list(tier.statuses), "deferred_within_hours": tier.deferred_within}
            for tier in ranking.standings
        ],
        "keys": [{"key": key.name, "label": key.label.in_(language)} for key in ranking.keys],
        "mode_keys": list(ranking.mode_keys),
    }


def _in(text: Text | None, language: str) -> str:
    return text.in_(language) if text is not None else ""


class _Lesion:
    """Tells one lesion."""

    def __init__(
        self, recommendation: Recommendation, lesion: LesionRecommendation, language: str, *, full: bool
    ) -> None:
        self._recommendation = recommendation
        self._rulebook = recommendation.rulebook
        self._lesion = lesion
        self._judgement = lesion.judgement
        self._language = language
        self._full = full
        self._sentences = Sentences(recommendation, lesion, language)
        self._tracer = Tracer(recommendation, lesion, language)
        self._changer = Changer(recommendation, lesion)
        self._cited: set[int] = set()

    def told(self) -> Answer:
        options = [self._option(at, ranked) for at, ranked in enumerate(self._lesion.ranked)]
        # Alerts that only warn stand against no option, and are traced all the same.
        self._cited |= {
            place for place in self._rulebook.warnings if self._full or self._judgement.verdicts[place] == YES
        }
        rules = {rule_key(self._rulebook.bound[place]): self._tracer.rule(place) for place in sorted(self._cited)}
        scores = {
            name: self._score(name)
            for name in sorted(self._rulebook.scores)
            if self._recommendation.meaning.applies(name, self._judgement.situation) == YES
        }
        return {"id": self._judgement.lesion, "options": options, "rules": rules, "scores": scores}

    def _score(self, name: str) -> Answer:
        """A score as it stands: its total and each component as intervals while something is missing."""
        score, meaning = self._rulebook.scores[name], self._recommendation.meaning
        low, high = meaning.score(name, self._judgement.situation)
        points = meaning.components(name, self._judgement.situation)
        entry: Answer = {
            "label": score.label.in_(self._language),
            "total": [low, high],
            "bands": [band.label.in_(self._language) for band in score.bands if band.low <= high and low <= band.high],
            "components": [
                {"id": part.id, "label": component.label.in_(self._language), "points": [part.low, part.high]}
                for component, part in zip(score.components, points, strict=True)
            ],
        }
        return {**entry, "unit": score.unit} if score.unit else entry

    def _option(self, at: int, ranked: Ranked) -> Answer:
        option, language = ranked.option, self._language
        offered = option.status in OFFERED
        entry: Answer = {
            "rank": ranked.rank,
            "technique": option.technique.id,
            "label": option.technique.label.in_(language),
            "standing": ranked.standing,
            "status": option.status,
            "status_label": words.STATUS[option.status].in_(language),
            "final": option.possible == {option.status},
            "possible": sorted(option.possible, key=STATUSES.index),
            "why": self._sentences.why(option),
            "keys": dict(ranked.keys),
        }
        if at > 0:
            entry["why_here"] = compared(self._lesion.ranked[at - 1], ranked, self._rulebook, language)
        if option.earliest is not None:
            entry["earliest"] = option.earliest.isoformat()
        if offered or self._full:
            entry |= self._details(option)
        if self._full or option.status != "not_indicated":
            entry["to_be_eligible"] = self._change(option)
        shown = None if offered or self._full else ("alerts", "excluding")
        entry["arguments"] = self._arguments(option.arguments, shown)
        return entry

    def _details(self, option: Option) -> Answer:
        """What is told of an option that may be offered; of the others only on demand."""
        checklist = self._rulebook.checklist
        asked = {item for _, items in asked_of(option, self._judgement) for item in items if item.item not in checklist}
        entry: Answer = {
            "plan": self._sentences.plan(option),
            "if_well": option.if_well,
            "if_badly": option.if_badly,
            **{kind: [self._mode(kind, choice) for choice in option.modes[kind]] for kind in MODE_KINDS},
            "benefits": [self._benefit(benefit) for benefit in option.technique.benefits],
            "precautions": self._precautions(option),
            "corrections": self._corrections(option),
            "questions": self._items(sorted(asked, key=_in_order)),
            "to_verify": self._items(to_verify(option, self._judgement, checklist)),
            "may_call_for_precautions": self._items(precautions_to_check(option, self._judgement, checklist)),
            "unverified": self._unverified(option),
        }
        if option.status == "undetermined":
            entry["provided_that"] = self._sentences.provisos(option)
        return entry

    def _mode(self, kind: ModeKind, choice: ModeChoice) -> Answer:
        entry: Answer = {
            "mode": choice.mode,
            "label": self._rulebook.modes[(kind, choice.mode)].label.in_(self._language),
            "status": choice.status,
            "favours": choice.favours,
            "preference": choice.preference,
        }
        if choice.earliest is not None:
            entry["earliest"] = choice.earliest.isoformat()
        # What is known for and against each mode; with the full trace also what is not.
        entry["arguments"] = self._arguments(choice.arguments, None if self._full else KNOWN_OF_MODES)
        return entry

    def _arguments(self, arguments: Arguments, kinds: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
        """Rule -> verdict, by kind of argument: all, or with `kinds` those that hold, of these kinds alone.

        The decisive answer leaves out what is known not to hold, and open arguments in favour.
        """
        told_arguments: dict[str, dict[str, str]] = {}
        for kind in Arguments.__dataclass_fields__:
            shown = {}
            for place in getattr(arguments, kind):
                verdict = self._judgement.verdicts[place]
                open_and_told = verdict == UNKNOWN and kind != "favours" and kinds is None
                if self._full or (verdict == YES and (kinds is None or kind in kinds)) or open_and_told:
                    self._cited.add(place)
                    shown[rule_key(self._rulebook.bound[place])] = WORDS[verdict]
            if shown:
                told_arguments[kind] = shown
        return told_arguments

    def _holding(self, option: Option, kind: str) -> list[int]:
        return [
            place
            for arguments in option.bearing_arguments()
            for place in getattr(arguments, kind)
            if self._judgement.verdicts[place] == YES
        ]

    def _precautions(self, option: Option) -> list[Answer]:
        found = []
        for place in self._holding(option, "cautions"):
            rule = self._rulebook.bound[place].rule
            entry = {
                "rule": rule.id,
                "precaution": _in(rule.precaution, self._language),
                "because": rule.because.in_(self._language),
            }
            if rule.correction is not None:
                entry["correction"] = rule.correction.by.in_(self._language)
            found.append(entry)
        return found

    def _corrections(self, option: Option) -> list[Answer]:
        found = []
        for place in self._holding(option, "deferring"):
            rule = self._rulebook.bound[place].rule
            assert rule.correction is not None
            entry: Answer = {
                "rule": rule.id,
                "because": rule.because.in_(self._language),
                "by": rule.correction.by.in_(self._language),
                "lead_time_hours": rule.correction.lead_time,
                "earliest": self._lesion.maker.corrected(rule).isoformat(),
            }
            if rule.correction.recheck is not None:
                entry["recheck"] = rule.correction.recheck
            found.append(entry)
        return found

    def _benefit(self, benefit: Benefit) -> Answer:
        entry: Answer = {
            "measure": benefit.measure,
            "label": words.MEASURE[benefit.measure].in_(self._language),
            "low": benefit.low,
            "high": benefit.high,
            "unit": benefit.unit,
            "certainty": benefit.evidence.certainty,
            "sources": list(benefit.evidence.sources),
            "verified": benefit.evidence.verified,
        }
        for name, hours in (("by", benefit.by), ("lasts", benefit.lasts)):
            if hours is not None:
                entry[name] = words.duration(hours, self._language)
                entry[f"{name}_hours"] = hours
        if benefit.note is not None:
            entry["note"] = benefit.note.in_(self._language)
        return entry

    def _items(self, items: Iterable[OpenItem]) -> list[Answer]:
        return [self._tracer.open_item(item) for item in items]

    def _unverified(self, option: Option) -> list[str]:
        """Rules that decide this option and rest on an unchecked figure."""
        return sorted(
            {
                self._rulebook.bound[place].rule.id
                for arguments in option.bearing_arguments()
                for place in arguments.all()
                if self._judgement.verdicts[place] != NO and not self._rulebook.bound[place].rule.evidence.verified
            }
        )

    def _change(self, option: Option) -> Answer | None:
        """The smallest changes that would make the act eligible; null when nothing known stands against it."""
        way = self._changer.way_out(option)
        if way is None:
            return None
        if isinstance(way, DeadEnd):
            return {"possible": False, "blocked_by": list(way.rules)}
        vocabulary = self._rulebook.vocabulary
        return {
            "possible": True,
            "precautions_remain": way.precautions_remain,
            "changes": [
                {
                    "item": name,
                    "label": vocabulary[name].label.in_(self._language),
                    "from": told(vocabulary[name], self._judgement.situation.known[name], self._language),
                    "to": told(vocabulary[name], value, self._language),
                }
                for name, value in sorted(way.changes.items())
            ],
        }
