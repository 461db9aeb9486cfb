"""The file of clients: what it may say, and what is said of its mistakes."""

import json
import shutil

import pytest
import yaml

from service.clients.file import read_file
from service.clients.keys import FetchedKeys
from service.web.cds import clients
from service.web.cds.clients import load


def mistakes(path):
    _, found = read_file(path)
    return [str(each) for each in found]


def test_a_good_client(write, entry):
    found = load(write(entry), open_=False)
    assert found.mistakes == ()
    client = found.by_issuer("https://ehr.example/oauth")
    assert client.name == "test-ehr"
    assert client.hooks == {"order-select"}
    assert client.algorithms == ("ES384", "RS384")
    assert (client.language, client.prefill, client.keep_comments) == (None, False, False)
    assert client.addresses("/cds-services/x") == {"https://indication.example/cds-services/x"}
    assert client.addresses("") == client.addresses("/") == client.addresses("x") == frozenset()
    assert found.by_issuer("https://other.example") is None


def test_left_out(write, entry):
    for name in ("hooks", "origins"):
        entry.pop(name)
    client = load(write(entry), open_=False).by_issuer(entry["issuer"])
    assert client.hooks == {"order-select", "order-sign"}, "patient-view is for whoever asks for it"
    assert client.origins == ()
    assert client.leeway_seconds == 30


def test_all_that_may_be_said(write, entry):
    entry |= {
        "algorithms": ["RS384"],
        "leeway_seconds": 120,
        "hooks": ["order-select", "patient-view"],
        "language": "fr",
        "prefill": True,
        "keep_comments": True,
        "referral_codes": ["http://snomed.info/sct|306206005", "urn:oid:1.2.3|A|B"],
        "audiences": ["https://a.example/cds-services", "http://localhost:8000/cds-services"],
    }
    client = load(write(entry), open_=False).by_issuer(entry["issuer"])
    assert client.referral_codes == {("http://snomed.info/sct", "306206005"), ("urn:oid:1.2.3|A", "B")}
    assert client.addresses("/cds-services") == set(entry["audiences"])


def test_keys_in_a_file_beside_it(write, entry, jwks, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps(jwks), encoding="utf-8")
    client = load(write(entry | {"keys": {"jwks_file": "keys.json"}}), open_=False).by_issuer(entry["issuer"])
    assert client.keys.find("rsa-1", "RS384")


def test_keys_at_an_address(write, entry):
    client = load(write(entry | {"keys": {"jku": "https://ehr.example/jwks"}}), open_=False).by_issuer(entry["issuer"])
    assert isinstance(client.keys, FetchedKeys)
    assert client.jku == client.keys.address == "https://ehr.example/jwks"


def test_the_example_is_good(root, tmp_path, write, jwks):
    shutil.copy(root / "docs/clients.example.yaml", tmp_path / "clients.yaml")
    (tmp_path / "client.jwks.json").write_text(json.dumps(jwks), encoding="utf-8")
    assert mistakes(tmp_path / "clients.yaml") == []
    shown = yaml.safe_load((tmp_path / "clients.yaml").read_text(encoding="utf-8"))["clients"][0]
    known = clients.load(tmp_path / "clients.yaml", open_=False).by_issuer(shown["issuer"])
    assert known.leeway_seconds == 30, "the example says what is taken when nothing is said"


