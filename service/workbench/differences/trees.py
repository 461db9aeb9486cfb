"""Where two condition trees differ: the lines that a reader of the file would point at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.language.tree import All, AnyOf, Compare, CountLesions, Flag, Includes, Member, Node, Not, OfTechnique

#: `altered`: one line says something else; `within`: a question about several lesions whose inside differs
LineKind: TypeAlias = Literal["altered", "dropped", "added", "replaced", "reordered", "joined"]

#: more differing lines than this are told as the whole condition, before and after
MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line that differs. `among` says whether it stands in an `all` or an `any`, where that matters."""

    kind: LineKind
    old: Node | None
    new: Node | None
    among: Literal["all", "any", ""] = ""


def lines(old: Node, new: Node) -> list[Line]:
    """The lines that differ; a single `replaced` line holding both trees when they have no shape in common."""
    found = _lines(old, new, "")
    return found if len(found) <= MOST_LINES else [Line("replaced", old, new)]


def _lines(old: Node, new: Node, among: Literal["all", "any", ""]) -> list[Line]:
    if old == new:
        return []
    match old, new:
        case (All(a), All(b)) | (AnyOf(a), AnyOf(b)):
            return _parts(a, b, "all" if isinstance(old, All) else "any")
        case (All(a), AnyOf(b)) | (AnyOf(a), All(b)) if set(a) == set(b):
            return [Line("joined", old, new)]
        case (Not(a), Not(b)) if not _is_line(a) and not _is_line(b):
            return _lines(a, b, among)
        # «A» became «all: [A, B]», or the other way round.
        case (_, All(b)) if old in b and not isinstance(old, All):
            return _parts((old,), b, "all")
        case (_, AnyOf(b)) if old in b and not isinstance(old, AnyOf):
            return _parts((old,), b, "any")
        case (All(a), _) if new in a and not isinstance(new, All):
            return _parts(a, (new,), "all")
        case (AnyOf(a), _) if new in a and not isinstance(new, AnyOf):
            return _parts(a, (new,), "any")
    return [Line("altered" if _subject(old) and _subject(old) == _subject(new) else "replaced", old, new, among)]


def _parts(old: Sequence[Node], new: Sequence[Node], among: Literal["all", "any"]) -> list[Line]:
    """Parts that are equal are left out wherever they stand; then those of one subject or shape are paired."""
    left_old, left_new = _without_common(old, new)
    if not left_old and not left_new:
        return [Line("reordered", None, None)]
    found: list[Line] = []
    for alike in (_same_subject, _same_shape):
        for part in list(left_old):
            partner = next((other for other in left_new if alike(part, other)), None)
            if partner is not None:
                left_old.remove(part)
                left_new.remove(partner)
                found += _lines(part, partner, among)
    found += [Line("dropped", part, None, among) for part in left_old]
    return found + [Line("added", None, part, among) for part in left_new]


def _without_common(old: Sequence[Node], new: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    left_old, left_new = [], list(new)
    for part in old:
        if part in left_new:
            left_new.remove(part)
        else:
            left_old.append(part)
    return left_old, left_new


def _same_subject(one: Node, other: Node) -> bool:
    return _subject(one) is not None and _subject(one) == _subject(other)


def _same_shape(one: Node, other: Node) -> bool:
    """Two groups of one kind that share at least one part."""
    match one, other:
        case (All(a), All(b)) | (AnyOf(a), AnyOf(b)):
            return any(part in b for part in a)
        case (Not(a), Not(b)):
            return _same_shape(a, b)
    return False


def _is_line(node: Node) -> bool:
    return not isinstance(node, All | AnyOf | Not)


def _subject(node: Node) -> object:
    """What one line speaks of, denied or not; None for a group of lines."""
    match node:
        case Not(part) if _is_line(part):
            return _subject(part)
        case Compare(term):
            return term
        case Flag(item) | Member(item) | Includes(item):
            return item
        case OfTechnique(name):
            return f"technique.{name}"
        case CountLesions():
            return "lesions"
    return None
