"""From referrals to the two tables of a cohort: a column for each item of the vocabulary, and what goes with it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from service.language.vocabulary import Item, Scope, Vocabulary
from service.query.columns import LESION, PATIENT, column
from service.referral.schema import Given, GivenList, Referral

RECORDED_AT = "recorded_at"


def schema_of(vocabulary: Vocabulary, scope: Scope) -> pa.Schema:
    """All columns that referrals can fill."""
    first = {"patient": [(PATIENT, pa.string()), (RECORDED_AT, pa.date32())]}
    fields = first.get(scope, [(PATIENT, pa.string()), (LESION, pa.string())])
    for item in vocabulary.of(scope).values():
        fields += _of_item(item)
    return pa.schema(fields)


def _of_item(item: Item) -> list[tuple[str, pa.DataType]]:
    name = column(item.id)
    words = pa.list_(pa.string())
    # A day and an instant are different things, and one column may hold both: they are written as text.
    dated = (f"{name}__date", pa.string())
    match item.type:
        case "flag":
            return [(name, pa.bool_()), dated]
        case "number":
            return [(name, pa.float64()), dated]
        case "set":
            return [(name, words), (f"{name}__absent", words), (f"{name}__complete", pa.bool_()), dated]
    return [(name, pa.string()), dated]


def patient_row(patient: str, referral: Referral) -> dict[str, Any]:
    recorded = referral.recorded_at
    day = recorded.date() if isinstance(recorded, datetime) else recorded
    return {PATIENT: patient, RECORDED_AT: day, **_values(referral.patient)}


def lesion_rows(patient: str, referral: Referral) -> Iterable[dict[str, Any]]:
    for lesion in referral.lesions:
        yield {PATIENT: patient, LESION: lesion.id, **_values(lesion.values)}


def _values(values: Mapping[str, Given]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item, given in values.items():
        name, value = column(item), given.value
        if isinstance(value, GivenList):
            row[name] = sorted(value.present)
            row[f"{name}__absent"] = sorted(value.absent)
            row[f"{name}__complete"] = value.complete
        else:
            row[name] = value.isoformat() if isinstance(value, date) else value
        if given.on is not None:
            row[f"{name}__date"] = given.on.isoformat()
    return row
