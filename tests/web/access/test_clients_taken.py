"""The file of clients is taken as rules are: when the server starts or is told to reload, whole, and only if it is good."""

import json
import os
import re
import signal
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from service.clients.__main__ import main
from service.clients.callers import new_key
from service.clients.file import read_file
from service.web.reload import REFUSED_CLIENTS, take_clients
from tests.serving import Server, serving
from tests.web.access.conftest import EHR_ISSUER, kept

DOOR = "https://indication.example"
HALF = 'clients:\n  - name: one\n    api_keys: [{id: "'


def key_set(key: ECKey, kid: str = "e1") -> str:
    return json.dumps({"keys": [{**key.as_dict(private=False), "kid": kid}]})


def ehr(**keys: Any) -> dict[str, Any]:
    return {"name": "ehr", "issuer": EHR_ISSUER, "keys": keys, "audiences": DOOR}


def portal(**keys: Any) -> dict[str, Any]:
    tokens = {"issuer": "https://login.example", "audience": "indication", "keys": keys, "algorithms": ["ES384"]}
    return {"name": "portal", "tokens": tokens}


def program(name: str, key: str) -> dict[str, Any]:
    return {"name": name, "api_keys": [kept(key, created="2026-11-01")]}


def write(path: Path, *entries: Any) -> Path:
    path.write_text(json.dumps({"clients": list(entries)}, indent=1), encoding="utf-8")
    return path


# ---- what is written -------------------------------------------------------------------------------------------------


def test_the_copy_says_the_same_and_names_no_other_file(tmp_path: Path, ehr_key: ECKey) -> None:
    (tmp_path / "keys.json").write_text(key_set(ehr_key), encoding="utf-8")
    one = program("one", new_key()[0])
    by_file = {"jwks_file": "keys.json"}
    path = write(tmp_path / "clients.yaml", one, ehr(jku="https://ehr.example/jwks", **by_file), portal(**by_file))
    (tmp_path / "home").mkdir()
    copy = tmp_path / "home" / "copy"
    assert main(path, copy) == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "jwks_file" not in copy.read_text(encoding="utf-8")

    found, mistakes = read_file(copy)
    meant, _ = read_file(path)
    assert not mistakes
    assert [entry["name"] for entry in found] == ["one", "ehr", "portal"]
    assert found[0] == meant[0]
    assert found[1]["keys"]["found"].keys() == meant[1]["keys"]["found"].keys()
    assert found[1]["keys"]["at"] == "https://ehr.example/jwks"
    assert found[2]["tokens"].keys.find("e1", "ES384").as_dict() == {**ehr_key.as_dict(private=False), "kid": "e1"}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (ehr(jwks_file="nowhere.json"), "clients.yaml:7:19: clients.0.keys.jwks_file: this file cannot be read"),
        (ehr(), "clients.0.keys: one of jwks, jwks_file or jku is needed below it"),
        ({"name": "one"}, "clients.0.issuer: is missing"),
    ],
)
def test_a_file_with_mistakes_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: Any, told: str
) -> None:
    assert main(write(tmp_path / "clients.yaml", entry), tmp_path / "copy") == 1
    assert told in capsys.readouterr().out
    assert not (tmp_path / "copy").exists()


def test_a_copy_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "clients.yaml", program("one", new_key()[0]))
    assert main(path, tmp_path / "nowhere" / "copy") == 1
    assert capsys.readouterr().out == "clients.yaml: cannot be taken: No such file or directory\n"


def test_a_copy_that_would_be_too_large_is_told(
    tmp_path: Path, ehr_key: ECKey, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "long.json").write_text(
        json.dumps({"keys": [{**ehr_key.as_dict(private=False), "kid": "e1", "note": "x" * 90_000}]}), encoding="utf-8"
    )
    each = [ehr(jwks_file="long.json") | {"name": f"ehr-{n}", "issuer": f"{EHR_ISSUER}/{n}"} for n in range(12)]
    assert main(write(tmp_path / "clients.yaml", *each), tmp_path / "copy") == 1
    assert "cannot be taken with its key files inside it: larger than" in capsys.readouterr().out
    assert not (tmp_path / "copy").exists()


