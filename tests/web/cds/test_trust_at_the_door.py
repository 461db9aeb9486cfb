"""Every address of the door asks who is there; how it finds out is tested beside it (tests/web/cds_trust)."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.web import create_app
from service.web.access.proxy import FORWARDED
from tests.web.cds.conftest import ROOT, SELECT, call_body


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The service as it is without any configuration."""
    store: Path = tmp_path_factory.mktemp("shut") / "store.sqlite"
    app = create_app({"RULES": ROOT / "rules", "CDS_OPEN": False, "CLIENTS": None, "STORE": store})
    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/cds-services"),
        ("post", f"/cds-services/{SELECT}"),
        ("post", f"/cds-services/{SELECT}/feedback"),
        ("post", "/cds-services/unknown"),
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer x", "Basic dGVzdA=="])
def test_without_a_token_of_a_known_client_nobody_comes_in(shut, method, path, header):
    headers = {"Authorization": header} if header else {}
    data = json.dumps(call_body(SELECT)) if method == "post" else None
    response = getattr(shut, method)(path, data=data, content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert response.data == b""


def test_a_large_body_does_not_hide_the_refusal(shut):
    response = shut.post(f"/cds-services/{SELECT}", data=b"x" * 2_000_000, content_type="application/json")
    assert response.status_code == 401


def test_the_form_and_the_api_stay_open(shut):
    assert shut.get("/").status_code == 200
    assert shut.get("/cds/form/unknown").status_code == 410


def test_a_preflight_needs_no_token(shut):
    assert shut.options(f"/cds-services/{SELECT}").status_code == 204


@pytest.mark.parametrize("header", FORWARDED)
def test_the_development_switch_lets_nobody_in_whom_a_proxy_passes_on(cds, cds_app, monkeypatch, header):
    passed_on = {header: "for=192.0.2.7"}
    assert cds.get("/cds-services").status_code == 200
    assert cds.get("/cds-services", headers=passed_on).status_code == 401
    monkeypatch.setitem(cds_app.config, "EXPOSED", True)
    assert cds.get("/cds-services", headers=passed_on).status_code == 200
