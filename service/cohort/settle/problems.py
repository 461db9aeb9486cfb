"""What can be wrong with a value or a patient of a cohort, and the count of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

import ibis
import ibis.expr.types as ir

from service.cohort.settle import texts
from service.language.vocabulary import Text

#: why a value is unknown that was given; the first that applies counts
Problem: TypeAlias = Literal[
    "wrong_type",
    "unit_refused",
    "out_of_range",
    "unknown_word",
    "contradictory",
    "wrong_date",
    "in_the_future",
    "no_date",
    "stale",
]
PROBLEMS: Final[tuple[Problem, ...]] = get_args(Problem)

#: when each problem applies, first those that are looked at first
Cases: TypeAlias = list[tuple[ir.BooleanValue, Problem]]

#: what each problem means to whoever reads the count
MEANINGS: Final[Mapping[str, Text]] = {
    "wrong_type": Text("la valeur n’est pas du type attendu", "the value is not of the type that is needed"),
    "unit_refused": Text("l’unité n’est pas acceptée", "the unit is not accepted"),
    "out_of_range": Text("la valeur est hors des limites plausibles", "the value is outside the plausible range"),
    "unknown_word": Text("le mot n’est pas dans la liste", "the word is not in the list"),
    "contradictory": Text("des valeurs se contredisent", "values contradict one another"),
    "wrong_date": Text("la date de la valeur est illisible", "the date of the value cannot be read"),
    "in_the_future": Text("la date est postérieure au moment choisi", "the date lies after the as-of moment"),
    "no_date": Text("la valeur vieillit et n’a pas de date", "the value ages and has no date"),
    "stale": Text("la valeur est trop ancienne", "the value is too old"),
    # of rows
    "unknown_patient": Text("le patient n’est pas dans la table patients", "the patient is not in the table patients"),
    "unknown_lesion": Text("la lésion n’est pas dans la table lesions", "the lesion is not in the table lesions"),
    "unknown_item": Text("l’item n’est pas dans le vocabulaire", "the item is not in the vocabulary"),
    "wrong_scope": Text(
        "un item du patient avec une lésion, ou un item de lésion sans lésion",
        "an item of the patient with a lesion, or an item of a lesion without one",
    ),
    "also_a_column": Text(
        "l’item a aussi une colonne, qui seule est lue", "the item also has a column, which alone is read"
    ),
    "no_value": Text("l’observation est sans valeur", "the observation has no value"),
    "no_lesion": Text("aucune lésion", "no lesion"),
    # of patients, who are refused
    "no_patient_id": Text("sans identifiant de patient", "without the id of a patient"),
    "no_lesion_id": Text("une lésion sans identifiant", "a lesion without an id"),
    "patient_twice": Text(
        "le patient y est deux fois, ou avec des valeurs qui diffèrent d’une ligne à l’autre",
        "the patient is there twice, or with values that differ from row to row",
    ),
    "lesion_twice": Text("la même lésion y est deux fois", "the same lesion is there twice"),
}


def code(problem: Problem) -> ir.IntegerValue:
    """The number that stands for a problem in a table."""
    return cast("ir.IntegerValue", ibis.literal(PROBLEMS.index(problem) + 1, "int8"))


def none() -> ir.IntegerValue:
    """Nothing is wrong."""
    return cast("ir.IntegerValue", ibis.null("int8"))


def first(cases: Cases) -> ir.IntegerValue:
    """The first problem that applies; NULL when none does."""
    branches = [(condition, code(problem)) for condition, problem in cases]
    return cast("ir.IntegerValue", ibis.cases(*branches, else_=none())) if branches else none()


@dataclass(frozen=True, slots=True)
class Counted:
    """A column of problems: of what it tells, and which problems it can hold."""

    column: str
    item: str
    possible: tuple[Problem, ...]


#: the columns of a table of problems
SCHEMA: Final = ibis.schema({"table": "string", "item": "string", "problem": "string", "number": "int64"})
#: counts in one query: a database bounds how many columns it can hold, and PostgreSQL how long an array it can build
_AT_ONCE: Final = 1_000


def counts(table: str, settled: ir.Table, columns: Iterable[Counted]) -> list[ir.Table]:
    """(table, item, problem, number) for each problem that occurs."""
    entries = [
        _entry(table, column.item, problem, (settled[column.column] == code(problem)).sum())
        for column in columns
        for problem in column.possible
    ]
    return [told(settled, entries[at : at + _AT_ONCE]) for at in range(0, len(entries), _AT_ONCE)]


def _entry(table: str, item: str, problem: str, number: ir.Value) -> ir.StringValue:
    told_as = ibis.literal(f"{table}|{item}|{problem}|")
    return cast("ir.StringValue", told_as + number.cast("int64").fill_null(0).cast("string"))


def rows(table: str, item: str, problem: str, of: ir.Table) -> ir.Table:
    """The count of the rows of a table, as a problem of each."""
    return told(of, [_entry(table, item, problem, of.count())])


def told(counted: ir.Table, entries: list[ir.StringValue]) -> ir.Table:
    """Aggregates of one table as rows of problems: one query, and no join, however many they are."""
    row = counted.aggregate(entries=ibis.array(entries))
    each = row.select(entry=row.entries.unnest())
    split = each.select(
        table=texts.part(each.entry, 1),
        item=texts.part(each.entry, 2),
        problem=texts.part(each.entry, 3),
        number=texts.part(each.entry, 4).cast("int64"),
    )
    return split.filter(split.number > 0)
