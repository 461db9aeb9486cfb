"""The service as it runs, two EHRs that are registered with it, and their FHIR server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.ehr.acting import HOOKS, Ehr
from tests.ehr.fhir_server import fhir_server, record
from tests.serving import Server, serving

WORKERS = 2
WARFARIN, APIXABAN, TWO_BONES = "us-acetabulum-warfarin", "french-l2-apixaban", "two-bones-one-umbrella"
RADIOTHERAPY, NO_LESION = "radiotherapy-at-the-site", "pacemaker-three-ways"
PATIENTS = (WARFARIN, APIXABAN, TWO_BONES, RADIOTHERAPY, NO_LESION)


@dataclass(frozen=True)
class World:
    server: Server
    #: signs with ES384, calls from a browser too, opens forms
    first: Ehr
    #: signs with RS384, calls from its server alone, knows exact addresses
    second: Ehr
    store: Path
    resources: list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("ehr")
    resources = [resource for name in PATIENTS for resource in record(root, name)]
    first = Ehr(
        name="first-ehr",
        issuer="https://first.example/oauth",
        base="https://indication.example",
        algorithm="ES384",
        key=ECKey.generate_key("P-384"),
        service=0,
        fhir=0,
        origin="https://first.example",
    )
    second = Ehr(
        name="second-ehr",
        issuer="https://second.example/oauth",
        base="https://other-name.example",
        algorithm="RS384",
        key=RSAKey.generate_key(2048),
        service=0,
        fhir=0,
    )
    file = home / "clients.yaml"
    file.write_text(json.dumps({"clients": [_open_to_browsers(first), _exact(second)]}), encoding="utf-8")
    store = home / "store" / "store.sqlite"
    settings = {"INDICATION_CLIENTS": str(file), "INDICATION_STORE": str(store)}
    with (
        fhir_server(resources) as fhir,
        serving(root, root / "rules", home / "log", workers=WORKERS, settings=settings) as server,
    ):
        here = {"service": server.port, "fhir": fhir}
        yield World(server, replace(first, **here), replace(second, **here), store, resources)


def _open_to_browsers(ehr: Ehr) -> dict[str, Any]:
    return {
        "name": ehr.name,
        "issuer": ehr.issuer,
        "keys": {"jwks": {"keys": [ehr.public()]}},
        "audiences": ehr.base,
        "hooks": list(HOOKS.values()),
        "origins": [ehr.origin],
        "prefill": True,
    }


def _exact(ehr: Ehr) -> dict[str, Any]:
    """Its hooks are the usual two: patient-view is not among them."""
    paths = ("", *(f"/{service}{more}" for service in HOOKS for more in ("", "/feedback")))
    return {
        "name": ehr.name,
        "issuer": ehr.issuer,
        "keys": {"jwks": {"keys": [ehr.public()]}},
        "audiences": [f"{ehr.base}/cds-services{path}" for path in paths],
    }
