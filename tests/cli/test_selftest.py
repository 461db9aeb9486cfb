"""`python -m service.selftest FOLDER`: what gunicorn asks before it takes new rules."""

import shutil
import subprocess
import sys

import pytest

from service.recommend.judge import Disagreement
from service.selftest import SelfTestError, check, check_thoroughly, errors_of, main, qualified


def test_good_rules_as_a_command(root):
    run = subprocess.run(
        [sys.executable, "-m", "service.selftest", "rules"], cwd=root, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_bad_rules(root, tmp_path, capsys):
    rules = tmp_path / "rules"
    shutil.copytree(root / "rules", rules)
    (rules / "session.yaml").unlink()
    (rules / "notes.yaml").write_text("a: 1", encoding="utf-8")
    assert main([str(rules)]) == 1
    output = capsys.readouterr().out.splitlines()
    assert len(output) == 2
    assert output[0].startswith(f"{rules}/notes.yaml:1:1: ")
    assert output[1].startswith(f"{rules}/session.yaml:1:1: ")


def test_no_rules(tmp_path):
    assert errors_of(tmp_path / "none") == [f"{tmp_path}/none:1:1: no such directory"]


def test_rules_that_the_self_test_referral_does_not_fit(root, tmp_path):
    """A vocabulary that has lost a word that real referrals use does not go into service unseen."""
    rules = tmp_path / "rules"
    shutil.copytree(root / "rules", rules)
    path = rules / "vocabulary" / "pain.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("range: [0, 10]", "range: [0, 4]"), encoding="utf-8")
    errors = errors_of(rules)
    assert errors
    assert all("pain.nrs" in error or "pain.yaml" in error or "range" in error for error in errors), errors


def test_usage(capsys):
    assert main([]) == 2
    assert "FOLDER" in capsys.readouterr().err


@pytest.fixture
def decider(root):
    return qualified(root / "rules")


def test_engines_that_differ(decider, monkeypatch):
    def disagree(*_):
        raise Disagreement(["some.rule"])

    monkeypatch.setattr(decider, "decide", disagree)
    with pytest.raises(SelfTestError, match=r"some\.rule"):
        check(decider)


def test_answers_that_differ(decider, monkeypatch):
    answers = iter(range(9))
    monkeypatch.setattr(decider, "decide", lambda *_: {"answer": next(answers)})
    with pytest.raises(SelfTestError, match="two different answers"):
        check_thoroughly(decider)


def test_rules_from_which_no_engine_can_be_built(root, monkeypatch):
    def overflow(_):
        raise ValueError("61 branches in one ruleset; 60 is the safe limit")

    monkeypatch.setattr("service.selftest.Decider", overflow)
    assert errors_of(root / "rules") == [
        f"{root}/rules: no engine can be built from these rules: 61 branches in one ruleset; 60 is the safe limit"
    ]
