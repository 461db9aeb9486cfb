"""A door of our own with two services behind it, a client that is known, and tokens as an EHR signs them."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from service.web.cds import clients, cors, trust
from service.web.store import Store

ISSUER = "https://ehr.example/oauth"
BASE = "https://indication.example"
ONE, OTHER = "/cds-services/one", "/cds-services/other"
JKU = "https://ehr.example/jwks"


def marked(key: ECKey | RSAKey, kid: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid}


@pytest.fixture(scope="session")
def keys() -> SimpleNamespace:
    """Key pairs: two of the client's (EC, RSA), one of somebody else."""
    return SimpleNamespace(
        ec=ECKey.generate_key("P-384"), rsa=RSAKey.generate_key(2048), foreign=ECKey.generate_key("P-384")
    )


@pytest.fixture(scope="session")
def jwks(keys: SimpleNamespace) -> dict[str, Any]:
    # As Epic's: base64 with signs that mean something elsewhere.
    return {"keys": [marked(keys.ec, "ec-1+/="), marked(keys.rsa, "rsa-1")]}


@pytest.fixture
def entry(jwks: dict[str, Any]) -> dict[str, Any]:
    """One good client, to be changed at will."""
    return {
        "name": "test-ehr",
        "issuer": ISSUER,
        "keys": {"jwks": jwks},
        "audiences": BASE,
        "hooks": ["order-select"],
        "origins": ["https://ehr.example", "http://localhost:8080"],
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of clients and gives its path. JSON is YAML."""

    def write(*entries: Any, text: str | None = None) -> Path:
        path = tmp_path / "clients.yaml"
        path.write_text(json.dumps({"clients": list(entries)}, indent=1) if text is None else text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def door(write: Callable[..., Path], entry: dict[str, Any], tmp_path: Path) -> Callable[..., FlaskClient]:
    """Makes a small application that answers with the client's name to whom it lets in."""

    def door(*entries: Any, path: Path | None = None, open_: bool = False, store: Any = None) -> FlaskClient:
        app = Flask(__name__)
        app.config.update(CLIENTS=path or write(*(entries or (entry,))), CDS_OPEN=open_)
        kept = store or Store(tmp_path / "store.sqlite")
        trust.register(app)
        cors.register(app)
        clients.register(app)

        def asked(hook: str | None) -> dict[str, str]:
            return {"client": trust.authenticate(request, clients.current(), kept, request.base_url, hook).name}

        app.add_url_rule("/cds-services", "discovery", lambda: asked(None))
        app.add_url_rule(ONE, "one", lambda: asked("order-select"), methods=["POST"])
        app.add_url_rule(OTHER, "other", lambda: asked("order-sign"), methods=["POST"])
        return app.test_client()

    return door


@pytest.fixture
def sign(keys: SimpleNamespace) -> Callable[..., str]:
    """A token as the client signs it for ONE; a claim or header set to None is left out."""
    number = iter(range(1, 10_000))

    def sign(
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        key: Any = None,
        algorithm: str = "ES384",
    ) -> str:
        now = int(time.time())
        kid, own = {"ES384": ("ec-1+/=", keys.ec), "RS384": ("rsa-1", keys.rsa)}.get(algorithm, ("ec-1+/=", keys.ec))
        plain = {"iss": ISSUER, "aud": BASE + ONE, "iat": now, "exp": now + 300, "jti": f"test-{next(number)}"}
        heads = {"alg": algorithm, "typ": "JWT", "kid": kid}
        return jwt.encode(
            {name: value for name, value in (heads | (header or {})).items() if value is not None},
            {name: value for name, value in (plain | (claims or {})).items() if value is not None},
            key or own,
            algorithms=[algorithm],
            registry=LONG,
        )

    return sign


class _Long(JWSRegistry):
    max_header_length = 100_000


LONG = _Long(algorithms=["ES384", "RS384", "HS256", "ES256", "RS256"], strict_check_header=False)


@pytest.fixture
def call() -> Callable[..., Any]:
    """Calls ONE (or another address) with a token."""

    def call(door: FlaskClient, token: str | None, address: str = ONE, **headers: str) -> Any:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        method = door.get if address == "/cds-services" else door.post
        return method(address, headers=headers)

    return call
