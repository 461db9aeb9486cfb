"""Grades are proved of conditions; here whole answers are held against them, on generated patients with unknowns."""

from functools import cache

import pytest

from service.decision import Decider
from service.rulebook.model import STATUSES
from service.workbench.cohort import varied
from service.workbench.diff import Grade
from service.workbench.impact import Decided, Moved, Subject, decide, moved
from tests.workbench.diff.mini import OLD, Edit, book
from tests.workbench.diff.test_conditions import CHANGES
from tests.workbench.diff.test_impact import SUBJECTS, subject
from tests.workbench.diff.test_rules import ORDERED
from tests.workbench.diff.test_words import KINDS

#: graded by an order of their own, in which what is trusted less is stricter: a danger that is too old is no longer known
_OF_KNOWLEDGE = ("item.fresh_for", "item.range", "item.choices", "invariant", "impossible", "ranking", "session")

BASES = [
    *SUBJECTS[:4],
    subject("at night", 45.0, **{"pain.night": True, "lesion.site": "rib"}),
    subject("spine", 55.0, **{"pain.nrs": 10, "lesion.site": "spine", "pain.night": True}),
    Subject(
        "nearly nothing known",
        {"recorded_at": "2026-11-22", "patient": {}, "lesions": [{"id": "L1", "pain.nrs": 5}]},
        SUBJECTS[0].at,
    ),
]
EDITS: list[tuple[str, Edit, Grade]] = [
    *((name, edit, grade) for name, edit, grade, *_ in CHANGES),  # type: ignore[misc]  # grades are written as text there
    *((name, edit, grade) for name, edit, grade, *_ in ORDERED),
    *((name, edit, grade) for name, edit, grade, kind, _ in KINDS if not kind.startswith(_OF_KNOWLEDGE)),
]


#: each time the same ones: what the old rulebook says of them is decided once
PATIENTS = varied(BASES, [OLD], 60)


@cache
def before() -> tuple[Decided, ...]:
    decider = Decider(OLD)
    return tuple(decide(decider, each) for each in PATIENTS)


@cache
def differences(edit: Edit) -> tuple[Moved, ...]:
    """Whoever gets another answer after an edit."""
    decider = Decider(book(edit))
    pairs = zip(PATIENTS, before(), strict=True)
    return tuple(found for each, old in pairs if (found := moved(each, old, decide(decider, each))))


@pytest.mark.parametrize(("edit", "grade"), [each[1:] for each in EDITS], ids=[each[0] for each in EDITS])
def test_no_answer_speaks_against_a_grade(edit: Edit, grade: Grade) -> None:
    """A tightening makes no status better, a loosening none worse; wording and evidence change no answer at all."""
    found = differences(edit)
    steps = [
        STATUSES.index(after) - STATUSES.index(before)  # type: ignore[arg-type]  # both rulebooks have the same options
        for each in found
        for before, after in each.statuses.values()
    ]
    if grade in ("wording", "evidence"):
        assert found == ()
    elif grade == "tightening":
        assert all(step > 0 for step in steps)
    elif grade == "loosening":
        assert all(step < 0 for step in steps)


def test_the_patients_reach_what_the_changes_turn_on() -> None:
    """Else the test above would hold of anything."""
    reached = [name for name, edit, grade in EDITS if grade in ("tightening", "loosening") and differences(edit)]
    assert len(reached) >= 15, reached
