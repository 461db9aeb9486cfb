"""What a rulebook holds, told as plain data for both doors: its rules, techniques, scores and vocabulary.

Words are given in both languages; conditions as their authors wrote them.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from service.language.scores import Score
from service.language.tree import items_of, leaves, scores_of
from service.language.vocabulary import Item, Text
from service.rulebook.model import Arguments, Evidence, Rule, Rulebook, Target, Technique

Plain: TypeAlias = dict[str, Any]

#: keys of a rule that are shown as its author wrote them
_AS_WRITTEN = ("when", "because", "precaution", "correctable", "label", "action", "within")


class Catalogue:
    """Told once, looked up afterwards. Holds no patient and decides nothing."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._files: Mapping[str, Any] = json.loads(rulebook.content)
        self._written = {entry["id"]: entry for data in self._files.values() for entry in _rules_of(data)}
        self._scores = {data["score"]: data for data in self._files.values() if isinstance(data.get("score"), str)}

    # ---- the rulebook as a whole ----

    @cached_property
    def summary(self) -> Plain:
        """Name, version, digest, status, and how much it holds."""
        book = self.rulebook
        info = book.info
        claims = Counter(rule.claim for rule in book.rules.values())
        return {
            "name": info.name,
            "version": info.version,
            "digest": book.digest,
            "status": info.status,
            "effective": info.effective,
            "approved_by": list(info.approved_by),
            "timezone": info.timezone,
            "label": both(info.label),
            "notice": both(info.notice),
            "counts": {
                "rules": len(book.rules),
                "by_claim": dict(sorted(claims.items())),
                "unverified_rules": sum(not rule.evidence.verified for rule in book.rules.values()),
                "techniques": len(book.techniques),
                "modes": len(book.modes),
                "items": len(book.vocabulary.items),
                "scores": len(book.scores),
                "sources": len(book.sources),
            },
            "topics": self.topics,
        }

    @cached_property
    def topics(self) -> list[str]:
        return sorted({rule.topic for rule in self.rulebook.rules.values()})

    # ---- rules ----

    def rules(self, technique: str | None = None, topic: str | None = None) -> list[Plain]:
        """Every rule in short, by id; only those that bear on `technique`, only those of `topic`."""
        bearing = self._bearing_on(technique) if technique else None
        return [
            self._rule_in_short(rule)
            for name, rule in sorted(self.rulebook.rules.items())
            if (bearing is None or name in bearing) and (topic is None or rule.topic == topic)
        ]

    def rule(self, name: str) -> Plain:
        """One rule in full: its condition as written, its words, its evidence with full citations. KeyError if unknown."""
        rule = self.rulebook.rules[name]
        written = self._written[name]
        read = sorted({item for leaf in leaves(rule.when) for item in items_of(leaf)})
        scores = sorted({score for leaf in leaves(rule.when) for score in scores_of(leaf)})
        return {
            **self._rule_in_short(rule),
            **{key: written[key] for key in _AS_WRITTEN if key in written},
            "file": rule.file,
            "line": rule.line,
            "items": read,
            "scores": scores,
            "techniques": [name for name in self.rulebook.dossiers if rule.id in self._bearing_on(name)],
            "evidence": self.evidence(rule.evidence),
        }

    def _rule_in_short(self, rule: Rule) -> Plain:
        told: Plain = {"id": rule.id, "topic": rule.topic, "claim": rule.claim, "target": target(rule.target)}
        if rule.claim == "contraindicates":
            told["severity"] = "absolute" if rule.absolute else "relative"
        if rule.strength:
            told["strength"] = rule.strength
        evidence = {"certainty": rule.evidence.certainty, "verified": rule.evidence.verified}
        return {**told, "because": both(rule.because), "evidence": {**evidence, "sources": list(rule.evidence.sources)}}

    def _bearing_on(self, technique: str) -> frozenset[str]:
        return self._bearing[technique]

    @cached_property
    def _bearing(self) -> dict[str, frozenset[str]]:
        """Which rules bear on each technique, through its admissible modes too."""
        bound = self.rulebook.bound
        found = {}
        for name, dossier in self.rulebook.dossiers.items():
            arguments: list[Arguments] = [dossier.own]
            arguments += [of_mode for modes in dossier.modes.values() for of_mode in modes.values()]
            found[name] = frozenset(bound[place].rule.id for argument in arguments for place in argument.all())
        return found

    def evidence(self, evidence: Evidence) -> Plain:
        """Certainty, and every source with its full citation."""
        sources = [self.rulebook.sources[key] for key in evidence.sources]
        return {
            "certainty": evidence.certainty,
            "verified": evidence.verified,
            "sources": [
                {"key": source.key, "citation": source.citation, "where": source.where, "supports": source.supports}
                for source in sources
            ],
        }

    # ---- what rules speak of ----

    @cached_property
    def vocabulary(self) -> Plain:
        """Sections in order, then every item."""
        words = self.rulebook.vocabulary
        return {
            "sections": [{"id": name, "label": both(label)} for name, label in words.sections.items()],
            "items": [self.item(item.id) for item in words],
        }

    def item(self, name: str) -> Plain:
        """One item: type, unit and accepted spellings, plausible range, freshness, words, codes. KeyError if unknown."""
        item = self.rulebook.vocabulary[name]
        told: Plain = {
            "id": item.id,
            "section": item.section,
            "scope": item.scope,
            "type": item.type,
            "label": both(item.label),
            "help": both(item.help),
            **_number(item),
        }
        if item.choices:
            told["choices"] = {word: both(label) for word, label in item.choices.items()}
        if item.fresh_for is not None:
            told["fresh_for_hours"] = item.fresh_for
        return {
            **told,
            "changeable": item.changeable,
            "checklist": name in self.rulebook.checklist,
            "codes": item.codes,
        }

    @cached_property
    def scores(self) -> list[Plain]:
        return [self._score(score) for _, score in sorted(self.rulebook.scores.items())]

    def score(self, name: str) -> Plain:
        """One score with its point table as written. KeyError if unknown."""
        written = self._scores[name]
        told = self._score(self.rulebook.scores[name])
        sources = [self.rulebook.sources[key] for key in written["evidence"]["sources"]]
        cited = [{"key": source.key, "citation": source.citation} for source in sources]
        return {
            **told,
            **{key: written[key] for key in ("applies", "components") if key in written},
            "evidence": {**written["evidence"], "sources": cited},
        }

    def _score(self, score: Score) -> Plain:
        bands = [{"from": band.low, "to": band.high, "label": both(band.label)} for band in score.bands]
        told: Plain = {"id": score.id, "label": both(score.label), "scope": score.scope, "bands": bands}
        return {**told, "unit": score.unit} if score.unit else told

    @cached_property
    def techniques(self) -> list[Plain]:
        return [self.technique(name) for name in sorted(self.rulebook.techniques)]

    def technique(self, name: str) -> Plain:
        """One technique: what it is, its admissible modes, and its measured benefit. KeyError if unknown."""
        technique = self.rulebook.techniques[name]
        return {
            "id": name,
            "label": both(technique.label),
            "summary": both(technique.summary),
            "traits": {trait: both(self.rulebook.traits[trait]) for trait in sorted(technique.traits)},
            "parts": list(technique.parts),
            "duration_minutes": technique.duration,
            "position": technique.position,
            "burden": technique.burden,
            **{kind: list(modes) for kind, modes in technique.modes.items()},
            "benefit": [self._benefit(technique, at) for at in range(len(technique.benefits))],
        }

    def _benefit(self, technique: Technique, at: int) -> Plain:
        benefit = technique.benefits[at]
        told: Plain = {"measure": benefit.measure, "low": benefit.low, "high": benefit.high, "unit": benefit.unit}
        for key, hours in (("by_hours", benefit.by), ("lasts_hours", benefit.lasts)):
            if hours is not None:
                told[key] = hours
        if benefit.note:
            told["note"] = both(benefit.note)
        return {**told, "evidence": self.evidence(benefit.evidence)}


def both(text: Text) -> dict[str, str]:
    return {"fr": text.fr, "en": text.en}


def target(of: Target) -> Plain:
    """A target as rule files write it."""
    told: Plain = {}
    if of.techniques:
        told["technique"] = list(of.techniques)
    if of.traits:
        told["trait"] = list(of.traits)
    if of.mode:
        told[of.mode[0]] = of.mode[1]
    return told


def _number(item: Item) -> Plain:
    if item.type != "number":
        return {}
    told: Plain = {"range": [item.low, item.high], "step": item.step}
    return {"unit": item.unit, "units": dict(item.units), **told} if item.unit else told


def _rules_of(data: Any) -> Iterator[Any]:
    """The rules of one file, in whichever list they stand."""
    if isinstance(data, dict):
        for name in ("rules", "indications", "favours", "contraindications"):
            entries = data.get(name, [])
            if isinstance(entries, list):
                yield from entries
