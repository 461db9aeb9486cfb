"""One raw table settled: its ids, its facts, and what is wrong with each value beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.layout import LESIONS, PATIENTS, RECORDED_AT, columns_of, found, identity
from service.cohort.settle import recorded
from service.cohort.settle.items import RECORDED_AGE, STEPS, item_readers
from service.cohort.settle.moments import AsOf
from service.cohort.settle.problems import Counted
from service.cohort.settle.steps import Columns, Step, same, together
from service.language.vocabulary import Scope
from service.query.columns import LESION, PATIENT, FactColumns
from service.rulebook.model import Rulebook

_IDS = {PATIENTS: (PATIENT,), LESIONS: (PATIENT, LESION)}
_SCOPES: dict[str, Scope] = {PATIENTS: "patient", LESIONS: "lesion"}


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw table under the layout's names. It may hold more columns than those of `kinds`, which are not read."""

    name: str
    table: ir.Table
    #: the ids, as text
    ids: Columns
    #: the types of the columns that can give an item that rules ask about
    kinds: Mapping[str, dt.DataType]

    def with_ids(self) -> ir.Table:
        """Only what is read, the ids as text."""
        return self.table.select(**self.ids, **{name: self.table[name] for name in self.kinds})


@dataclass(frozen=True, slots=True)
class Read:
    """One row for each row of a raw table: what was passed through, the facts, and the problems of the values."""

    table: ir.Table
    counted: tuple[Counted, ...]
    #: items of its scope that no column gives
    missing: tuple[str, ...]


def raw(name: str, table: ir.Table, rulebook: Rulebook) -> Raw:
    """A table as it was brought. Raises SourceError when it lacks an id, or has a column twice."""
    names = found(name, table.columns, rulebook.vocabulary, (_SCOPES[name],)).names
    renamed = {here: there for here, there in names.items() if here != there}
    if renamed:
        table = table.rename(renamed)
    return of_layout(name, table, rulebook)


def of_layout(name: str, table: ir.Table, rulebook: Rulebook) -> Raw:
    """A table whose columns have the layout's names."""
    ids = {id_: identity(name, table, id_) for id_ in _IDS[name]}
    items = [item for item in FactColumns(rulebook).items if item.scope == _SCOPES[name]]
    asked = {RECORDED_AT, *columns_of(items)}
    # A column without a type holds nothing: it gives its item as little as a column that is not there.
    kinds = {here: kind for here, kind in table.schema().items() if here in asked and not kind.is_null()}
    return Raw(name, table, ids, kinds)


def patients(raw: Raw, rulebook: Rulebook, asof: AsOf) -> Read:
    """The patients' table, with the age of `recorded_at`."""
    if RECORDED_AT not in raw.kinds:
        undated = replace(raw, ids={**raw.ids, RECORDED_AGE: ibis.null("float64")})
        return read(undated, rulebook, asof)
    steps = recorded.steps(raw.kinds[RECORDED_AT], asof)
    settled = read(raw, rulebook, asof, steps, (RECORDED_AGE, recorded.PROBLEM))
    return replace(settled, counted=(recorded.COUNTED, *settled.counted))


def read(raw: Raw, rulebook: Rulebook, asof: AsOf, beside: Sequence[Step] = (), made: Sequence[str] = ()) -> Read:
    """The facts of a raw table, beside its ids and what the steps `beside` have `made`."""
    facts = FactColumns(rulebook)
    scope = _SCOPES[raw.name]
    readers, missing = item_readers(facts, scope, raw.kinds, asof)
    passed = same(*raw.ids)
    table = raw.table
    for number in range(STEPS):
        first: Step = passed if number else lambda _: raw.ids
        of_items = [reader.steps()[number] for reader in readers.values()]
        table = table.select(**together([first, *beside[number : number + 1], *of_items])(table))
    table = table.mutate(**together([reader.judged for reader in readers.values()])(table))
    known = together([reader.facts for reader in readers.values()])(table)
    unknown = {name: ibis.null(kind) for name, kind in facts.of(scope).items() if name not in known}
    table = table.select(*raw.ids, *made, **known, **unknown)
    return Read(table, tuple(reader.counted() for reader in readers.values()), missing)
