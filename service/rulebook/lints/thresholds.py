"""Limits against the other limits of the same item, and against the item's plausible range."""

from collections.abc import Iterator
from itertools import permutations
from math import inf, isclose

from service.language.tree import All, Compare, CountLesions, Node, holds
from service.rulebook.lints.scores import totals
from service.rulebook.lints.subject import Found, Lint, Subject, comparisons, nodes
from service.rulebook.model import Rule, Rulebook, Target

#: what a wrong unit multiplies by: mm and cm, g/dL and g/L, mg and g
_SLIPS = (10.0, 100.0, 1000.0)
#: how far from every other limit of its item a limit must be to be held for a slip
_FAR = 3.0
_HALVES = {"<": "below", "<=": "below", ">": "above", ">=": "above"}


def _of_items(subject: Subject) -> Iterator[tuple[Rule, Compare]]:
    """Every comparison of a number with a limit, in every rule."""
    for rule in subject.rulebook.rules.values():
        for compare in comparisons(rule.when):
            if compare.term.quantity == "item":
                yield rule, compare


def _unit_slips(subject: Subject) -> Iterator[Found]:
    for rule, compare in _of_items(subject):
        item = subject.rulebook.vocabulary[compare.term.name]
        others = [value for value in subject.rulebook.limits[item.id] if value > 0 and value != compare.value]
        if not others or compare.value <= 0 or min(others) / _FAR <= compare.value <= max(others) * _FAR:
            continue
        for other in sorted(others):
            if any(isclose(compare.value * slip, other) or isclose(compare.value, other * slip) for slip in _SLIPS):
                unit = f" {item.unit}" if item.unit else ""
                factor = max(compare.value / other, other / compare.value)
                yield subject.in_condition(
                    rule,
                    compare.text,
                    f"{rule.id}: {compare.value:g}{unit} is {factor:g} times {'more' if compare.value > other else 'less'}"
                    f" than the {other:g}{unit} of another rule, and far from every other limit of {item.id}:"
                    " was the unit meant?",
                )
                break


def _never_deciding(subject: Subject) -> Iterator[Found]:
    for rule in subject.rulebook.rules.values():
        for node in nodes(rule.when):
            if not isinstance(node, Compare | CountLesions) or node.operator in ("==", "!="):
                continue
            what, low, high = _range(subject.rulebook, node)
            # A comparison is monotonous: what it says at both ends it says everywhere.
            ends = {holds(low, node.operator, node.value), holds(high, node.operator, node.value)}
            if len(ends) == 1:
                yield subject.in_condition(
                    rule,
                    node.text,
                    f"{rule.id}: «{node.text}» {'always' if True in ends else 'never'} holds: {what}",
                )


def _range(book: Rulebook, node: Compare | CountLesions) -> tuple[str, float, float]:
    """What is compared, in words, with its lowest and highest value."""
    if isinstance(node, CountLesions):
        return "a number of lesions is 0 or more", 0, inf
    term = node.term
    if term.quantity == "item":
        item = book.vocabulary[term.name]
        return f"{item.id} goes from {item.low:g} to {item.high:g}", item.low, item.high
    if term.quantity == "score":
        low, high = totals(book.scores[term.name]) or (-inf, inf)
        return f"score.{term.name} goes from {low:g} to {high:g}", low, high
    return "time since a moment is 0 or more", 0, inf


def _severity(rule: Rule) -> tuple[int, float]:
    """The graver a contraindication, the higher: relative, to be corrected (the longer the graver), never corrected."""
    if not rule.absolute:
        return 0, 0.0
    return (2, 0.0) if rule.correction is None else (1, rule.correction.lead_time)


def _severity_falling(subject: Subject) -> Iterator[Found]:
    same_act: dict[Target, list[Rule]] = {}
    for rule in subject.rulebook.rules.values():
        if rule.claim == "contraindicates":
            same_act.setdefault(rule.target, []).append(rule)
    for worse, milder in (pair for rules in same_act.values() for pair in permutations(rules, 2)):
        if _severity(worse) < _severity(milder) and _further(worse, milder):
            yield subject.of(
                worse,
                f"{worse.id} is the further from normal of two rules on the same act, and the less grave:"
                f" {milder.id} ({milder.file}:{milder.line}) already stops what it lets through",
            )


def _further(worse: Rule, milder: Rule) -> bool:
    """Whether both ask the same but for one limit, and that of the first lies further out on the same side."""
    first, second = _criteria(worse), _criteria(milder)
    alone, rest = [part for part in first if part not in second], [part for part in second if part not in first]
    if len(alone) != 1 or len(rest) != 1:
        return False
    one, other = alone[0], rest[0]
    if not isinstance(one, Compare) or not isinstance(other, Compare) or one.term != other.term:
        return False
    side = _HALVES.get(one.operator)
    if side is None or side != _HALVES.get(other.operator) or one.value == other.value:
        return False
    return (one.value < other.value) == (side == "below")


def _criteria(rule: Rule) -> list[Node]:
    return list(rule.when.parts) if isinstance(rule.when, All) else [rule.when]


THRESHOLDS = (
    Lint(
        "unit-slip",
        "fault",
        finds="A limit is 10, 100 or 1000 times a limit of another rule on the same item, and far from all of them.",
        why="It lies in the plausible range, so that it loads; and then it stops everybody, or nobody.",
        mend="Write the limit with the unit in which the source gives it.",
        look=_unit_slips,
    ),
    Lint(
        "never-decides",
        "fault",
        finds="A limit at the edge of what an item, a score or a time can be, so that the comparison always or never holds.",
        why="The criterion looks like a safeguard and is none.",
        mend="Correct the limit, or the range of the item; take out a criterion that decides nothing.",
        look=_never_deciding,
    ),
    Lint(
        "severity-falls",
        "fault",
        finds="Of two contraindications of the same act that differ in one limit, the one further from normal is less grave.",
        why="The two severities were most likely exchanged: a moderate value is stopped harder than an extreme one.",
        mend="Exchange the severities (or the lead times), or take out the rule that adds nothing.",
        look=_severity_falling,
    ),
)
