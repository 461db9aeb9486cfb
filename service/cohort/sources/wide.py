"""The wide form: one table with a row for each lesion, on which what is true of the patient is repeated."""

from typing import cast

import ibis.expr.types as ir

from service.cohort.layout import LESIONS, PATIENTS, RECORDED_AT, columns_of, found, identity
from service.language.vocabulary import Vocabulary
from service.query import combine
from service.query.columns import LESION, PATIENT


def two_tables(what: str, table: ir.Table, vocabulary: Vocabulary) -> dict[str, ir.Table]:
    """Patients and lesions of a wide table. A patient whose rows differ is there twice, and so will be refused.

    Raises SourceError when an id is missing or a column is there twice.
    """
    names = found(what, table.columns, vocabulary, ("patient", "lesion")).names
    of_patients = {RECORDED_AT, *columns_of(vocabulary.of("patient").values())}
    patient = identity(what, table, names[PATIENT])
    lesion = identity(what, table, names[LESION])
    others = {name: table[raw] for name, raw in names.items() if name not in (PATIENT, LESION)}
    patients = table.select(
        **{PATIENT: patient}, **{name: value for name, value in others.items() if name in of_patients}
    )
    values = {name: value for name, value in others.items() if name not in of_patients}
    lesions = table.select(**{PATIENT: patient, LESION: lesion}, **values)
    # A patient without a lesion has a row of which only the patient's columns are filled.
    told = combine.some(lesions[name].notnull() for name in (LESION, *values))
    return {PATIENTS: cast("ir.Table", patients.distinct()), LESIONS: cast("ir.Table", lesions.filter(told))}
