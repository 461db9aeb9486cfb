"""`flask rules diff` as a committee types it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.workbench.diff.mini import Edit, files
from tests.workbench.diff.test_impact import SUBJECTS
from tests.workbench.diff.test_versions import written

LOOSER: Edit = ("safety/blood.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """`a`: the small rulebook; `b`: with another limit; `cases`: one referral."""
    written(tmp_path / "a", files())
    written(tmp_path / "b", files(LOOSER))
    cases = tmp_path / "cases"
    cases.mkdir()
    case = {"at": "2026-11-23T09:00:00+01:00", "referral": SUBJECTS[1].referral}
    (cases / "between.yaml").write_text(json.dumps(case), encoding="utf-8")
    return tmp_path


def run(app: Flask, folders: Path, *arguments: str) -> Result:
    a, b = str(folders / "a"), str(folders / "b")
    return app.test_cli_runner().invoke(args=["rules", "diff", a, b, "--cases", str(folders / "cases"), *arguments])


def test_it_tells_what_changed_how_it_is_graded_and_on_whom(app: Flask, folders: Path) -> None:
    told = run(app, folders)
    assert told.exit_code == 0, told.output
    assert "1 changement ; dans l’ensemble : plus permissif (1 × plus permissif)" in told.output
    assert f"[plus permissif]  blood.platelets-low  {folders}/b/safety/blood.yaml:" in told.output
    assert "Contre-indication (« geste qui saigne ») — plaquettes < 50 → 30 G/L" in told.output
    # 30 is the first value that the new limit lets through.
    assert "patient traité de façon plus permissive : plaquettes 30 G/L" in told.output
    english = run(app, folders, "--lang", "en").output
    assert "1 change; taken together: loosening (1 × loosening)" in english
    assert "patient treated more permissively: platelets 30 G/L" in english


def test_nothing_changed(app: Flask, folders: Path) -> None:
    a = str(folders / "a")
    told = app.test_cli_runner().invoke(args=["rules", "diff", a, a, "--lang", "en"])
    assert told.exit_code == 0
    assert "No change." in told.output


@pytest.mark.parametrize(("limit", "code"), [("loosening", 1), ("mixed", 1), ("tightening", 1)])
def test_a_loosening_fails_where_it_must(app: Flask, folders: Path, limit: str, code: int) -> None:
    assert run(app, folders, "--fail-on", limit).exit_code == code


def test_a_tightening_passes_where_only_a_loosening_must_not(app: Flask, folders: Path) -> None:
    b, a = str(folders / "b"), str(folders / "a")
    for limit, code in (("loosening", 0), ("mixed", 0), ("tightening", 1)):
        told = app.test_cli_runner().invoke(args=["rules", "diff", b, a, "--fail-on", limit])
        assert told.exit_code == code


def test_everything_for_a_machine(app: Flask, folders: Path) -> None:
    told: dict[str, Any] = json.loads(run(app, folders, "--json", "--impact", "--generate", "0").output)
    assert told["overall"] == "loosening"
    assert told["grades"] == {"loosening": 1}
    assert told["changes"][0]["witness"]["referral"]["patient"] == {"blood.platelets": 30.0}
    fixtures = told["impact"]["fixtures"]
    assert (fixtures["referrals"], fixtures["referrals_changed"], fixtures["synthetic"]) == (1, 1, False)
    assert fixtures["status"] == [{"before": "deferred", "after": "eligible", "count": 1}]
    assert fixtures["examples"][0]["referral"] == SUBJECTS[1].referral


def test_the_impact_on_fixtures_and_on_synthetic_referrals(app: Flask, folders: Path) -> None:
    told = run(app, folders, "--generate", "20", "--lang", "en").output
    assert "== Fixtures: 1 of 1 (100.0 %) get another answer ==" in told
    assert "    1  to be deferred → eligible" in told
    assert "example between: to be deferred → eligible (glueing)" in told
    assert "== Synthetic referrals (no patients): " in told
    assert " of 20 (" in told


def test_the_impact_on_a_cohort(app: Flask, folders: Path) -> None:
    cohort = folders / "registry.ndjson"
    cohort.write_text("".join(json.dumps(each.referral) + "\n" for each in SUBJECTS[:4]), encoding="utf-8")
    told = run(app, folders, "--cohort", str(cohort), "--lang", "en").output
    assert "== Cohort: 1 of 4 (25.0 %) get another answer ==" in told
    assert "Synthetic" not in told


def test_a_picture_and_the_patients(app: Flask, folders: Path) -> None:
    picture, patients = folders / "out" / "flows.svg", folders / "patients"
    told = run(app, folders, "--generate", "0", "--picture", str(picture), "--patients", str(patients))
    assert told.exit_code == 0, told.output
    assert "à différer → éligible: 1" in picture.read_text(encoding="utf-8")
    names = sorted(path.name for path in patients.iterdir())
    assert names == ["001-blood.platelets-low-loosening.json", "example-between.json"]
    assert json.loads((patients / names[0]).read_text(encoding="utf-8"))["patient"] == {"blood.platelets": 30.0}


def test_rules_that_cannot_be_read(app: Flask, folders: Path) -> None:
    (folders / "b" / "traits.yaml").write_text("cement: [\n", encoding="utf-8")
    told = run(app, folders)
    assert told.exit_code == 1
    assert f"{folders}/b/traits.yaml:" in told.output


def test_no_such_version_and_no_such_cohort(app: Flask, folders: Path) -> None:
    told = app.test_cli_runner().invoke(args=["rules", "diff", "v9.9.9", str(folders / "a")])
    assert (told.exit_code, "v9.9.9: no such folder or file" in told.output) == (1, True)
    told = run(app, folders, "--cohort", str(folders / "none"))
    assert (told.exit_code, "no such file or folder" in told.output) == (1, True)


def test_ctrl_c_ends_without_a_traceback(app: Flask, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["service.cli.diff"], "compare", interrupted)
    told = run(app, folders)
    assert told.exit_code == 130
    assert "interrupted: no comparison is shown" in told.output
