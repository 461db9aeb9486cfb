"""`flask rules add-case`: what a person approved becomes a case, and nothing else does."""

import importlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.language.vocabulary import Text
from service.workbench.adding import CannotBeWritten, case_data, case_text, expectation, told
from service.workbench.cases import read_case
from service.workbench.trying import try_cases
from tests.fixtures.reading import ROOT, answered, decider, fixtures

AT = "2026-11-23T09:00:00+01:00"
PROMPTS = "y\nMA, radiologist\nL2 douloureuse\nPainful L2\nThe commonest case\n\n"
SAID = ("--name-fr", "L2 douloureuse", "--name-en", "Painful L2", "--why", "The commonest case.")


@pytest.fixture
def referral(tmp_path: Path) -> Path:
    """A referral as the form saves it."""
    path = tmp_path / "referral.json"
    path.write_text(json.dumps(fixtures()["platelets-32"].data["referral"], ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "cases").mkdir()
    return tmp_path / "cases"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to answer."""
    module = importlib.import_module("service.cli.add_case")
    monkeypatch.setattr(module, "_can_ask", lambda source: source != "-")


def add(door, referral: Path, cases: Path, *more: Any, **how: Any):
    return door(
        "add-case", "painful-l2", "--from", referral, "--at", AT, "--cases", cases, "--lang", "en", *more, **how
    )


def passes(path: Path) -> bool:
    case, mistakes = read_case(path)
    (outcome,) = try_cases(decider(), [case], mistakes)
    return outcome.passed


# ---- with somebody to ask --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("terminal")
def test_what_is_approved_is_written_and_passes(door, referral: Path, cases: Path) -> None:
    code, output, _ = add(door, referral, cases, input=PROMPTS)
    assert code == 0
    shown = output.partition("Is this the answer")[0]
    # 32 G/L: what needs a needle in the spine waits; radiotherapy does not.
    assert "No alert\n" in shown
    assert "first: Vertebroplasty" in shown
    assert "to be deferred: Vertebroplasty (from 2026-11-24)" in shown
    path = cases / "painful-l2.yaml"
    case, mistakes = read_case(path)
    assert mistakes == []
    assert case.data["name"] == {"fr": "L2 douloureuse", "en": "Painful L2"}
    assert case.data["why"] == "The commonest case."
    assert case.data["approved_by"] == ["MA", "radiologist"]
    assert datetime.fromisoformat(case.data["approved_on"])
    assert "sources" not in case.data
    assert case.data["at"] == AT
    assert case.data["referral"] == fixtures()["platelets-32"].data["referral"]
    expect = case.expect
    assert expect["alerts"] == []
    assert expect["lesions"]["L2"]["first"] == "vertebroplasty"
    assert expect["lesions"]["L2"]["statuses"]["vertebroplasty"] == "deferred"
    assert expect["lesions"]["L2"]["earliest"]["vertebroplasty"] == "2026-11-24"
    assert len(expect["lesions"]["L2"]["statuses"]) == len(decider().rulebook.techniques)
    assert door("test", "painful-l2", "--cases", cases)[0] == 0


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_what_is_not_approved_is_not_written(door, referral: Path, cases: Path, answer: str) -> None:
    code, _, errors = add(door, referral, cases, input=answer)
    assert code == 1
    assert "nothing was written" in errors
    assert list(cases.iterdir()) == []


@pytest.mark.usefixtures("terminal")
def test_nobody_approves_without_a_name(door, referral: Path, cases: Path) -> None:
    """Who leaves at that question, or at any other, has written nothing."""
    for asked in range(1, 5):
        given = "\n".join(PROMPTS.split("\n")[:asked]) + "\n"
        code, _, errors = add(door, referral, cases, input=given)
        assert code == 130
        assert "interrupted: nothing was written" in errors
    code, output, _ = add(door, referral, cases, input="y\n , \n" + PROMPTS.partition("\n")[2])
    assert code == 0
    assert "a text of 1 to 300 characters is needed" in output
    assert read_case(cases / "painful-l2.yaml")[0].data["approved_by"] == ["MA", "radiologist"]


@pytest.mark.usefixtures("terminal")
def test_yes_at_a_terminal_still_asks_who_approves(door, referral: Path, cases: Path) -> None:
    code, output, _ = add(door, referral, cases, "--yes", input=PROMPTS.partition("\n")[2])
    assert code == 0
    assert "Is this the answer" not in output
    assert read_case(cases / "painful-l2.yaml")[0].data["approved_by"] == ["MA", "radiologist"]


@pytest.mark.usefixtures("terminal")
def test_a_source_that_is_not_known_is_asked_again(door, referral: Path, cases: Path) -> None:
    code, output, _ = add(door, referral, cases, input=PROMPTS.rstrip("\n") + "\nCHEW12\nCHEW11, PRACTICE\n")
    assert code == 0
    assert "no source is called «CHEW12»; did you mean «CHEW11»?" in output
    assert read_case(cases / "painful-l2.yaml")[0].data["sources"] == ["CHEW11", "PRACTICE"]


@pytest.mark.usefixtures("terminal")
def test_a_referral_that_is_refused_can_be_a_case(door, referral: Path, cases: Path) -> None:
    data = json.loads(referral.read_text(encoding="utf-8"))
    data["patient"]["blood.platelets"] = {"value": 32000, "unit": "G/L"}
    referral.write_text(json.dumps(data), encoding="utf-8")
    code, output, _ = add(door, referral, cases, input=PROMPTS)
    assert code == 0
    assert "/patient/blood.platelets: 32000 G/L is outside what is plausible" in output
    assert read_case(cases / "painful-l2.yaml")[0].expect == {"refused": ["/patient/blood.platelets"]}
    assert passes(cases / "painful-l2.yaml")


@pytest.mark.usefixtures("terminal")
def test_an_expectation_that_is_not_met_is_written_only_on_demand(
    door, referral: Path, cases: Path, tmp_path: Path
) -> None:
    expect = tmp_path / "expect.yaml"
    expect.write_text("alerts: []\nlesions: {L2: {first: surgery}}\n", encoding="utf-8")
    code, _, errors = add(door, referral, cases, "--expect", expect, "--yes", input="n\n")
    assert code == 1
    assert "L2, first: expected surgery, got vertebroplasty" in errors
    assert list(cases.iterdir()) == []
    assert add(door, referral, cases, "--expect", expect, input=PROMPTS)[0] == 0
    assert not passes(cases / "painful-l2.yaml")


@pytest.mark.usefixtures("terminal")
def test_from_what_the_form_saves_to_a_case_that_passes(door, client: FlaskClient, cases: Path, tmp_path: Path) -> None:
    typed = {
        "patient:recorded_at:day": "2026-11-23",
        "lesion0:id:value": "L2",
        "at": AT,
        "lesion0:lesion.site:value": "vertebra",
        "lesion0:lesion.level:value": "L2",
        "lesion0:pain.nrs:value": "8",
    }
    saved = client.post("/referral.json", data=typed)
    assert saved.content_type == "application/json"
    (tmp_path / "referral.json").write_bytes(saved.data)
    code, _, _ = add(door, tmp_path / "referral.json", cases, input=PROMPTS)
    assert code == 0
    case, _ = read_case(cases / "painful-l2.yaml")
    assert case.data["referral"] == saved.json
    assert case.data["referral"]["lesions"][0]["lesion.level"] == "L2"
    # Nothing is known of the patient: nothing may be called eligible.
    assert "eligible" not in case.expect["lesions"]["L2"]["statuses"].values()
    assert door("test", "painful-l2", "--cases", cases)[0] == 0


# ---- without ---------------------------------------------------------------------------------------------------------


def test_without_a_terminal_a_generated_expectation_is_not_written(door, referral: Path, cases: Path) -> None:
    for more in ((), ("--yes",), ("--yes", "--approved-by", "MA", *SAID)):
        code, output, errors = add(door, referral, cases, *more)
        assert (code, output) == (1, "")
        assert "an expectation that nobody approved is not a test" in errors
    code, _, errors = door("add-case", "painful-l2", "--from", "-", "--yes", "--cases", cases, input="{}")
    assert code == 1
    assert errors.startswith("standard input holds the referral, so nobody can be asked")
    assert list(cases.iterdir()) == []


def test_without_a_terminal_all_must_be_said(door, referral: Path, cases: Path, tmp_path: Path) -> None:
    expect = tmp_path / "expect.yaml"
    expect.write_text("expect:\n  alerts: []\n  lesions:\n    L2: {first: vertebroplasty}\n", encoding="utf-8")
    code, _, errors = add(door, referral, cases, "--expect", expect)
    assert code == 1
    assert "give --yes, --approved-by, --name-fr, --name-en, --why too" in errors
    body = referral.read_text(encoding="utf-8")
    everything = ("--expect", expect, "--yes", "--approved-by", "MA", "--source", "CHEW11", *SAID)
    code, _, _ = door("add-case", "painful-l2", "--from", "-", "--at", AT, "--cases", cases, *everything, input=body)
    assert code == 0
    case, _ = read_case(cases / "painful-l2.yaml")
    # What was not expected by hand is not expected.
    assert case.expect == {"alerts": [], "lesions": {"L2": {"first": "vertebroplasty"}}}
    assert passes(cases / "painful-l2.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "alerts: []\nlesions:\n  L2:\n    first: vertebroplastie\n",
            "expect.yaml:4:12: unknown technique «vertebroplastie»; did you mean «vertebroplasty»?",
        ),
        (
            "expect:\n  alerts: []\n  lesions:\n    L2:\n      frist: surgery\n",
            "expect.yaml:5:14: unknown key «frist»; did you mean «first»?",
        ),
        ("alerts: []\n", "«lesions» is missing"),
        ("[1]", "a mapping (key: value) is needed"),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistakes_in_an_expectation_have_the_places_of_its_file(
    door, referral: Path, cases: Path, tmp_path: Path, text: str, said: str
) -> None:
    expect = tmp_path / "expect.yaml"
    expect.write_text(text, encoding="utf-8")
    code, _, errors = add(door, referral, cases, "--expect", expect, "--yes", "--approved-by", "MA", *SAID)
    assert code == 1
    assert said in errors
    assert list(cases.iterdir()) == []


@pytest.mark.usefixtures("terminal")
def test_what_is_refused_at_once(door, referral: Path, cases: Path) -> None:
    assert "cannot name a case" in door("add-case", "Painful L2", "--from", referral, "--cases", cases)[2]
    assert "cannot name a case" in door("add-case", "../x", "--from", referral, "--cases", cases)[2]
    assert "no such directory" in door("add-case", "x", "--from", referral, "--cases", cases / "none")[2]
    assert "did you mean «CHEW11»?" in add(door, referral, cases, "--source", "CHEW12")[2]
    (cases / "painful-l2.yaml").write_text("mine", encoding="utf-8")
    assert "there is such a case" in add(door, referral, cases)[2]
    assert (cases / "painful-l2.yaml").read_text(encoding="utf-8") == "mine"
    code, _, errors = door("add-case", "y", "--from", cases / "none.json", "--cases", cases)
    assert code == 1
    assert "cannot be read: No such file or directory" in errors


# ---- the file --------------------------------------------------------------------------------------------------------


def written(referral: Any, expect: dict[str, Any]) -> str:
    at = datetime.fromisoformat(AT)
    name = Text("Été : « à »", "no")
    return case_text(
        case_data(
            name=name,
            why="Why: because.",
            sources=[],
            approved_by=["MA"],
            approved_on=at.date(),
            at=at,
            referral=referral,
            expect=expect,
        )
    )


@pytest.mark.parametrize("name", ["three-sites", "platelets-32", "alert-sepsis", "apixaban-yesterday"])
def test_what_is_generated_is_what_is_shown(tmp_path: Path, name: str) -> None:
    answer = answered(name, "en")
    expect = expectation(answer)
    shown = "\n".join(told(answer, "en"))
    for lesion in answer["lesions"]:
        assert f"Lesion {lesion['id']}" in shown
        for option in lesion["options"]:
            assert option["label"] in shown
    for alert in answer["alerts"]:
        assert f"({alert['rule']})" in shown
    path = tmp_path / f"{name}.yaml"
    path.write_text(
        written(fixtures()[name].data["referral"], expect).replace(AT, fixtures()[name].data["at"]), encoding="utf-8"
    )
    assert read_case(path)[1] == []
    assert passes(path)


def test_what_is_written_reads_back_whatever_it_is(tmp_path: Path) -> None:
    random = Random(3)  # noqa: S311 - any values will do, but the same every time
    words = [
        "no",
        "yes",
        "1:30",
        "2026-11-23",
        "~",
        "",
        "null",
        "0x1F",
        "1_000",
        ".5",
        "é : «a»",
        "# x",
        "- y",
        "{",
        "1e5",
        "'",
        '"',
        "a\nb",
        "%",
    ]
    numbers = [0, -3, 1.5, 0.00001, 123456789.0, 1e22, True, False, None]

    def value(depth: int) -> Any:
        kind = random.random()
        if depth and kind < 0.25:
            return {random.choice(words): value(depth - 1) for _ in range(random.randint(0, 3))}
        if depth and kind < 0.5:
            return [value(depth - 1) for _ in range(random.randint(0, 3))]
        return random.choice(words + numbers)

    for number in range(100):
        referral = {"recorded_at": "2026-11-23", "patient": {"a.b": value(2), "no": value(2)}, "lesions": [value(2)]}
        path = tmp_path / f"{number}.yaml"
        path.write_text(written(referral, {"refused": ["/"]}), encoding="utf-8")
        assert read_case(path)[0].data["referral"] == referral


def test_a_number_that_has_no_plain_form_is_not_written() -> None:
    with pytest.raises(CannotBeWritten):
        written({"patient": {"a": object()}}, {"refused": ["/"]})


def test_at_a_real_terminal(tmp_path: Path, referral: Path, cases: Path) -> None:
    """Started as a user starts it, with keys pressed."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "flask",
            "rules",
            "add-case",
            "painful-l2",
            "--from",
            str(referral),
            "--at",
            AT,
            "--cases",
            str(cases),
            "--lang",
            "en",
        ],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    seen, answers = "", iter(PROMPTS.splitlines())
    end = time.monotonic() + 60
    questions = iter(["[y/N]: ", "commas): ", "in French: ", "in English: ", "one sentence: ", "if empty): "])
    question = next(questions)
    while time.monotonic() < end and process.poll() is None:
        if select.select([mine], [], [], 0.2)[0]:
            try:
                seen += os.read(mine, 65536).decode(errors="replace")
            except OSError:
                break
        if question and seen.endswith(question):
            os.write(mine, f"{next(answers)}\n".encode())
            question = next(questions, "")
    assert process.wait(timeout=30) == 0, seen
    assert "written; `flask rules test painful-l2` decides it" in seen + _rest(mine)
    assert passes(cases / "painful-l2.yaml")


def _rest(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""
