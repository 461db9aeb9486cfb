"""Who gets another answer: counted on patients whose answers are known beforehand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.workbench import impact as module
from service.workbench.impact import Impact, Subject, impact
from tests.workbench.diff.mini import OLD, book

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
LOOSER = book(("safety/blood.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L"))


def subject(name: str, platelets: float | None = 200.0, **lesion: Any) -> Subject:
    """A patient in whom glueing is indicated and nothing but platelets stands against it."""
    patient = {
        "blood.inr": 1.0,
        "last_dose": "2026-11-01",
        "allergies": {"items": [], "complete": True},
        "blood.platelets": {"value": platelets, "date": "2026-11-22"},
    }
    known = {"lesion.site": "hip", "pain.nrs": 6, "pain.mechanical": True, "pain.night": False, **lesion}
    return Subject(name, {"recorded_at": "2026-11-22", "patient": patient, "lesions": [{"id": "L1", **known}]}, AT)


SUBJECTS = [
    subject("enough"),
    subject("between", 40.0),
    subject("low", 20.0),
    # Rays only: glueing is for more pain.
    subject("little pain", 40.0, **{"pain.nrs": 3}),
    subject("refused", 40.0, **{"pain.nrs": 99}),
]


def test_only_the_patient_between_the_limits_gets_another_answer() -> None:
    found = impact(OLD, LOOSER, SUBJECTS, processes=1)
    assert [moved.subject.name for moved in found.moved] == ["between"]
    # Deferred for a day, glueing already came first (deferred_within: 7 d) by its strength.
    assert found.statuses == {("deferred", "eligible"): 1}
    assert found.by_technique == {"glue": {("deferred", "eligible"): 1}}
    assert (found.subjects, found.lesions, found.first_changed) == (5, 4, 0)
    assert (found.now_refused, found.now_accepted, found.raised, found.lowered) == (0, 0, {}, {})


def test_another_first_option_is_a_flow() -> None:
    weaker = book(("techniques/glue.yaml", "strength: strong", "strength: weak"))
    found = impact(OLD, weaker, SUBJECTS, processes=1)
    # «low» and «between» are deferred, so rays, which are possible now, come first; «enough» keeps a lesser burden second.
    assert found.firsts == {("glue", "rays"): 3, ("rays", "rays"): 1}
    assert found.first_changed == 3
    assert found.statuses == {}


def test_alerts_that_are_raised_and_lowered() -> None:
    wider = book(("alerts/pain.yaml", "pain.nrs >= 10", "pain.nrs >= 6"))
    at_night = [subject("day"), subject("night", **{"pain.night": True})]
    assert impact(OLD, wider, at_night, processes=1).raised == {"alert.extreme-pain": 1}
    assert impact(wider, OLD, at_night, processes=1).lowered == {"alert.extreme-pain": 1}
    assert impact(OLD, wider, at_night, processes=1).statuses == {("eligible", "preempted"): 1}


def test_referrals_refused_by_one_of_the_two_are_counted_apart() -> None:
    narrower = book(("vocabulary/patient.yaml", "range: [1, 2000]", "range: [1, 150]"))
    found = impact(OLD, narrower, [subject("enough")], processes=1)
    assert (found.now_refused, found.now_accepted) == (1, 0)
    assert found.firsts == {("glue", None): 1}
    assert found.statuses == {}
    assert impact(narrower, OLD, [subject("enough")], processes=1).now_accepted == 1


def test_a_technique_of_one_rulebook_only() -> None:
    without = book(("techniques/rays.yaml", "technique: rays", "technique: beams"))
    found = impact(OLD, without, [subject("enough")], processes=1)
    assert found.statuses == {("eligible", None): 1, (None, "eligible"): 1}


def test_two_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Subject(f"{number}", each.referral, AT) for number in range(6) for each in SUBJECTS]
    told: list[tuple[int, int]] = []
    alone = impact(OLD, LOOSER, many, processes=1)
    monkeypatch.setattr(module, "ALONE", 0.0)
    assert impact(OLD, LOOSER, many, processes=2, progress=lambda done, of: told.append((done, of))) == alone
    assert told == [(done, len(many)) for done in range(1, len(many) + 1)]


def test_a_fault_in_another_process_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(decider: object, subject: Subject) -> object:
        if subject.name == "broken":
            raise module.EngineError("error 303")
        return decide(decider, subject)  # type: ignore[arg-type]

    decide = module.decide
    monkeypatch.setattr(module, "ALONE", 0.0)
    monkeypatch.setattr(module, "decide", broken)
    many = [*(subject(str(number)) for number in range(8)), subject("broken")]
    with pytest.raises(module.EngineError, match="error 303"):
        impact(OLD, LOOSER, many)


def test_examples_show_each_kind_once_before_any_twice() -> None:
    changed = book(
        ("safety/blood.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L"),
        ("alerts/pain.yaml", "pain.nrs >= 10", "pain.nrs >= 6"),
    )
    subjects = [subject("status 1", 40.0), subject("status 2", 41.0), subject("alert", **{"pain.night": True})]
    found: Impact = impact(OLD, changed, subjects, processes=1)
    assert [moved.subject.name for moved in found.examples(2)] == ["alert", "status 1"]
    assert [moved.subject.name for moved in found.examples(9)] == ["alert", "status 1", "status 2"]
