"""The folder that is written: only an empty one or a former output, and nothing left of the former one."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from service.workbench.site.site import Site
from service.workbench.site.write import MANIFEST, FolderRefused, write_site


class Few:
    """A site of two pages: writing asks no more of one."""

    def __init__(self, rulebook, today, paths=("fr/a.html", "index.html")) -> None:
        self.rulebook = rulebook
        self.today = today
        self.paths = paths

    def content(self, path: str) -> bytes:
        return path.encode()


@pytest.fixture
def few(book, site):
    return lambda *paths: Few(book, site.today, paths or ("fr/a.html", "index.html"))


def held(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_former_output_is_replaced(few, tmp_path: Path) -> None:
    out = tmp_path / "new" / "site"
    assert write_site(few("fr/old.html", "index.html"), out) == 2
    (out / "mine.txt").write_text("mine")
    write_site(few(), out)
    assert held(out) == {"fr/a.html", "index.html", "mine.txt", MANIFEST}
    assert json.loads((out / MANIFEST).read_text())["files"] == ["fr/a.html", "index.html"]


def test_another_folder_is_left_alone(few, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FolderRefused):
        write_site(few(), tmp_path)
    assert held(tmp_path) == {"thesis.txt"}
    write_site(few(), tmp_path, force=True)
    assert held(tmp_path) == {"thesis.txt", "fr/a.html", "index.html", MANIFEST}


@pytest.mark.parametrize("path", ["../outside.txt", "{absolute}", "thesis.txt", "fr/../../outside.txt", 7])
def test_a_list_that_was_tampered_with_removes_nothing_else(few, tmp_path: Path, path: object) -> None:
    """Every path stays below the test's own folder: a fault in what is tested must harm nothing of the machine."""
    out = tmp_path / "site"
    write_site(few(), out)
    outside, thesis = tmp_path / "outside.txt", out / "thesis.txt"
    outside.write_text("mine")
    thesis.write_text("mine")
    listed = str(outside) if path == "{absolute}" else path
    told = json.loads((out / MANIFEST).read_text())
    (out / MANIFEST).write_text(json.dumps({**told, "files": [*told["files"], listed]}))
    write_site(few(), out)
    assert outside.exists()
    assert thesis.exists()


def test_an_interrupted_output_is_taken_up_again(few, tmp_path: Path) -> None:
    def stop(path: str) -> None:
        if path == "index.html":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_site(few(), tmp_path, step=stop)
    assert write_site(few(), tmp_path) == 2


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["rules", "doc", *arguments])


def test_the_command_writes_the_site_of_a_folder(
    app: Flask, root: Path, tmp_path: Path, written: dict[str, bytes]
) -> None:
    out = tmp_path / "site"
    result = run(app, "--out", str(out), "--rules", str(root / "rules"), "--today", "2026-11-25")
    assert result.exit_code == 0, result.output
    assert {path: (out / path).read_bytes() for path in written} == written
    assert f"{len(written)} files written" in result.stdout


def test_the_command_says_what_is_wrong(app: Flask, tmp_path: Path) -> None:
    result = run(app, "--out", str(tmp_path), "--today", "soon")
    assert result.exit_code == 1
    assert "«soon» is not a day" in result.stderr
    (tmp_path / "thesis.txt").write_text("mine")
    result = run(app, "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "--force" in result.stderr


def test_ctrl_c_ends_with_130(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Site, "content", interrupted)
    result = run(app, "--out", str(tmp_path / "site"))
    assert result.exit_code == 130
    assert "run the command again" in result.stderr
