"""Asks one question about every patient, and answers with a proof or with a patient for whom it fails."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import z3

from service.language.facts import Case
from service.language.kleene import YES, Verdict
from service.language.meaning import Meaning, situations
from service.language.tree import Node
from service.prove.options import Options
from service.prove.witness import Shrinking, Witness, witness
from service.prove.world import World, counts_lesions, lesions_needed
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook

Answer: TypeAlias = Literal["proved", "refuted", "undecided"]

#: seconds for one question
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a claim holds of every patient.

    `proved`: of every one. `refuted`: `witness` is a referral for which it fails, decided at `at`, and the reference
    meaning agrees. `undecided`: no answer in time, or a counterexample that could not be replayed.
    """

    answer: Answer
    seconds: float
    witness: dict[str, Any] | None = None
    #: when the witness is decided, ISO 8601
    at: str | None = None


#: what the reference meaning must say of the judged lesion of a witness
Replay: TypeAlias = Callable[[Callable[[Node], Verdict]], bool]


class Prover:
    """Questions over one rulebook. Not shared between threads or processes."""

    def __init__(self, rulebook: Rulebook, patience: float = PATIENCE, today: date | None = None) -> None:
        self.rulebook = rulebook
        self.patience = patience
        self._today = today or date.today()  # noqa: DTZ011  # a witness' day, in whatever zone; nothing rests on it
        #: by how many lesions there may be beside the judged one
        self._worlds: dict[int, World] = {}
        self._options: dict[int, Options] = {}
        self._reader = ReferralReader(rulebook.vocabulary)
        self._cases = CaseMaker(rulebook)
        self._meaning = Meaning(rulebook.vocabulary, rulebook.scores)

    def world(self, nodes: Iterable[Node], alone: str | None = None) -> World:
        """The patient that questions about these conditions are asked of; with `alone`, of a second one as well."""
        asked = [*nodes, *(entry.when for entry in self.rulebook.impossible)]
        others = lesions_needed(self.rulebook, asked, alone) if counts_lesions(asked) else 0
        if others not in self._worlds:
            self._worlds[others] = World(self.rulebook, others)
        return self._worlds[others]

    def options(self, world: World) -> Options:
        """The options of one of this prover's worlds, made once."""
        others = world.patients.others
        if others not in self._options:
            self._options[others] = Options(world)
        return self._options[others]

    def implied(self, a: Node, b: Node) -> Proof:
        """Whether `b` is certain of every patient of whom `a` is."""
        world = self.world((a, b))
        failing = z3.And(world.of(a).yes, z3.Not(world.of(b).yes))
        return self.refute(world, failing, lambda verdict: verdict(a) == YES and verdict(b) != YES)

    def same(self, a: Node, b: Node) -> Proof:
        """Whether `a` and `b` have the same verdict for every patient, unknown included."""
        world = self.world((a, b))
        one, other = world.of(a), world.of(b)
        failing = z3.Or(z3.Xor(one.yes, other.yes), z3.Xor(one.no, other.no))
        return self.refute(world, failing, lambda verdict: verdict(a) != verdict(b))

    def never(self, a: Node) -> Proof:
        """Whether `a` is certain of no patient."""
        world = self.world((a,))
        return self.refute(world, world.of(a).yes, lambda verdict: verdict(a) == YES)

    def always(self, world: World, claim: z3.BoolRef) -> Answer:
        """Whether `claim` holds of every patient; no witness is made, which is quick."""
        found = self._solver(world, z3.Not(claim)).check()
        return "proved" if found == z3.unsat else "refuted" if found == z3.sat else "undecided"

    def _solver(self, world: World, *formulas: z3.BoolRef) -> z3.Solver:
        solver = z3.Solver()
        solver.set("timeout", int(self.patience * 1000))
        solver.add(*world.assumptions(), *formulas)
        return solver

    def refute(self, world: World, failing: z3.BoolRef, replay: Replay | None = None) -> Proof:
        """Looks for a patient of whom `failing` holds. `replay` says what the reference meaning must find in them."""
        began = time.monotonic()
        solver = self._solver(world, failing)
        found = solver.check()
        if found == z3.unsat:
            return Proof("proved", time.monotonic() - began)
        if found != z3.sat:
            return Proof("undecided", time.monotonic() - began)
        shown = witness(Shrinking(solver, world).shrink(), world, self._today)
        agreed = self.replayed(shown, replay)
        seconds = time.monotonic() - began
        return Proof("refuted" if agreed else "undecided", seconds, shown.referral, shown.at.isoformat())

    def replayed(self, shown: Witness, replay: Replay | None) -> bool:
        """Whether a witness is a referral that can be sent, and the reference meaning says of it what the formula says."""
        case = self.case(shown)
        if case is None or replay is None:
            return case is not None
        situation = situations(case)[1][0]

        def verdict(node: Node) -> Verdict:
            return self._meaning.condition(node)(situation)

        try:
            return replay(verdict)
        except ValueError:
            # It speaks of a property of the technique and is settled for none: the reference meaning has no verdict.
            return False

    def case(self, shown: Witness) -> Case | None:
        """The facts of a witness, or None when the referral would be refused."""
        try:
            return self._cases.make(self._reader.read(shown.referral), shown.at)
        except ReferralError:
            return None