def changed(entry, **changes):
    return {name: value for name, value in (entry | changes).items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ...}, "clients.0.name: is missing"),
        ({"name": "General Hospital"}, "clients.0.name: a short name is needed"),
        ({"issuer": ...}, "clients.0.issuer: is missing"),
        ({"issuer": "ehr"}, "clients.0.issuer: the URI that stands in the tokens"),
        ({"name": None}, "clients.0.name: has no value"),
        ({"issuer": 7}, "clients.0.issuer: "),
        ({"isuer": "x:y"}, "«isuer»; did you mean «issuer»?"),
        ({"keys": ...}, "clients.0.keys: is missing"),
        ({"keys": {}}, "clients.0.keys: one of jwks, jwks_file or jku"),
        ({"keys": []}, "clients.0.keys: one of jwks, jwks_file or jku"),
        ({"keys": {"jku": "http://ehr.example/jwks"}}, "clients.0.keys.jku: an https address is needed"),
        ({"keys": {"jku": "file:///keys"}}, "clients.0.keys.jku: an https address is needed"),
        ({"keys": {"jku": "https://user:word@ehr.example/"}}, "clients.0.keys.jku: an https address is needed"),
        ({"keys": {"jwksfile": "a"}}, "did you mean «jwks_file»?"),
        ({"keys": {"jwks_file": "nowhere.json"}}, "cannot be read (No such file or directory) «nowhere.json»"),
        (
            {"keys": {"jwks_file": "clients.yaml"}},
            'clients.0.keys.jwks_file: in it: a JSON Web Key Set is needed: {"keys": [ … ]}',
        ),
        ({"keys": {"jwks": []}}, "a JSON Web Key Set is needed"),
        ({"keys": {"jwks": {"keys": []}}}, "there is no key"),
        ({"audiences": []}, "clients.0.audiences: give the address"),
        ({"audiences": "http://indication.example"}, "clients.0.audiences: an https address"),
        ({"audiences": ["https://a.example/x?y"]}, "clients.0.audiences.0: an https address without ?"),
        ({"audiences": "https://a.example:port"}, "clients.0.audiences: an https address"),
        ({"algorithms": ["HS256"]}, "clients.0.algorithms.0: not accepted (accepted: ES384, RS384) «HS256»"),
        ({"algorithms": ["ES384", "none"]}, "clients.0.algorithms.1: not accepted"),
        ({"algorithms": []}, "clients.0.algorithms: a list is needed"),
        ({"leeway_seconds": 121}, "clients.0.leeway_seconds: a whole number of seconds from 0 to 120"),
        ({"leeway_seconds": True}, "clients.0.leeway_seconds: "),
        ({"hooks": ["order-selct"]}, "did you mean «order-select»?"),
        ({"hooks": "order-select"}, "clients.0.hooks: a list is needed"),
        ({"language": "de"}, "clients.0.language: not accepted (accepted: fr, en)"),
        ({"origins": ["*"]}, "clients.0.origins.0: an origin is needed"),
        ({"origins": ["https://ehr.example/"]}, "clients.0.origins.0: an origin is needed"),
        ({"origins": ["http://ehr.example"]}, "clients.0.origins.0: an origin is needed"),
        ({"origins": ["null"]}, "clients.0.origins.0: an origin is needed"),
        ({"prefill": "yes"}, "clients.0.prefill: true or false"),
        ({"keep_comments": None}, "clients.0.keep_comments: has no value"),
        ({"referral_codes": ["306206005"]}, "clients.0.referral_codes.0: system|code"),
    ],
)
def test_one_mistake(write, entry, changes, said):
    found = mistakes(write(changed(entry, **changes)))
    assert len(found) == 1, found
    assert said in found[0]
    assert found[0].startswith("clients.yaml:")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"d": "AAAA"}, "holds its secret part"),
        ({"kid": ""}, "needs its kid"),
        ({"use": "enc"}, "not for signatures"),
        ({"alg": "ES256"}, "alg must be ES384"),
        ({"crv": "P-256"}, "must be on the curve P-384"),
        ({"kty": "oct"}, "only EC keys"),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "must have 2048 bits"),
        ({"x": "AAAA"}, "cannot be read"),
        ({"x": 7}, "cannot be read"),
    ],
)
def test_a_key_that_cannot_serve(write, entry, jwks, change, said):
    bad = jwks["keys"][0] | change
    found = mistakes(write(entry | {"keys": {"jwks": {"keys": [bad]}}}))
    assert len(found) == 1, found
    assert said in found[0]
    assert "clients.0.keys.jwks.keys.0" in found[0]
    for name in ("x", "y", "d"):
        assert str(bad.get(name, "absent!")) not in found[0] or len(str(bad[name])) < 8, "a key's content is never told"


def test_two_keys_with_one_kid(write, entry, jwks):
    twice = {"keys": [jwks["keys"][0], jwks["keys"][0]]}
    assert "two keys have this kid" in mistakes(write(entry | {"keys": {"jwks": twice}}))[0]


def test_keys_that_serve_no_algorithm_of_the_client(write, entry, jwks):
    only = entry | {"keys": {"jwks": {"keys": [jwks["keys"][1]]}}, "algorithms": ["ES384"]}
    assert "none of its keys serves these; its keys serve RS384" in mistakes(write(only))[0]


def test_two_clients_alike(write, entry):
    found = mistakes(write(entry, entry))
    assert ["two clients have this" in each for each in found] == [True, True]


def test_every_mistake_at_once_and_where(write):
    path = write(
        text="""\
clients:
  - name: test-ehr
    issuer: https://ehr.example/oauth
    keys: {jku: http://ehr.example/jwks}
    audiences: https://indication.example
    hoks: [order-select]
  - name: B
"""
    )
    found = mistakes(path)
    assert [each.split(": ")[0] for each in found[:3]] == ["clients.yaml:4:17", "clients.yaml:6:11", "clients.yaml:7:5"]
    assert len(found) == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("clients:\n\t- x", "tab"),
        ("7", "the file: a mapping is needed"),
        ("clients: []", "a list of 1 to 200 clients"),
        ("clients: {}", "a list of 1 to 200 clients"),
        ("clients: [7]", "clients.0: a mapping is needed"),
        ("client: []", "did you mean «clients»?"),
        ("clients: &a [*a]", "anchors"),
    ],
)
def test_a_file_that_is_none(write, text, said):
    found = load(write(text=text), open_=False)
    assert any(said in each for each in found.mistakes), found.mistakes
    assert not found.entries


def test_a_file_that_is_not_there(tmp_path):
    assert "No such file" in load(tmp_path / "clients.yaml", open_=False).mistakes[0]


def test_half_a_good_file_lets_nobody_in(write, entry, caplog):
    found = load(write(entry, entry | {"name": "other", "issuer": 7}), open_=False)
    assert not found.entries
    assert "clients refused: clients.yaml:" in caplog.text


@pytest.mark.parametrize(("given", "is_open"), [("1", True), ("0", False), ("", False), ("true", False), (None, False)])
def test_settings(given, is_open):
    environment = {"INDICATION_CLIENTS": "/etc/x.yaml"} | ({} if given is None else {"INDICATION_CDS_OPEN": given})
    found = clients.settings(environment)
    assert (str(found["CLIENTS"]), found["CDS_OPEN"]) == ("/etc/x.yaml", is_open)
    assert clients.settings({})["CLIENTS"] is None
