"""A rule as a committee reads it: what it says, when, for whom, on what it rests; and what the draft says otherwise."""

from dataclasses import dataclass

from service.language.vocabulary import Text
from service.rulebook.model import Rule, Rulebook
from service.tell import words
from service.tell.catalogue import Catalogue
from service.web.committee.draft import Draft
from service.workbench.site.teller import Condition, Teller


@dataclass(frozen=True, slots=True)
class Said:
    """One part of a rule, as it is in the draft, and as it is in use when that is something else."""

    name: str
    now: str
    used: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One rule in one language. `told` is read in this order; `condition` when it applies."""

    id: str
    claim: str
    sentence: Said
    told: tuple[Said, ...]
    condition: Condition
    used_condition: Condition | None
    certainty: Said
    verified: bool
    sources: tuple[tuple[str, str], ...]
    techniques: tuple[str, ...]
    file: str
    line: int
    #: «draft»: as the draft says it; «used»: as the rules in use say it, because the draft cannot be read or has no such rule
    from_: str
    changed: bool


_PARTS = {
    "consequence": Text("Ce qui s’ensuit", "What follows"),
    "label": Text("Alerte", "Alert"),
    "action": Text("Conduite", "What to do"),
    "within": Text("Délai", "Within"),
    "correction": Text("Pour corriger", "To correct it"),
    "precaution": Text("Précaution", "Precaution"),
    "certainty": Text("Repose sur", "Rests on"),
}


def reading(draft: Draft, rule: str, language: str) -> Reading | None:
    """What the draft says of a rule, compared with the rules in use. None when neither has it."""
    used = draft.library.rulebook.rules.get(rule)
    book = draft.rulebook
    now = book.rules.get(rule) if book else None
    if book is None or now is None:
        return _of(draft.library.rulebook, used, None, language, "used") if used else None
    before = (draft.library.rulebook, used) if used else None
    return _of(book, now, before, language, "draft")


def _of(book: Rulebook, rule: Rule, before: tuple[Rulebook, Rule] | None, language: str, from_: str) -> Reading:
    teller = Teller(book, language)
    now = _parts(teller, rule)
    then = _parts(Teller(before[0], language), before[1]) if before else now
    condition = teller.condition(rule.when)
    used_condition = Teller(before[0], language).condition(before[1].when) if before else condition
    told = {
        name: Said(
            _PARTS[name].in_(language),
            now.get(name, "–"),
            then.get(name, "–") if then.get(name) != now.get(name) else None,
        )
        for name in _PARTS
        if name in now or name in then
    }
    sentence = Said("", now["sentence"], then["sentence"] if then["sentence"] != now["sentence"] else None)
    catalogue = Catalogue(book)
    techniques = catalogue.rule(rule.id)["techniques"]
    other = used_condition if used_condition != condition else None
    return Reading(
        id=rule.id,
        claim=teller.claim(rule),
        sentence=sentence,
        certainty=told.pop("certainty"),
        told=tuple(told.values()),
        condition=condition,
        used_condition=other,
        verified=rule.evidence.verified,
        sources=tuple((key, _citation(book, key)) for key in rule.evidence.sources),
        techniques=tuple(teller.say(book.techniques[name].label) for name in techniques),
        file=rule.file,
        line=rule.line,
        from_=from_,
        changed=now != then or other is not None,
    )


def _parts(teller: Teller, rule: Rule) -> dict[str, str]:
    found = {
        "sentence": teller.say(rule.because),
        "consequence": words.sentence(teller.consequence(rule)),
        "certainty": teller.certainty(rule.evidence),
    }
    for name, text in (("label", rule.label), ("action", rule.action), ("precaution", rule.precaution)):
        if text is not None:
            found[name] = teller.say(text)
    if rule.within is not None:
        found["within"] = teller.duration(rule.within)
    if rule.correction is not None:
        found["correction"] = " ".join(teller.correction(rule.correction))
    return found


def _citation(book: Rulebook, key: str) -> str:
    source = book.sources[key]
    return f"{source.citation} {source.where}".strip()
