"""An application that asks who calls, clients of every kind, and what they show."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from werkzeug.test import TestResponse

from service.clients.callers import digest, new_key
from service.clients.model import load
from service.web import create_app, store
from service.web.access import gate
from service.web.cds import clients, trust

ISSUER = "https://login.example/realms/hospital"
EHR_ISSUER = "https://ehr.example/oauth"
#: nobody's machine: what is let in from here is let in for what it shows
FAR = "192.0.2.7"
ROLES = ("evaluate", "read_record", "administer")


@pytest.fixture(scope="session")
def signing() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="session")
def ehr_key() -> ECKey:
    return ECKey.generate_key("P-384")


@pytest.fixture(scope="session")
def keys() -> dict[str, str]:
    """API keys by name: one of each role, one that expired, one that nobody has."""
    return {name: new_key()[0] for name in (*ROLES, "expired", "nobody", "slow")}


def kept(key: str, **more: str) -> dict[str, str]:
    return {"id": key.split("_")[1], "sha256": digest(key).hex(), **more}


@pytest.fixture(scope="session")
def entries(keys: dict[str, str], signing: RSAKey, ehr_key: ECKey) -> list[dict[str, Any]]:
    def public(key: RSAKey | ECKey, kid: str) -> dict[str, Any]:
        return {"jwks": {"keys": [{**key.as_dict(private=False), "kid": kid}]}}

    return [
        *({"name": name.replace("_", "-"), "roles": [name], "api_keys": [kept(keys[name])]} for name in ROLES),
        {"name": "old", "roles": list(ROLES), "api_keys": [kept(keys["expired"], expires="2026-01-01")]},
        {"name": "slow", "rate": {"per_minute": 60, "burst": 3}, "api_keys": [kept(keys["slow"])]},
        {
            "name": "portal",
            "roles": list(ROLES),
            "tokens": {
                "issuer": ISSUER,
                "audience": "indication",
                "keys": public(signing, "k1"),
                "algorithms": ["RS256", "PS256"],
                "roles_claim": "realm_access.roles",
                "meaning": {f"indication-{role}": role for role in ROLES},
                "only": {"typ": "Bearer"},
            },
        },
        {
            "name": "ehr",
            "issuer": EHR_ISSUER,
            "keys": public(ehr_key, "e1"),
            "audiences": "https://indication.example",
            "hooks": ["order-select"],
        },
    ]


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Flask:
    home = tmp_path_factory.mktemp("access")
    return create_app(
        {"RULES": root / "rules", "TESTING": True, "WARM": True, "STORE": home / "store.sqlite", "AUDIT_STORE": "off"}
    )


@pytest.fixture
def known(guarded: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """The clients of the application are these; nothing was refused and nothing counted yet."""

    def known(*entries: Any) -> None:
        path = tmp_path / "clients.yaml"
        path.write_text(json.dumps({"clients": list(entries)}), encoding="utf-8")
        monkeypatch.setitem(guarded.extensions, clients.EXTENSION, load(path, open_=False))

    for extension in (gate.EXTENSION, trust.EXTENSION):
        monkeypatch.delitem(guarded.extensions, extension, raising=False)
    monkeypatch.setitem(guarded.extensions, store.EXTENSION, store.Store(tmp_path / "store.sqlite"))
    return known


@pytest.fixture
def set_up(guarded: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Settings of the application, for one test."""

    def set_up(**settings: Any) -> None:
        for name, value in settings.items():
            monkeypatch.setitem(guarded.config, name, value)

    return set_up


Send = Callable[..., TestResponse]


@pytest.fixture
def send(
    guarded: Flask, known: Callable[..., None], set_up: Callable[..., None], entries: list[dict[str, Any]]
) -> Send:
    """Sends a request from FAR, to an application where everybody must say who they are."""
    known(*entries)
    set_up(ACCESS_API="clients", FORM="proxy", COMMITTEE="proxy", RATE=0)
    visitor: FlaskClient = guarded.test_client()

    def send(
        address: str, credential: str | None = None, method: str = "GET", come_from: str | None = FAR, **more: Any
    ) -> TestResponse:
        headers = {"Accept-Language": "en", **more.pop("headers", {})}
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        place = {"REMOTE_ADDR": come_from or ""}
        return visitor.open(address, method=method, headers=headers, environ_overrides=place, **more)

    return send


@pytest.fixture
def reason(guarded: Flask) -> Callable[[], tuple[str, str]]:
    """The reason of the one refusal, and the client."""

    def reason() -> tuple[str, str]:
        counted = guarded.extensions[gate.EXTENSION]
        assert list(counted.values()) == [1]
        found: tuple[str, str] = next(iter(counted))
        return found

    return reason


class Long(JWSRegistry):
    max_header_length = 100_000


@pytest.fixture
def sign(signing: RSAKey) -> Callable[..., str]:
    """An access token; a claim or header set to None is left out."""

    def sign(
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        key: Any = None,
        algorithm: str = "RS256",
    ) -> str:
        now = int(time.time())
        plain: dict[str, Any] = {
            "iss": ISSUER,
            "aud": ["account", "indication"],
            "iat": now,
            "exp": now + 300,
            "sub": "f3a1",
            "typ": "Bearer",
            "realm_access": {"roles": ["indication-evaluate", "offline_access"]},
        }
        heads = {"alg": algorithm, "typ": "JWT", "kid": "k1"} | (header or {})
        return jwt.encode(
            {name: value for name, value in heads.items() if value is not None},
            {name: value for name, value in (plain | (claims or {})).items() if value is not None},
            key or signing,
            algorithms=[algorithm],
            registry=Long(algorithms=[algorithm], strict_check_header=False),
        )

    return sign


@pytest.fixture
def sign_as_ehr(ehr_key: ECKey) -> Callable[[str], str]:
    """A token of the EHR's for one address."""
    number = iter(range(1, 10_000))

    def sign(audience: str) -> str:
        now = int(time.time())
        claims = {"iss": EHR_ISSUER, "aud": audience, "iat": now, "exp": now + 300, "jti": f"call-{next(number)}"}
        return jwt.encode({"alg": "ES384", "typ": "JWT", "kid": "e1"}, claims, ehr_key, algorithms=["ES384"])

    return sign
