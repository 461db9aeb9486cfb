"""Counting lesions and patients under many headings at once.

Each heading is one mark, a bit in a row of 64-bit words. A cohort is then grouped by lesion once, and not once for each heading;
what a lesion or patient has is a few integers, whatever the number of rows it came from.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

import ibis
import ibis.expr.types as ir

#: computes a step once under a name, and returns the table to go on from
Keep: TypeAlias = Callable[[str, ir.Table], ir.Table]

#: bits used of one word: the sign is left alone
BITS: Final = 60
_ONE: Final = ibis.literal(1, "int64")


class Marks:
    """The marks of one set of headings, in their order."""

    def __init__(self, headings: Sequence[str], bits: int = BITS) -> None:
        """`bits`: used of each word, so that headings that belong together can share one."""
        self.headings = tuple(headings)
        self._bits = bits
        self._places = {name: divmod(at, bits) for at, name in enumerate(self.headings)}
        self.words = tuple(f"w{number}" for number in range(-(-len(self.headings) // bits) or 1))

    def table(self) -> ir.Table:
        """Heading, word and bit, to be joined with rows that name their heading."""
        row = ibis.literal(1).name("one").as_table()
        places = [self._places[name] for name in self.headings]
        return row.select(
            heading=_listed(self.headings, "string"),
            word=_listed([word for word, _ in places], "int64"),
            bit=_listed([1 << place for _, place in places], "int64"),
        )

    def per_lesion(self, rows: ir.Table) -> ir.Table:
        """From rows (patient, lesion, word, bit) to one row per lesion: patient, lesion, words."""
        words = {name: ibis.ifelse(rows.word == at, rows.bit, 0).bit_or() for at, name in enumerate(self.words)}
        return rows.group_by("patient", "lesion").agg(**words)

    def per_patient(self, lesions: ir.Table) -> ir.Table:
        """From one row per lesion to one row per patient: what any of the lesions has."""
        return lesions.group_by("patient").agg(**{name: lesions[name].bit_or() for name in self.words})

    def any_of(self, marked: ir.Table, headings: Sequence[str]) -> ir.BooleanValue:
        """Whether a row has one of these headings."""
        masks: dict[int, int] = {}
        for name in headings:
            word, place = self._places[name]
            masks[word] = masks.get(word, 0) | 1 << place
        found = cast("ir.BooleanValue", ibis.literal(False))
        for word, mask in masks.items():
            found = found | ((marked[self.words[word]] & ibis.literal(mask, "int64")) != 0)
        return found

    def tally(self, marked: ir.Table) -> dict[str, int]:
        """How many rows have each heading."""
        places = ibis.range(self._bits).unnest().name("at").as_table()
        # The cast makes the shift one of 64 bits.
        places = places.select(place=places["at"].cast("int64"))
        parts = []
        for number, name in enumerate(self.words):
            # Equal words first: there are far fewer of them than rows.
            equal = marked.group_by(bits=marked[name]).agg(rows=marked.count())
            each = equal.cross_join(places)
            held = each.filter(each.bits & (_ONE << each.place) != 0)
            parts.append(held.group_by("place").agg(rows=held.rows.sum()).mutate(word=ibis.literal(number, "int64")))
        counted = ibis.union(*parts) if len(parts) > 1 else parts[0]
        found = {(row["word"], row["place"]): int(row["rows"]) for row in counted.to_pyarrow().to_pylist()}
        return {name: found.get(self._places[name], 0) for name in self.headings}


def _listed(values: Sequence[str] | Sequence[int], kind: str) -> ir.Value:
    """The values, one in each row."""
    return cast("ir.ArrayValue", ibis.literal(list(values), f"array<{kind}>")).unnest()
