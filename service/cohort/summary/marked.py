"""What every lesion of a cohort is marked with: the status of each option, what blocks it, and what it waits for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from service.cohort.summary.figures import BLOCKED, NOW, WAYS, Count, Way
from service.cohort.summary.marks import BITS, Keep, Marks
from service.rulebook.model import STATUSES, Rule, Rulebook, Status

#: added to an item's id where it is all that an option waits for
ALONE: Final = "/alone"


class Marked:
    """Lesions by what they are marked with, and how many patients and lesions have each mark."""

    def __init__(self, name: str, marks: Marks, rows: ir.Table, keep: Keep) -> None:
        self.marks = marks
        self.lesions = keep(f"{name}_of_lesions", marks.per_lesion(rows))
        patients = keep(f"{name}_of_patients", marks.per_patient(self.lesions))
        lesions, of_patients = marks.tally(self.lesions), marks.tally(patients)
        self.counts = {heading: Count(of_patients[heading], lesions[heading]) for heading in marks.headings}


def heading(technique: str, status: Status) -> str:
    """The mark of an option in a status."""
    return f"{technique}/{status}"


def statuses(techniques: Sequence[str], rows: ir.Table, keep: Keep) -> Marked:
    """Every option in its status."""
    # A technique's statuses share a word, so that the place is found by two look-ups and no join.
    each = BITS // len(STATUSES)
    marks = Marks([heading(name, status) for name in techniques for status in STATUSES], each * len(STATUSES))
    word = _looked_up(rows.technique, [(name, at // each) for at, name in enumerate(techniques)])
    first = _looked_up(rows.technique, [(name, at % each * len(STATUSES)) for at, name in enumerate(techniques)])
    within = _looked_up(rows.status, [(status, at) for at, status in enumerate(STATUSES)])
    # The cast makes the shift one of 64 bits.
    bit = ibis.literal(1, "int64") << (first + within).cast("int64")
    return Marked("status", marks, rows.select("patient", "lesion", word=word, bit=bit), keep)


def obstacles(techniques: Sequence[str], rulebook: Rulebook, rows: ir.Table, keep: Keep) -> Marked:
    """Of every option that is indicated and blocked: its status, and the rules that hold and can block."""
    rules = [rule.id for rule in rulebook.rules.values() if blocks(rule)]
    marks = Marks([*rules, *(heading(name, status) for name in techniques for status in BLOCKED)])
    indications = [re.escape(rule.id) for rule in rulebook.rules.values() if rule.claim == "indicates"]
    indicated = f"(^| )({'|'.join(indications)})( |$)"
    blocked = rows.filter(rows.status.isin(BLOCKED), rows.reasons.re_search(indicated))
    names = blocked.reasons + " " + blocked.technique + "/" + blocked.status
    return Marked("obstacle", marks, _named(blocked, names, marks), keep)


def questions(items: Iterable[str], rows: ir.Table, keep: Keep) -> Marked:
    """Of every undetermined option: the items it waits for, and the item that is all it waits for."""
    marks = Marks([mark for item in items for mark in (item, item + ALONE)])
    waiting = undetermined(rows)
    names = waiting.questions + ibis.ifelse(waiting.questions.contains(" "), "", " " + waiting.questions + ALONE)
    return Marked("question", marks, _named(waiting, names, marks), keep)


def undetermined(rows: ir.Table) -> ir.Table:
    """The options that wait for an answer."""
    return rows.filter(rows.status == "undetermined", rows.questions != "")


def blocks(rule: Rule) -> bool:
    """Whether a rule that holds can block an act. The stay is a consequence of the plan and never does."""
    if rule.target.mode is not None and rule.target.mode[0] == "stay":
        return False
    return rule.claim == "preempts" or (rule.claim == "contraindicates" and rule.absolute)


def ways(techniques: Sequence[str], status: Marked, obstacle: Marked, keep: Keep) -> dict[Way, Count]:
    """Each lesion under the first way that applies to it with these techniques; each patient with the nearest lesion."""

    def held(of: Marked, *wanted: Status) -> ir.BooleanValue:
        return of.marks.any_of(of.lesions, [heading(name, each) for name in techniques for each in wanted])

    open_ = status.lesions.select(
        "patient", "lesion", now=held(status, *NOW), questions=held(status, "undetermined", "deferred")
    )
    blocked = obstacle.lesions.select(
        "patient",
        "lesion",
        later=held(obstacle, "deferred"),
        suspended=held(obstacle, "preempted"),
        ruled_out=held(obstacle, "excluded"),
    )
    joined = open_.left_join(blocked, ["patient", "lesion"])
    # A deferred option whose indication is not established waits for an answer first.
    holds = [(joined[way], at) for at, way in enumerate(WAYS[:-1])]
    nearest = keep("way_of_lesions", joined.select("patient", way=ibis.cases(*holds, else_=len(WAYS) - 1)))
    of_patients = nearest.group_by("patient").agg(way=nearest.way.min())
    lesions, patients = _each(nearest), _each(of_patients)
    return {way: Count(patients.get(at, 0), lesions.get(at, 0)) for at, way in enumerate(WAYS)}


def _each(table: ir.Table) -> dict[int, int]:
    counted = table.group_by("way").agg(rows=table.count()).to_pyarrow().to_pylist()
    return {row["way"]: row["rows"] for row in counted}


def _looked_up(column: ir.Column, values: Sequence[tuple[str, int]]) -> Any:
    """The small number that stands beside a word; NULL for any other."""
    return column.cases(*((word, ibis.literal(number, "int16")) for word, number in values))


def _named(rows: ir.Table, names: ir.StringValue, marks: Marks) -> ir.Table:
    """One row for each mark that a text of names parted by spaces holds."""
    return rows.select("patient", "lesion", heading=names.split(" ").unnest()).join(marks.table(), "heading")
