"""What could make the service sure of something nobody knows."""

from collections.abc import Iterator

from service.language.tree import Always, Compare
from service.rulebook.lints.subject import Found, Lint, Subject, signed

_CHECKLIST = "checklist.yaml"


def _never_on_the_checklist(subject: Subject) -> Iterator[Found]:
    if _CHECKLIST not in subject.documents:
        return
    book, data = subject.rulebook, subject.documents[_CHECKLIST].data
    for at, name in enumerate(data.get("never", [])):
        if not any(_covers(name, item) for item in book.vocabulary.items):
            yield subject.at(_CHECKLIST, ("never", at), f"no item is called «{name}»")
    for at, item in enumerate(data["items"]):
        if any(_covers(name, item) for name in data.get("never", [])):
            yield subject.at(
                _CHECKLIST,
                ("items", at),
                f"{item} decides whether an act is possible at all and must not be on the checklist (see «never»)",
            )


def _covers(name: str, item: str) -> bool:
    """`blood.inr` is itself; `neuro.*` is every item whose name begins so."""
    return item.startswith(name[:-1]) if name.endswith(".*") else item == name


def _score_negated(subject: Subject) -> Iterator[Found]:
    scores = subject.rulebook.scores
    for rule in subject.rulebook.rules.values():
        for leaf, negated in signed(rule.when):
            if not (negated and isinstance(leaf, Compare) and leaf.term.quantity == "score"):
                continue
            if not isinstance(scores[leaf.term.name].applies, Always):
                yield subject.in_condition(
                    rule,
                    leaf.text,
                    f"{rule.id}: «{leaf.text}» is negated: where the score does not apply it is no, and its negation yes",
                )


def _never_old(subject: Subject) -> Iterator[Found]:
    for item in subject.rulebook.vocabulary:
        if item.type == "number" and item.changeable and item.fresh_for is None:
            file = next(
                name for name, document in subject.documents.items() if item.id in document.data.get("items", {})
            )
            yield subject.at(
                file,
                ("items", item.id),
                f"{item.id} changes and has no «fresh_for»: a value of last year counts as known",
            )


UNKNOWNS = (
    Lint(
        "checklist-never",
        "fault",
        finds="An item on the pre-procedure checklist that `never` in the same file keeps off it.",
        why="What is on the checklist leaves an act provisional while it is unknown: a clotting test would no longer be asked.",
        mend="Take the item off the checklist.",
        look=_never_on_the_checklist,
    ),
    Lint(
        "score-negated",
        "fault",
        finds="A comparison with a score of limited use stands under a negation.",
        why="Where the score does not apply the comparison is no; negated, it would hold of every patient without the score.",
        mend="Turn the comparison round in place of negating it: `score.x >= 9`, not `not: score.x < 9`.",
        look=_score_negated,
    ),
    Lint(
        "never-old",
        "fault",
        finds="A number that a treatment can change (`changeable`) without `fresh_for`.",
        why="However old a value is, it would be taken for today’s.",
        mend="Say after how long the value is no longer known.",
        look=_never_old,
    ),
)
