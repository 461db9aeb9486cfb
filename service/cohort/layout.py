"""The layout of a cohort's tables (docs/cohort-layout.md): the names of their columns, and what of them a table has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.cohort.sources.errors import SourceError
from service.language.errors import nearest
from service.language.vocabulary import Item, Scope, Vocabulary
from service.query.columns import LESION, PATIENT, column

#: the tables of a cohort
PATIENTS, LESIONS, OBSERVATIONS = "patients", "lesions", "observations"
#: when values without a date of their own were true
RECORDED_AT: Final = "recorded_at"
#: what a column may have beside it
UNIT, DATE, ABSENT, COMPLETE = "unit", "date", "absent", "complete"
#: the columns of the long form, beside those of the ids
ITEM, VALUE = "item", "value"
#: what of the long form must be there
LONG_REQUIRED = (PATIENT, ITEM, VALUE, DATE)
LONG = (PATIENT, LESION, ITEM, VALUE, UNIT, DATE)

#: the columns that no table of this kind can do without
REQUIRED: Mapping[Scope, tuple[str, ...]] = {"patient": (PATIENT,), "lesion": (PATIENT, LESION)}
#: columns without a suggestion beyond these: to find one takes time
_MOST_SUGGESTIONS = 20


def normal(name: str) -> str:
    """A column's name with every dot as two underscores: `blood.x` and `blood__x` are one column."""
    return name.replace(".", "__")


def companion(item: str, what: str) -> str:
    """The column beside an item's own: its unit, its date, what its list lacks, whether its list is complete."""
    return f"{column(item)}__{what}"


def companions(item: Item) -> tuple[str, ...]:
    """What may stand beside a column of this item."""
    match item.type:
        case "number":
            return UNIT, DATE
        case "set":
            return ABSENT, COMPLETE, DATE
        case _:
            return (DATE,)


def carrying(item: Item) -> tuple[str, ...]:
    """The columns of which one is enough to tell something of an item."""
    if item.type == "set":
        return column(item.id), companion(item.id, ABSENT), companion(item.id, COMPLETE)
    return (column(item.id),)


def columns_of(items: Iterable[Item]) -> Iterator[str]:
    """Every column that the layout has for these items."""
    for item in items:
        yield column(item.id)
        yield from (companion(item.id, what) for what in companions(item))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A column that the layout does not know."""

    name: str
    #: what was perhaps meant: a right name, or in which table this one belongs
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What of the layout one table has."""

    #: the layout's name of a column -> the table's own name for it
    names: Mapping[str, str]
    unknown: tuple[Unknown, ...]


def found(table: str, columns: Sequence[str], vocabulary: Vocabulary, scopes: Collection[Scope]) -> Found:
    """What the columns of a table are, of one scope or of both (the wide form).

    Raises SourceError when a column that is required is missing, or when two columns are the same.
    """
    own = distinct(table, columns)
    required = tuple(dict.fromkeys(name for scope in scopes for name in REQUIRED[scope]))
    require(table, own, required)
    of_patients = (RECORDED_AT,) if "patient" in scopes else ()
    known = {*required, *of_patients, *columns_of(item for item in vocabulary if item.scope in scopes)}
    names = {name: raw for name, raw in own.items() if name in known}
    elsewhere = {RECORDED_AT, *columns_of(vocabulary)} - known
    unknown = [raw for name, raw in own.items() if name not in known]
    hints = [_hint(raw, known, elsewhere, own, suggest=at < _MOST_SUGGESTIONS) for at, raw in enumerate(unknown)]
    return Found(names, tuple(map(Unknown, unknown, hints)))


def _hint(
    raw: str, known: Collection[str], elsewhere: Collection[str], own: Collection[str], *, suggest: bool
) -> str | None:
    if normal(raw) in elsewhere:
        return "it belongs in the other table: what is true of the patient in patients, of one lesion in lesions"
    near = nearest(normal(raw).lower(), [name for name in known if name not in own]) if suggest else None
    return f"did you mean «{near}»?" if near else None


def distinct(table: str, columns: Iterable[str]) -> dict[str, str]:
    """The layout's form of each name -> the name itself. Raises SourceError when two are the same."""
    own: dict[str, str] = {}
    for raw in columns:
        name = normal(raw)
        if name in own:
            raise SourceError(
                f"{table}: the same column twice: «{own[name]}» and «{raw}»",
                "which of them is right is not guessed: leave one out",
            )
        own[name] = raw
    return own


def require(table: str, own: Mapping[str, str], required: Iterable[str]) -> None:
    """Raises SourceError when a table lacks a column it cannot do without."""
    missing = [name for name in required if name not in own]
    if not missing:
        return
    lines = []
    for name in missing:
        near = nearest(name, [raw.lower() for raw in own.values()])
        meant = next((raw for raw in own.values() if raw.lower() == near), None)
        lines.append(f"{table}: no column «{name}»" + (f"; rename «{meant}», if that is what it is" if meant else ""))
    shown = ", ".join(list(own.values())[:40]) or "none"
    more = f", and {len(own) - 40} more" if len(own) > 40 else ""
    raise SourceError(*lines, f"columns there: {shown}{more}", "the layout is described in docs/cohort-layout.md")


def identity(table: str, raw: ir.Table, own: str) -> ir.StringValue:
    """An id as text, NULL where it is empty. Raises SourceError when its column is neither text nor whole numbers."""
    value = raw[own]
    kind = value.type()
    if not (
        kind.is_string()
        or kind.is_integer()
        or kind.is_uuid()
        or kind.is_null()
        or (isinstance(kind, dt.Decimal) and kind.scale == 0)
    ):
        raise SourceError(
            f"{table}: the column «{own}» holds {kind}, and an id is a text or a whole number",
            "a number with a fraction has no one way to be written; convert it where it comes from",
        )
    text: ir.StringValue = value.cast("string")
    # A column of fixed width pads what is empty with blanks.
    return text.re_search("^ *$").ifelse(ibis.null("string"), text) if kind.is_string() else text
