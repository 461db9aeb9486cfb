"""Conditions that say something twice, and rules that say it to nobody."""

from collections.abc import Iterator
from itertools import combinations

from service.language.tree import All, AnyOf, Node
from service.rulebook.lints.subject import Found, Lint, Subject, nodes
from service.rulebook.model import Claim, Rule, Target


def _said_twice(subject: Subject) -> Iterator[Found]:
    for rule in subject.rulebook.rules.values():
        for node in nodes(rule.when):
            if isinstance(node, All | AnyOf):
                twice = [part for at, part in enumerate(node.parts) if part in node.parts[:at]]
                if twice:
                    text = getattr(twice[0], "text", "") or "a whole condition"
                    word = "all" if isinstance(node, All) else "any"
                    yield subject.in_condition(rule, text, f"{rule.id}: «{text}» stands twice in the same «{word}»")


def _rules_twice(subject: Subject) -> Iterator[Found]:
    alike: dict[tuple[Claim, Target, Node], list[Rule]] = {}
    for rule in subject.rulebook.rules.values():
        alike.setdefault((rule.claim, rule.target, rule.when), []).append(rule)
    for first, second in (pair for rules in alike.values() for pair in combinations(rules, 2)):
        if first.id in {*second.tolerates, *second.overrides} or second.id in {*first.tolerates, *first.overrides}:
            continue
        differ = first.claim == "contraindicates" and _grade(first) != _grade(second)
        yield subject.of(
            second,
            f"{second.id} has the condition and the target of {first.id} ({first.file}:{first.line})"
            + (f", and another severity: {_grade(second)}, not {_grade(first)}" if differ else ""),
        )


def _grade(rule: Rule) -> str:
    return "relative" if not rule.absolute else "absolute, correctable" if rule.correction else "absolute"


def _unbound(subject: Subject) -> Iterator[tuple[Rule, bool]]:
    """Rules that are never asked, and whether some technique is meant but does not admit the mode."""
    book = subject.rulebook
    bound = {each.rule.id for each in book.bound}
    for rule in book.rules.values():
        if rule.id not in bound:
            meant = [
                technique
                for technique in book.techniques.values()
                if set(rule.target.traits) <= technique.traits
                and (not rule.target.techniques or technique.id in rule.target.techniques)
            ]
            yield rule, bool(meant) and rule.target.mode is not None


def _bearing_on_nobody(subject: Subject) -> Iterator[Found]:
    for rule, guarding in _unbound(subject):
        if not guarding:
            yield subject.of(rule, f"{rule.id} bears on no technique: none is what its target asks for")


def _mode_not_admitted(subject: Subject) -> Iterator[Found]:
    for rule, guarding in _unbound(subject):
        if guarding and rule.target.mode and rule.dormant is None:
            kind, mode = rule.target.mode
            yield subject.of(
                rule,
                f"{rule.id} is never asked: no technique that it speaks of admits {kind} {mode} in the first place",
            )


CONDITIONS = (
    Lint(
        "said-twice",
        "fault",
        finds="The same criterion stands twice in one `all` or `any`.",
        why="The second adds nothing: most often another item, or another limit, was meant.",
        mend="Write the criterion that was meant, or take one of the two out.",
        look=_said_twice,
    ),
    Lint(
        "rule-twice",
        "fault",
        finds="Two rules with the same claim, target and condition.",
        why="The patient is counted two arguments for one; and when only one of them is changed, they contradict.",
        mend="Keep one; if the severities differ, decide which is right.",
        look=_rules_twice,
    ),
    Lint(
        "bears-on-nobody",
        "fault",
        finds="A rule whose target no technique fulfils.",
        why="The committee reads it as a safeguard, and it is never asked.",
        mend="Correct the target, or give the trait to the techniques that bear it.",
        look=_bearing_on_nobody,
    ),
    Lint(
        "mode-not-admitted",
        "notice",
        finds="A rule on a mode that none of its techniques lists among the modes it admits.",
        why="It guards a door that is walled up; it would count only if a technique came to admit the mode.",
        mend="Say with `dormant` why it is kept, or admit the mode where it was meant, or take the rule out.",
        look=_mode_not_admitted,
    ),
)
