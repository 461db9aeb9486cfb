"""Settings: the environment before the file before the default; every mistake at once, with its place."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings.folder import state_folder
from service.settings.read import FILE, SettingsError, read, variables
from service.settings.table import SETTINGS
from tests.strategies import ROOT


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return {FILE: str(path)}


def mistakes(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as error:
        read(environment)
    return "\n".join(map(str, error.value.mistakes))


def test_without_a_word_every_setting_has_its_default() -> None:
    found = read({})
    assert found == {name: setting.default for name, setting in SETTINGS.items()}


def test_every_default_is_one_that_its_kind_takes() -> None:
    for setting in SETTINGS.values():
        if setting.default not in (None, ()):
            assert setting.kind.read(str(setting.default).lower()) == setting.default, setting.name


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environment = written(tmp_path, "server:\n  port: 9000\n  host: 127.0.0.2\n")
    assert read(environment)["server.port"] == 9000
    environment["PORT"] = "9001"
    assert (read(environment)["server.port"], read(environment)["server.host"]) == (9001, "127.0.0.2")
    assert variables(environment) == {"HOST": "127.0.0.2"}


def test_a_worker_reads_what_its_master_took_and_not_the_file(tmp_path: Path) -> None:
    environment = written(tmp_path, "server:\n  port: many\n") | {"INDICATION_FROM_FILE": "PORT", "PORT": "9000"}
    environment["INDICATION_RULES_STATUS"] = "status.json"
    assert read(environment)["server.port"] == 9000


def test_an_empty_variable_sets_nothing() -> None:
    assert read({"PORT": ""})["server.port"] == SETTINGS["server.port"].default


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    environment = written(
        tmp_path,
        "server:\n  port: many\n  hosst: x\naudit:\n  keep: ful\nservr:\n  port: 1\naccess:\n  cds_open: [1]\n",
    )
    environment |= {"WEB_CONCURRENCY": "0", "INDICATION_AUDIT_STOR": "x"}
    assert mistakes(environment).splitlines() == [
        "settings.yaml:2:9: server.port: a whole number from 0 to 65535 is needed",
        "settings.yaml:3:10: server.hosst: no such setting; did you mean «host»?",
        "settings.yaml:5:9: audit.keep: one of full, digest is needed; did you mean «full»?",
        "settings.yaml:7:3: servr: no such section; did you mean «server»?",
        "settings.yaml:9:13: access.cds_open: true or false is needed",
        "the environment:1:1: INDICATION_AUDIT_STOR: no such setting; did you mean «INDICATION_AUDIT_STORE»?",
        "the environment:1:1: WEB_CONCURRENCY: a whole number from 1 to 256 is needed",
    ]


def test_a_value_is_never_repeated(tmp_path: Path) -> None:
    environment = written(tmp_path, "audit:\n  keep: s3cr3t\n") | {"PORT": "s3cr3t"}
    assert "s3cr3t" not in mistakes(environment)


def test_a_key_without_a_value_is_told_and_not_passed_over(tmp_path: Path) -> None:
    """It would look as if the API were for clients alone, and it would be open."""
    found = mistakes(written(tmp_path, "access:\n  api:\naudit:\n  store: null\n  keep: ~\n"))
    assert [line.split(": ", 2)[1] for line in found.splitlines()] == ["access.api", "audit.store", "audit.keep"]
    assert "settings.yaml:2:7: access.api: nothing stands behind it: give it a value, or take the line away" in found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("mysql://x", "a record is kept in SQLite or PostgreSQL"),
        ("none", "cannot be read: write sqlite:///path/of/record.sqlite"),
        ("record.sqlite", "cannot be read: write sqlite:///path/of/record.sqlite"),
        ("sqlite://", "must name a file and nothing else"),
        ("no", "did you mean «off»"),
        ("false", "did you mean «off»"),
        ('"0"', "did you mean «off»"),
    ],
)
def test_what_is_no_place_for_a_record_is_told_before_the_start(given: str, told: str, tmp_path: Path) -> None:
    assert told in mistakes(written(tmp_path, f"audit:\n  store: {given}\n"))
    assert told in mistakes({"INDICATION_AUDIT_STORE": given.strip('"')})


@pytest.mark.parametrize("given", ["off", "OFF", "sqlite:////a/record.sqlite", "postgres://one@a.example/b"])
def test_a_place_for_the_record(given: str, tmp_path: Path) -> None:
    meant = "off" if given == "OFF" else given
    assert read(written(tmp_path, f"audit:\n  store: {given}\n"))["audit.store"] == meant


@pytest.mark.parametrize("given", ["127.0.0.1", "::1", "[::1]", "::", "service.example", "unix:/run/indication.sock"])
def test_where_to_listen(given: str) -> None:
    assert read({"HOST": given})["server.host"] == given


@pytest.mark.parametrize("given", ["127.0.0.1:8000", "[::1]:8000", "[::1", "::g", "unix:", "http://127.0.0.1", "a b"])
def test_where_nobody_can_listen(given: str) -> None:
    assert "an address without its port" in mistakes({"HOST": given})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in mistakes({FILE: str(tmp_path / "none.yaml")})


def test_what_kubernetes_tells_a_container_is_no_setting() -> None:
    read({"INDICATION_PORT": "tcp://10.0.0.1:8000", "INDICATION_SERVICE_HOST": "10.0.0.1"})


def test_lists_and_flags_of_the_file(tmp_path: Path) -> None:
    found = read(written(tmp_path, "rules:\n  also_serve: [a.bundle, b.bundle]\npages:\n  committee: false\n"))
    assert found["rules.also_serve"] == (Path("a.bundle"), Path("b.bundle"))
    assert found["pages.committee"] == "off"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("on", "open"), ("1", "open"), ("true", "open"), ("off", "off"), ("0", "off"), ("no", "off"), ("proxy", "proxy")],
)
def test_the_old_words_for_pages_are_understood(given: str, meant: str) -> None:
    assert read({"INDICATION_COMMITTEE": given})["pages.committee"] == meant


def test_addresses_of_proxies() -> None:
    given = {"INDICATION_PROXIES": "10.0.0.7, 10.1.0.0/16 unix ::1", "INDICATION_USER_HEADER": "x-forwarded-user"}
    found = read(given)
    assert found["access.proxies"] == ("10.0.0.7/32", "10.1.0.0/16", "unix", "::1/128")
    assert found["access.user_header"] == "X-Forwarded-User"
    assert "a list of addresses" in mistakes({"INDICATION_PROXIES": "proxy.example"})
    assert "the name of a header" in mistakes({"INDICATION_USER_HEADER": "X_Remote_User"})


def test_the_master_is_told_in_json_and_refused_in_words(tmp_path: Path) -> None:
    def run(text: str) -> "subprocess.CompletedProcess[str]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("INDICATION_")}
        return subprocess.run(
            [sys.executable, "-m", "service.settings"],
            cwd=ROOT,
            env={**clean, **written(tmp_path, text)},
            capture_output=True,
            text=True,
        )

    good, bad = run("server:\n  port: 9000\n"), run("server:\n  port: x\n")
    assert (good.returncode, json.loads(good.stdout)) == (0, {"PORT": "9000"})
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "settings.yaml:2:9" in bad.stderr


def test_the_folder_of_all_that_is_kept_is_this_users_alone(tmp_path: Path) -> None:
    named = {"INDICATION_STATE": str(tmp_path / "a" / "b")}
    assert state_folder(named) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert state_folder({"STATE_DIRECTORY": str(tmp_path / "c")}) == tmp_path / "c"
    assert state_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "indication"
    (tmp_path / "c").chmod(0o755)
    with pytest.raises(PermissionError):
        state_folder({"STATE_DIRECTORY": str(tmp_path / "c")})


def test_a_command_keeps_where_the_file_says(tmp_path: Path) -> None:
    """`flask audit verify` must look at the record that the server writes, not at an empty one beside it."""
    there = tmp_path / "kept"
    environment = {**os.environ, **written(tmp_path, f"server:\n  state: {there}\n")}
    environment.pop("INDICATION_STATE", None)
    command = [sys.executable, "-m", "flask"]
    told = subprocess.run([*command, "audit", "head"], cwd=ROOT, env=environment, check=False, capture_output=True)
    assert f"there is no record at {there / 'record.sqlite'}" in told.stderr.decode()
    shown = subprocess.run([*command, "settings", "show"], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert re.search(rf"server.state +{there}  \(settings.yaml, line 2\)", shown.stdout.decode())
