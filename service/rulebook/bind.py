"""Who each rule speaks of: rules bound to techniques and modes, so that judging a patient needs no search."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.language.parser import Words
from service.language.tree import OfTechnique, for_technique, leaves
from service.rulebook.model import (
    MODE_KINDS,
    Arguments,
    BoundRule,
    Dossier,
    ModeKind,
    Rule,
    Target,
    Technique,
)
from service.rulebook.read_words import scope_of


@dataclass
class _Binder:
    words: Words
    bound: list[BoundRule] = field(default_factory=list)
    places: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def place(self, rule: Rule, technique: Technique | None) -> int:
        """Where the rule stands in `bound`: once for all techniques unless its condition speaks of the technique."""
        speaks = technique is not None and any(isinstance(leaf, OfTechnique) for leaf in leaves(rule.when))
        key = (rule.id, technique.id if speaks and technique else None)
        if key not in self.places:
            when = (
                for_technique(rule.when, technique.duration, technique.position) if speaks and technique else rule.when
            )
            self.places[key] = len(self.bound)
            self.bound.append(BoundRule(len(self.bound), rule, when, scope_of(when, self.words), key[1]))
        return self.places[key]


def bind(
    rules: Mapping[str, Rule], techniques: Mapping[str, Technique], words: Words
) -> tuple[tuple[BoundRule, ...], dict[str, Dossier], tuple[int, ...]]:
    """All bound rules, the dossier of each technique, and the alerts that only warn (as places in the first)."""
    binder = _Binder(words)
    ordered = [rules[name] for name in sorted(rules)]
    dossiers = {}
    for name in sorted(techniques):
        technique = techniques[name]
        own = [rule for rule in ordered if rule.target.mode is None and _concerns(rule, technique)]
        modes: dict[ModeKind, dict[str, Arguments]] = {}
        for kind in MODE_KINDS:
            modes[kind] = {}
            for mode in technique.modes[kind]:
                bearing = [rule for rule in ordered if rule.target.mode == (kind, mode) and _concerns(rule, technique)]
                modes[kind][mode] = _arguments(binder, bearing, technique)
        dossiers[name] = Dossier(technique, _arguments(binder, own, technique), modes)
    warnings = tuple(binder.place(rule, None) for rule in ordered if rule.claim == "preempts" and rule.target.nothing)
    return tuple(binder.bound), dossiers, warnings


def _concerns(rule: Rule, technique: Technique) -> bool:
    """Whether a rule speaks of a technique. What stands against a part stands against the combined act, unless set aside."""
    target: Target = rule.target
    if target.nothing or rule.id in technique.sets_aside:
        return False
    against = rule.claim in ("contraindicates", "preempts")
    named = {technique.id, *(technique.parts if against else ())}
    if target.techniques and not named & set(target.techniques):
        return False
    return set(target.traits) <= technique.traits


def _arguments(binder: _Binder, rules: Iterable[Rule], technique: Technique) -> Arguments:
    kinds: dict[str, list[int]] = {name: [] for name in Arguments.__dataclass_fields__}
    for rule in rules:
        kinds[kind_of_argument(rule)].append(binder.place(rule, technique))
    return Arguments(**{name: tuple(places) for name, places in kinds.items()})


def kind_of_argument(rule: Rule) -> str:
    """The list of `Arguments` a rule belongs to."""
    match rule.claim:
        case "preempts":
            return "alerts"
        case "indicates":
            return "indications"
        case "favours":
            return "favours"
        case "contraindicates":
            if not rule.absolute:
                return "cautions"
            return "deferring" if rule.correction else "excluding"
