"""What settling makes of a row is what the run reading knows of the referral made of it, value by value, faults included."""

from typing import Any

import ibis
import pytest

from service.cohort.as_referral import AsReferral
from service.cohort.generate.referrals import of_tables
from service.cohort.settle.settle import settle
from service.query.columns import LESION, PATIENT, FactColumns
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from tests.cohort.generate.made import AT, part
from tests.query.facts_of import fact_row
from tests.strategies import rulebook


@pytest.mark.parametrize(("odds", "faults"), [(1.0, 0.25)])
def test_the_same_is_known_of_every_patient_and_lesion(odds: float, faults: float) -> None:
    book, made = rulebook(), part(150, odds, faults)
    connection = ibis.duckdb.connect()
    raw = [connection.create_table(name, getattr(made, name)) for name in ("patients", "lesions")]

    def keep(name: str, expression: Any) -> Any:
        return connection.create_table(f"kept_{name}", expression, temp=True)

    settled = settle(*raw, book, AT, "duckdb", keep)
    assert connection.to_pyarrow(settled.refused).num_rows == 0
    patients = {row[PATIENT]: row for row in connection.to_pyarrow(settled.patients).to_pylist()}
    lesions = {(row[PATIENT], row[LESION]): row for row in connection.to_pyarrow(settled.lesions).to_pylist()}
    reader, maker, columns = ReferralReader(book.vocabulary), CaseMaker(book), FactColumns(book)
    known = 0
    for patient, referral in of_tables(made.patients, made.lesions, AsReferral(book, AT)):
        case = maker.make(reader.read(referral), AT)
        pairs = [(patients[patient], fact_row(case.patient.known, columns, "patient"))]
        pairs += [
            (lesions[patient, lesion.id], fact_row(lesion.facts.known, columns, "lesion")) for lesion in case.lesions
        ]
        for facts, expected in pairs:
            assert {name: facts[name] for name in expected} == expected
            known += sum(value is not None for value in expected.values())
    assert known > 12_000
