"""The gates are the committee's own commands: what they find keeps the rules from being published."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from service.language.vocabulary import Text
from service.rulebook.source import rule_files
from service.workbench.publish import gates
from service.workbench.publish.gates import GATES, Draft


@pytest.fixture
def draft(root: Path, rulebook, tmp_path: Path) -> Draft:
    return Draft(root / "rules", rule_files(root / "rules"), rulebook, tmp_path, date(2026, 11, 25), "en")


def faults(command: str, draft: Draft) -> list[str]:
    (gate,) = (gate for gate in GATES if gate.command == command)
    return gate.faults(draft, lambda done, of: None)


def test_the_gates():
    assert [gate.command for gate in GATES] == ["check", "prove", "test"]


def test_what_cannot_serve_and_what_nobody_meant(draft, monkeypatch):
    monkeypatch.setattr(gates, "errors_of", lambda folder: [f"{folder}/a.yaml:1:1: wrong"])
    remarks = [SimpleNamespace(grade=grade, __str__=None) for grade in ("fault", "notice")]
    monkeypatch.setattr(gates, "lint", lambda *_: remarks)
    found = faults("check", draft)
    assert found[0] == f"{draft.folder}/a.yaml:1:1: wrong"
    assert len(found) == 2, "a notice is no fault"


def test_what_is_refuted_or_not_decided(draft, monkeypatch):
    claim = Text("Jamais.", "Never.")
    found = [
        SimpleNamespace(
            where="invariants.yaml:7", claim=claim, answer=answer, fails=answer != "proved", subjects=("a", "b")
        )
        for answer in ("proved", "refuted", "undecided")
    ]
    monkeypatch.setattr(gates, "prove", lambda *_, **__: found)
    assert faults("prove", draft) == [
        f"{draft.folder}/invariants.yaml:7: Never. [refuted: a, b]",
        f"{draft.folder}/invariants.yaml:7: Never. [not decided in time: a, b]",
    ]


def test_cases_that_fail_or_are_not_there(draft, root, tmp_path):
    assert "no case here, so nothing was tested" in faults("test", draft)[0]
    source = min((root / "fixtures" / "referrals").glob("*.yaml"))
    case = yaml.safe_load(source.read_text(encoding="utf-8"))
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(case, allow_unicode=True), encoding="utf-8")
    assert faults("test", draft) == []
    del case["expect"]
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(case, allow_unicode=True), encoding="utf-8")
    (line,) = faults("test", draft)
    assert line.startswith(f"{tmp_path}/bad.yaml: ")


def test_no_folder_of_cases(draft, tmp_path):
    import dataclasses

    (line,) = faults("test", dataclasses.replace(draft, cases=tmp_path / "none"))
    assert line.startswith(f"{tmp_path}/none: ")
