"""The patients of a synthetic cohort as referrals, for whatever decides one patient at a time."""

from collections.abc import Iterator
from typing import Any

from service.cohort.as_referral import AsReferral, grouped
from service.cohort.generate.cohort import Wanted, parts
from service.cohort.generate.design import Design
from service.query.columns import PATIENT
from service.rulebook.model import Rulebook


def referrals(design: Design, rulebook: Rulebook, wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    """(patient, referral) of each patient of the cohort that `wanted` describes, in the order of its tables."""
    convert = AsReferral(rulebook, wanted.at)
    for part in parts(design, rulebook, wanted):
        yield from of_tables(part.patients, part.lesions, convert)


def of_tables(patients: Any, lesions: Any, convert: AsReferral) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same of two tables of Arrow in the source layout, in the order of the patients."""
    of_patient = grouped(lesions.to_pylist())
    for batch in patients.to_batches(max_chunksize=1000):
        for patient in batch.to_pylist():
            yield str(patient[PATIENT]), convert.referral(patient, of_patient.get(patient[PATIENT], ()))
