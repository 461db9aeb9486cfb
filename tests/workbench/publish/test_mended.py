"""Faults of publishing that were found and mended, each pinned."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from service.cli import publish
from service.rulebook.load import load_files
from service.rulebook.source import rule_files
from service.workbench.publish.following import predecessor
from service.workbench.publish.gates import Draft
from service.workbench.publish.prepare import CannotPublish, faults_of_names
from tests.publishing import DAY, changed, published

Files = Mapping[str, bytes]


@pytest.fixture(scope="module")
def first(root: Path) -> Files:
    """The rule files of version 1.0.0, as published."""
    files = rule_files(root / "rules")
    return {**files, **published(files).files}


def folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def draft(files: Files, path: Path) -> Draft:
    return Draft(path, files, load_files(files), path, DAY, "en")


def test_a_draft_of_the_same_number_is_not_what_was_published(first: Files, tmp_path: Path) -> None:
    """Else a loosening that stands in it already would not be seen, and the next version be a patch."""
    loosened = changed(first, "safety/bleeding.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L")
    loosened = changed(loosened, "rulebook.yaml", "status: approved", "status: draft")
    reworded = changed(loosened, "safety/bleeding.yaml", "needs at least 50 G/L", "needs 50 G/L")
    old = folder(tmp_path / "old", loosened)
    with pytest.raises(CannotPublish, match="was not published"):
        predecessor(draft(reworded, tmp_path / "new"), str(old))
    assert predecessor(draft(reworded, tmp_path / "new"), str(folder(tmp_path / "first", first))) is not None


def test_what_was_published_stays_told(first: Files, root: Path, tmp_path: Path) -> None:
    emptied = {**first, "changelog.yaml": (root / "rules" / "changelog.yaml").read_bytes()}
    emptied = changed(emptied, "safety/bleeding.yaml", "needs at least 50 G/L", "needs 50 G/L")
    old = folder(tmp_path / "old", first)
    with pytest.raises(CannotPublish, match=r"tells of no version, that of .* of 1\.0\.0"):
        predecessor(draft(emptied, tmp_path / "new"), str(old))


def test_one_name_typed_in_two_ways_approves_once() -> None:
    one, other = "\u00c9lise Exemple", "E\u0301lise Exemple"
    assert one != other
    assert any("named twice" in fault for fault in faults_of_names([one, other], 2))


def test_a_bundle_that_appears_while_somebody_is_asked_is_not_overwritten(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app
) -> None:
    rules, out = tmp_path / "rules", tmp_path / "out" / "a.bundle"
    shutil.copytree(root / "rules", rules)
    out.parent.mkdir()
    monkeypatch.setattr(publish, "GATES", ())
    monkeypatch.setattr(click, "confirm", lambda *_, **__: out.write_bytes(b"another's"))
    typed = "1.0.0\n\nPremière.\nFirst.\n\n\nA. First\n\n"
    result = app.test_cli_runner().invoke(
        args=["rules", "publish", "--out", str(out), "--rules", str(rules)], input=typed
    )
    assert (result.exit_code, out.read_bytes()) == (1, b"another's"), result.output
    assert "exists already" in result.output
    assert rule_files(rules) == rule_files(root / "rules")