# ---- what workers read -----------------------------------------------------------------------------------------------


def test_which_file_workers_read(tmp_path: Path) -> None:
    given: list[Path] = []

    def good(source: Path, to: Path) -> list[str]:
        to.write_text(source.name, encoding="utf-8")
        return []

    def bad(source: Path, _: Path) -> list[str]:
        return [f"{source.name}: bad", "worse"]

    def take(source: str | None, write: Any, active: str | None) -> tuple[str | None, list[str]]:
        return take_clients(Path(source) if source else None, tmp_path, write, given.append, active)

    assert take(None, bad, None) == (None, [])
    nobody, errors = take("a", bad, None)
    assert errors == ["a: bad", "worse"]
    assert nobody == str(tmp_path / REFUSED_CLIENTS)
    assert Path(nobody).read_text(encoding="utf-8") == "a: bad\nworse"
    assert take("b", bad, nobody) == (nobody, ["b: bad", "worse"]), "the mistakes of the last are told"
    assert Path(nobody).read_text(encoding="utf-8") == "b: bad\nworse"

    taken, errors = take("a", good, nobody)
    assert taken is not None
    assert not errors
    assert take("b", bad, taken) == (taken, ["b: bad", "worse"])
    assert Path(taken).read_text(encoding="utf-8") == "a", "those in force stay"
    assert take("b", good, taken) == (taken, [])
    assert Path(taken).read_text(encoding="utf-8") == "b"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(given) == 4, "each before it is in its place"

    assert take(None, bad, taken) == (None, []), "the setting is gone"
    assert take("a", bad, None)[0] == nobody, "those of before it do not come back"
    assert take("a", bad, "/another/server/clients.json")[0] == nobody


# ---- the service as it runs ------------------------------------------------------------------------------------------


