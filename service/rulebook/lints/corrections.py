"""What can be corrected, and how one knows that it was."""

import re
from collections.abc import Iterator

from service.language.scores import items_read
from service.language.tree import Node, items_of, leaves, scores_of
from service.rulebook.lints.figures import plain
from service.rulebook.lints.subject import Found, Lint, Subject
from service.rulebook.model import Rulebook

#: shorter words of a label («de», «the») name nothing
_A_WORD = re.compile(r"\w{3,}")


def _items(book: Rulebook, node: Node) -> set[str]:
    """Every item that a condition reads, through scores too."""
    found = {item for leaf in leaves(node) for item in items_of(leaf)}
    for score in {name for leaf in leaves(node) for name in scores_of(leaf)}:
        found |= items_read(book.scores[score], book.scores)
    return found


def _rechecked_elsewhere(subject: Subject) -> Iterator[Found]:
    book = subject.rulebook
    for rule in book.rules.values():
        recheck = rule.correction.recheck if rule.correction else None
        if rule.correction is None or recheck is None or recheck in _items(book, rule.when):
            continue
        label = book.vocabulary[recheck].label
        said = plain(rule.correction.by.fr).lower()
        if not any(word in said for word in _A_WORD.findall(plain(label.fr).lower())):
            yield subject.of(
                rule,
                f"{rule.id}: what is to be measured again, {recheck}, is neither in the condition nor in the sentence"
                " that says how to correct it",
                "correctable",
                "recheck",
            )


def _never_corrected(subject: Subject) -> Iterator[Found]:
    book = subject.rulebook
    for rule in book.rules.values():
        stay = rule.target.mode is not None and rule.target.mode[0] == "stay"
        if not rule.absolute or rule.correction or stay:
            continue
        read = [book.vocabulary[item] for item in sorted(_items(book, rule.when))]
        # A place or a list of drugs says of whom the rule speaks; what stops the act is the rest.
        deciding = [item for item in read if item.type not in ("choice", "set")]
        if deciding and all(item.changeable for item in deciding):
            names = ", ".join(item.id for item in deciding)
            yield subject.of(
                rule,
                f"{rule.id} excludes for good, and rests only on what a treatment can change ({names}):"
                " was «correctable» lost?",
            )


CORRECTIONS = (
    Lint(
        "recheck-elsewhere",
        "fault",
        finds="A correctable contraindication whose `recheck` names an item that neither its condition nor its sentence names.",
        why="The item is measured again, comes out well, and the contraindication still stands.",
        mend="Name the item that settles the condition, or say in `by` why this one is measured.",
        look=_rechecked_elsewhere,
    ),
    Lint(
        "correction-lost",
        "fault",
        finds="An absolute contraindication without `correctable` that rests only on items declared `changeable`.",
        why="An act that is possible next week would be ruled out for good.",
        mend="Give the rule its `correctable`; if nothing can change the item, it is not `changeable`.",
        look=_never_corrected,
    ),
)
