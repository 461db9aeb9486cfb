"""Which way a condition moved, by proof: for whom it says more than before, and for whom less."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Node,
    Not,
    OfTechnique,
    Settled,
    items_of,
    leaves,
    scores_of,
)
from service.language.vocabulary import Text
from service.rulebook.model import Claim, Rulebook
from service.workbench.differences.change import MIXED, Grade, Patient
from service.workbench.differences.joint import Joint

#: holds of nobody
NEVER = Not(Always())

#: other rules that may say the same between them, looked at for one that changed
MOST_BESIDE = 6


class Answered(Protocol):
    """What is read of a proof."""

    @property
    def answer(self) -> Literal["proved", "refuted", "undecided"]: ...
    @property
    def seconds(self) -> float: ...
    @property
    def witness(self) -> dict[str, Any] | None: ...


class Proves(Protocol):
    """What is asked of a prover: whether `b` is certain of every patient of whom `a` is."""

    def implied(self, a: Node, b: Node) -> Answered: ...


ProverFactory: TypeAlias = Callable[[Rulebook], Proves]

UNDECIDED = Text("non tranché dans le temps imparti", "not decided in time")
_INCOMPARABLE = Text(
    "incomparable : un élément lu a changé de type, de portée ou d’unité",
    "cannot be compared: an item that is read changed its type, its scope or its unit",
)


@dataclass(frozen=True, slots=True)
class Shift:
    """How the verdict of a condition moved, in the order no, unknown, yes.

    `rises` and `falls`: a patient for whom it is higher, or lower, than before; None when it is proved that there is none.
    `undecided` says why it is not known, if it is not.
    """

    rises: Patient | None = None
    falls: Patient | None = None
    undecided: Text | None = None

    @property
    def same(self) -> bool:
        return self.rises is None and self.falls is None and self.undecided is None


SAME = Shift()


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade, with whom it was shown on."""

    grade: Grade
    freer: Patient | None = None
    stricter: Patient | None = None
    reason: Text | None = None


#: claims that stand against an act: one that holds of more patients is stricter
AGAINST: frozenset[Claim] = frozenset({"contraindicates", "preempts"})


def graded(shifts: Iterable[tuple[bool, Shift]]) -> Graded:
    """The grade of several shifts together; each says whether its condition stands against an act."""
    freer: Patient | None = None
    stricter: Patient | None = None
    undecided: Text | None = None
    for against, shift in shifts:
        freer = freer or (shift.falls if against else shift.rises)
        stricter = stricter or (shift.rises if against else shift.falls)
        undecided = undecided or shift.undecided
    if undecided or (freer and stricter):
        return Graded(MIXED, freer, stricter, undecided)
    return Graded("loosening" if freer else "tightening" if stricter else "wording", freer, stricter)


class Proving:
    """Asks a prover over both rulebooks, and remembers the answers."""

    def __init__(self, joint: Joint, factory: ProverFactory) -> None:
        self.joint = joint
        self._factory = factory
        self._provers: dict[bool, Proves] = {}
        self._shifts: dict[tuple[Node, Node], Shift] = {}
        #: seconds of each question asked
        self.seconds: list[float] = []

    def shift(self, old: Node, new: Node, beside_old: Sequence[Node] = (), beside_new: Sequence[Node] = ()) -> Shift:
        """How the verdict moved from `old` to `new`, each a condition of its own rulebook.

        `beside_old` and `beside_new` are the conditions of other rules of the same or a stronger conclusion: what they
        already say, or say instead, is not counted.
        """
        before, after = self.joint.old(old), new
        if before == after:
            return SAME
        key = (before, after)
        if key not in self._shifts:
            self._shifts[key] = self._moved(before, after)
        found = self._shifts[key]
        if found.rises and beside_old and self._covered(after, [before, *map(self.joint.old, beside_old)]):
            found = Shift(None, found.falls, found.undecided)
        if found.falls and beside_new and self._covered(before, [after, *beside_new]):
            found = Shift(found.rises, None, found.undecided)
        return found

    def certain(self, a: Node, b: Node, *, anyone: bool = False) -> Literal["proved", "refuted", "undecided"]:
        """Whether `b` is certain of every patient of whom `a` is; with `anyone`, of those called impossible too.

        Conditions of the old rulebook go through `joint.old` before.
        """
        if a == b:
            return "proved"
        return self._asked(a, b, anyone=anyone).answer if self.joint.comparable(a, b) else "undecided"

    def _moved(self, before: Node, after: Node) -> Shift:
        if not self.joint.comparable(before, after):
            return Shift(undecided=_INCOMPARABLE)
        rises, unsure = self._above(after, before)
        falls, unsure_too = self._above(before, after)
        return Shift(rises, falls, UNDECIDED if unsure or unsure_too else None)

    def _above(self, a: Node, b: Node) -> tuple[Patient | None, bool]:
        """A patient for whom `a` has a higher verdict than `b`; and whether that is left undecided."""
        unsure = False
        for one, other in ((a, b), (Not(b), Not(a))):
            if one == NEVER or other == Not(NEVER):
                continue
            proof = self._asked(one, other)
            if proof.answer == "refuted" and proof.witness is not None:
                return Patient(proof.witness, getattr(proof, "at", None)), False
            unsure = unsure or proof.answer != "proved"
        return None, unsure

    def _covered(self, node: Node, others: Sequence[Node]) -> bool:
        """Whether `others`, taken together, have at least the verdict of `node` for every patient."""
        whole = AnyOf(tuple(others))
        if not self.joint.comparable(node, whole):
            return False
        return self._above(node, whole) == (None, False)

    def _asked(self, a: Node, b: Node, *, anyone: bool = False) -> Answered:
        if anyone not in self._provers:
            book = self.joint.rulebook
            self._provers[anyone] = self._factory(replace(book, impossible=()) if anyone else book)
        proof = self._provers[anyone].implied(a, b)
        self.seconds.append(proof.seconds)
        return proof


def masked(node: Node) -> Node:
    """A condition as its author wrote it: without the figure of a site setting, and settled for no technique."""
    match node:
        case All(parts):
            return All(tuple(masked(part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(masked(part) for part in parts))
        case Not(part):
            return Not(masked(part))
        case CountLesions(where, operator, value):
            return CountLesions(masked(where), operator, value)
        case Compare(term, operator, _, str() as setting):
            return Compare(term, operator, 0.0, setting)
        case Settled(criterion=OfTechnique() as criterion):
            return criterion
        case _:
            return node


def read_by(node: Node) -> frozenset[str]:
    """What a condition reads: items, scores, settings and properties of the technique, each under a name of its own."""
    found: set[str] = set()
    for leaf in leaves(node):
        if isinstance(leaf, CountLesions):
            found |= read_by(leaf.where)
            continue
        found |= {f"item {item}" for item in items_of(leaf)}
        found |= {f"score {score}" for score in scores_of(leaf)}
        if isinstance(leaf, Compare) and leaf.setting:
            found.add(f"site {leaf.setting}")
        if isinstance(leaf, OfTechnique | Settled):
            found.add("technique")
    return frozenset(found)
