"""Parts of a cohort as ranges of patient ids: no row is copied for it, and a patient's rows always fall into one part."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from service.query.columns import PATIENT

#: an id as the source holds it
Id: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Ranges:
    """The first ids of the second part, the third, and so on, in order. Ids below or NULL belong to the first part."""

    starts: tuple[Id, ...] = ()

    @property
    def parts(self) -> int:
        return len(self.starts) + 1

    def of(self, table: ir.Table, number: int) -> ir.Table:
        """The rows of one part, from 1."""
        if self.parts == 1:
            return table
        patient = identity(table, text=isinstance(self.starts[0], str))
        low = self.starts[number - 2] if number > 1 else None
        high = self.starts[number - 1] if number < self.parts else None
        if low is None:
            return table.filter((patient < ibis.literal(high)) | patient.isnull())
        inside = patient >= ibis.literal(low)
        return table.filter(inside if high is None else inside & (patient < ibis.literal(high)))

    def read_again(self, blocks: Iterable[tuple[Id, Id]]) -> float:
        """How often a block of rows is read on the average when each part reads those that may hold its patients.

        `blocks`: the lowest and the highest id of each.
        """
        read = [bisect_right(self.starts, high) - bisect_right(self.starts, low) + 1 for low, high in blocks]
        return sum(read) / len(read) if read else 1.0

    def text(self) -> str:
        """As it is kept between two runs."""
        return json.dumps(self.starts)

    @classmethod
    def read(cls, path: Path) -> "Ranges":
        """What was kept."""
        return cls(tuple(json.loads(path.read_text(encoding="utf-8"))))


def ranges(ids: Sequence[Id], parts: int) -> Ranges:
    """About as many of these ids in each part; fewer parts when there are too few different ids."""
    ordered = sorted(set(ids))
    starts = [ordered[len(ordered) * part // parts] for part in range(1, parts)] if ordered else []
    return Ranges(tuple(sorted(set(starts) - set(ordered[:1]))))


def identity(table: ir.Table, *, text: bool) -> ir.Value:
    """The id of a row's patient, as text or as the table has it."""
    patient = table[PATIENT]
    return patient.cast("string") if text and not patient.type().is_string() else patient


def as_text(tables: Iterable[ir.Table]) -> bool:
    """Whether ids are compared as text: unless every table has them as whole numbers."""
    return not all(table[PATIENT].type().is_integer() for table in tables)
