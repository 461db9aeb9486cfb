"""The application as it is meant to run for others: it asks who calls, and records what it decides."""

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from service.clients.callers import digest, new_key
from service.web import create_app
from tests.strategies import ROOT

KEY = new_key()[0]
#: who asks has every role, so that each door is passed; who may not is turned away in tests/web/access
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="session")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home = tmp_path_factory.mktemp("fuzzed")
    key = {"id": KEY.split("_")[1], "sha256": digest(KEY).hex()}
    entry = {"name": "tester", "roles": ["evaluate", "read_record", "administer"], "api_keys": [key]}
    (home / "clients.yaml").write_text(yaml.safe_dump({"clients": [entry]}), encoding="utf-8")
    # No TESTING: an exception that nobody expected is answered as it would be in service, and seen as a 500.
    return create_app(
        {
            "RULES": ROOT / "rules",
            "WARM": True,
            "ACCESS_API": "clients",
            "CDS_OPEN": True,
            "CLIENTS": home / "clients.yaml",
            "STORE": home / "store.sqlite",
            "AUDIT_STORE": f"sqlite:///{home / 'record.sqlite'}",
            "RATE": 0,
        }
    )


@pytest.fixture
def tester(fuzzed: Flask) -> FlaskClient:
    return fuzzed.test_client()
