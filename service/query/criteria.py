"""The first steps: from facts to the verdict of every criterion, each computed once however many rules share it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import ibis.expr.types as ir

from service.language.scores import Score, scores_read
from service.language.tree import Compare, CountLesions, Flag, Includes, Leaf, Member
from service.query import combine
from service.query.columns import LESION, PATIENT, FactColumns, column, days_column, low_column
from service.query.conditions import Conditions, compared, score_columns
from service.query.open_items import OpenItems
from service.rulebook.model import Rulebook

#: computes a step once under a name, and gives the table to go on from
Keep: TypeAlias = Callable[[str, ir.Table], ir.Table]


@dataclass(frozen=True, slots=True)
class Criteria:
    """A row for each lesion: the verdict of each criterion in the column that `names` gives, and, for criteria that stand
    for several items (scores, questions about several lesions), in which column each item is told open (`opens`)."""

    table: ir.Table
    names: Mapping[Leaf, str]
    opens: Mapping[Leaf, Mapping[str, str]]


def criteria_of(
    rulebook: Rulebook, criteria: Iterable[Leaf], patients: ir.Table, lesions: ir.Table, keep: Keep
) -> Criteria:
    """The verdicts of `criteria` for every lesion of every patient."""
    wanted = tuple(criteria)
    facts = keep("facts", _joined(FactColumns(rulebook), patients, lesions))
    for number, level in enumerate(levels(rulebook.scores), start=1):
        facts = keep(f"scores_{number}", _scored(rulebook, facts, level))
    counts = [leaf for leaf in wanted if isinstance(leaf, CountLesions)]
    opens: dict[Leaf, dict[str, str]] = {}
    if counts:
        by_patient, opens = _counted(rulebook, counts, facts)
        facts = keep("lesions_counted", facts.inner_join(keep("counts", by_patient), PATIENT))
    return _settled(rulebook, wanted, counts, opens, facts, keep)


def levels(scores: Mapping[str, Score]) -> list[tuple[Score, ...]]:
    """Scores in the order in which they can be computed: first those that read no other score."""
    remaining = dict(scores)
    found: list[tuple[Score, ...]] = []
    while remaining:
        ready = tuple(score for score in remaining.values() if not scores_read(score) & remaining.keys())
        found.append(ready)
        for score in ready:
            del remaining[score.id]
    return found


def _joined(columns: FactColumns, patients: ir.Table, lesions: ir.Table) -> ir.Table:
    of_lesion = lesions.select(PATIENT, LESION, *columns.of("lesion"))
    return of_lesion.inner_join(patients.select(PATIENT, *columns.of("patient")), PATIENT)


def _scored(rulebook: Rulebook, facts: ir.Table, level: Iterable[Score]) -> ir.Table:
    conditions = Conditions(rulebook, facts)
    new: dict[str, ir.Value] = {}
    for score in level:
        low, high = score_columns(score.id)
        new[low], new[high] = conditions.score(score.id)
    return facts.mutate(**new)


def _counted(
    rulebook: Rulebook, counts: Iterable[CountLesions], facts: ir.Table
) -> tuple[ir.Table, dict[Leaf, dict[str, str]]]:
    """Of all lesions of a patient: how many fulfil each question for certain, how many may, and what is open in it."""
    conditions = Conditions(rulebook, facts)
    open_items = OpenItems(conditions, facts, rulebook.scores, rulebook.checklist)
    sums: dict[str, ir.Value] = {}
    opens: dict[Leaf, dict[str, str]] = {}
    for number, count in enumerate(counts):
        verdict = conditions.of(count.where)
        sums[f"count_{number}_certain"] = combine.counted(verdict).sum()
        sums[f"count_{number}_possible"] = combine.counted(~combine.fails(verdict)).sum()
        opens[count] = {}
        for item, is_open in open_items.of(count.where).items():
            opens[count][item] = f"count_{number}_open__{column(item)}"
            sums[opens[count][item]] = combine.counted(is_open).sum()
    return facts.group_by(PATIENT).aggregate(**sums), opens


def _settled(
    rulebook: Rulebook,
    wanted: Iterable[Leaf],
    counts: list[CountLesions],
    opens: dict[Leaf, dict[str, str]],
    facts: ir.Table,
    keep: Keep,
) -> Criteria:
    conditions = Conditions(rulebook, facts)
    open_items = OpenItems(conditions, facts, rulebook.scores, rulebook.checklist)
    names: dict[Leaf, str] = {}
    new: dict[str, ir.Value] = {PATIENT: facts[PATIENT], LESION: facts[LESION]}
    for leaf in wanted:
        match leaf:
            case Flag(item):
                names[leaf] = column(item)
                new[names[leaf]] = facts[column(item)]
                continue
            case CountLesions(_, operator, value):
                number = counts.index(leaf)
                certain, possible = (
                    cast(ir.NumericValue, facts[f"count_{number}_{what}"].cast("float64"))
                    for what in ("certain", "possible")
                )
                verdict = compared((certain, possible), operator, value)
                new |= {name: cast(ir.NumericValue, facts[name]) > 0 for name in opens[leaf].values()}
            case Compare() | Member() | Includes():
                verdict = conditions.of(leaf)
            case _:
                # The same for every row: written where it is read.
                continue
        names[leaf] = f"criterion_{len(names)}"
        new[names[leaf]] = verdict
        if isinstance(leaf, Compare) and leaf.term.quantity == "score":
            opens[leaf] = {}
            for item, is_open in open_items.of_score(rulebook.scores[leaf.term.name]).items():
                opens[leaf][item] = f"score__{leaf.term.name}__open__{column(item)}"
                new[opens[leaf][item]] = is_open
    for rule in rulebook.rules.values():
        if rule.correction is not None and rule.correction.earliest is not None:
            item = rule.correction.earliest.item
            new |= {name: facts[name] for name in (low_column(item), days_column(item))}
    return Criteria(keep("criteria", facts.select(**new)), names, opens)
