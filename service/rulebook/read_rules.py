"""Reads the rules, wherever they stand: topic files, technique files and mode files."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from service.language.errors import LanguageError
from service.language.parser import MomentAfter, Words, parse_moment
from service.language.units import hours
from service.rulebook.drafting import Draft, evidence_of, optional_text, text_of, words_of
from service.rulebook.model import (
    MODE_KINDS,
    Benefit,
    Claim,
    Correction,
    Evidence,
    Mode,
    ModeKind,
    Rule,
    Target,
    Technique,
)
from service.rulebook.read_words import read_node
from service.rulebook.source import Document, Keys

CLAIMS: tuple[Claim, ...] = ("indicates", "favours", "contraindicates", "preempts")
_LISTS: dict[str, Claim] = {"indications": "indicates", "favours": "favours", "contraindications": "contraindicates"}

#: what each claim must and may say beside id, when, because, evidence
_REQUIRED: dict[Claim, tuple[str, ...]] = {
    "indicates": ("strength",),
    "favours": (),
    "contraindicates": ("severity",),
    "preempts": ("label", "action", "within"),
}
_DETAILS = ("strength", "severity", "correctable", "precaution", "label", "action", "within")
_ALLOWED: dict[Claim, tuple[str, ...]] = {
    "indicates": ("strength",),
    "favours": (),
    "contraindicates": ("severity", "correctable", "precaution"),
    "preempts": ("label", "action", "within"),
}


class RuleReader:
    """Reads rules over one set of words, techniques, modes, traits and sources."""

    def __init__(
        self, draft: Draft, words: Words, sources: Any, traits: Any, techniques: set[str], modes: set[tuple[str, str]]
    ) -> None:
        self.draft = draft
        self.words = words
        self.sources = sources
        self.traits = traits
        self.techniques = techniques
        self.modes = modes
        self.rules: dict[str, Rule] = {}
        #: names of other rules, looked up when all are read
        self._declared: list[tuple[Document, Keys, str]] = []

    def read(self) -> dict[str, Rule]:
        for document in self.draft.documents.get("topic", []):
            for keys, _, entry in self.draft.entries(document, ("rules",)):
                self._topic_rule(document, keys, entry)
        for document in self.draft.documents.get("technique", []):
            self._listed(document, Target(techniques=(str(document.data.get("technique")),)), "technique")
        for kind in MODE_KINDS:
            for document in self.draft.documents.get(kind, []):
                self._listed(document, Target(mode=(kind, str(document.data.get(kind)))), kind)
        for document, keys, name in self._declared:
            self.draft.lookup(document, keys, "rule", name, self.rules)
        return self.rules

    def target(self, document: Document, keys: Keys, data: Any) -> Target:
        """Whom a part of another file speaks of, in the words of a rule; `{}` is everybody."""
        return self._target(document, keys, data, "preempts")

    def _topic_rule(self, document: Document, keys: Keys, entry: Any) -> None:
        claims = [claim for claim in CLAIMS if claim in entry]
        if len(claims) != 1:
            self.draft.complain(
                document, keys, f"a rule makes exactly one claim of {', '.join(CLAIMS)}", offender=entry["id"]
            )
            return
        claim = claims[0]
        target = self._target(document, (*keys, claim), entry[claim], claim)
        self._rule(document, keys, entry, claim, target, str(document.data.get("topic")))

    def _listed(self, document: Document, target: Target, kind: str) -> None:
        if not isinstance(document.data, dict):
            return
        topic = str(document.data.get(kind))
        for name, claim in _LISTS.items():
            for keys, _, entry in self.draft.entries(document, (name,)):
                narrowed = target
                if "for" in entry:
                    inner = self._target(document, (*keys, "for"), entry["for"], claim)
                    if target.techniques:
                        self.draft.complain(document, (*keys, "for"), "a technique's own rule is already narrow")
                    narrowed = Target(inner.techniques, inner.traits, target.mode)
                self._rule(document, keys, entry, claim, narrowed, topic)

    def _target(self, document: Document, keys: Keys, data: Any, claim: Claim) -> Target:
        for at, technique in enumerate(words_of(data.get("technique"))):
            self.draft.lookup(document, (*keys, "technique", at), "technique", technique, self.techniques)
        for at, trait in enumerate(words_of(data.get("trait"))):
            self.draft.lookup(document, (*keys, "trait", at), "trait", trait, self.traits)
        chosen: list[tuple[ModeKind, str]] = [(kind, data[kind]) for kind in MODE_KINDS if kind in data]
        for kind, mode in chosen:
            known = {name for other, name in self.modes if other == kind}
            self.draft.lookup(document, (*keys, kind), kind, mode, known)
        if len(chosen) > 1:
            self.draft.complain(document, keys, "a rule speaks of one mode at most")
        if not data and claim != "preempts":
            self.draft.complain(document, keys, "the rule speaks of nobody: name a technique, a trait or a mode")
        return Target(
            words_of(data.get("technique")),
            words_of(data.get("trait")),
            chosen[0] if chosen else None,
            nothing=not data,
        )

    def _rule(self, document: Document, keys: Keys, entry: Any, claim: Claim, target: Target, topic: str) -> None:
        draft, name = self.draft, entry["id"]
        if name in self.rules:
            first = self.rules[name]
            draft.complain(document, (*keys, "id"), f"this id is taken ({first.file}:{first.line})", offender=name)
        for detail in _REQUIRED[claim]:
            if detail not in entry:
                draft.complain(document, keys, f"a rule that {claim} needs «{detail}»", offender=name)
        for detail in _DETAILS:
            if detail in entry and detail not in _ALLOWED[claim]:
                draft.complain(document, (*keys, detail), f"a rule that {claim} has no «{detail}»", offender=name)
        absolute = entry.get("severity") == "absolute"
        if entry.get("severity") == "relative" and "precaution" not in entry:
            draft.complain(document, keys, "a relative contraindication needs a «precaution»", offender=name)
        if claim == "favours" and target.mode and target.mode[0] == "stay":
            draft.complain(
                document, keys, "a stay is not favoured: the shortest that nothing stands against is planned"
            )
        self.rules[name] = Rule(
            id=name,
            claim=claim,
            target=target,
            when=read_node(draft, document, (*keys, "when"), entry["when"], self.words, None),
            because=text_of(entry["because"]),
            evidence=evidence_of(draft, document, (*keys, "evidence"), entry["evidence"], self.sources),
            topic=topic,
            file=document.name,
            line=document.places[(*keys, "id")][0],
            strength=entry.get("strength"),
            absolute=absolute,
            correction=self._correction(document, (*keys, "correctable"), entry.get("correctable")),
            precaution=optional_text(entry.get("precaution")),
            label=optional_text(entry.get("label")),
            action=optional_text(entry.get("action")),
            within=hours(entry["within"]) if "within" in entry else None,
            overrides={other["rule"]: text_of(other["because"]) for other in entry.get("overrides", [])},
            tolerates={other["rule"]: text_of(other["because"]) for other in entry.get("tolerates", [])},
            dormant=optional_text(entry.get("dormant")),
        )
        self._declared += [
            (document, (*keys, kind, at, "rule"), other["rule"])
            for kind in ("overrides", "tolerates")
            for at, other in enumerate(entry.get(kind, []))
        ]

    def _correction(self, document: Document, keys: Keys, data: Any) -> Correction | None:
        if data is None:
            return None
        earliest: MomentAfter | None = None
        if "earliest" in data:
            try:
                earliest = parse_moment(data["earliest"], self.words)
            except LanguageError as error:
                self.draft.complain_of(document, (*keys, "earliest"), error)
        recheck = data.get("recheck")
        if recheck is not None:
            self.draft.lookup(document, (*keys, "recheck"), "item", recheck, self.words.vocabulary.items)
        return Correction(text_of(data["by"]), hours(data["lead_time"]), earliest, recheck)


def read_modes(draft: Draft) -> Iterator[Mode]:
    for kind in MODE_KINDS:
        for document in draft.documents.get(kind, []):
            data = document.data
            head = (kind, "label", "summary")
            if isinstance(data, dict) and all(key in data and not draft.faulty(document, (key,)) for key in head):
                yield Mode(kind, data[kind], text_of(data["label"]), text_of(data["summary"]))


def read_techniques(draft: Draft, sources: Any, traits: Any, modes: set[tuple[str, str]]) -> dict[str, Technique]:
    """Every technique, with the traits and duration it inherits from its parts."""
    techniques: dict[str, Technique] = {}
    placed: dict[str, Document] = {}
    for document in draft.documents.get("technique", []):
        data = document.data
        head = ("technique", "label", "summary", "traits", "duration", "position", "burden", *MODE_KINDS)
        if (
            not isinstance(data, dict)
            or any(key not in data or draft.faulty(document, (key,)) for key in head)
            or draft.faulty(document, ("parts",))
        ):
            draft.taint(str(data.get("technique")) if isinstance(data, dict) else "")
            continue
        name = data["technique"]
        if name in techniques:
            draft.complain(document, ("technique",), "declared twice", offender=name)
        for at, trait in enumerate(data["traits"]):
            draft.lookup(document, ("traits", at), "trait", trait, traits)
        for kind in MODE_KINDS:
            known = {mode for other, mode in modes if other == kind}
            for at, mode in enumerate(data[kind]):
                draft.lookup(document, (kind, at), kind, mode, known)
        techniques[name] = Technique(
            id=name,
            label=text_of(data["label"]),
            summary=text_of(data["summary"]),
            traits=frozenset(data["traits"]),
            parts=tuple(data.get("parts", [])),
            sets_aside={
                entry["rule"]: text_of(entry["because"]) for _, _, entry in draft.entries(document, ("sets_aside",))
            },
            duration=hours(data["duration"]) * 60,
            position=data["position"],
            burden=data["burden"],
            modes={kind: tuple(data[kind]) for kind in MODE_KINDS},
            benefits=tuple(_benefits(draft, document, sources)),
        )
        placed[name] = document
    return {name: _with_parts(draft, placed[name], technique, techniques) for name, technique in techniques.items()}


def _benefits(draft: Draft, document: Document, sources: Any) -> Iterator[Benefit]:
    for keys, _, entry in draft.entries(document, ("benefit",)):
        evidence: Evidence = evidence_of(draft, document, keys, entry, sources)
        yield Benefit(
            measure=entry["measure"],
            low=float(entry["low"]),
            high=float(entry["high"]),
            unit=entry["unit"],
            by=hours(entry["by"]) if "by" in entry else None,
            lasts=hours(entry["lasts"]) if "lasts" in entry else None,
            note=optional_text(entry.get("note")),
            evidence=evidence,
        )


def _with_parts(draft: Draft, document: Document, technique: Technique, known: dict[str, Technique]) -> Technique:
    traits = set(technique.traits)
    for at, part in enumerate(technique.parts):
        if not draft.lookup(document, ("parts", at), "technique", part, known):
            continue
        if known[part].parts:
            draft.complain(document, ("parts", at), "a part cannot itself have parts", offender=part)
        traits |= known[part].traits
    return replace(technique, traits=frozenset(traits))
