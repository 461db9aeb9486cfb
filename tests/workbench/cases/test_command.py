"""`flask rules test`."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli import cases as command
from service.cli import waiting
from service.recommend.judge import Disagreement
from tests.fixtures.reading import ROOT, RULES, decider
from tests.workbench.cases.conftest import spoil


def test_all_cases_pass(door, folder: Path) -> None:
    code, output, errors = door("test", "--cases", folder)
    assert (code, errors) == (0, "")
    first, *summary = output.splitlines()
    assert first.startswith("3 cases: 3 passed, 0 failed, in ")
    assert decider().rulebook.digest[:12] in first
    assert [line.strip().split()[0] for line in summary] == ["rules", "criteria", "`flask"]


def test_a_case_that_fails_says_where_and_why(door, folder: Path) -> None:
    path = folder / "platelets-32.yaml"
    spoil(path, "vertebroplasty: deferred", "vertebroplasty: [eligible, cautioned]")
    line = next(
        n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "[eligible, cautioned]" in text
    )
    code, output, _ = door("test", "--cases", folder, "--lang", "en")
    assert code == 1
    assert "FAILED platelets-32: Platelets 32 G/L" in output
    assert (
        f"{path}:{line}: L2, vertebroplasty: expected eligible or cautioned (eligible with precautions), "
        "got deferred (to be deferred)"
    ) in output
    # The reason is the rule, with its sentence.
    assert "bleeding.platelets-low" in output
    assert "3 cases: 2 passed, 1 failed" in output
    assert "L2, vertebroplasty : attendu eligible" in door("test", "--cases", folder)[1]


def test_a_refusal_is_a_result_like_another(door, folder: Path) -> None:
    path = folder / "platelets-implausible.yaml"
    assert door("test", "platelets-implausible", "--cases", folder)[0] == 0
    spoil(path, "/patient/blood.platelets", "/patient/blood.inr")
    code, output, _ = door("test", "platelets-implausible", "--cases", folder, "--lang", "en")
    assert code == 1
    assert "refused: expected /patient/blood.inr, got /patient/blood.platelets" in output


def test_an_answer_where_a_refusal_is_expected_and_the_other_way_round(door, folder: Path) -> None:
    good, bad = folder / "platelets-32.yaml", folder / "platelets-implausible.yaml"
    kept = good.read_text(encoding="utf-8").partition("expect:")[0]
    good.write_text(kept + "expect: {refused: [/patient/blood.platelets]}\n", encoding="utf-8")
    kept = bad.read_text(encoding="utf-8").partition("expect:")[0]
    bad.write_text(kept + "expect: {alerts: [], lesions: {L2: {first: vertebroplasty}}}\n", encoding="utf-8")
    code, output, _ = door("test", "--cases", folder, "--lang", "en")
    assert code == 1
    assert "refused: expected /patient/blood.platelets, got nothing" in output
    assert "refused: expected nothing, got /patient/blood.platelets" in output


def test_rules_that_are_changed_change_the_answer(door, folder: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    spoil(rules / "safety" / "bleeding.yaml", "when: blood.platelets < 50 G/L", "when: blood.platelets < 30 G/L")
    code, output, _ = door("test", "platelets-32", "--cases", folder, "--rules", rules, "--lang", "en")
    assert code == 1
    assert "L2, vertebroplasty: expected deferred (to be deferred), got eligible" in output


def test_a_faulty_case_is_not_decided_and_the_others_are(door, folder: Path) -> None:
    spoil(folder / "platelets-32.yaml", "vertebroplasty: deferred", "vertebroplasty: defered")
    (folder / "empty.yaml").write_text("", encoding="utf-8")
    code, output, _ = door("test", "--cases", folder)
    assert code == 1
    assert "FAULTY platelets-32" in output
    assert f"{folder}/platelets-32.yaml:" in output
    assert "unknown status «defered»; did you mean «deferred»?" in output
    assert f"{folder}/empty.yaml:1:1: the file is empty" in output
    assert "4 cases: 2 passed, 2 failed" in output


def test_when_the_engines_disagree_the_case_fails(door, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disagreeing(data, at):
        raise Disagreement(["some.rule"])

    monkeypatch.setattr(decider(), "recommend", disagreeing)
    code, output, _ = door("test", "platelets-32", "--cases", folder)
    assert code == 1
    assert "BROKEN platelets-32: no answer may be given: the two engines disagree on: some.rule" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["platelets-33"], "no case is called «platelets-33»; did you mean «platelets-32»?"),
        (["--cases", "/nowhere/at/all"], "/nowhere/at/all: no such directory; name the folder of the cases with --cases"),
        (["--cases", "script"], "script: no case here"),
    ],
)  # fmt: skip
def test_what_is_not_there(door, arguments: list[str], said: str) -> None:
    code, output, errors = door("test", *arguments)
    assert (code, output) == (1, "")
    assert said in errors


def test_coverage_in_full(door, folder: Path) -> None:
    code, output, _ = door("test", "--cases", folder, "--coverage")
    assert code == 0
    for heading in ("Rules that were never yes:", "Rules that were never no:", "Rules that were never unknown:"):
        assert heading in output
    rule = decider().rulebook.rules["alert.sepsis"]
    never_yes = output.partition("Rules that were never yes:")[2].partition("\n\n")[0]
    assert f"rules/{rule.file}:" in never_yes
    assert "  alert.sepsis\n" in never_yes
    # 32 G/L in one case, 232 in the other: the one criterion of this rule was shown to matter.
    assert "  bleeding.platelets-low\n" not in never_yes
    assert "bleeding.platelets-low  blood.platelets < 50 G/L" not in output


def test_tables_add_to_the_coverage(door, folder: Path) -> None:
    arguments = ("test", "platelets-32", "--cases", folder, "--coverage")
    alone, together = door(*arguments), door(*arguments, "--tables", ROOT / "fixtures" / "thresholds")
    assert "alert.sepsis" in alone[1]
    assert "alert.sepsis" not in together[1]
    (folder / "tables").mkdir()
    (folder / "tables" / "x.yaml").write_text("rules: {alert.sepsis: {ja: []}}", encoding="utf-8")
    code, _, errors = door(*arguments, "--tables", folder / "tables")
    assert code == 1
    assert "these tables cannot be used: x.yaml:" in errors


def test_json(door, folder: Path) -> None:
    spoil(folder / "platelets-32.yaml", "vertebroplasty: deferred", "vertebroplasty: eligible")
    code, output, errors = door("test", "--cases", folder, "--json", "--coverage")
    assert (code, errors) == (1, "")
    found = json.loads(output)
    assert (found["passed"], found["failed"]) == (2, 1)
    verdicts = {case["name"]: case["verdict"] for case in found["cases"]}
    assert verdicts == {
        "platelets-32": "failed",
        "platelets-implausible": "passed",
        "vertebroplasty-complete-referral": "passed",
    }
    assert next(case for case in found["cases"] if case["verdict"] == "failed")["differences"][0]["line"] > 100
    # The refused case is decided by no rule.
    assert found["coverage"]["cases"] == 2
    low = next(each for each in found["coverage"]["conditions"] if each["id"] == "bleeding.platelets-low")
    assert low["counts"] == {"yes": 1, "no": 1, "unknown": 0}
    assert [(one["matters"], one["leaves_open"]) for one in low["criteria"]] == [(True, False)]


def test_an_interruption_ends_without_a_traceback(door, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "try_cases", interrupted)
    code, output, errors = door("test", "--cases", folder)
    assert (code, output) == (130, "")
    assert "interrupted" in errors


def test_ctrl_c_for_real() -> None:
    """The command started as a user starts it, and interrupted while it works."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "rules", "test"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    # Two seconds after the cases began it says how far it is.
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert first.startswith(("case ", "coverage "))
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert output == ""


def test_help(door) -> None:
    for name in ("test", "add-case"):
        code, output, _ = door(name, "--help")
        assert code == 0
        assert "Examples:" in output
        assert f"flask rules {name}" in output


def test_progress_waits_two_seconds_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: clock[0])
    progress = waiting.Progress("case", 4)
    for moment in (101.9, 102.1, 104.0, 107.2):
        clock[0] = moment
        progress.step("x")
    progress.clear()
    assert capsys.readouterr().err == "case 2/4 x\ncase 4/4 x\n"
