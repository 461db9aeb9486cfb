"""Two rulebooks made one, so that a condition of the old one and a condition of the new one are asked of the same patient."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.language.scores import Component, Row, Score, items_read, scores_read
from service.language.tree import All, AnyOf, Compare, CountLesions, Node, Not, Term, criteria, items_of, scores_of
from service.language.vocabulary import Item, Vocabulary
from service.rulebook.model import Rulebook

#: what the old version of a score is called beside the new one
_BEFORE = " (before)"


@dataclass(frozen=True, slots=True)
class Joint:
    """`rulebook` knows the words of both, and refuses what either calls impossible.

    A score that was changed stands in it twice. An item whose type, scope or unit changed has no common meaning:
    it is in `incomparable`, and so is what reads it.
    """

    rulebook: Rulebook
    renamed: Mapping[str, str]
    incomparable: frozenset[str]

    def old(self, node: Node) -> Node:
        """A condition of the old rulebook, reading the old version of each score."""
        return with_scores(node, self.renamed)

    def comparable(self, *nodes: Node) -> bool:
        """Whether every item that these conditions read, through scores too, still means what it meant."""
        read: set[str] = set()
        for leaf in (leaf for node in nodes for leaf in criteria(node)):
            read.update(items_of(leaf))
            for name in scores_of(leaf):
                read |= items_read(self.rulebook.scores[name], self.rulebook.scores)
        return self.incomparable.isdisjoint(read)


def joint(old: Rulebook, new: Rulebook) -> Joint:
    """Both rulebooks as one. A referral that one of them refuses is not asked about."""
    changed = changed_scores(old.scores, new.scores)
    renamed = {name: f"{name}{_BEFORE}" for name in changed}
    scores = dict(new.scores)
    for name, score in old.scores.items():
        if name in renamed:
            scores[renamed[name]] = _with_scores_in(replace(score, id=renamed[name]), renamed)
        else:
            scores.setdefault(name, score)
    items: dict[str, Item] = dict(new.vocabulary.items)
    incomparable = set()
    for name, item in old.vocabulary.items.items():
        if name not in items:
            items[name] = item
        elif (item.type, item.scope, item.unit) != (items[name].type, items[name].scope, items[name].unit):
            incomparable.add(name)
        else:
            items[name] = replace(
                items[name],
                choices={**item.choices, **items[name].choices},
                low=min(item.low, items[name].low),
                high=max(item.high, items[name].high),
            )
    result = Joint(new, renamed, frozenset(incomparable))
    known = {entry.when for entry in new.impossible}
    impossible = [
        replace(entry, when=node)
        for entry in old.impossible
        if (node := result.old(entry.when)) not in known and result.comparable(node)
    ]
    vocabulary = Vocabulary(items, new.vocabulary.sections)
    both = replace(new, vocabulary=vocabulary, scores=scores, impossible=(*new.impossible, *impossible))
    return replace(result, rulebook=both)


def changed_scores(old: Mapping[str, Score], new: Mapping[str, Score]) -> frozenset[str]:
    """The scores in both whose points can differ, directly or through another score."""
    changed = {name for name in old.keys() & new.keys() if _points(old[name]) != _points(new[name])}
    while more := {
        name for name in old.keys() & new.keys() if name not in changed and scores_read(new[name]) & changed
    }:
        changed |= more
    return frozenset(changed)


def _points(score: Score) -> object:
    """What gives a score its value, without the words that tell it."""
    parts = [(component.rows, component.otherwise) for component in score.components]
    return score.scope, score.unit, score.applies, parts


def with_scores(node: Node, renamed: Mapping[str, str]) -> Node:
    """The same condition over scores under other names."""
    match node:
        case All(parts):
            return All(tuple(with_scores(part, renamed) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(with_scores(part, renamed) for part in parts))
        case Not(part):
            return Not(with_scores(part, renamed))
        case CountLesions(where):
            return replace(node, where=with_scores(where, renamed))
        case Compare(Term("score", name)) if name in renamed:
            return replace(node, term=Term("score", renamed[name]))
        case _:
            return node


def _with_scores_in(score: Score, renamed: Mapping[str, str]) -> Score:
    def row(of: Row) -> Row:
        return replace(of, when=with_scores(of.when, renamed))

    def component(of: Component) -> Component:
        return replace(of, rows=tuple(row(each) for each in of.rows))

    return replace(
        score,
        applies=with_scores(score.applies, renamed),
        components=tuple(component(each) for each in score.components),
    )
