"""A chunk of the truth written down as the two tables of the source layout."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from service.cohort.generate import columns
from service.cohort.generate.cells import Cells, Dated, ListCells, Unit
from service.cohort.generate.design import Dating, Design
from service.cohort.generate.faults import Faults
from service.cohort.generate.missing import Missing, shared_out
from service.cohort.generate.numbering import Numbering, numbering
from service.cohort.generate.streams import Bits, Streams, threshold
from service.cohort.generate.tables import Flags, Whole, table_of_moments
from service.cohort.generate.truth import Masks, Plan, Planned, Truth
from service.language.vocabulary import Item, Scope
from service.query.columns import LESION, PATIENT

_RECORDED: Final = "recorded_at"
#: digits of a patient's number; a longer number has more
_DIGITS: Final = 7


@dataclass
class _Chunk:
    """One chunk being written down."""

    truth: Truth
    streams: Streams
    #: of each patient
    centres: Whole
    laboratories: Whole
    #: list -> the words that were written as present
    present: dict[str, Masks] = field(default_factory=dict)
    #: group of items -> when they were taken
    dated: dict[str, Dated] = field(default_factory=dict)

    def of_rows(self, values: Whole, scope: Scope) -> Whole:
        """What is known of each patient, for each row of a table."""
        return values if scope == "patient" else values[self.truth.owner]

    def bits(self, scope: Scope, *name: str | int) -> Bits:
        """Draws for each row of a table."""
        rows = self.truth.patients if scope == "patient" else len(self.truth.owner)
        return self.streams.bits(rows, *name)


class Recorder:
    """Writes chunks down, all in the same columns.

    `odds` multiplies the odds of each value to be missing (0: complete and recent); `faults` percent become unusable.
    """

    def __init__(self, plan: Plan, design: Design, odds: float, faults: float) -> None:
        self._plan = plan
        self._written = design.written
        self._missing = Missing(design.written, odds)
        self._faults = Faults(faults, plan.clock) if faults else None
        self._groups = {item: group for group, (items, _) in design.written.dates.items() for item in items}
        self._dated = {group: self._when(dating) for group, (_, dating) in design.written.dates.items()}
        self._recorded = self._when(design.written.recorded)
        self._numbering = {
            planned.drawn.item.id: self._numbered(planned)
            for planned in plan.items
            if planned.drawn.item.type == "number"
        }
        self._moments = {
            planned.drawn.item.id: self._moment(planned)
            for planned in plan.items
            if planned.drawn.item.type == "moment"
        }

    def tables(self, truth: Truth, streams: Streams, first: int) -> tuple[Any, Any]:
        """The tables of patients and of lesions; the patients are numbered from `first`."""
        centres = self._missing.centres(truth.patients, streams)
        laboratories = shared_out(self._written.laboratories, streams.bits(truth.patients, "laboratory"))
        chunk = _Chunk(truth, streams, centres, laboratories)
        ids = pa.array([f"synthetic-{number:0{_DIGITS}d}" for number in range(first, first + truth.patients)])
        everybody = np.ones(truth.patients, bool)
        recorded = self._recorded.dated(chunk.bits("patient", _RECORDED))
        made = columns.days if recorded.to_the_day else columns.instants
        patients = {PATIENT: ids, _RECORDED: made(recorded.values, everybody)}
        nth = np.arange(len(truth.owner)) - np.searchsorted(truth.owner, truth.owner)
        names = [f"lesion-{at + 1}" for at in range(int(nth.max(initial=0)) + 1)]
        lesions = {
            PATIENT: ids.take(pa.array(truth.owner)),
            LESION: columns.texts(nth, np.ones(len(nth), bool), names),
        }
        for planned in self._plan.items:
            table = patients if planned.drawn.item.scope == "patient" else lesions
            table.update(self._columns(planned, chunk))
        return pa.table(patients), pa.table(lesions)

    def _columns(self, planned: Planned, chunk: _Chunk) -> dict[str, Any]:
        item = planned.drawn.item
        written = self._missing.there(item, chunk.of_rows(chunk.centres, item.scope), chunk.streams)
        written &= chunk.truth.known(planned)
        if planned.table is None:
            listed = self._list(planned, written, chunk)
            if self._faults is not None:
                self._faults.into_list(listed, chunk.streams)
            return listed.columns()
        if (follows := planned.drawn.follows) is not None:
            bit = np.uint64(1 << self._plan.vocabulary_words(follows.list).index(follows.word))
            written &= (chunk.present[follows.list] & bit) != 0
        cells = self._cells(planned, written, chunk)
        if self._faults is not None:
            self._faults.into(cells, chunk.streams)
        return cells.columns()

    # ---- one item ----

    def _cells(self, planned: Planned, written: Flags, chunk: _Chunk) -> Cells:
        item = planned.drawn.item
        codes = chunk.truth.codes[item.id]
        dated = self._date(item, chunk)
        match item.type:
            case "flag":
                assert planned.table is not None
                return Cells(item, written, np.append(planned.table.values, 0.0)[codes], "flag", dated=dated)
            case "choice":
                assert planned.table is not None
                words = planned.words + (self._written.wrong_words if self._faults else ())
                return Cells(item, written, np.append(planned.table.values, 0.0)[codes], "text", words, dated=dated)
            case "number":
                return self._number(item, written, np.asarray(codes), chunk, dated)
            case _:
                values, kind, words = self._moments[item.id]
                places = np.asarray(codes, np.int64)
                if words:
                    to_the_minute = chunk.bits(item.scope, "time", item.id) < threshold(float(planned.drawn.given))
                    places = places + to_the_minute * (len(values) // 2)
                return Cells(item, written, values[places], kind, words, dated=dated)

    def _number(self, item: Item, written: Flags, codes: Any, chunk: _Chunk, dated: Dated | None) -> Cells:
        number = self._numbering[item.id]
        kind = "whole" if number.whole else "number"
        if not number.spellings:
            return Cells(item, written, number.values[0].take(codes), kind, dated=dated)
        laboratories = chunk.of_rows(chunk.laboratories, item.scope)
        wrong = [unit for unit in self._written.wrong_units if unit not in item.units] if self._faults else []
        unit = Unit((*number.spellings, *wrong), number.places[laboratories])
        return Cells(item, written, number.values[laboratories, codes], kind, unit=unit, dated=dated)

    def _numbered(self, planned: Planned) -> Numbering:
        return numbering(planned, self._written.laboratories, self._written.units.get(planned.drawn.item.id))

    def _moment(self, planned: Planned) -> tuple[Whole, str, tuple[str, ...]]:
        """For each code what is written; the kind of column; the texts, when it is one of texts."""
        assert planned.table is not None
        ago, clock = planned.table.values, self._plan.clock
        match planned.drawn.given:
            case "day":
                return np.append(clock.days(ago), 0), "day", ()
            case "time":
                return np.append(clock.milliseconds(ago), 0), "instant", ()
            case _:
                number = len(ago)
                days, times = np.append(np.arange(number), 0), np.append(np.arange(number) + number, 0)
                # The last one has not come yet: a fault, when faults are asked for.
                words = (*clock.day_texts(ago), *clock.time_texts(ago), clock.later(3).isoformat())
                return np.concatenate([days, times]), "text", words

    def _list(self, planned: Planned, written: Flags, chunk: _Chunk) -> ListCells:
        item = planned.drawn.item
        masks: Masks = np.asarray(chunk.truth.codes[item.id], np.uint64)
        centres = chunk.of_rows(chunk.centres, item.scope)
        complete = self._missing.complete(item, centres, chunk.streams)
        present, absent = self._missing.told(item, masks, complete, chunk.streams)
        chunk.present[item.id] = np.where(written, present, np.uint64(0))
        words = (*planned.words, *(self._written.wrong_words[:1] if self._faults else ()))
        return ListCells(item, written, present, absent, complete, words, self._date(item, chunk))

    # ---- dates ----

    def _when(self, dating: Dating) -> "_When":
        table = table_of_moments(dating.ago if self._missing.odds else dating.current)
        clock, to_the_day = self._plan.clock, dating.given == "day"
        values = clock.days(table.values) if to_the_day else clock.milliseconds(table.values)
        return _When(to_the_day, values, table.codes[0])

    def _date(self, item: Item, chunk: _Chunk) -> Dated | None:
        """When the item was taken: once for all the items of its group. A copy, since faults are put into it."""
        group = self._groups.get(item.id)
        if group is None:
            return None
        if group not in chunk.dated:
            chunk.dated[group] = self._dated[group].dated(chunk.bits(item.scope, "date", group))
        found = chunk.dated[group]
        return Dated(found.to_the_day, found.values.copy()) if self._faults else found


@dataclass(frozen=True, slots=True)
class _When:
    """For each draw when something was taken."""

    to_the_day: bool
    values: Whole
    codes: Any

    def dated(self, bits: Bits) -> Dated:
        return Dated(self.to_the_day, self.values[self.codes.take(bits)])
