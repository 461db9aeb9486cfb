"""A cohort settled: raw tables in, facts and a count of everything that is not used out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.cohort.engines import Dialect
from service.cohort.layout import LESIONS, OBSERVATIONS, PATIENTS
from service.cohort.settle import problems, tables
from service.cohort.settle.items import RECORDED_AGE
from service.cohort.settle.moments import AsOf
from service.cohort.settle.refused import MANY, NO_PATIENT_ID, refused
from service.cohort.settle.tables import Raw, Read, of_layout, raw, read
from service.cohort.sources.observations import Observations
from service.cohort.sources.pivot import pivoted
from service.query.columns import LESION, PATIENT, FactColumns
from service.query.criteria import Keep
from service.rulebook.model import Rulebook

#: whether the patient of a lesion is in the patients' table
_KNOWN: Final = "known"
#: the patient of a lesion, if known
_OWNER: Final = "owner"


@dataclass(frozen=True, slots=True)
class Settled:
    """`patients` and `lesions`: fact columns, without the refused. `refused`: patient, reason. `problems`: table, item,
    problem, number. `missing`: items that no column gives, unknown for everybody."""

    patients: ir.Table
    lesions: ir.Table
    refused: ir.Table
    problems: ir.Table
    missing: tuple[str, ...]


def settle(
    patients: ir.Table, lesions: ir.Table, rulebook: Rulebook, at: datetime, dialect: Dialect, keep: Keep
) -> Settled:
    """The facts of a cohort at one moment (one without a zone is taken as being in the rulebook's).

    Agrees, value by value, with `CaseMaker`; but where that refuses a referral for one value, here the value is unknown
    and counted. Raises SourceError when a table lacks an id, or has a column twice.
    """
    return settle_source({PATIENTS: patients, LESIONS: lesions}, rulebook, at, dialect, keep)


def settle_source(
    source: Mapping[str, ir.Table], rulebook: Rulebook, at: datetime, dialect: Dialect, keep: Keep
) -> Settled:
    """Like `settle`, of the raw tables of a source by name: patients and lesions, and observations if there are any."""
    asof = AsOf(_localised(at, rulebook.info.timezone), rulebook.info.timezone, dialect)
    patients = raw(PATIENTS, source[PATIENTS], rulebook)
    lesions = raw(LESIONS, source[LESIONS], rulebook)
    if OBSERVATIONS not in source:
        return _settled(patients, lesions, rulebook, asof, keep)
    observations = Observations(source[OBSERVATIONS], rulebook, asof)
    long = pivoted(observations, patients.with_ids(), lesions.with_ids(), keep)
    settled = _settled(
        of_layout(PATIENTS, long.patients, rulebook), of_layout(LESIONS, long.lesions, rulebook), rulebook, asof, keep
    )
    return replace(settled, problems=ibis.union(settled.problems, long.problems, distinct=False))


def _settled(patients: Raw, lesions: Raw, rulebook: Rulebook, asof: AsOf, keep: Keep) -> Settled:
    of_patients = tables.patients(patients, rulebook, asof)
    of_everybody = keep("patients_read", of_patients.table)
    named = of_everybody.filter(of_everybody[PATIENT].notnull())
    people = keep(
        "people",
        named.group_by(PATIENT).aggregate(**{MANY: named.count(), RECORDED_AGE: named[RECORDED_AGE].max()}),
    )
    of_lesions = _lesions(lesions, people, rulebook, asof)
    of_all = keep("lesions_read", of_lesions.table)
    of_known = of_all.filter(of_all[_KNOWN])
    refusals = keep("refused", refused(rulebook, people, of_everybody, of_known))
    facts = FactColumns(rulebook)
    return Settled(
        named.anti_join(refusals, PATIENT).select(PATIENT, *facts.of("patient")),
        of_known.anti_join(refusals, PATIENT).select(PATIENT, LESION, *facts.of("lesion")),
        refusals,
        ibis.union(
            *problems.counts(PATIENTS, of_everybody, of_patients.counted),
            *problems.counts(LESIONS, of_all, of_lesions.counted),
            *_of_rows(people, of_all),
            distinct=False,
        ),
        _in_order(rulebook, (*of_patients.missing, *of_lesions.missing)),
    )


def _localised(at: datetime, zone: str) -> datetime:
    place = ZoneInfo(zone)
    return at.replace(tzinfo=place) if at.tzinfo is None else at.astimezone(place)


def _lesions(lesions: Raw, people: ir.Table, rulebook: Rulebook, asof: AsOf) -> Read:
    """Lesions with what was recorded of their patients; a patient who is there twice does not multiply them."""
    beside = people.select(**{_OWNER: people[PATIENT], RECORDED_AGE: people[RECORDED_AGE]})
    own = lesions.with_ids()
    joined = own.left_join(beside, own[PATIENT] == beside[_OWNER])
    ids = {
        **{name: joined[name] for name in (PATIENT, LESION, RECORDED_AGE)},
        _KNOWN: joined[_OWNER].notnull(),
    }
    return read(replace(lesions, table=joined, ids=ids), rulebook, asof)


def _of_rows(people: ir.Table, lesions: ir.Table) -> Iterator[ir.Table]:
    """Lesions that are nobody's, and patients without any."""
    known, id_ = lesions[_KNOWN], lesions[PATIENT]
    yield problems.rows(LESIONS, PATIENT, NO_PATIENT_ID, lesions.filter(id_.isnull()))
    yield problems.rows(LESIONS, PATIENT, "unknown_patient", lesions.filter(id_.notnull() & ~known))
    yield problems.rows(
        PATIENTS, LESION, "no_lesion", people.anti_join(lesions.filter(known & lesions[LESION].notnull()), PATIENT)
    )


def _in_order(rulebook: Rulebook, missing: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item for item in rulebook.vocabulary.items if item in missing)
