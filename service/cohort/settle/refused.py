"""Patients about whom nothing is said, since what was brought of them cannot all be true, or cannot be told apart."""

from collections.abc import Iterable
from typing import Final, cast

import ibis
import ibis.expr.types as ir

from service.language.tree import criteria, items_of, scores_of
from service.query.columns import LESION, PATIENT, FactColumns
from service.query.conditions import Conditions
from service.rulebook.model import Impossible, Rulebook

#: why patients are refused, beside the contradictions of the rulebook; the first that applies is told
NO_PATIENT_ID, NO_LESION_ID, PATIENT_TWICE, LESION_TWICE = (
    "no_patient_id",
    "no_lesion_id",
    "patient_twice",
    "lesion_twice",
)
_ORDER: Final = (NO_PATIENT_ID, PATIENT_TWICE, NO_LESION_ID, LESION_TWICE)
#: how many rows a patient has
MANY: Final = "many"
_RANK, REASON = "rank", "reason"


def refused(rulebook: Rulebook, people: ir.Table, patients: ir.Table, lesions: ir.Table) -> ir.Table:
    """(patient, reason), one row for each: a row without the id of a patient has NULL for it.

    `people`: one row for each id, with how many rows it has. `patients` and `lesions`: with facts; lesions of known
    patients only.
    """
    reasons = (*_ORDER, *(entry.id for entry in rulebook.impossible))
    ranks = {reason: rank for rank, reason in enumerate(reasons)}

    def ranked(patients: ir.Table, reason: str) -> ir.Table:
        return patients.select(PATIENT, **{_RANK: ibis.literal(ranks[reason], "int32")})

    several = (
        lesions.filter(lesions[LESION].notnull()).group_by(PATIENT, LESION).aggregate(**{MANY: lambda t: t.count()})
    )
    found = [
        ranked(people.filter(people[MANY] > 1), PATIENT_TWICE),
        ranked(lesions.filter(lesions[LESION].isnull()), NO_LESION_ID),
        ranked(several.filter(several[MANY] > 1), LESION_TWICE),
        *_contradictory(rulebook, ranks, patients, lesions),
    ]
    every = ibis.union(*found, distinct=False)
    first = every.group_by(PATIENT).aggregate(**{_RANK: every[_RANK].min()})
    named = ibis.cases(*((first[_RANK] == rank, reason) for reason, rank in ranks.items()))
    nameless = patients.filter(patients[PATIENT].isnull())
    return ibis.union(
        first.select(PATIENT, **{REASON: named}),
        nameless.select(PATIENT, **{REASON: ibis.literal(NO_PATIENT_ID)}),
        distinct=False,
    )


def _contradictory(
    rulebook: Rulebook, ranks: dict[str, int], patients: ir.Table, lesions: ir.Table
) -> Iterable[ir.Table]:
    """Patients with facts that the rulebook calls impossible together."""
    of_patients = [entry for entry in rulebook.impossible if entry.scope == "patient"]
    of_lesions = [entry for entry in rulebook.impossible if entry.scope == "lesion"]
    named = patients.filter(patients[PATIENT].notnull())
    if of_patients:
        yield _first_that_holds(rulebook, ranks, of_patients, named)
    if of_lesions:
        asked = _columns(rulebook, of_lesions)
        of_patient = named.select(PATIENT, *(name for name in asked if name in named.columns))
        own = lesions.select(PATIENT, *(name for name in asked if name in lesions.columns))
        yield _first_that_holds(rulebook, ranks, of_lesions, own.inner_join(of_patient, PATIENT))


def _columns(rulebook: Rulebook, entries: list[Impossible]) -> list[str]:
    """The fact columns that these conditions read."""
    leaves = [leaf for entry in entries for leaf in criteria(entry.when)]
    facts = FactColumns(rulebook)
    if any(scores_of(leaf) for leaf in leaves):
        return [name for item in facts.items for name in facts.of_item(item)]
    asked = {item for leaf in leaves for item in items_of(leaf)}
    return [name for item in facts.items if item.id in asked for name in facts.of_item(item)]


def _first_that_holds(
    rulebook: Rulebook, ranks: dict[str, int], entries: list[Impossible], table: ir.Table
) -> ir.Table:
    conditions = Conditions(rulebook, table)
    rank = ibis.cases(*((conditions.of(entry.when), ibis.literal(ranks[entry.id], "int32")) for entry in entries))
    found = table.select(PATIENT, **{_RANK: rank})
    return cast("ir.Table", found.filter(found[_RANK].notnull()))
