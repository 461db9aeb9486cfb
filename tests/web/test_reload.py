"""Taking rules into service: the good, the bad, and the unreadable."""

import sys
from pathlib import Path

import pytest

from service.web.reload import by_command, last_status, read_status, take, write_status


def good(_: Path) -> list[str]:
    return []


def bad(rules: Path) -> list[str]:
    return [f"{rules}/a.yaml:1:1: bad"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    (rules / "safety").mkdir(parents=True)
    (rules / "safety" / "a.yaml").write_text("one")
    return rules


def served(active: str | None) -> str:
    assert active
    return (Path(active) / "safety" / "a.yaml").read_text()


def test_a_good_candidate_is_copied_and_served(candidate: Path, home: Path) -> None:
    status = take(candidate, home, good)
    assert status.taken
    assert not status.errors
    (candidate / "safety" / "a.yaml").write_text("edited since")
    assert served(status.active) == "one"


def test_what_is_checked_is_what_is_served(candidate: Path, home: Path) -> None:
    def edits_meanwhile(_: Path) -> list[str]:
        (candidate / "safety" / "a.yaml").write_text("edited during the check")
        return []

    assert served(take(candidate, home, edits_meanwhile).active) == "one"


def test_a_bad_candidate_leaves_the_rules_in_service(candidate: Path, home: Path) -> None:
    before = take(candidate, home, good)
    (candidate / "safety" / "a.yaml").write_text("two")
    after = take(candidate, home, bad)
    assert not after.taken
    assert after.active == before.active
    assert served(after.active) == "one"
    assert after.errors == ("rules/a.yaml:1:1: bad",), "errors name the file that its author edits"


def test_a_bad_first_candidate_serves_nothing(candidate: Path, home: Path) -> None:
    status = take(candidate, home, bad)
    assert (status.taken, status.active) == (False, None)
    assert list(home.iterdir()) == []


def test_an_absent_candidate_is_refused(tmp_path: Path, home: Path) -> None:
    status = take(tmp_path / "nowhere", home, good)
    assert not status.taken
    assert "nowhere" in status.errors[0]


def test_a_snapshot_stays_until_two_newer_ones_are_taken(candidate: Path, home: Path) -> None:
    first, second, third = (take(candidate, home, good).active for _ in range(3))
    assert len({first, second, third}) == 3
    assert not Path(first or "").exists()
    assert Path(second or "").exists()


def test_editors_files_are_not_rules(candidate: Path, home: Path) -> None:
    (candidate / ".a.yaml.swp").write_text("x")
    active = take(candidate, home, good).active
    assert sorted(path.name for path in Path(active or "").rglob("*")) == ["a.yaml", "safety"]


@pytest.mark.parametrize(
    ("program", "errors"),
    [
        ("pass", []),
        ("print('a.yaml:1: no'); print(); print('b'); raise SystemExit(1)", ["a.yaml:1: no", "b"]),
        ("raise SystemExit(3)", ["the check ended with code 3 and said nothing"]),
        ("import time; time.sleep(9)", ["the check had not ended after 0.5 s"]),
    ],
)
def test_the_exit_code_of_the_self_test_decides(tmp_path: Path, program: str, errors: list[str]) -> None:
    check = by_command([sys.executable, "-c", program], tmp_path, 0.5)
    assert check(tmp_path) == errors


def test_the_status_reads_back(candidate: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = take(candidate, home, bad)
    path = tmp_path / "status.json"
    write_status(status, path)
    assert read_status(path) == status
    monkeypatch.setenv("INDICATION_RULES_STATUS", str(path))
    assert last_status() == status
    monkeypatch.delenv("INDICATION_RULES_STATUS")
    assert last_status() is None
