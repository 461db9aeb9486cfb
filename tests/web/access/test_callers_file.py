"""The file of clients: API keys, access tokens, roles and rates, and what is said of their mistakes."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import ECKey, RSAKey

from service.clients.callers import KEY, Rate, claim, digest, new_key, words
from service.clients.file import read_file
from service.clients.keys import BEARER_ALGORITHMS, FetchedKeys, read_key_set
from service.clients.model import Clients, load

ISSUER = "https://login.example/realms/hospital"


@pytest.fixture(scope="module")
def jwks() -> dict[str, Any]:
    return {"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "k1", "alg": "RS256", "use": "sig"}]}


@pytest.fixture
def by_key() -> dict[str, Any]:
    return {"name": "registry", "api_keys": [{"id": "4f0a91c2", "sha256": "0a" * 32, "created": "2026-11-26"}]}


@pytest.fixture
def by_token(jwks: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "portal",
        "roles": ["evaluate", "read_record"],
        "tokens": {
            "issuer": ISSUER,
            "audience": "indication",
            "keys": {"jwks": jwks},
            "roles_claim": "realm_access.roles",
            "meaning": {"indication-evaluate": "evaluate"},
        },
    }


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*entries: Any) -> Path:
        path = tmp_path / "clients.yaml"
        path.write_text(json.dumps({"clients": list(entries)}, indent=1), encoding="utf-8")
        return path

    return write


def found(path: Path) -> Clients:
    clients = load(path, open_=False)
    assert clients.mistakes == ()
    return clients


def test_neither_is_an_ehr(written: Callable[..., Path], by_key: dict[str, Any], by_token: dict[str, Any]) -> None:
    clients = found(written(by_key, by_token))
    assert not clients.entries
    assert clients.known.keys() == {"registry", "portal"}
    registry, portal = clients.known["registry"], clients.known["portal"]
    assert (registry.roles, registry.rate) == ({"evaluate"}, None)
    entry, key = clients.keys["4f0a91c2"]
    assert (entry, key.sha256, key.created, key.expires) == (
        registry,
        bytes.fromhex("0a" * 32),
        date(2026, 11, 26),
        None,
    )
    assert portal.tokens is not None
    assert (portal.tokens.subject, portal.tokens.algorithms, portal.tokens.leeway_seconds) == ("sub", ("RS256",), 30)
    assert clients.by_token_issuer(ISSUER) == [(portal, portal.tokens)]
    assert clients.by_token_issuer("https://other.example") == []


def test_a_key_expires_on_its_day(written: Callable[..., Path], by_key: dict[str, Any]) -> None:
    by_key["api_keys"][0]["expires"] = "2027-01-31"
    _, key = found(written(by_key)).keys["4f0a91c2"]
    assert [key.expired(date(2027, 1, day)) for day in (30, 31)] == [False, True]


def test_rate(written: Callable[..., Path], by_key: dict[str, Any]) -> None:
    assert found(written(by_key | {"rate": {"per_minute": 600, "burst": 5}})).known["registry"].rate == Rate(600, 5)
    assert found(written(by_key | {"rate": {"per_minute": 5}})).known["registry"].rate == Rate(5, 1)


def test_the_more_particular_of_two_clients_of_one_issuer_comes_first(
    written: Callable[..., Path], by_token: dict[str, Any]
) -> None:
    other = by_token | {"name": "other", "tokens": by_token["tokens"] | {"only": {"azp": "other"}}}
    assert [entry.name for entry, _ in found(written(by_token, other)).by_token_issuer(ISSUER)] == ["other", "portal"]


def test_keys_at_an_address(written: Callable[..., Path], by_token: dict[str, Any]) -> None:
    by_token["tokens"]["keys"] = {"address": "https://login.example/certs"}
    tokens = found(written(by_token)).known["portal"].tokens
    assert tokens is not None
    assert isinstance(tokens.keys, FetchedKeys)
    assert (tokens.keys.address, tokens.keys.accepted) == ("https://login.example/certs", BEARER_ALGORITHMS)


def test_an_rsa_key_without_alg_serves_every_algorithm_of_its_kind() -> None:
    key = {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "k"}
    serves, _ = read_key_set({"keys": [key]}, BEARER_ALGORITHMS)
    assert {algorithm for _, algorithm in serves} == {"RS256", "RS384", "RS512", "PS256"}
    serves, _ = read_key_set({"keys": [key | {"alg": "PS256"}]}, BEARER_ALGORITHMS)
    assert {algorithm for _, algorithm in serves} == {"PS256"}
    serves, _ = read_key_set(
        {"keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": "k"}]}, BEARER_ALGORITHMS
    )
    assert {algorithm for _, algorithm in serves} == {"ES256"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"api_keys": {}}, "clients.0.api_keys: a list of at most 20 keys"),
        ({"api_keys": None}, "clients.0.api_keys: has no value"),
        ({"api_keys": [{"id": "4f0a91c2"}]}, "clients.0.api_keys.0.sha256: is missing"),
        ({"api_keys": [{"id": 12345678, "sha256": "0a" * 32}]}, "clients.0.api_keys.0.id: the id of the key is needed"),
        ({"api_keys": [{"id": "4f0a91c2", "sha256": "0A" * 32}]}, "clients.0.api_keys.0.sha256: the SHA-256"),
        ({"api_keys": [{"id": "4f0a91c2", "sha256": "0a" * 32, "expires": "31.1.2027"}]}, "0.expires: a day is needed"),
        (
            {"api_keys": [{"id": "4f0a91c2", "sha256": "0a" * 32, "created": "2027-01-01", "expires": "2027-01-01"}]},
            "0.expires: this day must be after",
        ),
        ({"api_keys": [{"id": "4f0a91c2", "sha256": "0a" * 32, "expire": "2027-01-01"}]}, "did you mean «expires»?"),
        ({"roles": ["evalute"]}, "clients.0.roles.0: not accepted (accepted: evaluate, read_record, administer)"),
        ({"roles": []}, "clients.0.roles: a list is needed"),
        ({"rate": 5}, "clients.0.rate: a mapping is needed"),
        ({"rate": {"per_minute": 0}}, "clients.0.rate.per_minute: a whole number from 1"),
        ({"rate": {"burst": 5}}, "clients.0.rate.per_minute: is missing"),
        ({"tokens": []}, "clients.0.tokens: a mapping is needed"),
    ],
)
def test_one_mistake(written: Callable[..., Path], by_key: dict[str, Any], change: dict[str, Any], said: str) -> None:
    _, mistakes = read_file(written(by_key | change))
    assert len(mistakes) == 1, mistakes
    assert said in str(mistakes[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "login"}, "clients.0.tokens.issuer: the URI"),
        ({"audience": 7}, "clients.0.tokens.audience: what the tokens say as aud"),
        ({"keys": {"address": "http://login.example"}}, "clients.0.tokens.keys.address: an https address"),
        ({"keys": {"jku": "https://login.example"}}, "clients.0.tokens.keys.jku: unknown key"),
        ({"algorithms": ["none"]}, "clients.0.tokens.algorithms.0: not accepted"),
        ({"algorithms": ["HS256"]}, "clients.0.tokens.algorithms.0: not accepted"),
        ({"algorithms": ["ES256"]}, "clients.0.tokens.algorithms: none of its keys serves these; its keys serve RS256"),
        ({"roles_claim": ...}, "clients.0.tokens.roles_claim: is missing"),
        ({"meaning": ...}, "clients.0.tokens.meaning: is missing"),
        ({"meaning": {"x": "evaluat"}}, "clients.0.tokens.meaning.x: not accepted"),
        (
            {"meaning": {"x": "administer"}},
            "clients.0.tokens.meaning: gives administer, which `roles` of this client lack",
        ),
        ({"only": {"azp": 7}}, "clients.0.tokens.only.azp: a text is needed"),
        ({"leeway_seconds": 121}, "clients.0.tokens.leeway_seconds: a whole number"),
        ({"subject": ""}, "clients.0.tokens.subject: a text is needed"),
    ],
)
def test_one_mistake_of_tokens(
    written: Callable[..., Path], by_token: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    tokens = {name: value for name, value in (by_token["tokens"] | change).items() if value is not ...}
    _, mistakes = read_file(written(by_token | {"tokens": tokens}))
    assert len(mistakes) == 1, mistakes
    assert said in str(mistakes[0])


def test_what_stands_where_a_digest_belongs_is_never_repeated(
    written: Callable[..., Path], by_key: dict[str, Any]
) -> None:
    secret, _ = new_key()
    by_key["api_keys"][0]["sha256"] = secret
    _, mistakes = read_file(written(by_key))
    assert secret not in str(mistakes)
    assert secret[-43:] not in str(mistakes)


def test_what_only_one_client_may_have(
    written: Callable[..., Path], by_key: dict[str, Any], by_token: dict[str, Any]
) -> None:
    _, mistakes = read_file(written(by_key, by_key | {"name": "b"}, by_token, by_token | {"name": "d"}))
    told = "\n".join(map(str, mistakes))
    assert len(mistakes) == 2
    assert "clients.1.api_keys.0.id: two keys have this id" in told
    assert "clients.3.tokens.issuer: two clients have this issuer: say under `only`" in told


def test_an_entry_must_be_known_somehow(written: Callable[..., Path], by_key: dict[str, Any]) -> None:
    _, mistakes = read_file(written({"name": "nobody"}))
    assert sorted(re.findall(r"clients\.0\.(\w+): is missing \(of an EHR; others", str(list(map(str, mistakes))))) == [
        "audiences",
        "issuer",
        "keys",
    ]
    _, mistakes = read_file(written(by_key | {"hooks": ["order-select"]}))
    assert len(mistakes) == 3, "half an EHR is none"


def test_an_ehr_evaluates(written: Callable[..., Path], root: Path) -> None:
    ehr = {"name": "ehr", "issuer": "x:y", "keys": {"jku": "https://a.example"}, "audiences": "https://b.example"}
    _, mistakes = read_file(written(ehr | {"roles": ["administer"]}))
    assert ["clients.0.roles: an EHR evaluates" in str(each) for each in mistakes] == [True]


def test_claims_and_their_words() -> None:
    claims = {"realm_access": {"roles": ["a", 7]}, "https://x.example/roles": ["b"], "scope": "c d", "deep": {"er": {}}}
    assert words(claim(claims, "realm_access.roles")) == {"a"}
    assert words(claim(claims, "https://x.example/roles")) == {"b"}
    assert words(claim(claims, "scope")) == {"c", "d"}
    assert words(claim(claims, "deep.er.no.more")) == words(claim(claims, "none")) == words(7) == frozenset()


# ---- flask clients ---------------------------------------------------------------------------------------------------


def test_a_key_is_printed_once_with_the_lines_to_paste(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "key", "registry", "--days", "90"])
    assert result.exit_code == 0
    secret = re.search(r"ind_\S+", result.output)
    assert secret is not None
    match = KEY.match(secret[0])
    assert match is not None
    lines = result.output.partition("For the file of clients, which begins with the line `clients:`:\n")[2]
    assert secret[0] not in lines
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n" + lines, encoding="utf-8")
    entry, key = found(path).keys[match["id"]]
    assert (entry.name, key.sha256) == ("registry", digest(secret[0]))
    assert key.created is not None
    assert key.expires is not None
    assert (key.expires - key.created).days == 90
    checked = app.test_cli_runner().invoke(args=["clients", "check", str(path)])
    assert f"API key    {key.id} (until {key.expires})" in checked.output


@pytest.mark.parametrize("name", ["Bad Name", "général", "", 'x"\n    roles: [administer]', "portal\n", "a" * 41])
def test_no_key_is_made_for_a_name_that_the_file_may_not_hold(app: Flask, name: str) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "key", "--", name])
    assert result.exit_code == 2
    assert "a short name is needed" in result.output
    assert "ind_" not in result.output


@pytest.mark.parametrize("name", ["123", "no", "null", "1e5"])
def test_a_name_that_looks_like_something_else_is_printed_as_a_name(app: Flask, tmp_path: Path, name: str) -> None:
    result = app.test_cli_runner().invoke(args=["clients", "key", name])
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n" + result.output.partition("`clients:`:\n")[2], encoding="utf-8")
    assert list(found(path).known) == [name]


def test_keys_differ_and_have_their_form() -> None:
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    for secret, name in keys:
        match = KEY.match(secret)
        assert match is not None
        assert match["id"] == name
