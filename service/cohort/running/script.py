"""The whole computation as one script of SQL, for a warehouse whose owner runs it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

import ibis
import ibis.expr.types as ir

from service import ENGINE_VERSION
from service.cohort.engines import Dialect
from service.cohort.engines.script import ScriptEngine
from service.cohort.layout import (
    DATE,
    ITEM,
    LESIONS,
    OBSERVATIONS,
    PATIENTS,
    RECORDED_AT,
    UNIT,
    VALUE,
    columns_of,
    companions,
    normal,
)
from service.cohort.running.errors import RunError
from service.cohort.running.rules import localised
from service.cohort.settle.settle import settle_source
from service.language.vocabulary import Item, Scope
from service.query.columns import LESION, PATIENT, FactColumns, column
from service.query.reading import recommend
from service.rulebook.model import Rulebook

#: `wide`: a column for each item. `observations`: a row for each value
Layout: TypeAlias = Literal["wide", "observations"]

#: the tables that the script makes
RECOMMENDATIONS, LESION_RESULTS, REFUSED, PROBLEMS = "recommendations", "lesion_results", "refused", "problems"
_SCOPES: Final[Mapping[str, Scope]] = {PATIENTS: "patient", LESIONS: "lesion"}
_OWN: Final[Mapping[str, dict[str, str]]] = {
    PATIENTS: {PATIENT: "string", RECORDED_AT: "string"},
    LESIONS: {PATIENT: "string", LESION: "string"},
}
#: a moment is text, since only a text can be a day in one row and an instant in the next
_KINDS: Final = {"flag": "boolean", "number": "float64", "choice": "string", "set": "string", "moment": "string"}
_COMPANIONS: Final = {"unit": "string", "date": "string", "absent": "string", "complete": "boolean"}
_NAMED: Final[Mapping[Dialect, Mapping[str, str]]] = {
    "duckdb": {"string": "VARCHAR", "float64": "DOUBLE", "boolean": "BOOLEAN", "int64": "BIGINT"},
    "postgres": {"string": "text", "float64": "double precision", "boolean": "boolean", "int64": "bigint"},
    "pyspark": {"string": "STRING", "float64": "DOUBLE", "boolean": "BOOLEAN", "int64": "BIGINT"},
}
#: what each step computes, by its name up to a number at its end
_STAGES: Final = {
    "observations_read": "each observation: which item it is of, how old it is, and whether it can be used",
    "observations_latest": "the latest usable observation of each item",
    "patients_read": "patients: each value checked (type, unit, range, date) and made a fact, or unknown with a reason",
    "people": "each patient once",
    "lesions_read": "lesions: likewise, value by value",
    "refused": "patients about whom nothing is said, since what was brought of them cannot all be true",
    "problem_counts": "values and rows that could not be used, counted",
    "facts": "a row for each lesion: its facts and its patient's",
    "scores": "scores, as the interval in which they lie when components are unknown",
    "counts": "questions about several lesions of a patient",
    "lesions_counted": "their answers beside each lesion",
    "criteria": "the verdict of every criterion: true, false, or NULL when it is unknown",
    "verdicts": "the verdict of every rule",
    "rule_groups": "what the rules that speak of the same techniques and modes say together",
    "bearers": "what bears on each technique and on each mode",
    "waits": "how long a deferral takes",
    "chosen": "the order of the modes of each technique",
    "choices": "the mode chosen of each kind",
    "options": "the status of every option, and by what it is ranked",
    "ranks": "its rank among the options of the lesion",
}


#: stages and results that a script has at most, for whoever shows how far it is
STAGES: Final = len(_STAGES) + 4


def script(
    rulebook: Rulebook,
    at: datetime,
    dialect: Dialect,
    layout: Layout = "wide",
    *,
    facts: bool = False,
    only: Collection[str] | None = None,
    begins: Callable[[str], None] = lambda stage: None,
) -> str:
    """The script. `facts`: the tables hold facts already, and nothing is settled. `only`: the columns that the tables have;
    without it they have every column of the layout. `begins` is told of each stage before it is compiled.

    Raises RunError when `only` names a column that the layout does not know.
    """
    moment = localised(rulebook, at)
    schemas = _schemas(rulebook, layout, facts=facts, only=only)
    sections = _Sections(dialect, begins)
    raw = {name: sections.engine.table(name, schema) for name, schema in schemas.items()}
    results: dict[str, ir.Table] = {}
    if facts:
        outcome = recommend(rulebook, moment, raw[PATIENTS], raw[LESIONS], sections.keep)
    else:
        settled = settle_source(raw, rulebook, moment, dialect, sections.keep)
        results = {REFUSED: settled.refused, PROBLEMS: sections.keep("problem_counts", settled.problems)}
        outcome = recommend(rulebook, moment, settled.patients, settled.lesions, sections.keep)
    results = {RECOMMENDATIONS: outcome.recommendations, LESION_RESULTS: outcome.lesions, **results}
    for name, table in results.items():
        sections.result(name, table)
    lines = (
        *_header(rulebook, moment, dialect, schemas, list(results), facts=facts),
        *sections.told(),
        *_layout(dialect, schemas),
    )
    return "".join(f"{line}\n" for line in lines)


class _Sections:
    """The statements of each stage, under a line that says what it computes."""

    def __init__(self, dialect: Dialect, begins: Callable[[str], None]) -> None:
        self.engine = ScriptEngine(dialect)
        self._begins = begins
        self._settings = len(self.engine.statements)
        self._steps: dict[str, int] = {}
        self._results: dict[str, int] = {}

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        self._begins(name)
        table = self.engine.keep(name, expr)
        self._steps[name] = len(self.engine.statements)
        return table

    def result(self, name: str, expr: ir.Table) -> None:
        self._begins(name)
        self.engine.result(name, expr)
        self._results[name] = len(self.engine.statements)

    def told(self) -> Iterator[str]:
        done = self._settings
        yield from self._statements(0, done)
        for number, (name, end) in enumerate(self._steps.items(), start=1):
            yield from ("", f"-- Step {number} of {len(self._steps)}: {_stage(name)}")
            yield from self._statements(done, end)
            done = end
        for name, end in self._results.items():
            yield from ("", f"-- Result: {name}")
            yield from self._statements(done, end)
            done = end
        yield from ("", "-- What was only on the way is dropped.")
        for name in self._steps:
            self.engine.drop(name)
        yield from self._statements(done, len(self.engine.statements))

    def _statements(self, start: int, end: int) -> Iterator[str]:
        return (f"{statement};" for statement in self.engine.statements[start:end])


# ---- tables ----


def _schemas(
    rulebook: Rulebook, layout: Layout, *, facts: bool, only: Collection[str] | None
) -> dict[str, ibis.Schema]:
    if facts:
        columns = FactColumns(rulebook)
        found = {
            PATIENTS: {PATIENT: "string", **columns.of("patient")},
            LESIONS: {PATIENT: "string", LESION: "string", **columns.of("lesion")},
        }
        return {name: ibis.schema(kinds) for name, kinds in found.items()}
    if layout == "observations":
        long = dict.fromkeys((PATIENT, LESION, ITEM, VALUE, UNIT, DATE), "string")
        return {name: ibis.schema(kinds) for name, kinds in {**_OWN, OBSERVATIONS: long}.items()}
    wanted = None if only is None else {normal(name) for name in only}
    if wanted is not None:
        known = {RECORDED_AT, PATIENT, LESION, *columns_of(rulebook.vocabulary)}
        if unknown := sorted(wanted - known):
            raise RunError(
                f"not columns of the layout: {', '.join(unknown[:20])}",
                "docs/cohort-layout.md describes them; flask vocabulary lists the items",
            )
    schemas = {}
    for name, scope in _SCOPES.items():
        kinds = dict(_OWN[name])
        for item in FactColumns(rulebook).items:
            if item.scope == scope:
                kinds |= _columns(item)
        own = (PATIENT, LESION)
        schemas[name] = ibis.schema(
            {each: kind for each, kind in kinds.items() if wanted is None or each in wanted or each in own}
        )
    return schemas


def _columns(item: Item) -> dict[str, str]:
    own = column(item.id)
    return {own: _KINDS[item.type], **{f"{own}__{what}": _COMPANIONS[what] for what in companions(item)}}


# ---- comments ----


def _header(
    rulebook: Rulebook,
    at: datetime,
    dialect: Dialect,
    schemas: Mapping[str, ibis.Schema],
    results: Iterable[str],
    *,
    facts: bool,
) -> Iterator[str]:
    info = rulebook.info
    yield from (
        f"-- {info.name} {info.version} ({info.status}), Indication {ENGINE_VERSION}",
        f"-- rulebook digest: {rulebook.digest}",
        f"-- as of:           {at.isoformat()}",
        f"-- dialect:         {dialect}",
        "--",
        f"-- {info.notice.en}",
        f"-- {info.notice.fr}",
        "--",
        f"-- Reads {', '.join(schemas)}, with every column that is listed at the end of this script, in these types.",
        f"-- Makes {', '.join(results)}; stops when one of them is there already. Run it whole, in one session.",
    )
    yield from _OF_FACTS if facts else _OF_RAW
    yield ""


_OF_FACTS: Final = (
    "-- The tables hold facts: usable and fresh values only, everything else NULL; no patient and no lesion twice.",
)
_OF_RAW: Final = (
    "-- Dates and moments are text: 2026-11-23, or 2026-11-23T09:00 (in the rulebook's zone), or with a zone of its own.",
    "-- What a column says is checked; what cannot be used is unknown, and counted in problems. Nothing is guessed.",
    "-- For a warehouse without some of the columns, make the script with `flask cohort sql --columns FILE`.",
)


def _layout(dialect: Dialect, schemas: Mapping[str, ibis.Schema]) -> Iterator[str]:
    """The tables that are read, column by column."""
    yield from ("", "-- What the tables must be like (docs/cohort-layout.md):")
    for name, schema in schemas.items():
        yield from ("--", f"-- {name}")
        yield from (f"--   {each} {_NAMED[dialect][str(kind)]}" for each, kind in schema.items())


def _stage(name: str) -> str:
    return _STAGES.get(name) or _STAGES.get(name.rstrip("0123456789_")) or name.replace("_", " ")
