"""The tables beside the cases: what the rules no longer say is told by `flask rules test`, and keeps them from being published."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.held import not_held, table_folders
from service.workbench.publish.gates import GATES, Draft
from tests.fixtures.reading import ROOT, RULES, decider
from tests.workbench.cases.conftest import Ended, spoil

APPROVED = """\
rules:
  bleeding.platelets-low:
    - criterion: blood.platelets < 50 G/L
      turns_on: blood.platelets
      usual: {blood.platelets: 49}
      no: [{blood.platelets: 50}]
      approved_by: "the committee"
      date: "2026-11-25"
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A folder of cases with the tables beside it, and one approved borderline case."""
    folder = tmp_path / "cases" / "referrals"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "fixtures" / "referrals" / "vertebroplasty-complete-referral.yaml", folder)
    shutil.copytree(ROOT / "fixtures" / "thresholds", folder.parent / "thresholds")
    (folder.parent / "borderline").mkdir()
    (folder.parent / "borderline" / "bleeding.yaml").write_text(APPROVED, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def loosened() -> Rulebook:
    files = dict(rule_files(RULES))
    name = "safety/bleeding.yaml"
    before, after = b"when: blood.platelets < 50 G/L", b"when: blood.platelets < 45 G/L"
    assert before in files[name]
    files[name] = files[name].replace(before, after, 1)
    return load_files(files)


def test_the_rules_say_what_their_tables_say(cases: Path) -> None:
    assert not_held(decider().rulebook, cases) == []


def test_a_limit_that_was_moved_is_told_with_its_table(cases: Path, loosened: Rulebook) -> None:
    of_limits, of_approved = not_held(loosened, cases)
    assert of_limits.startswith(f"{cases.parent}/thresholds/safety-bleeding.yaml:")
    assert of_limits.endswith("bleeding.platelets-low: no, not yes, for blood.platelets: 49")
    assert of_approved.startswith(f"{cases.parent}/borderline/bleeding.yaml:")


def test_what_is_claimed_and_what_is_set_are_held_too(cases: Path) -> None:
    tables = cases.parent / "thresholds"
    spoil(tables / "safety-bleeding.yaml", "severity: absolute", "severity: relative")
    spoil(tables / "settings.yaml", "1.5", "1.7")
    told = "\n".join(not_held(decider().rulebook, cases))
    assert "severity is absolute, not relative" in told
    assert "site.inr_high_risk_limit" in told
    assert len(told.splitlines()) == 2


def test_a_table_that_cannot_be_read_is_told(cases: Path) -> None:
    spoil(cases.parent / "thresholds" / "safety-bleeding.yaml", "blood.platelets: 49", "blod.platelets: 49")
    (line,) = not_held(decider().rulebook, cases)
    assert line.startswith(f"{cases.parent}/thresholds: cannot be read with these rules: ")
    assert "blod.platelets" in line


def test_no_tables_are_nothing_to_hold(cases: Path) -> None:
    for folder in table_folders(cases):
        shutil.rmtree(folder)
    assert table_folders(cases) == []
    assert not_held(decider().rulebook, cases) == []


def test_the_command_tells_them_and_fails(door: Callable[..., Ended], cases: Path) -> None:
    code, output, _ = door("test", "--cases", cases)
    assert code == 0
    assert "they say the same" in output
    spoil(cases.parent / "thresholds" / "safety-bleeding.yaml", "blood.platelets: 49", "blood.platelets: 50")
    code, output, _ = door("test", "--cases", cases)
    assert code == 1
    assert "1 case: 1 passed, 0 failed" in output
    assert "bleeding.platelets-low: no, not yes, for blood.platelets: 50" in output
    # A case that is named is asked alone.
    assert door("test", "vertebroplasty-complete-referral", "--cases", cases)[0] == 0


def test_rules_that_a_table_contradicts_are_not_published(cases: Path, loosened: Rulebook) -> None:
    draft = Draft(RULES, rule_files(RULES), decider().rulebook, cases, date(2026, 11, 25), "en")
    (gate,) = (gate for gate in GATES if gate.command == "test")
    assert gate.faults(draft, lambda done, of: None) == []
    faults = gate.faults(replace(draft, rulebook=loosened), lambda done, of: None)
    assert [fault.split(" ")[1] for fault in faults] == ["bleeding.platelets-low:"] * 2
