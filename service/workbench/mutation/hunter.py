"""Makes each mutant in memory and asks whether it is noticed: first by the tables, then by whole referrals.

What neither notices is asked of the prover: a mutant that no patient can tell from the original is no hole in the tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from service.decision import Decider
from service.language.meaning import Meaning
from service.prove.prover import PATIENCE, Proof
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.borderline.approved import approved_tables
from service.workbench.cases import CaseFile, read_cases
from service.workbench.mutation.equivalence import Equivalence
from service.workbench.mutation.make import all_mutants
from service.workbench.mutation.mutant import Mutant
from service.workbench.mutation.nearby import Nearby
from service.workbench.mutation.remake import Refused, Remaker
from service.workbench.tables.patients import TableError
from service.workbench.tables.plain import described, expected_heads, expected_items, head_of, wrong_settings
from service.workbench.tables.read import read_tables
from service.workbench.tables.verdicts import differences, wrong_bands, wrong_claims, wrong_points, wrong_verdicts
from service.workbench.trying import try_cases

#: `tables`, `referrals`: caught by these. `equivalent`: proved to say the same of every patient. `survived`: some patient
#: is judged otherwise, and no test notices. `undecided`: no patient was found, and nothing proved: counted as survived.
#: `refused`: the loader does not take it, so that it could never be served; it is not counted as a mutant
Fate: TypeAlias = Literal["tables", "referrals", "equivalent", "survived", "undecided", "refused"]

#: begins the name of a score as conditions and mutants write it
_SCORE = "score."


@dataclass(frozen=True, slots=True)
class Suite:
    """Where the rules and everything that tests them stand."""

    rules: Path
    tables: Path
    approved: Path
    cases: Path


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a mutant; of a survivor, a referral on which it differs when the prover found one."""

    fate: Fate
    witness: dict[str, Any] | None = None


class Hunter:
    """One rulebook and its suite, ready to judge mutants. Not shared between threads or processes."""

    def __init__(self, suite: Suite, patience: float = PATIENCE) -> None:
        """Raises RulebookError, TableError, OSError when the rules or the tables cannot be used."""
        self.suite = suite
        self.patience = patience
        self.remaker = Remaker(rule_files(suite.rules))
        self.rulebook = book = self.remaker.rulebook
        self.meaning = Meaning(book.vocabulary, book.scores)
        self.tables = read_tables(book, suite.tables)
        self._approved = approved_tables(book, suite.approved)
        self._nearby = Nearby(book, self.meaning)
        if missing := sorted(book.rules.keys() - self.tables.rules.keys()):
            raise TableError(f"{suite.tables}: no table speaks of {', '.join(missing)}")

    def mutants(self) -> list[Mutant]:
        return all_mutants(self.remaker.documents, self.rulebook)

    def found(self, mutant: Mutant) -> Found:
        """The fate of one mutant."""
        try:
            if next(self.wrong(mutant), None) is not None:
                return Found("tables")
            alike = self.alike(mutant)
            if not alike and self.wrong_referral(mutant):
                return Found("referrals")
            proof = self.proof(mutant)
        except Refused:
            return Found("refused")
        if proof is None or proof.answer == "undecided":
            return Found("undecided" if alike else "survived")
        return Found("equivalent") if proof.answer == "proved" else Found("survived", proof.witness)

    # ---- the tables ----

    def wrong(self, mutant: Mutant) -> Iterator[str]:
        """What the tables have to say against a mutant."""
        match self.remaker.kind(mutant):
            case "rule":
                rule = self.remaker.rule(mutant)
                table = self.tables.rules[mutant.owner]
                yield from wrong_claims(rule, table)
                for each in (table, *self._approved.get(mutant.owner, ())):
                    yield from wrong_verdicts(rule.when, each, self.meaning)
            case "impossible":
                table = self.tables.impossible[mutant.owner]
                yield from wrong_verdicts(self.remaker.impossible(mutant), table, self.meaning)
            case "score":
                name, scores = mutant.owner.removeprefix(_SCORE), self.remaker.scores(mutant)
                meaning = Meaning(self.rulebook.vocabulary, scores)
                yield from wrong_points(scores[name], self.tables.scores[name], meaning)
                yield from wrong_bands(scores[name], self.tables.bands[name])
            case "technique":
                expected = self._heads[mutant.owner]
                yield from differences(head_of(self.remaker.technique(mutant)), expected, mutant.owner)
            case "vocabulary":
                expected = self._items.get(mutant.owner, {})
                yield from differences(described(self.remaker.item(mutant)), expected, mutant.owner)
            case _:
                yield from wrong_settings(self.remaker.whole(mutant), self.tables)

    @cached_property
    def _heads(self) -> Mapping[str, Any]:
        return expected_heads(self.tables.plain["techniques"])

    @cached_property
    def _items(self) -> Mapping[str, Any]:
        return expected_items(self.tables.plain["vocabulary"])

    # ---- what the tables let through ----

    def alike(self, mutant: Mutant) -> bool:
        """Whether no patient near those of the table is judged otherwise."""
        if (name := _score_of(mutant)) is not None:
            changed = self.remaker.scores(mutant)
            bands = self.rulebook.scores[name].bands == changed[name].bands
            return bands and self._nearby.same_score(name, changed, self.tables.scores[name])
        conditions = self.remaker.conditions(mutant)
        if conditions is None:
            return False
        held = self.tables.impossible if self.remaker.kind(mutant) == "impossible" else self.tables.rules
        return self._nearby.same_condition(*conditions, held[mutant.owner])

    def proof(self, mutant: Mutant) -> Proof | None:
        """Whether it is proved to be equivalent; None when that cannot be asked.

        Of what is impossible it cannot: the prover takes for granted that it never holds.
        """
        if (name := _score_of(mutant)) is not None:
            return self._equivalence.of_scores(self.rulebook.scores[name], self.remaker.scores(mutant)[name])
        conditions = self.remaker.conditions(mutant)
        if conditions is None or self.remaker.kind(mutant) == "impossible":
            return None
        return self._equivalence.of_conditions(*conditions)

    @cached_property
    def _equivalence(self) -> Equivalence:
        return Equivalence(self.rulebook, self.patience)

    # ---- whole referrals ----

    def wrong_referral(self, mutant: Mutant) -> bool:
        """Whether a case that is answered as expected is answered otherwise under the mutant."""
        failed = self._failed(self.remaker.whole(mutant))
        return bool(failed - self._failed_before)

    @cached_property
    def _failed_before(self) -> set[str]:
        return self._failed(self.rulebook)

    @cached_property
    def _cases(self) -> Mapping[str, CaseFile]:
        return read_cases(self.suite.cases)[0]

    def _failed(self, rulebook: Rulebook) -> set[str]:
        outcomes = try_cases(Decider(rulebook), self._cases.values())
        return {outcome.case.name for outcome in outcomes if not outcome.passed}


def _score_of(mutant: Mutant) -> str | None:
    """The score that is mutated; None when it is something else."""
    return mutant.owner.removeprefix(_SCORE) if mutant.owner.startswith(_SCORE) else None
