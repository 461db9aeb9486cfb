"""Case files: every mistake at once, with its line, the nearest right word, and never a traceback."""

from pathlib import Path
from random import Random

import pytest
import yaml

from service.workbench.cases import check_case, read_case, read_cases
from service.workbench.trying import try_cases
from tests.fixtures.reading import REFERRALS, decider
from tests.workbench.cases.conftest import spoil


def mistakes(path: Path) -> list[str]:
    """As they are told, without the column."""
    (outcome,) = try_cases(decider(), *_one(path))
    return [f"{each.line}: {str(each).partition(': ')[2]}" for each in outcome.mistakes]


def _one(path: Path):
    case, found = read_case(path)
    return [case], found


def line(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, each in enumerate(lines, 1) if each.startswith(text) or each.strip() == text.strip()]
    return found


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("sources: [CHEW11", "sources: [CHEW12", "unknown source «CHEW12»; did you mean «CHEW11»?"),
        ("sources:", "source:", "unknown key «source»; did you mean «sources»?"),
        (
            "      first: vertebroplasty",
            "      first: vertebroplastie",
            "unknown technique «vertebroplastie»; did you mean «vertebroplasty»?",
        ),
        (
            "        vertebroplasty: eligible",
            "        vertebroplasty: eligibel",
            "unknown status «eligibel»; did you mean «eligible»?",
        ),
        (
            "        vertebroplasty: eligible",
            "        vertebroplaste: eligible",
            "unknown technique «vertebroplaste»; did you mean «vertebroplasty»?",
        ),
        ("      first:", "      firts:", "unknown key «firts»; did you mean «first»?"),
        (
            "      anaesthesia: neuroleptanalgesia",
            "      anaesthesia: asleep",
            "unknown anaesthesia (one of general, local, neuroleptanalgesia, regional) «asleep»",
        ),
        ("  alerts: []", "  alerts: [alert.sepsy]", "unknown alert «alert.sepsy»; did you mean «alert.sepsis»?"),
        (
            'at: "2026-11-23T09:00:00+01:00"',
            'at: "2026-11-23"',
            "a date and time with its zone is needed, as in 2026-11-23T09:00:00+01:00 «2026-11-23»",
        ),
        (
            'at: "2026-11-23T09:00:00+01:00"',
            'at: "2026-11-23T09:00:00"',
            "a date and time with its zone is needed, as in 2026-11-23T09:00:00+01:00 «2026-11-23T09:00:00»",
        ),
        ('recorded_at: "2026-11-23"', "recorded_at: 2026-11-23", "a date stands in quotes «2026-11-23»"),
        ("  alerts: []", "  alert: []", "unknown key «alert»; did you mean «alerts»?"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_right_word(folder: Path, good: str, bad: str, said: str) -> None:
    path = folder / "vertebroplasty-complete-referral.yaml"
    spoil(path, good, bad)
    assert f"{line(path, bad)}: {said}" in mistakes(path)


def test_a_lesion_that_the_referral_has_not(folder: Path) -> None:
    path = folder / "platelets-32.yaml"
    spoil(path, "    L2:", "    L3:")
    # A part that goes on in the next lines stands where it begins.
    assert mistakes(path) == [f"{line(path, 'L3:') + 1}: unknown lesion of the referral (one of L2) «L3»"]


def test_all_mistakes_of_a_file_are_told_at_once(folder: Path) -> None:
    path = folder / "platelets-32.yaml"
    for good, bad in (
        ("name:", "nom:"),
        ("vertebroplasty: deferred", "vertebroplasty: defered"),
        ("radiotherapy: [eligible, cautioned]", "radiotherapie: [eligible, cautious]"),
    ):
        spoil(path, good, bad)
    told = " | ".join(mistakes(path))
    for said in ("«name» is missing", "«nom»", "«defered»", "«radiotherapie»", "«cautious»"):
        assert said in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: the file is empty"),
        ("a: [", "2: not valid YAML: did not find expected node content"),
        ("- 1", "1: a mapping (key: value) is needed «[1]»"),
        ("expect: {refused: []}", "«name» is missing"),
    ],
)
def test_what_is_no_case_at_all(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    assert said in " | ".join(mistakes(path))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("", "the expected answer rests on nothing: give «sources», or «approved_by» and «approved_on»"),
        ("approved_by: [MA]", "«approved_by» needs «approved_on»"),
        ('approved_on: "2026-11-23"', "«approved_on» needs «approved_by»"),
        (
            'approved_by: [MA]\napproved_on: "2026-02-30"',
            "a date is needed, as in 2026-11-25, or a date and time «2026-02-30»",
        ),
        ('approved_by: [MA]\napproved_on: "2026-11-23"', None),
    ],
)
def test_an_expectation_rests_on_a_source_or_on_a_person(folder: Path, head: str, said: str | None) -> None:
    path = folder / "platelets-32.yaml"
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(head if each.startswith("sources:") else each for each in text), encoding="utf-8")
    told = [each.partition(": ")[2] for each in mistakes(path)]
    assert told == ([] if said is None else told)
    assert said is None or said in told


def test_a_refused_referral_expects_nothing_else(folder: Path) -> None:
    path = folder / "platelets-implausible.yaml"
    assert mistakes(path) == []
    spoil(path, "expect:\n", "expect:\n  alerts: []\n")
    told = mistakes(path)
    assert told == [f"{line(path, 'alerts: []')}: a referral that is refused gets no answer: leave this out"]


def test_no_content_leads_to_a_traceback(folder: Path) -> None:
    """Every part of a case in turn becomes something else."""
    path = folder / "platelets-32.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    random = Random(5)  # noqa: S311 - any will do, but the same every time
    places = [(data, key) for key in data]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict | list) and key != "patient":
            places += [(inner, each) for each in (inner if isinstance(inner, dict) else range(len(inner)))]
    for holder, key in places:
        kept = holder[key]
        holder[key] = random.choice([None, 3, "x", [], {}, [None], {"x": []}, [[1]], True])
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        (outcome,) = try_cases(decider(), *_one(path))
        assert outcome.verdict in ("passed", "failed", "faulty")
        holder[key] = kept


def test_cases_by_name(folder: Path) -> None:
    cases, found = read_cases(folder, ["platelets-32"])
    assert (list(cases), found) == (["platelets-32"], [])
    assert cases["platelets-32"].line(("expect", "lesions", "L2", "statuses", "vertebroplasty")) == line(
        folder / "platelets-32.yaml", "vertebroplasty: deferred"
    )
    assert check_case(read_case(REFERRALS / "platelets-32.yaml")[0], decider().rulebook) == []
