"""The trace: every rule that was considered, each criterion with its value, date and limit.

It carries enough for a reader who has nothing else to derive every verdict, status and place again
(tests/trace_checker.py does so without importing the service).
"""

from typing import Any

from service.language.facts import Facts, Listing, Moment
from service.language.kleene import UNKNOWN, VERDICTS, WORDS, conjunction, disjunction, negation
from service.language.meaning import Meaning, Situation
from service.language.open_items import OpenItem
from service.language.tree import (
    All,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    Settled,
    items_of,
)
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.rulebook.model import BoundRule
from service.tell.phrases import Phrases


def rule_key(bound: BoundRule) -> str:
    """The name of a rule in a trace: its id, with the technique when its condition speaks of the technique."""
    return bound.rule.id if bound.technique is None else f"{bound.rule.id}@{bound.technique}"


class Tracer:
    """Traces the rules of one lesion, in one language."""

    def __init__(self, recommendation: Recommendation, lesion: LesionRecommendation, language: str) -> None:
        self._recommendation = recommendation
        self._rulebook = recommendation.rulebook
        self._meaning: Meaning = recommendation.meaning
        self._lesion = lesion
        self._language = language
        self._phrases = Phrases(self._rulebook.vocabulary, self._rulebook.scores, language)
        #: criteria already told, by their text too, which takes no part in their equality
        self._told: dict[tuple[Leaf, str], dict[str, Any]] = {}
        self._facts: tuple[Facts, Facts] = (
            recommendation.case.patient,
            recommendation.case.lesions[lesion.judgement.place].facts,
        )

    def rule(self, place: int) -> dict[str, Any]:
        """One rule with its verdict, reason, evidence and criteria."""
        bound = self._rulebook.bound[place]
        rule, verdict = bound.rule, self._lesion.judgement.verdicts[place]
        entry: dict[str, Any] = {
            "rule": rule.id,
            "claim": rule.claim,
            "verdict": WORDS[verdict],
            "because": rule.because.in_(self._language),
            "certainty": rule.evidence.certainty,
            "sources": list(rule.evidence.sources),
            "verified": rule.evidence.verified,
            "criteria": self.node(bound.when, self._lesion.judgement.situation),
        }
        if rule.claim == "contraindicates":
            entry["severity"] = "absolute" if rule.absolute else "relative"
            entry["correctable"] = rule.correction is not None
        if rule.strength is not None:
            entry["strength"] = rule.strength
        if verdict == UNKNOWN:
            entry["open"] = [self.open_item(item) for item in sorted(self._lesion.judgement.open_items(place), key=str)]
        return entry

    def open_item(self, item: OpenItem) -> dict[str, Any]:
        entry: dict[str, Any] = {"item": item.item}
        if item.lesion is not None:
            entry["lesion"] = self._recommendation.case.lesions[item.lesion].id
        return entry

    def node(self, node: Node, situation: Situation) -> dict[str, Any]:
        match node:
            case All(parts):
                inner = [self.node(part, situation) for part in parts]
                return {"all": inner, "verdict": WORDS[conjunction(VERDICTS[part["verdict"]] for part in inner)]}
            case AnyOf(parts):
                inner = [self.node(part, situation) for part in parts]
                return {"any": inner, "verdict": WORDS[disjunction(VERDICTS[part["verdict"]] for part in inner)]}
            case Not(part):
                negated = self.node(part, situation)
                return {"not": negated, "verdict": WORDS[negation(VERDICTS[negated["verdict"]])]}
            case _:
                key = (node, node.text)
                if key not in self._told:
                    self._told[key] = self._leaf(node, situation)
                return self._told[key]

    def _leaf(self, leaf: Leaf, situation: Situation) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "criterion": leaf.text,
            "text": self._phrases.of(leaf),
            "verdict": WORDS[self._meaning.atom(leaf)(situation)],
        }
        match leaf:
            case Compare(term, operator, value, setting):
                entry |= {"operator": operator, "limit": value}
                if setting is not None:
                    entry["setting"] = setting
                entry |= (
                    self._score(term.name, situation) if term.quantity == "score" else self._measured(leaf, situation)
                )
            case Member(item, words):
                entry |= {"words": list(words)} | self._value(item, situation)
            case Includes(item, words):
                entry |= {"words": list(words)} | self._value(item, situation)
            case Flag(item):
                entry |= self._value(item, situation)
            case CountLesions(where, operator, value):
                verdicts = [
                    self._meaning.condition(where)(Situation(known, situation.lesions)) for known in situation.lesions
                ]
                certain, possible = verdicts.count(2), len(verdicts) - verdicts.count(0)
                entry |= {"operator": operator, "limit": value, "count": [certain, possible]}
                if certain != possible:
                    ids = [lesion.id for lesion in self._recommendation.case.lesions]
                    entry["lesions"] = {name: WORDS[verdict] for name, verdict in zip(ids, verdicts, strict=True)}
                    items = sorted(items_of(leaf))
                    entry["items"] = items
            case Settled(_, value):
                entry["value"] = value
            case _:
                pass
        return entry

    def _measured(self, leaf: Compare, situation: Situation) -> dict[str, Any]:
        entry = self._value(leaf.term.name, situation)
        value = situation.known.get(leaf.term.name)
        if isinstance(value, Moment):
            if leaf.term.quantity == "days_since":
                entry["days"] = value.days
            else:
                entry["hours"] = list(value.since)
        return entry

    def _score(self, name: str, situation: Situation) -> dict[str, Any]:
        low, high = self._meaning.score(name, situation)
        return {
            "score": name,
            "applies": WORDS[self._meaning.applies(name, situation)],
            "total": [low, high],
            "points": {part.id: [part.low, part.high] for part in self._meaning.components(name, situation)},
        }

    def _value(self, item: str, situation: Situation) -> dict[str, Any]:
        """The item, its value and date, or why it is unknown."""
        entry: dict[str, Any] = {"item": item}
        note = next((facts.notes[item] for facts in self._facts if item in facts.notes), None)
        if note is not None and note.date is not None:
            entry["date"] = note.date
        if item not in situation.known:
            entry["unknown"] = note.unknown if note is not None and note.unknown else "absent"
            return entry
        value = situation.known[item]
        match value:
            case Listing():
                entry |= {"present": sorted(value.present), "absent": sorted(value.absent), "complete": value.complete}
            case Moment():
                entry["value"] = value.instant.isoformat() if value.instant else value.day.isoformat()
            case _:
                entry["value"] = value
        return entry
