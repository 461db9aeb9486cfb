"""The page of settings and the example file are those of the table; `flask settings` tells mistakes, values and origins."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import mends_settings
from service.cli.settings import settings
from service.settings import page
from service.settings.kinds import Header
from service.settings.read import FILE, read
from service.settings.table import SETTINGS, Setting
from tests.strategies import ROOT

MEND = "run: .venv/bin/flask settings page --out docs"


def test_the_page_is_that_of_the_table() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == page.markdown(), MEND


def test_the_example_file_is_that_of_the_table() -> None:
    assert (ROOT / "docs/settings.example.yaml").read_text(encoding="utf-8") == page.example(), MEND


def test_the_page_names_every_setting() -> None:
    for setting in SETTINGS.values():
        assert f"`{setting.variable}`" in page.markdown()


def test_the_example_file_sets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(page.example(), encoding="utf-8")
    assert read({FILE: str(path)}) == read({})


def test_the_example_file_without_its_signs_is_a_good_one(tmp_path: Path) -> None:
    """When this fails for a new setting: give it an example in `_SHOWN` of service/settings/page.py."""
    path = tmp_path / "settings.yaml"
    body = page.example().partition("\n\n")[2]
    path.write_text(re.sub(r"(?m)^# ", "", body), encoding="utf-8")
    assert page.mistakes({FILE: str(path)}) == []
    of_file = [setting for setting in SETTINGS.values() if not setting.secret]
    assert all(re.search(rf"(?m)^#   {setting.name.partition('.')[2]}: \S", body) for setting in of_file)


def test_a_secret_is_offered_in_the_environment_alone() -> None:
    secret = Setting("access.pepper", "INDICATION_PEPPER", Header(), None, "A secret.", secret=True)
    table = {"access.pepper": secret}
    assert "access.pepper" not in page.markdown(table)
    assert "INDICATION_PEPPER" in page.markdown(table)
    assert "pepper" not in page.example(table)
    assert page.shown(secret, "s3cr3t") == "set, not shown"


def test_show_says_what_holds_and_from_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("server:\n  port: 9000\naudit:\n  store: postgresql://indication:s3cr3t@db.example/record\n")
    monkeypatch.setenv(FILE, str(path))
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    told = CliRunner().invoke(settings, ["show"]).output
    assert re.search(r"(?m)^server.port +9000  \(settings.yaml, line 2\)$", told)
    assert re.search(r"(?m)^server.workers +3  \(WEB_CONCURRENCY\)$", told)
    assert re.search(r"(?m)^server.host +127.0.0.1  \(default\)$", told)
    assert "postgresql://indication:…@db.example/record" in told
    assert "s3cr3t" not in told


def test_check_says_every_mistake_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("server:\n  prot: 9000\naudit:\n  keep: ful\n")
    run = CliRunner().invoke(settings, ["check", str(path)], env={"INDICATION_NOT_A_SETTING": "1"})
    assert run.exit_code == 1
    assert run.output.splitlines()[:2] == [
        "settings.yaml:2:9: server.prot: no such setting; did you mean «port»?",
        "settings.yaml:4:9: audit.keep: one of full, digest is needed; did you mean «full»?",
    ]
    path.write_text("server:\n  port: 9000\n")
    good = CliRunner().invoke(settings, ["check", str(path)])
    assert (good.exit_code, good.output) == (0, f"{path}: good\n")


def test_check_without_a_file_looks_at_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDICATION_NOT_A_SETTING", "1")
    run = CliRunner().invoke(settings, ["check"])
    assert run.exit_code == 1
    assert "INDICATION_NOT_A_SETTING: no such setting" in run.output


def test_a_check_reads_the_file_of_clients_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What systemd asks before a reload (deploy/indication.service)."""
    path, clients = tmp_path / "settings.yaml", tmp_path / "clients.yaml"
    path.write_text(f"access:\n  clients: {clients}\n")
    monkeypatch.setenv(FILE, str(path))
    # Meant for another machine: only what this shell would serve with must be here.
    assert CliRunner().invoke(settings, ["check", str(path)]).exit_code == 0
    assert CliRunner().invoke(settings, ["check"]).exit_code == 1
    clients.write_text("clients:\n  - nme: portal\n")
    for command in (["check"], ["check", str(path)]):
        result = CliRunner().invoke(settings, command)
        assert result.exit_code == 1
        assert f"{clients}:2:5: " in result.output
        assert "nobody is let in" in result.output
    clients.write_text("clients:\n  - name: portal\n    api_keys: []\n")
    assert CliRunner().invoke(settings, ["check"]).exit_code == 0


def test_a_check_says_what_would_end_the_start(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("server:\n  host: 0.0.0.0\n")
    result = CliRunner().invoke(settings, ["check", str(path)])
    assert result.exit_code == 1
    assert "set access.api: clients" in result.output


@pytest.mark.parametrize(
    ("line", "mends"),
    [
        (["/venv/bin/flask", "settings", "check", "good.yaml"], True),
        (["/venv/lib/flask/__main__.py", "clients", "check", "clients.yaml"], True),
        (["flask", "ready", "--at", "127.0.0.1:8000"], True),
        (["flask", "run"], False),
        (["flask"], False),
        (["flask", "audit", "head"], False),
        (["gunicorn", "settings"], False),
    ],
)
def test_what_mends_settings_needs_none_that_can_be_used(line: list[str], mends: bool) -> None:
    assert mends_settings(line) is mends
    if mends:
        environment = {**os.environ, "PORT": "99999"}
        told = subprocess.run(
            [sys.executable, "-m", "flask", line[1], "--help"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr
