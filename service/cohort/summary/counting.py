"""From the tables of recommendations to the figures. Set-wise: no row leaves the database but those of a result."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import ibis.expr.types as ir

from service.cohort.summary import marked
from service.cohort.summary.figures import (
    BLOCKED,
    Cell,
    Count,
    Figures,
    MissingItem,
    Obstacle,
    Problem,
    TechniqueFigures,
)
from service.cohort.summary.marked import ALONE, heading
from service.cohort.summary.marks import Keep
from service.rulebook.model import STATUSES, Rulebook
from service.tell.answer import OFFERED

#: the trait of the acts that a cohort is asked about first
PERCUTANEOUS: Final = "percutaneous"
#: how often `summarise` says what it begins
STEPS: Final = 6

Row = dict[str, Any]
_Told = TypeVar("_Told", Obstacle, MissingItem)


@dataclass(frozen=True, slots=True)
class Tables:
    """What a run wrote, wherever it stands."""

    #: patient, lesion, technique, rank, status, anaesthesia, reasons, questions
    recommendations: ir.Table
    #: patient, lesion
    lesions: ir.Table
    #: table, item, problem, number
    problems: ir.Table
    #: patient, reason
    refused: ir.Table


def summarise(
    tables: Tables,
    rulebook: Rulebook,
    keep: Keep,
    unread: Collection[str] = (),
    *,
    same_rulebook: bool = True,
    step: Callable[[str], None] = lambda what: None,
) -> Figures:
    """The figures of a cohort, nothing hidden. `keep` computes a table once; `step` is told what begins.

    Without `same_rulebook`, rules that the result names and this rulebook does not know are looked for.
    """
    rows = tables.recommendations
    step("cohort")
    cohort = _rows(tables.lesions.agg(patients=tables.lesions.patient.nunique(), lesions=tables.lesions.count()))[0]
    named = {row["technique"] for row in _rows(rows.select("technique").distinct())}
    techniques = [*rulebook.techniques, *sorted(named - set(rulebook.techniques))]
    step("first options")
    firsts, under = _firsts(rows)
    step("statuses")
    status = marked.statuses(techniques, rows, keep)
    step("obstacles")
    obstacle = marked.obstacles(techniques, rulebook, rows, keep)
    step("what is possible")
    percutaneous = [name for name, each in rulebook.techniques.items() if PERCUTANEOUS in each.traits]
    ways = marked.ways(percutaneous, status, obstacle, keep)
    step("missing items")
    questions = _questions(rows, keep)
    return Figures(
        cohort=Count(cohort["patients"], cohort["lesions"]),
        ways=ways,
        techniques=tuple(
            TechniqueFigures(
                name,
                {each: status.counts[heading(name, each)] for each in STATUSES},
                {each: obstacle.counts[heading(name, each)] for each in BLOCKED},
                firsts.get(name, Count(0, 0)),
                under.get(name, {}),
            )
            for name in techniques
        ),
        obstacles=_most_first(
            (Obstacle(rule, obstacle.counts[rule]) for rule in obstacle.marks.headings if rule in rulebook.rules),
            lambda each: each.rule,
        ),
        questions=_most_first(questions, lambda each: each.item),
        problems=_problems(tables.problems),
        refused=_refused(tables.refused),
        unread=tuple(unread),
        strangers=() if same_rulebook else tuple(_strangers(rows, rulebook)),
    )


def _firsts(rows: ir.Table) -> tuple[dict[str, Count], dict[str, dict[str, Cell]]]:
    """By technique, where it stands first and may be offered; and of those by anaesthesia."""
    first = rows.filter(rows["rank"] == 1, rows.status.isin(sorted(OFFERED)))
    first = first.select("patient", "technique", anaesthesia=first.anaesthesia.fill_null(""))
    counts = {"patients": first.patient.nunique(), "lesions": first.count()}
    whole = {row["technique"]: _count(row) for row in _rows(first.group_by("technique").agg(**counts))}
    under: dict[str, dict[str, Cell]] = {}
    for row in _rows(first.group_by("technique", "anaesthesia").agg(**counts).order_by("technique", "anaesthesia")):
        under.setdefault(row["technique"], {})[row["anaesthesia"]] = _count(row)
    return whole, under


def _questions(rows: ir.Table, keep: Keep) -> Iterator[MissingItem]:
    """Each item that an undetermined option waits for."""
    waiting = marked.undetermined(rows)
    # Equal lists first: there are far fewer of them than options.
    lists = keep("question_lists", waiting.group_by("questions").agg(options=waiting.count()))
    each = lists.select("options", item=lists.questions.split(" ").unnest(), alone=~lists.questions.contains(" "))
    options = {
        row["item"]: (int(row["options"]), int(row["alone"] or 0))
        for row in _rows(
            each.group_by("item").agg(options=each.options.sum(), alone=each.options.sum(where=each.alone))
        )
    }
    found = marked.questions(sorted(options), rows, keep).counts
    for item, (held, alone) in options.items():
        yield MissingItem(item, found[item], found[item + ALONE], held, alone)


def _problems(table: ir.Table) -> tuple[Problem, ...]:
    """Most values first; the same problem of one item in several parts is one."""
    columns = [table[name].cast("string").fill_null("").name(name) for name in ("table", "item", "problem")]
    summed = table.group_by(*columns).agg(number=table.number.sum())
    problems = [Problem(row["table"], row["item"], row["problem"], int(row["number"])) for row in _rows(summed)]
    return tuple(sorted(problems, key=lambda each: (-(each.number or 0), each.item, each.problem, each.table)))


def _refused(table: ir.Table) -> dict[str, int | None]:
    """Patients refused, by reason, the most frequent first. A row without a usable id counts for itself."""
    reasons = table.group_by("reason").agg(number=table.count())
    return {
        row["reason"]: row["number"] for row in sorted(_rows(reasons), key=lambda row: (-row["number"], row["reason"]))
    }


def _strangers(rows: ir.Table, rulebook: Rulebook) -> list[str]:
    """Rules that the reasons name and the rulebook does not know."""
    named = rows.select("reasons").distinct()
    rules = {row["rule"] for row in _rows(named.select(rule=named.reasons.split(" ").unnest()).distinct())}
    return sorted(rule for rule in rules if rule and rule not in rulebook.rules)


def _most_first(found: Iterable[_Told], name: Callable[[_Told], str]) -> tuple[_Told, ...]:
    """Those that touch anybody, most patients first."""

    def order(each: _Told) -> tuple[int, int, str]:
        count = each.count or Count(0, 0)
        return -count.patients, -count.lesions, name(each)

    return tuple(each for each in sorted(found, key=order) if each.count and each.count.lesions)


def _count(row: Row) -> Count:
    return Count(row["patients"], row["lesions"])


def _rows(table: ir.Table) -> list[Row]:
    rows: list[Row] = table.to_pyarrow().to_pylist()
    return rows
