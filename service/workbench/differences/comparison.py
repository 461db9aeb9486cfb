"""What every comparison of one kind of thing works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from service.language.tree import CountLesions, Node, leaves, scores_of
from service.language.vocabulary import Text
from service.rulebook.model import BoundRule, Dossier, ModeKind, Rule, Rulebook
from service.workbench.differences.change import Change, Patient
from service.workbench.differences.places import Places
from service.workbench.differences.proving import AGAINST, Graded, Proving, Shift, graded
from service.workbench.differences.telling import Telling

#: what a rule bears on: a technique, or one mode of a technique
Bears: TypeAlias = tuple[str, ModeKind | None, str | None]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two rulebooks, its words, its places and whom its rules bear on."""

    book: Rulebook
    telling: Telling
    places: Places
    #: rule -> what it bears on
    bears: Mapping[str, frozenset[Bears]]
    #: rule and technique (None: all) -> the condition as it is judged
    bound: Mapping[tuple[str, str | None], BoundRule]

    def when(self, rule: str, technique: str) -> Node:
        """The condition of a rule as it is judged for a technique."""
        found = self.bound.get((rule, technique)) or self.bound.get((rule, None))
        return found.when if found else self.book.rules[rule].when


def side(book: Rulebook, files: Mapping[str, bytes] | None) -> Side:
    bears: dict[str, set[Bears]] = {}

    def note(places: tuple[int, ...], key: Bears) -> None:
        for place in places:
            bears.setdefault(book.bound[place].rule.id, set()).add(key)

    dossier: Dossier
    for name, dossier in book.dossiers.items():
        note(dossier.own.all(), (name, None, None))
        for kind, modes in dossier.modes.items():
            for mode, arguments in modes.items():
                note(arguments.all(), (name, kind, mode))
    bound = {(each.rule.id, each.technique): each for each in book.bound}
    return Side(book, Telling(book), Places(book, files), {k: frozenset(v) for k, v in bears.items()}, bound)


@dataclass
class Comparison:
    """The two sides and the prover between them."""

    old: Side
    new: Side
    proving: Proving
    #: old id -> new id of rules that were only renamed
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: called before each rule is looked at
    tick: Callable[[], object] = lambda: None

    @cached_property
    def kept(self) -> dict[str, tuple[Rule, Rule]]:
        """Rules that are in both rulebooks, by their new id."""
        old, new = self.old.book.rules, self.new.book.rules
        found = {name: (old[name], new[name]) for name in old if name in new}
        return found | {name: (old[before], new[name]) for before, name in self.renamed.items()}

    def shifts(self, before: Rule, after: Rule) -> list[Shift]:
        """How the verdict of a rule moved, for each technique it bore on and still bears on."""
        pairs = self.pairs(before, after)
        return [self.proving.shift(a, b) for a, b in pairs]

    def pairs(self, before: Rule, after: Rule) -> list[tuple[Node, Node]]:
        """The distinct conditions to compare: the old and the new one for each technique."""
        if after.target.nothing and before.target.nothing:
            return [(before.when, after.when)]
        techniques = {technique for technique, _, _ in self.new.bears.get(after.id, frozenset())}
        techniques &= {technique for technique, _, _ in self.old.bears.get(before.id, frozenset())}
        return list(
            dict.fromkeys(
                (self.old.when(before.id, name), self.new.when(after.id, name)) for name in sorted(techniques)
            )
        )

    def graded(self, *rules: tuple[Rule, Rule]) -> Graded:
        """The grade of what these rules say now against what they said."""
        return graded(
            (after.claim in AGAINST, shift) for before, after in rules for shift in self.shifts(before, after)
        )


def change(
    kind: str, where: str, what: Text, grade: Graded, *, of: str = "", gone: bool = False, reason: Text | None = None
) -> Change:
    """A change with its grade and whom it was shown on."""
    shown: Patient | None = grade.freer or grade.stricter
    return Change(
        kind,
        where,
        what,
        grade.grade,
        witness=shown.referral if shown else None,
        at=shown.at if shown else None,
        other=grade.stricter if grade.freer else None,
        reason=reason or grade.reason,
        of=of,
        gone=gone,
    )


WORDING = Graded("wording")


def scores_in(node: Node) -> frozenset[str]:
    """The scores a condition compares with, also within questions about several lesions."""
    found: set[str] = set()
    for leaf in leaves(node):
        found |= scores_in(leaf.where) if isinstance(leaf, CountLesions) else set(scores_of(leaf))
    return frozenset(found)
