"""A version of the rules by its name."""

import subprocess
from pathlib import Path

import pytest

from service.bundle.bundle import make
from service.rulebook.load import load_files
from service.workbench.versions import NoSuchVersion, version
from tests.workbench.diff.mini import files

CHANGED = ("safety/blood.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L")


def written(folder: Path, content: dict[str, bytes]) -> Path:
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits: the small rulebook in `rules/`, tagged, and the same with another limit."""
    top = tmp_path_factory.mktemp("repository")

    def git(*arguments: str) -> None:
        named = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *named, *arguments], cwd=top, check=True, capture_output=True)

    git("init", "--quiet")
    written(top / "rules", files())
    (top / "docs").mkdir()
    (top / "docs" / "README.md").write_text("no rule", encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    git("tag", "v1.0.0")
    written(top / "rules", files(CHANGED))
    git("commit", "--quiet", "-a", "-m", "second")
    return top


def test_a_folder(tmp_path: Path) -> None:
    found = version(str(written(tmp_path / "draft", files())), tmp_path)
    assert found.files == files()
    assert found.prefix == f"{tmp_path}/draft/"


@pytest.mark.parametrize(
    ("name", "is_old"), [("HEAD", False), ("HEAD~1", True), ("v1.0.0:rules", True), ("v1.0.0", True)]
)
def test_a_revision(repository: Path, name: str, is_old: bool) -> None:
    found = version(name, repository / "rules")
    assert found.files == (files() if is_old else files(CHANGED))
    assert found.prefix == ""


def test_a_bundle(tmp_path: Path) -> None:
    approved = files(
        ("rulebook.yaml", "status: draft\napproved_by: []", "status: approved\napproved_by: [A committee]"),
        ("changelog.yaml", "releases: []\n", _RELEASE),
    )
    bundle = tmp_path / "mini.bundle"
    made = make(approved, load_files(approved), date="2026-11-25", grade="first", follows=None, key=None)
    bundle.write_bytes(made)
    assert version(str(bundle), tmp_path).files == approved


_RELEASE = """releases:
  - version: 1.0.0
    date: "2026-11-25"
    approved_by: [A committee]
    changes: {fr: Première., en: First.}
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("v9.9.9", "nor a revision that git knows"),
        ("HEAD:nowhere", "nor a revision that git knows"),
        ("--output=x", "nor a revision of git"),
        (":rules", "nor a revision of git"),
    ],
)
def test_no_such_revision(repository: Path, name: str, said: str) -> None:
    with pytest.raises(NoSuchVersion) as error:
        version(name, repository / "rules")
    assert said in str(error.value)
    assert str(error.value).startswith(name)


def test_a_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(NoSuchVersion, match="holds no rule files"):
        version(str(tmp_path), tmp_path)


def test_a_folder_without_rules_at_a_revision(repository: Path) -> None:
    with pytest.raises(NoSuchVersion, match="no rule files in «docs» at that revision"):
        version("HEAD:docs", repository / "rules")


def test_a_file_that_is_no_bundle(repository: Path) -> None:
    with pytest.raises(NoSuchVersion, match="not a bundle"):
        version(str(repository / "docs" / "README.md"), repository / "rules")


def test_no_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoSuchVersion, match="is not installed"):
        version("HEAD", repository / "rules")
