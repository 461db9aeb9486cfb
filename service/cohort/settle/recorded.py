"""`recorded_at`: when values without a date of their own were true."""

from collections.abc import Sequence
from typing import Final

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.layout import RECORDED_AT
from service.cohort.settle import problems
from service.cohort.settle.items import RECORDED_AGE
from service.cohort.settle.moments import UNREADABLE, AsOf, Dated, real
from service.cohort.settle.problems import Counted
from service.cohort.settle.steps import Columns, Step

PROBLEM: Final = "recorded__problem"
COUNTED: Final = Counted(PROBLEM, RECORDED_AT, ("wrong_date", "in_the_future"))


def steps(kind: dt.DataType, asof: AsOf) -> Sequence[Step]:
    """Steps to `RECORDED_AGE` and, beside it, what is wrong with it."""
    recorded = Dated("recorded", RECORDED_AT, kind, asof)

    def judged(t: ir.Table) -> Columns:
        age = recorded.age(t)
        unreadable = age <= real(UNREADABLE)
        return {
            RECORDED_AGE: unreadable.ifelse(ibis.null("float64"), age),
            PROBLEM: problems.first([(unreadable, "wrong_date"), (age < real(0.0), "in_the_future")]),
        }

    return *recorded.steps(), judged
