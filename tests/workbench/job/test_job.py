"""The computations of the committee's page over one draft: platelets 50 -> 45, as a committee would change it."""

import io
import json
import shutil
from dataclasses import replace
from datetime import datetime

import pytest

from service.language.vocabulary import Text
from service.prove.questions import Finding
from service.referral.strict_json import parse
from service.rulebook.lints import LINTS
from service.rulebook.source import rule_files
from service.selftest import SelfTestError, vector
from service.workbench.job import comparing, proving
from service.workbench.job.__main__ import main
from service.workbench.job.checking import check
from service.workbench.job.comparing import compare
from service.workbench.job.order import Order
from service.workbench.job.outcome import MOST_POINTS, Outcome, Point, same
from service.workbench.job.remarks import FRENCH
from service.workbench.job.tasks import TASKS, refused
from service.workbench.job.testing import test as run_cases

FILE = "safety/bleeding.yaml"
RULE = "bleeding.platelets-low"


#: enough of the committee's cases to see what is to be seen
CASES = ("apixaban-yesterday", "seed-typical-patient", "platelets-exactly-50", "platelets-implausible", "three-sites")


@pytest.fixture(scope="module")
def present(root):
    return rule_files(root / "rules")


@pytest.fixture(scope="module")
def cases(root, tmp_path_factory):
    """The folder of some cases, beside the tables."""
    home = tmp_path_factory.mktemp("fixtures")
    (home / "thresholds").symlink_to(root / "fixtures" / "thresholds")
    (home / "referrals").mkdir()
    for name in CASES:
        shutil.copy(root / "fixtures" / "referrals" / f"{name}.yaml", home / "referrals")
    return home / "referrals"


@pytest.fixture(scope="module")
def drafted(present, cases, rulebook):
    """Makes the order for a changed file."""

    def make(*changes, file=FILE):
        text = present[file].decode()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        order = Order(file, text, present, cases)
        # The rules in use are loaded already.
        order.__dict__["used"] = rulebook
        return order

    return make


@pytest.fixture(scope="module")
def loosened(drafted):
    return drafted(("blood.platelets < 50 G/L", "blood.platelets < 45 G/L"))


def platelets(patient):
    value = patient.referral["patient"]["blood.platelets"]
    return value["value"] if isinstance(value, dict) else value


class Heard:
    """Notes the progress, and checks that it is one."""

    def __init__(self):
        self.labels = []

    def __call__(self, done, of, label):
        assert 0 <= done <= of
        self.labels.append(label.en)


def test_check_finds_that_the_sentence_says_another_figure(loosened):
    heard = Heard()
    outcome = check(loosened, heard)
    assert outcome.good is False
    assert {(point.file, point.line) for point in outcome.points} == {(FILE, 51), (FILE, 52)}
    assert {point.title.fr for point in outcome.points} == {FRENCH["figure-and-limit"]}
    assert all("45 G/L" in point.title.en for point in outcome.points)
    assert len(set(heard.labels)) == 3


def test_check_says_nothing_of_what_was_there_before(drafted):
    outcome = check(drafted(("# Clotting", "# On clotting")), Heard())
    assert outcome.good is True
    assert outcome.points == ()


def test_every_check_of_sense_has_a_name_in_french():
    assert set(FRENCH) == {each.id for each in LINTS}


def test_the_cases_and_tables_notice_the_threshold(loosened):
    heard = Heard()
    outcome = run_cases(loosened, heard)
    assert outcome.good is False
    (table,) = [point for point in outcome.points if RULE in point.rules]
    assert [line.fr for line in table.lines] == ["plaquettes : 49 G/L — attendu : oui ; le brouillon dit : non"]
    assert [line.en for line in table.lines] == ["platelets: 49 G/L — expected: yes; the draft says: no"]
    assert "1 table" in outcome.headline.fr
    assert len(heard.labels) > len(CASES)


def test_a_case_that_fails_comes_with_its_patient_and_the_new_answer(drafted):
    # Apixaban hardly needs an interval any more: the case of the day before must notice.
    change = ("days_since(last_dose.apixaban) < 3", "days_since(last_dose.apixaban) < 1")
    outcome = run_cases(drafted(change, file="safety/anticoagulant.yaml"), Heard())
    titles = {point.title.fr: point for point in outcome.points}
    point = titles["Apixaban pris la veille"]
    assert any("deferred" in line.en or "deferred" in line.fr for line in point.lines)
    (patient,) = point.patients
    assert patient.referral["patient"]["last_dose.apixaban"] == "2026-11-22"
    assert patient.expect["lesions"]["L2"]["statuses"]["vertebroplasty"] != "deferred"
    assert "plus la réponse attendue" in outcome.headline.fr


def test_impact_tells_the_change_in_words_and_finds_who_gets_another_answer(loosened, monkeypatch):
    monkeypatch.setattr(comparing, "_VARIED", 60)
    heard = Heard()
    outcome = compare(loosened, heard)
    assert outcome.good is None
    assert "plus permissif" in outcome.headline.fr
    assert "loosening" in outcome.headline.en
    told = outcome.points[0]
    assert (told.grade, told.file, told.line, told.rules) == ("notice", FILE, 43, (RULE,))
    assert "50 → 45 G/L" in told.title.fr
    assert 45 <= platelets(told.patients[0]) < 50
    examples = [point for point in outcome.points if point.title.fr.startswith("Variante ")]
    assert examples
    for point in examples:
        assert 45 <= platelets(point.patients[0]) < 50
        assert all(row.before != row.after for row in point.rows)
    assert outcome.picture is not None
    assert outcome.picture.fr.startswith("<svg")
    assert " style=" not in outcome.picture.fr