class Home:
    """A file of clients, the settings that name it, and a server with one worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "settings.yaml"
        self.clients = folder / "clients.yaml"
        self.key_file = folder / "ehr.json"
        self.name(self.clients)

    def name(self, clients: Path | None) -> None:
        said = f"  clients: {clients}\n" if clients else ""
        self.settings.write_text(f"access:\n{said}  api: clients\n", encoding="utf-8")

    def serving(self, root: Path) -> AbstractContextManager[Server]:
        settings = {"INDICATION_SETTINGS": str(self.settings)}
        return serving(root, root / "rules", self.folder / "log", settings=settings)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def let_in(server: Server, key: str) -> int:
    return server.ask("GET", "/version", headers={"Authorization": f"Bearer {key}"})[0]


def ehr_let_in(server: Server, key: ECKey) -> int:
    now = int(time.time())
    claims = {"iss": EHR_ISSUER, "aud": f"{DOOR}/cds-services", "iat": now, "exp": now + 300, "jti": uuid4().hex}
    token = jwt.encode({"alg": "ES384", "typ": "JWT", "kid": "e1"}, claims, key, algorithms=["ES384"])
    return server.ask("GET", "/cds-services", headers={"Authorization": f"Bearer {token}"})[0]


def workers(server: Server) -> list[int]:
    """Every worker that was ever started."""
    return [int(each) for each in re.findall(r"Booting worker with pid: (\d+)", server.log.read_text(errors="replace"))]


def logged(server: Server) -> set[str]:
    return {json.loads(line).get("message", "") for line in server.log.read_text(errors="replace").splitlines()}


def replaced(server: Server, before: int) -> None:
    """Waits until the one worker is another, and answers."""
    server.wait_until(
        lambda: len(workers(server)) > before and not Path(f"/proc/{workers(server)[before - 1]}").exists()
    )
    server.wait_until(lambda: server.ready()["status"] == "ready")


def test_clients_are_taken_by_a_reload_and_only_if_they_are_good(
    root: Path, home: Home, keys: dict[str, str], ehr_key: ECKey
) -> None:
    home.key_file.write_text(key_set(ehr_key), encoding="utf-8")
    write(home.clients, program("one", keys["evaluate"]), ehr(jwks_file="ehr.json"))
    with home.serving(root) as server:
        _edited_by_somebody(server, home, keys["evaluate"], ehr_key)
        _other_keys(server, home, keys, ehr_key)
        _other_settings(server, home, keys)


def _edited_by_somebody(server: Server, home: Home, key: str, ehr_key: ECKey) -> None:
    assert [let_in(server, key), ehr_let_in(server, ehr_key)] == [200, 200]

    # Somebody is at it, and a worker dies.
    good = home.clients.read_text(encoding="utf-8")
    home.clients.write_text(HALF, encoding="utf-8")
    home.key_file.write_text("{", encoding="utf-8")
    os.kill(workers(server)[-1], signal.SIGKILL)
    replaced(server, 1)
    assert [let_in(server, key), ehr_let_in(server, ehr_key)] == [200, 200]

    # A reload with mistakes: those in force stay, and whoever reloaded is told.
    server.reload()
    replaced(server, 2)
    told = server.ready()
    assert told["last_reload"]["taken"] is False
    (error,) = told["last_reload"]["errors"]
    assert error.startswith("clients refused, those in force stay: clients.yaml:3:")
    assert error in logged(server)
    assert (told["cds_errors"], told["access"]["clients"]) == ([], 2)
    assert [let_in(server, key), ehr_let_in(server, ehr_key)] == [200, 200]
    home.clients.write_text(good, encoding="utf-8")
    server.reload()
    replaced(server, 3)
    assert "jwks_file: this file is not JSON" in server.ready()["last_reload"]["errors"][0]
    assert ehr_let_in(server, ehr_key) == 200


def _other_keys(server: Server, home: Home, keys: dict[str, str], ehr_key: ECKey) -> None:
    # A key is lost and another given, the EHR's key is another too.
    fresh = ECKey.generate_key("P-384")
    home.key_file.write_text(key_set(fresh), encoding="utf-8")
    write(home.clients, program("one", keys["read_record"]), ehr(jwks_file="ehr.json"))
    server.reload()
    replaced(server, 4)
    assert server.ready()["last_reload"]["taken"] is True
    assert [let_in(server, keys["evaluate"]), let_in(server, keys["read_record"])] == [401, 200]
    assert [ehr_let_in(server, ehr_key), ehr_let_in(server, fresh)] == [401, 200]


def _other_settings(server: Server, home: Home, keys: dict[str, str]) -> None:
    # The settings name another file, then none.
    home.name(write(home.folder / "others.yaml", program("other", keys["administer"])))
    server.reload()
    replaced(server, 5)
    assert [let_in(server, keys["read_record"]), let_in(server, keys["administer"])] == [401, 200]
    home.name(None)
    server.reload()
    replaced(server, 6)
    assert server.ready()["last_reload"]["taken"] is True
    assert let_in(server, keys["administer"]) == 401


def test_a_server_that_starts_with_mistakes_lets_nobody_in_until_they_are_mended(
    root: Path, home: Home, keys: dict[str, str]
) -> None:
    home.clients.write_text(HALF, encoding="utf-8")
    with home.serving(root) as server:
        told = server.ready()
        assert told["status"] == "ready"
        (mistake,) = told["cds_errors"]
        assert mistake.startswith("clients.yaml:3:")
        assert let_in(server, keys["evaluate"]) == 503
        refused = f"clients refused, nobody is let in: {mistake}"
        assert refused in logged(server)
        assert (told["last_reload"]["taken"], told["last_reload"]["errors"]) == (False, [refused])
        assert "indication_rules_refused 1.0" in server.ask("GET", "/metrics")[1].decode()
        write(home.clients, program("one", keys["evaluate"]))
        server.reload()
        server.wait_until(lambda: let_in(server, keys["evaluate"]) == 200)
        assert server.ready()["cds_errors"] == []
        assert server.ready()["last_reload"]["taken"] is True
