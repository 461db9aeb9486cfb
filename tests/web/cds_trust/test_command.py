"""`flask clients`, and what /readyz says of the EHR's door."""

import json
import shutil
import stat
from pathlib import Path

import pytest
from flask import Flask

from service.web import create_app
from service.web.cds import cors


@pytest.fixture
def run(app, root, monkeypatch):
    monkeypatch.chdir(root)

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["clients", *map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


def test_from_a_key_pair_to_an_answer(run, root, tmp_path, door, call):
    """The trial that --help shows."""
    trial = tmp_path / "trial"
    assert run("keypair", "--out", trial)[0] == 0
    shutil.copy(root / "docs/clients.example.yaml", trial / "clients.yaml")
    code, output, _ = run("check", trial / "clients.yaml")
    assert code == 0
    assert "good. 3 clients" in output
    assert "http://127.0.0.1:8000/cds-services" in output
    code, token, _ = run(
        "token",
        *("--key", trial / "client.private.jwk.json"),
        *("--issuer", "https://ehr.example/oauth"),
        *("--audience", "http://127.0.0.1:8000/cds-services"),
    )
    assert code == 0
    assert call(door(path=trial / "clients.yaml"), token.strip(), "/cds-services").json == {"client": "trial-ehr"}


def test_the_private_key_is_for_its_owner(run, tmp_path):
    run("keypair", "--out", tmp_path / "new", "--kid", "mine")
    secret, public = tmp_path / "new/client.private.jwk.json", tmp_path / "new/client.jwks.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "d" in json.loads(secret.read_text())
    assert [(key["kid"], "d" in key) for key in json.loads(public.read_text())["keys"]] == [("mine", False)]


def test_nothing_is_overwritten(run, tmp_path):
    assert run("keypair", "--out", tmp_path)[0] == 0
    before = (tmp_path / "client.private.jwk.json").read_text()
    code, _, errors = run("keypair", "--out", tmp_path)
    assert (code, "exists already" in errors) == (1, True)
    assert (tmp_path / "client.private.jwk.json").read_text() == before


def test_check_lists_every_mistake(run, write):
    path = write(text="clients:\n  - name: test-ehr\n    hoks: []\n")
    code, output, errors = run("check", path)
    assert (code, output) == (1, "")
    assert f"{path}:3:11: clients.0.hoks: unknown key" in errors
    assert errors.rstrip().endswith("4 mistakes; nobody will be let in with this file")


def test_check_of_no_file(run, tmp_path):
    code, _, errors = run("check", tmp_path / "none.yaml")
    assert (code, "No such file" in errors) == (1, True)


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[]", '{"kty": "RSA"}', '{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}']
)
def test_token_with_no_key(run, tmp_path, content):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    code, _, errors = run("token", "--key", path, "--issuer", "x:y", "--audience", "https://a.example")
    assert code == 1
    assert str(path) in errors


@pytest.mark.parametrize("command", [(), ("check",), ("keypair",), ("token",)])
def test_help_teaches(run, command):
    code, output, _ = run(*command, "--help")
    assert code == 0
    assert "flask clients" in output.partition("Usage:")[2].partition("\n")[2]


# ---- /readyz ---------------------------------------------------------------------------------------------------------


def ready(root: Path, **config):
    return create_app({"RULES": root / "rules", "TESTING": True, **config}).test_client()


def test_readyz_without_clients(client):
    told = client.get("/readyz").json
    assert (told["cds_open"], told["cds_clients"], told["cds_errors"], told["cds_refused"]) == (False, 0, [], {})


def test_readyz_tells_of_the_development_switch(root):
    assert ready(root, CDS_OPEN=True, CLIENTS=None).get("/readyz").json["cds_open"] is True


def test_readyz_counts_clients(root, write, entry):
    told = ready(root, CDS_OPEN=False, CLIENTS=write(entry)).get("/readyz").json
    assert (told["cds_open"], told["cds_clients"]) == (False, 1)


def test_a_mistaken_file_stops_neither_the_form_nor_the_api(root, write, referral, caplog):
    door = ready(root, CDS_OPEN=False, CLIENTS=write(text="clients:\n  - nme: x\n"))
    response = door.get("/readyz")
    assert (response.status_code, response.json["status"], response.json["cds_clients"]) == (200, "ready", 0)
    assert any("did you mean «name»?" in each for each in response.json["cds_errors"])
    assert "clients refused" in caplog.text
    assert door.get("/").status_code == 200
    assert door.post("/v1/recommendations", json=referral).status_code == 200


def test_a_worker_tells_of_a_mistaken_file_as_it_starts(write, caplog):
    app = Flask(__name__)
    app.config.update(WARM=True, CLIENTS=write(text="clients:\n  - nme: x\n"), CDS_OPEN=False)
    cors.register(app)
    assert "did you mean «name»?" in caplog.text
