"""Referrals from files, and synthetic ones from fixtures."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.workbench.cohort import CohortError, cohort, fixtures, varied
from service.workbench.impact import Subject
from tests.workbench.diff.mini import OLD, book
from tests.workbench.diff.test_impact import AT, SUBJECTS

ZONE = "Europe/Paris"
REFERRAL = {"recorded_at": "2026-11-22", "patient": {"blood.platelets": 40}, "lesions": [{"id": "L1"}]}


def test_one_referral_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "registry.ndjson"
    dated = {"at": "2026-11-23T09:00:00+01:00", "referral": REFERRAL}
    moment = {**REFERRAL, "recorded_at": "2026-11-22T10:30:00+01:00"}
    file.write_text("\n".join(json.dumps(each) for each in (REFERRAL, dated, moment)) + "\n\n", encoding="utf-8")
    found = cohort(file, ZONE)
    assert [each.name for each in found] == ["registry-1", "registry-2", "registry-3"]
    assert [each.at.isoformat() for each in found] == [
        "2026-11-22T23:59:00+01:00",
        "2026-11-23T09:00:00+01:00",
        "2026-11-22T10:30:00+01:00",
    ]
    assert not any(each.synthetic for each in found)


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(REFERRAL), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(
        'at: "2026-11-23T09:00:00+01:00"\nreferral:\n  recorded_at: "2026-11-22"\n  patient: {}\n  lesions: []\n',
        encoding="utf-8",
    )
    assert [each.name for each in cohort(tmp_path, ZONE)] == ["a", "b"]
    assert [each.name for each in fixtures(tmp_path, ZONE)] == ["b"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ndjson", '{"recorded_at": "2026-11-22"}\n{"patient": {"secret": 1}', "a.ndjson:2: "),
        ("a.ndjson", "[1]\n", "a.ndjson:1: a referral is an object in JSON"),
        ("a.ndjson", '{"patient": {}}\n', "a.ndjson:1: no `at`, and no date in `recorded_at`"),
        ("a.ndjson", '{"at": "soon", "referral": {"patient": {}}}\n', "a.ndjson:1: at: a date and time is needed"),
        ("a.ndjson", "\n", "holds no referral"),
        ("a.yaml", "referral: [", "a.yaml:2:1: not valid YAML"),
    ],
)
def test_what_cannot_be_read_says_where_and_quotes_no_patient(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CohortError) as error:
        cohort(tmp_path / name, ZONE)
    assert said in str(error.value)
    assert "secret" not in str(error.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="no such file"):
        cohort(tmp_path / "none.ndjson", ZONE)
    with pytest.raises(CohortError, match=r"holds no \.ndjson"):
        cohort(tmp_path, ZONE)
    with pytest.raises(CohortError, match="no such folder"):
        fixtures(tmp_path / "none", ZONE)


# ---- synthetic ones ----


def test_variations_are_the_same_for_the_same_seed_and_are_marked() -> None:
    made = varied(SUBJECTS[:4], [OLD], 40, seed=7)
    assert made == varied(SUBJECTS[:4], [OLD], 40, seed=7)
    assert made != varied(SUBJECTS[:4], [OLD], 40, seed=8)
    assert len({each.name for each in made}) == 40
    assert all(each.synthetic for each in made)
    assert len({json.dumps(each.referral, sort_keys=True) for each in made}) > 30


def test_variations_leave_what_they_are_made_from_alone() -> None:
    before = json.dumps([each.referral for each in SUBJECTS])
    varied(SUBJECTS, [OLD], 50)
    assert json.dumps([each.referral for each in SUBJECTS]) == before


def test_variations_are_referrals_that_can_be_read() -> None:
    """All are well formed; a few contradict themselves (a pain of 0 that is worse at night) and are refused for that."""
    reader, maker = ReferralReader(OLD.vocabulary), CaseMaker(OLD)
    refused = 0
    for each in varied(SUBJECTS[:4], [OLD], 200):
        referral = reader.read(each.referral)
        try:
            maker.make(referral, each.at)
        except ReferralError:
            refused += 1
    assert refused < 10


def test_variations_come_near_the_figures_of_either_rulebook() -> None:
    other = book(("safety/blood.yaml", "blood.platelets < 50 G/L", "blood.platelets < 777 G/L"))
    base = Subject("base", REFERRAL, datetime(2026, 11, 23, 9, tzinfo=UTC))
    values = {
        each.referral["patient"]["blood.platelets"]["value"]
        for each in varied([base], [OLD, other], 400)
        if isinstance(each.referral["patient"].get("blood.platelets"), dict)
    }
    assert {776.0, 777.0} <= values
    assert {49.0, 50.0} <= values


def test_without_a_base_there_are_no_variations() -> None:
    assert varied([], [OLD], 5) == []
    assert varied([Subject("odd", {"patient": {}}, AT)], [OLD], 5) == []
