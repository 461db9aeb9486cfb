"""What rests on what: sources, verification, and when it is to be read again; and words that nothing uses."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from service.language.scores import items_read
from service.language.tree import Node, items_of, leaves, scores_of
from service.rulebook.lints.subject import Found, Lint, Subject, within
from service.rulebook.model import Rule, Rulebook
from service.rulebook.source import Keys

#: what `seen` says of a source that nobody has read
_UNSEEN = ("", "unchecked")
_SOURCES = "sources.yaml"


def _resting(subject: Subject) -> Iterator[tuple[str, Keys, Mapping[str, Any]]]:
    """Everything that names sources: rules, scores, settings, benefits, with file and place."""
    for name, document in subject.documents.items():
        for keys, data in within(document.data):
            if isinstance(data, dict) and isinstance(data.get("sources"), list):
                yield name, keys, data


def _unseen(subject: Subject) -> Iterator[Found]:
    sources = subject.rulebook.sources
    for name, keys, data in _resting(subject):
        if data.get("verified") is True and all(sources[key].seen in _UNSEEN for key in data["sources"]):
            cited = ", ".join(data["sources"])
            yield subject.at(
                name, (*keys, "verified"), f"«verified: true», and nobody has read any of its sources ({cited})"
            )


def _uncited(subject: Subject) -> Iterator[Found]:
    cited = {key for _, _, data in _resting(subject) for key in data["sources"]}
    if idle := [key for key in subject.rulebook.sources if key not in cited]:
        yield subject.at(_SOURCES, (idle[0],), f"{_count(idle, 'source')} cited by nothing: {', '.join(idle)}")


def _overdue(subject: Subject) -> Iterator[Found]:
    for name, day in subject.rulebook.review_by.items():
        if date.fromisoformat(day) < subject.today:
            yield subject.at(name, ("review_by",), f"to be read again by {day}, which is past")


def _unread(subject: Subject) -> Iterator[Found]:
    book = subject.rulebook
    criteria = [leaf for node in _conditions(book) for leaf in leaves(node)]
    scores = {name for leaf in criteria for name in scores_of(leaf)}
    read = {item for leaf in criteria for item in items_of(leaf)}
    for key in book.session.order:
        read.add(key.name)
        scores |= {key.name.removeprefix("score.")} & book.scores.keys()
    read |= {item for name in scores for item in items_read(book.scores[name], book.scores)}
    read |= {item for rule in book.rules.values() for item in _for_correction(rule)}
    for name, document in subject.documents.items():
        section = document.data.get("items")
        if isinstance(section, dict) and (idle := [item for item in section if item not in read]):
            yield subject.at(name, ("items", idle[0]), f"{_count(idle, 'item')} read by no rule: {', '.join(idle)}")


def _for_correction(rule: Rule) -> Iterator[str]:
    if rule.correction and rule.correction.recheck:
        yield rule.correction.recheck
    if rule.correction and rule.correction.earliest:
        yield rule.correction.earliest.item


def _conditions(book: Rulebook) -> Iterator[Node]:
    yield from (rule.when for rule in book.rules.values())
    yield from (each.when for each in book.impossible)
    for invariant in book.invariants:
        yield from (node for node in (invariant.when, invariant.unless) if node is not None)


def _count(names: list[str], what: str) -> str:
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''}"


EVIDENCE = (
    Lint(
        "verified-unseen",
        "fault",
        finds="`verified: true` where every source is one that nobody has read (`seen: unchecked`).",
        why="The answer would show as checked what was not.",
        mend="Write `verified: false`, or read the source and say so in `sources.yaml`.",
        look=_unseen,
    ),
    Lint(
        "source-uncited",
        "notice",
        finds="Sources that no rule, score, setting or benefit cites.",
        why="A reader of the bibliography takes them for support.",
        mend="Cite them where they support something, or take them out.",
        look=_uncited,
    ),
    Lint(
        "item-unread",
        "notice",
        finds="Items of the vocabulary that no rule reads, not even through a score.",
        why="A clinician is offered a field that changes nothing.",
        mend="Write the rule that was meant, or take the item out; an item kept for the record may stay.",
        look=_unread,
    ),
    Lint(
        "review-overdue",
        "notice",
        finds="A file whose `review_by` is past.",
        why="The committee meant to read it again by that day.",
        mend="Read the file again with its sources, and set the next day.",
        look=_overdue,
    ),
)
