"""Which questions are asked of a rulebook, what an answer means for it, and that answers are remembered rightly."""

import json
from functools import cache
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from service.cli import register
from service.prove import questions as asking
from service.prove.prover import Proof, Prover
from service.prove.question import KINDS
from service.prove.questions import Finding, all_questions, prove
from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.web.app import create_app
from tests.strategies import RULES, rulebook


def test_every_rule_technique_and_invariant_is_asked_about_and_no_question_twice() -> None:
    found = all_questions(rulebook())
    names = [question.id for question in found]
    assert len(set(names)) == len(names)
    subjects = {subject for question in found for subject in question.subjects}
    assert {bound.rule.id for bound in rulebook().bound} <= subjects
    assert {*rulebook().techniques, *(invariant.id for invariant in rulebook().invariants)} <= subjects
    assert {question.kind for question in found} == set(KINDS)


def test_the_committees_own_invariants_are_proved(tmp_path: Path) -> None:
    names = [invariant.id for invariant in rulebook().invariants]
    found = prove(rulebook(), only=[*names[:3], "more-danger"], memory=tmp_path / "proofs.json")
    assert {(finding.answer, finding.grade) for finding in found} == {("proved", "fine")}
    again = prove(rulebook(), only=[*names[:3], "more-danger"], memory=tmp_path / "proofs.json")
    assert all(finding.remembered for finding in again)
    assert [(finding.id, finding.answer) for finding in again] == [(finding.id, finding.answer) for finding in found]


@cache
def files() -> dict[str, bytes]:
    return rule_files(RULES)


def changed(file: str, old: str, new: str) -> Rulebook:
    text = files()[file].decode()
    assert old in text, f"{file} no longer holds {old!r}"
    return load_files({**files(), file: text.replace(old, new, 1).encode()})


def grades(found: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.kind, finding.grade) for finding in found if finding.grade != "fine"}


@pytest.fixture(scope="module")
def weakened() -> Rulebook:
    """The limit of platelets for acts of high bleeding risk is 5 instead of 50."""
    return changed("safety/bleeding.yaml", "when: blood.platelets < 50 G/L", "when: blood.platelets < 5 G/L")


def test_an_invariant_that_a_change_breaks_is_refuted_with_a_patient(weakened: Rulebook) -> None:
    found = prove(weakened, only=["high-bleeding-risk.platelets"], jobs=1)
    broken = [finding for finding in found if finding.fails]
    assert len(broken) == len(found)
    counts = {finding.witness["patient"]["blood.platelets"] for finding in broken if finding.witness}
    assert all(5 <= count < 50 for count in counts)


def test_an_answer_is_asked_again_when_what_it_depends_on_changes(weakened: Rulebook, tmp_path: Path) -> None:
    memory = tmp_path / "proofs.json"
    only = ["bleeding.platelets-low", "bleeding.inr-low-risk-act"]
    prove(rulebook(), only=only, jobs=1, memory=memory)
    again = prove(weakened, only=only, jobs=1, memory=memory)
    asked = {finding.id for finding in again if not finding.remembered}
    assert "can-hold:bleeding.platelets-low" in asked
    assert "can-hold:bleeding.inr-low-risk-act" not in asked


def test_a_memory_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    memory = tmp_path / "proofs.json"
    memory.write_text("{not json", encoding="utf-8")
    assert not prove(rulebook(), only=["partition"], jobs=1, memory=memory)[0].remembered
    assert json.loads(memory.read_text(encoding="utf-8"))


def test_what_is_not_decided_in_time_fails_and_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hesitant(Prover):
        def refute(self, *args: object, **kwargs: object) -> Proof:
            return Proof("undecided", 20.0)

    monkeypatch.setattr(asking, "Prover", Hesitant)
    memory = tmp_path / "proofs.json"
    found = prove(rulebook(), only=["cement.pmma-allergy"], jobs=1, memory=memory)
    assert {(finding.answer, finding.grade, finding.fails) for finding in found} == {("undecided", "open", True)}
    assert json.loads(memory.read_text(encoding="utf-8")) == {}


def test_what_is_declared_is_told_with_its_reason_and_does_not_fail() -> None:
    found = prove(rulebook(), only=["pregnancy.cement", "local.very-long"], jobs=1)
    declared = {finding.id: finding for finding in found if finding.grade == "declared"}
    assert declared.keys() == {"adds-something:pregnancy.cement:pregnancy.ionising", "can-hold:local.very-long"}
    assert all(finding.declared for finding in declared.values())
    assert not any(finding.fails for finding in found)


@pytest.fixture(scope="module")
def runner() -> FlaskCliRunner:
    app = create_app()
    register(app)
    return app.test_cli_runner()


def test_the_command_tells_each_kind_with_its_answers(runner: FlaskCliRunner, tmp_path: Path) -> None:
    names = ["rules", "prove", "partition", "pregnancy.cement", "--jobs", "1", "--no-memory", "--lang", "en"]
    result = runner.invoke(args=[*names, "--save", str(tmp_path / "patients")])
    assert result.exit_code == 0, result.output
    assert "Limits without gap or overlap (partition):" in result.output
    assert "declared rules/safety/pregnancy.yaml" in result.output
    assert "0 to be mended" in result.output
    (saved,) = (tmp_path / "patients").glob("*.json")
    assert json.loads(saved.read_text(encoding="utf-8"))["patient"]["patient.pregnant"] is True


def test_the_command_says_when_it_does_not_know_a_name(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["rules", "prove", "invariants"])
    assert result.exit_code == 1
    assert "did you mean «invariant»?" in result.output


def test_the_command_fails_and_shows_the_patient_when_an_invariant_is_broken(
    runner: FlaskCliRunner, tmp_path: Path
) -> None:
    folder = tmp_path / "rules"
    for name, content in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    allergy = folder / "safety" / "allergy.yaml"
    text = allergy.read_text(encoding="utf-8")
    allergy.write_text(text.replace("allergies includes pmma", "allergies includes titanium"), encoding="utf-8")
    names = ["rules", "prove", "cement.pmma-allergy", "--rules", str(folder), "--no-memory", "--jobs", "1", "--json"]
    result = runner.invoke(args=names)
    assert result.exit_code == 1, result.output
    told = json.loads(result.output[result.output.index("{") :])
    assert told["failed"]
    broken = [finding for finding in told["findings"] if finding["grade"] == "fault"]
    assert all("pmma" in finding["witness"]["patient"]["allergies"]["items"] for finding in broken)
