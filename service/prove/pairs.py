"""Which rules are worth comparing: what each bears on, as what kind of argument, and how strongly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from service.language.tree import All, Always, Compare, Node
from service.prove.world import items_of_node
from service.rulebook.bind import kind_of_argument
from service.rulebook.model import CERTAINTIES, MODE_KINDS, STRENGTHS, BoundRule, Rule, Rulebook

#: a technique, or one of its modes
Place: TypeAlias = tuple[str, str]

_LOW, _HIGH = ("<", "<="), (">", ">=")


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule whose condition is one limit of a number, and a rest."""

    rule: str
    condition: Node
    limit: Compare
    rest: frozenset[Node]


class Pairs:
    """The rules of one rulebook, compared by what they bear on."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self.bound: dict[str, list[BoundRule]] = {}
        for bound in rulebook.bound:
            self.bound.setdefault(bound.rule.id, []).append(bound)

    @cached_property
    def places(self) -> Mapping[str, frozenset[Place]]:
        """What each rule bears on."""
        found: dict[str, set[Place]] = {name: set() for name in self._rulebook.rules}
        for technique, dossier in self._rulebook.dossiers.items():
            for place in dossier.own.all():
                found[self._rulebook.bound[place].rule.id].add((technique, ""))
            for kind in MODE_KINDS:
                for mode, arguments in dossier.modes[kind].items():
                    for place in arguments.all():
                        found[self._rulebook.bound[place].rule.id].add((technique, f"{kind}:{mode}"))
        return {name: frozenset(places) for name, places in found.items()}

    @cached_property
    def items(self) -> Mapping[str, frozenset[str]]:
        """Every item that a rule reads, through scores too."""
        scores = self._rulebook.scores
        return {name: items_of_node(rule.when, scores) for name, rule in self._rulebook.rules.items()}

    def versions(self, one: str, other: str) -> Iterator[tuple[Node, Node]]:
        """The conditions of two rules, settled for the same technique where they speak of one."""
        pairs = {
            (a.when, b.when)
            for a in self.bound.get(one, [])
            for b in self.bound.get(other, [])
            if a.technique is None or b.technique is None or a.technique == b.technique
        }
        yield from sorted(pairs, key=repr)

    def may_add_nothing(self) -> Iterator[tuple[str, str]]:
        """(rule, other): if the other is certain whenever the rule is, the rule adds nothing."""
        for name, rule in self._rulebook.rules.items():
            for other in self._rulebook.rules.values():
                if name != other.id and self._comparable(name, other.id) and _says_as_much(other, rule):
                    yield name, other.id

    def opposed(self) -> Iterator[tuple[str, str]]:
        """(for, against): rules that speak of the same thing the other way."""
        for name, rule in self._rulebook.rules.items():
            if rule.claim in ("favours", "indicates"):
                for other in self._rulebook.rules.values():
                    contrary = other.claim == "contraindicates" and (rule.claim == "favours" or _closes(other))
                    if contrary and self.places[name] & self.places[other.id] and self._share(name, other.id):
                        yield name, other.id

    def _comparable(self, name: str, other: str) -> bool:
        places = self.places[name]
        return bool(places) and places <= self.places[other] and self._share(name, other)

    def _share(self, name: str, other: str) -> bool:
        """Without an item in common neither can imply the other, unless one holds of everybody."""
        if isinstance(self._rulebook.rules[other].when, Always):
            return True
        return bool(self.items[name] & self.items[other])

    # ---- partitions ----

    def cuts(self) -> Iterator[Cut]:
        for name, rule in self._rulebook.rules.items():
            parts = rule.when.parts if isinstance(rule.when, All) else (rule.when,)
            for limit in parts:
                if isinstance(limit, Compare) and limit.operator in _LOW + _HIGH:
                    rest = frozenset(part for part in parts if not _limits(part, limit))
                    yield Cut(name, rule.when, limit, rest)

    def neighbours(self) -> Iterator[tuple[Cut, Cut]]:
        """(below, above): two rules that differ in one number only and meet at about one figure.

        They read as two parts of one whole (below 50 it is deferred, from 50 to 75 a precaution): every value should
        fall in one, and in one only. Rules of different kinds are compared when they bear on the same thing.
        """
        cuts = list(self.cuts())
        for below in cuts:
            for above in cuts:
                if below.limit.operator not in _LOW or above.limit.operator not in _HIGH:
                    continue
                if below.limit.term != above.limit.term or below.rest != above.rest:
                    continue
                if not self._one_whole(below.rule, above.rule):
                    continue
                # As decimals: of binary fractions 1.1 and 1.0 lie a little more than 0.1 apart.
                apart = abs(Fraction(repr(below.limit.value)) - Fraction(repr(above.limit.value)))
                if apart <= Fraction(repr(self.step(below.limit))):
                    yield below, above

    def _one_whole(self, one: str, other: str) -> bool:
        rules = self._rulebook.rules
        alike = kind_of_argument(rules[one]) == kind_of_argument(rules[other])
        return one != other and (alike or bool(self.places[one] & self.places[other]))

    def step(self, limit: Compare) -> float:
        """One step of what is measured: between two figures that far apart nobody means to leave a gap."""
        item = self._rulebook.vocabulary.items.get(limit.term.name)
        return item.step if item is not None and limit.term.quantity == "item" else 1.0


def _limits(part: Node, limit: Compare) -> bool:
    """Whether a part of a condition limits the same quantity."""
    return isinstance(part, Compare) and part.term == limit.term


def _closes(rule: Rule) -> bool:
    return kind_of_argument(rule) == "excluding"


def _says_as_much(other: Rule, rule: Rule) -> bool:
    """Whether `other`, holding, leaves nothing for `rule` to say."""
    kind, others = kind_of_argument(rule), kind_of_argument(other)
    if kind == "indications":
        return others == kind and _weight(other) <= _weight(rule)
    if others == "excluding":
        return kind in ("excluding", "deferring", "cautions")
    if kind != others:
        return False
    if kind == "deferring":
        return _waits_as_long(other, rule)
    if kind == "cautions":
        return other.precaution == rule.precaution
    return kind == "alerts" and other.label == rule.label and (other.within or 0) <= (rule.within or 0)


def _weight(rule: Rule) -> tuple[int, int]:
    assert rule.strength is not None
    return STRENGTHS.index(rule.strength), CERTAINTIES.index(rule.evidence.certainty)


def _waits_as_long(other: Rule, rule: Rule) -> bool:
    assert rule.correction is not None
    assert other.correction is not None
    if rule.correction.earliest != other.correction.earliest:
        return False
    return other.correction.by == rule.correction.by and other.correction.lead_time >= rule.correction.lead_time
