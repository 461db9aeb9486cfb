"""`flask rules borderline`: printed without a terminal, asked one keystroke each in one, and what becomes of the answers."""

import json
import shutil
from pathlib import Path

import pytest
from flask import Flask

from service.workbench.borderline.approved import read_approved
from service.workbench.mutation.hunter import Hunter, Suite
from service.workbench.mutation.mutant import Mutant
from tests.workbench.borderline.terminal import Terminal

PLATELETS, REFRACTORY = "bleeding.platelets-low", "bleeding.platelets-refractory"


@pytest.fixture
def run(app: Flask, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command without a terminal, its approved cases in a folder of the test."""
    monkeypatch.chdir(root)

    def run(*arguments: str):
        asked = ["rules", "borderline", *arguments, "--approved", str(tmp_path / "approved")]
        result = app.test_cli_runner().invoke(args=asked)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout.replace("\u00a0", " "), result.stderr

    return run


# ---- without a terminal ----------------------------------------------------------------------------------------------


def test_cases_are_printed_with_the_rule_and_nothing_is_written(run, tmp_path: Path) -> None:
    code, output, errors = run(PLATELETS)
    assert (code, errors) == (0, "")
    assert output.startswith(f"{PLATELETS}  (rules/safety/bleeding.yaml:")
    for said in (
        "Un acte à haut risque hémorragique demande au moins 50 G/L de plaquettes.",
        "Plaquettes 49 G/L : la règle s’applique ; 50 G/L : elle ne s’applique pas ; non connu : elle",
        "1 rule, 1 case: 0 approved, 1 to be asked",
    ):
        assert said in output
    assert not (tmp_path / "approved").exists()


def test_a_topic_in_english_with_criteria_that_turn_nothing(run) -> None:
    code, output, _ = run("skeletal_alerts", "--lang", "en")
    assert code == 0
    assert "No possible patient turns on «lesion.site in [vertebra, sacrum]»" in output
    assert "alert.unstable-spine" in output


def test_for_a_machine(run) -> None:
    code, output, _ = run(PLATELETS, "--json")
    assert code == 0
    (rule,) = json.loads(output)["rules"]
    (case,) = rule["cases"]
    assert (rule["id"], case["status"], case["turns_on"]) == (PLATELETS, "open", "blood.platelets")
    assert (case["usual"], case["no"]) == ({"blood.platelets": 49}, [{"blood.platelets": 50}])
    assert case["told"]["en"].startswith("Platelets 49 G/L: the rule holds; 50 G/L: it does not")


def test_an_unknown_name_and_a_file_that_cannot_be_read(run, tmp_path: Path) -> None:
    code, output, errors = run("bleeding.platelet-low")
    assert (code, output) == (1, "")
    assert "did you mean «bleeding.platelets-low»?" in errors
    (tmp_path / "approved").mkdir()
    (tmp_path / "approved" / "bleeding.yaml").write_text("rules: {a.b: [{}]}", encoding="utf-8")
    code, _, errors = run(PLATELETS)
    assert code == 1
    assert "approved/bleeding.yaml:1:15: a.b: «approved_by» is missing" in errors
    assert "mend" in errors


# ---- in a terminal ---------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(root: Path, tmp_path: Path):
    opened: list[Terminal] = []

    def terminal(*arguments: str) -> Terminal:
        asked = ["rules", "borderline", *arguments, "--lang", "en", "--approved", str(tmp_path / "approved")]
        opened.append(Terminal(root, asked))
        return opened[-1]

    return terminal


def test_one_keystroke_answers_each_case_and_the_approved_become_tests(
    terminal, run, rulebook, root: Path, tmp_path: Path
) -> None:
    screen = terminal(PLATELETS, REFRACTORY)
    screen.until("Your name")
    screen.press("The committee\r")
    screen.until("[1/3]")
    assert "Platelets 49 G/L: the rule holds; 50 G/L: it does not; not known: it stays open." in screen.text
    screen.press("n")
    screen.until("[2/3]")
    assert "rejected" in screen.text
    screen.press("u")
    screen.until("[1/3]")
    screen.press("y")
    screen.until("[2/3]")
    screen.press("k")
    screen.until("'k' means nothing here")
    screen.press("n")
    screen.until("[3/3]")
    screen.press("s")
    screen.until("That was the last case")
    screen.press("u")
    screen.until("[3/3]")
    screen.press("y")
    screen.until("That was the last case")
    screen.press("\r")
    assert screen.end() == 1, screen.text
    assert "2 cases approved by The committee" in screen.text
    report = screen.text.partition("1 case rejected: the rule must be corrected")[2]
    assert "rules/safety/bleeding.yaml:" in report
    assert REFRACTORY in report

    folder = tmp_path / "approved"
    kept = read_approved(folder)
    assert [(each.rule, each.on, each.by) for each in kept] == [
        (PLATELETS, "blood.platelets", "The committee"),
        (REFRACTORY, "blood.platelets_refractory", "The committee"),
    ]
    # Not asked again; the rejected one is.
    _, output, _ = run(PLATELETS, REFRACTORY)
    assert "2 rules, 3 cases: 2 approved, 1 to be asked" in output
    _, output, _ = run(PLATELETS, "--all")
    assert "approved by The committee on 20" in output
    # The mutation score reads them: where the table of thresholds is blunt, they notice.
    blunt = tmp_path / "thresholds"
    shutil.copytree(root / "fixtures" / "thresholds", blunt)
    table = blunt / "safety-bleeding.yaml"
    text = table.read_text(encoding="utf-8")
    sharp = "    yes: [{blood.platelets: 49}]\n    no: [{blood.platelets: 50}]\n"
    assert sharp in text
    table.write_text(text.replace(sharp, "    no: [{blood.platelets: 90}]\n", 1), encoding="utf-8")
    hunter = Hunter(Suite(root / "rules", blunt, folder, root / "fixtures" / "referrals"))
    entries = hunter.remaker.documents["safety/bleeding.yaml"][1].data["rules"]
    at = next(at for at, entry in enumerate(entries) if entry["id"] == PLATELETS)
    keys = ("rules", at, "when")
    mutant = Mutant("threshold", "safety/bleeding.yaml", 1, PLATELETS, keys, "blood.platelets < 49 G/L", "by hand")
    assert [text.partition(" ")[0] for text in hunter.wrong(mutant)] == ["bleeding.yaml:4"]


def test_quitting_and_ctrl_c_keep_what_was_approved(terminal, tmp_path: Path) -> None:
    screen = terminal(PLATELETS, REFRACTORY, "--by", "A reader")
    screen.until("[1/3]")
    screen.press("y")
    screen.until("[2/3]")
    screen.press("q")
    assert screen.end() == 0, screen.text
    assert [each.on for each in read_approved(tmp_path / "approved")] == ["blood.platelets"]
    screen = terminal(PLATELETS, REFRACTORY, "--by", "A reader")
    screen.until("[1/2]")
    screen.press("y")
    screen.until("[2/2]")
    screen.press("\x03")
    assert screen.end() == 130, screen.text
    assert "Traceback" not in screen.text
    assert len(read_approved(tmp_path / "approved")) == 2


def test_a_window_that_is_closed_keeps_what_was_approved(terminal, tmp_path: Path) -> None:
    screen = terminal(REFRACTORY, "--by", "A reader")
    screen.until("[1/2]")
    screen.press("y")
    screen.until("[2/2]")
    screen.close()
    assert [each.on for each in read_approved(tmp_path / "approved")] == ["blood.platelets"]