def test_impact_of_a_comment_is_none(drafted):
    outcome = compare(drafted(("# Clotting", "# On clotting")), Heard())
    assert (outcome.points, outcome.picture) == ((), None)
    assert "nothing changes" in outcome.headline.en


# ---- proofs: which questions are asked, and how their answers are told; the prover has tests of its own ----


@pytest.fixture
def asked(monkeypatch):
    """The ids of the questions that are put to the prover, which answers as `findings` says."""
    noted = {}

    def prove(book, *, only, progress, **settings):
        noted["only"] = list(only)
        progress(1, 2)
        return noted.get("findings", [])

    monkeypatch.setattr(proving, "prove", prove)
    return noted


def test_only_the_questions_that_the_draft_touches_are_asked(loosened, asked):
    proving.proof(loosened, Heard())
    assert any("platelets" in name for name in asked["only"])
    everything = proving.all_questions(loosened.rulebook)
    assert 0 < len(asked["only"]) < 0.5 * len(everything)


def test_a_draft_in_other_words_asks_nothing(drafted, asked):
    order = drafted(("demande au moins 50 G/L de plaquettes", "demande 50 G/L de plaquettes au moins"))
    outcome = proving.proof(order, Heard())
    assert "only" not in asked
    assert outcome.good is True
    assert "rien à prouver de nouveau" in outcome.headline.fr


def test_an_unchanged_text_asks_everything(drafted, asked):
    order = drafted()
    proving.proof(order, Heard())
    assert len(asked["only"]) == len(proving.all_questions(order.rulebook))


def test_how_answers_are_told(loosened, asked):
    referral = vector().referral
    fault = Finding(
        id="invariant:x:vertebroplasty",
        kind="invariant",
        subjects=("vertebroplasty",),
        where="invariants.yaml:21",
        claim=Text("Jamais cela.", "Never that."),
        answer="refuted",
        grade="fault",
        advice=Text("À voir.", "To be seen."),
        seconds=1.0,
        remembered=False,
        witness=referral,
        at=vector().at.isoformat(),
    )
    others = [
        replace(fault, id="invariant:x:kyphoplasty", subjects=("kyphoplasty",)),
        replace(fault, id="late", claim=same("late"), grade="open", answer="undecided", witness=None, at=None),
        replace(
            fault,
            id="meant",
            claim=same("meant"),
            grade="declared",
            declared=Text("Exprès.", "On purpose."),
            witness=None,
        ),
        replace(fault, id="fine", claim=same("fine"), grade="fine", answer="proved", witness=None),
    ]
    asked["findings"] = [fault, *others]
    outcome = proving.proof(loosened, Heard())
    assert outcome.good is False
    assert outcome.headline.fr.startswith(
        "Sur 5 questions que le brouillon touche, 2 sont contredites par un patient, 1 n’est pas tranchée dans le temps imparti."
    )
    first, late, meant, summary = outcome.points
    assert (first.grade, first.file, first.line, len(first.patients)) == ("fault", "invariants.yaml", 21, 2)
    assert first.patients[0].name.fr == "Un patient qui le montre : vertébroplastie"
    assert first.lines[0].fr == "Vertébroplastie, Cyphoplastie par ballonnets"
    assert (late.grade, late.text.fr) == ("notice", "Non tranché dans le temps imparti.")
    assert (meant.grade, meant.text.en) == ("good", "On purpose.")
    assert summary.lines[0].en.endswith(": 1 / 5")


# ---- the process ----


def run(task, present, root, text):
    order = {
        "task": task,
        "file": FILE,
        "text": text,
        "rules": {name: content.decode() for name, content in present.items()},
        "cases": str(root / "fixtures" / "referrals"),
    }
    output = io.StringIO()
    code = main(io.StringIO(json.dumps(order)), output)
    return code, [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("task", TASKS)
def test_a_draft_with_a_slip_is_refused_by_every_task(task, present, root):
    text = present[FILE].decode().replace("blood.platelets < 50", "blod.platelets < 50", 1)
    code, events = run(task, present, root, text)
    assert code == 0
    result = events[-1]["result"]
    assert result["good"] is False
    (point,) = result["points"]
    assert point["mistake"] == {
        "file": FILE,
        "line": 43,
        "column": 11,
        "message": "unknown item",
        "offender": "blod.platelets",
        "suggestion": "blood.platelets",
    }


def test_a_fault_of_ours_says_where_and_quotes_nothing(monkeypatch, present, root):
    def broken(order, progress):
        raise KeyError(order.text)

    monkeypatch.setattr("service.workbench.job.__main__.TASKS", {"check": broken})
    code, events = run("check", present, root, present[FILE].decode())
    assert code == 1
    assert events == [{"fault": events[0]["fault"]}]
    assert events[0]["fault"].startswith("KeyError (test_job.py:")


def test_rules_with_which_no_engine_decides_are_told():
    outcome = refused(SelfTestError(["one", "two"]))
    assert outcome.good is False
    assert [point.title.en for point in outcome.points] == ["one", "two"]


def test_not_more_points_than_anybody_reads():
    outcome = Outcome(False, same("x"), tuple(Point("fault", same(str(n))) for n in range(MOST_POINTS + 5)))
    plain = outcome.plain()
    assert (len(plain["points"]), plain["left_out"]) == (MOST_POINTS, 5)


def test_a_refused_referral_is_expected_to_be_refused(loosened):
    referral = parse(b'{"recorded_at": "2026-11-23", "patient": {}, "lesions": []}')
    patient = loosened.patient(same("x"), referral, datetime(2026, 11, 23).astimezone().isoformat())
    assert set(patient.expect) == {"refused"}
