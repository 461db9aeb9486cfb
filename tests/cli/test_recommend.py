"""`flask recommend`."""

import json
from pathlib import Path

import pytest
import yaml
from flask import Flask

from service.recommend.judge import Disagreement
from service.run.adapter import EngineError

TYPICAL = "fixtures/referrals/seed-typical-patient.yaml"


@pytest.fixture
def run(app: Flask, root: Path, monkeypatch):
    """Runs `flask recommend` in the project's folder; gives exit code, output and errors."""
    monkeypatch.chdir(root)

    def run(*arguments, **kwargs):
        result = app.test_cli_runner().invoke(args=["recommend", *map(str, arguments)], **kwargs)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def file(tmp_path, referral, at):
    """Writes a referral as JSON and gives its path."""

    def write(data=None, name="referral.json"):
        path = tmp_path / name
        path.write_text(data if isinstance(data, str) else json.dumps(data or referral), encoding="utf-8")
        return path

    return write


def test_text_in_both_languages(run):
    code, french, errors = run(TYPICAL)
    assert (code, errors) == (0, "")
    assert "Vertébroplastie" in french
    code, english, _ = run("--lang", "en", TYPICAL)
    assert code == 0
    assert "Vertebroplasty" in english


def test_json_is_what_the_http_door_gives(run, client, root):
    case = yaml.safe_load((root / TYPICAL).read_text(encoding="utf-8"))
    for trace in ("decisive", "full"):
        code, output, _ = run("--json", "--lang", "en", "--trace", trace, TYPICAL)
        assert code == 0
        response = client.post(
            "/v1/recommendations",
            json=case["referral"],
            query_string={"at": case["at"], "trace": trace},
            headers={"Accept-Language": "en"},
        )
        assert output == response.get_data(as_text=True) + "\n"


def test_json_file_yaml_file_and_standard_input_agree(run, file, referral, at):
    asked = ("--json", "--at", at.isoformat())
    _, first, _ = run(*asked, file())
    _, second, _ = run(file({"referral": referral, "at": at.isoformat()}), "--json")
    _, third, _ = run(*asked, "-", input=json.dumps(referral))
    _, fourth, _ = run(*asked, file(yaml.safe_dump({"referral": referral}), "referral.yaml"))
    assert json.loads(first)["lesions"]
    assert first == second == third == fourth


def test_the_moment_asked_for_wins(run):
    _, output, _ = run("--json", "--at", "2026-11-24T10:00:00+01:00", TYPICAL)
    assert json.loads(output)["evaluated_at"] == "2026-11-24T10:00:00+01:00"


@pytest.mark.parametrize("moment", ["tomorrow", "2026-11-23", "23/11/2026 10:00"])
def test_a_moment_that_is_none(run, moment):
    code, output, errors = run("--at", moment, TYPICAL)
    assert (code, output) == (2, "")
    assert "2026-11-23T09:00:00+01:00" in errors


def test_why(run):
    code, output, _ = run("--why", "vertebroplasty", "radiotherapy", "--lang", "en", TYPICAL)
    assert code == 0
    assert output.count("\n") == 1
    assert output.startswith("Vertebroplasty before ")
    assert run("--why", "radiotherapy", "vertebroplasty", "--lang", "en", TYPICAL)[1] == output


def test_why_of_an_unknown_technique(run):
    code, output, errors = run("--why", "vertebroplastie", "radiotherapy", TYPICAL)
    assert (code, output) == (1, "")
    assert "did you mean «vertebroplasty»?" in errors


def test_why_needs_a_lesion_when_there_are_several(run, file):
    code, _, errors = run("--why", "vertebroplasty", "radiotherapy", file())
    assert code == 1
    assert "--lesion with one of L2, rib" in errors
    code, output, _ = run("--why", "vertebroplasty", "radiotherapy", "--lesion", "L2", file())
    assert code == 0
    assert output
    code, _, errors = run("--why", "vertebroplasty", "radiotherapy", "--lesion", "L3", file())
    assert code == 1
    assert "no lesion «L3»" in errors


def test_several_files_one_of_them_bad(run, file, referral):
    referral["patient"]["blood.platlets"] = 1
    code, output, errors = run(TYPICAL, file(referral), TYPICAL)
    assert code == 1
    assert output.count(f"# {TYPICAL}") == 2
    assert errors.count("\n") == 1
    assert "/patient/blood.platlets: champ inconnu" in errors


def test_yaml_faults_are_placed(run, root, tmp_path):
    text = (root / TYPICAL).read_text(encoding="utf-8").replace("pain.nrs: 8", "pain.nrs: 11")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "pain.nrs: 11" in each)
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    code, _, errors = run("--lang", "en", path)
    assert code == 1
    assert errors.startswith(f"{path}:{line}:17: /lesions/0/pain.nrs: 11 is outside what is plausible")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "malformed JSON"),
        ('{"a": 1, "a": 2}', "given twice"),
        ('{"lesions": NaN}', "NaN is not a JSON number"),
        ("a: [", "not valid YAML"),
        ("a: 1", "`referral:`"),
        ("", "empty"),
        ("just words", "`referral:`"),
        ("at: never\nreferral: {}", ":1:5: a date and time is needed"),
        ("referral: 3", "object"),
        ("referral: &a {}\nother: *a", "anchors"),
    ],
)
def test_files_that_hold_no_referral(run, file, content, said):
    path = file(content or " ", "case.yaml")
    code, output, errors = run("--lang", "en", path)
    assert (code, output) == (1, "")
    assert errors.startswith(str(path))
    assert said in errors
    assert "Traceback" not in errors


def test_files_that_cannot_be_read(run, tmp_path):
    for path, said in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        code, _, errors = run(path)
        assert code == 1
        assert f"{path}: cannot be read: {said}" in errors
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"referral: \xff")
    assert "not UTF-8 at byte 10" in run(path)[2]


@pytest.mark.parametrize("error", [Disagreement(["some.rule"]), EngineError("code 303")])
def test_an_answer_withheld(run, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("service.decision.Decider.decide", fail)
    code, output, errors = run(TYPICAL)
    assert (code, output) == (1, "")
    assert "no answer is given" in errors
    assert str(error) in errors


def test_other_rules(run, tmp_path):
    code, _, errors = run("--rules", tmp_path, TYPICAL)
    assert code == 1
    assert f"{tmp_path}/rulebook.yaml:1:1: this file is missing" in errors


def test_help(run):
    code, output, _ = run("--help")
    assert code == 0
    assert "flask recommend fixtures/referrals/" in output
