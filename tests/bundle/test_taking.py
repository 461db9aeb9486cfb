"""Taking a bundle into service, with what goes with it: copied, judged, and only then served."""

from pathlib import Path

import pytest

from service.web.reload import (
    ALSO_SERVE,
    BUNDLE_KEYS,
    SHADOW,
    Status,
    companion,
    named,
    read_status,
    take,
    write_status,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    path = tmp_path / "current.bundle"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "a.pem").write_text("a key")
    return folder


def good(_: Path) -> list[str]:
    return []


def test_a_bundle_is_copied_and_keeps_its_name(candidate: Path, home: Path) -> None:
    active = Path(take(candidate, home, good).active or "")
    candidate.write_bytes(b"two")
    assert (active.name, active.read_bytes()) == ("current.bundle", b"one")
    refused = take(candidate, home, lambda rules: [f"{rules}: altered"])
    assert (refused.active, refused.errors) == (str(active), ("current.bundle: altered",))
    again = Path(take(candidate, home, good).active or "")
    assert again.read_bytes() == b"two"
    assert active.exists()
    take(candidate, home, good)
    assert not active.exists()


def test_a_link_is_followed(candidate: Path, home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.bundle"
    link.symlink_to(candidate)
    active = Path(take(link, home, good).active or "")
    assert not active.is_symlink()
    assert active.read_bytes() == b"one"


def test_keys_are_judged_as_they_will_be_used(candidate: Path, home: Path, keys: Path) -> None:
    seen = []

    def check(rules: Path) -> list[str]:
        (copy,) = companion(rules, BUNDLE_KEYS)
        seen.append((copy / "a.pem").read_text())
        (keys / "a.pem").write_text("changed meanwhile")
        return [] if len(seen) < 2 else [f"{copy}/a.pem: is no key"]

    status = take(candidate, home, check, {BUNDLE_KEYS: [keys]})
    (served,) = companion(Path(status.active or ""), BUNDLE_KEYS)
    assert (seen, (served / "a.pem").read_text()) == (["a key"], "a key")
    assert take(candidate, home, check, {BUNDLE_KEYS: [keys]}).errors == ("keys/a.pem: is no key",)
    assert (served / "a.pem").read_text() == "a key", "the keys in service stay with the rules in service"


def test_without_its_keys_nothing_is_taken(candidate: Path, home: Path, tmp_path: Path) -> None:
    status = take(candidate, home, good, {BUNDLE_KEYS: [tmp_path / "none"]})
    assert (status.taken, status.active) == (False, None)
    assert f"{BUNDLE_KEYS}: {tmp_path}/none: " in status.errors[0]


def test_what_is_served_beside_is_left_out_when_it_cannot_be_copied(
    candidate: Path, home: Path, tmp_path: Path
) -> None:
    other = tmp_path / "1.1.0.bundle"
    other.write_bytes(b"other")
    companions = {ALSO_SERVE: [tmp_path / "none.bundle", other, tmp_path], SHADOW: [tmp_path / "no"]}
    status = take(candidate, home, good, companions)
    assert status.taken
    active = Path(status.active or "")
    assert [path.read_bytes() for path in companion(active, ALSO_SERVE)] == [b"other"]
    assert companion(active, SHADOW) == []
    assert [line.partition(": ")[0] for line in status.left_out] == [ALSO_SERVE, ALSO_SERVE, SHADOW]
    assert f"{ALSO_SERVE}: {tmp_path}: no bundle, nor a folder that holds one" in status.left_out
    write_status(status, tmp_path / "status.json")
    assert read_status(tmp_path / "status.json") == status


def test_the_status_of_before_is_read(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text('{"taken": true, "checked_at": "x", "active": null, "errors": []}')
    assert read_status(path) == Status(True, "x", None, (), ())


def test_what_a_setting_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.bundle", "a.bundle", "notes.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.delenv(ALSO_SERVE, raising=False)
    assert named(ALSO_SERVE) == []
    monkeypatch.setenv(ALSO_SERVE, f"{tmp_path}:{tmp_path}/notes.txt::/nowhere")
    assert named(ALSO_SERVE) == [tmp_path / "a.bundle", tmp_path / "b.bundle", tmp_path / "notes.txt", Path("/nowhere")]
    monkeypatch.setenv(SHADOW, str(tmp_path))
    assert named(SHADOW) == [tmp_path]
