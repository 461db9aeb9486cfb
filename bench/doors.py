"""One request through each door of the service, as its clients make it: what the soak and the load send.

The answer to each is known beforehand: the status, and how many decisions it acknowledges.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from bench.patients import Fixture

SUBJECT = {"reference": "Patient/test-1"}
BATCH_LINES = 3


@dataclass(frozen=True)
class Door:
    """`decisions`: how many an answer of `status` acknowledges; `named`: whether it names them in the header Indication-Record."""

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    decisions: int = 0
    named: bool = True


def _bundle(*resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": each} for each in resources]}


_PATIENT = {"resourceType": "Patient", "id": "test-1", "gender": "female", "birthDate": "1965-03-02"}
_CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "94222008"}]},
    "subject": SUBJECT,
}
_HOOK = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/p1", "patientId": "test-1"},
    "prefetch": {"patient": _PATIENT, "conditions": _bundle(_CONDITION, kind="searchset")},
}
_FORM = {
    "lesion0:id:value": "L2",
    "lesion0:lesion.site:value": "vertebra",
    "lesion0:lesion.level:value": "L2",
    "lesion0:pain.nrs:value": "8",
    "patient:recorded_at:day": "2026-11-23",
    "at": "2026-11-23T09:00:00+01:00",
}
_WHAT_IF = {**_FORM, "what-if": "lesion0:pain.nrs", "what|lesion0:pain.nrs:value": "2", "do": "what-if"}


def doors(fixtures: Sequence[Fixture], credential: str) -> list[Door]:
    """Those of every fixture in turn. `credential` may read the record and the metrics."""
    known = {"Authorization": f"Bearer {credential}"}

    def kind(content: str) -> dict[str, str]:
        return {"Content-Type": content, "Accept-Language": "fr"}

    form = kind("application/x-www-form-urlencoded")
    found = [
        Door("form", "POST", "/", urlencode(_FORM).encode(), form, decisions=1),
        Door("what-if", "POST", "/", urlencode(_WHAT_IF).encode(), form, decisions=2),
        Door(
            "fhir",
            "POST",
            f"/fhir/$recommend?at={quote(_FORM['at'])}",
            json.dumps(_bundle(_PATIENT, _CONDITION, kind="collection")).encode(),
            kind("application/fhir+json"),
            decisions=1,
        ),
        Door(
            "hook",
            "POST",
            "/cds-services/indication-patient-view",
            json.dumps(_HOOK).encode(),
            kind("application/json"),
            decisions=1,
        ),
        Door("record", "GET", "/v1/record", headers=known),
        Door("metrics", "GET", "/metrics", headers=known),
        Door("readyz", "GET", "/readyz"),
        Door("bad JSON", "POST", "/v1/recommendations", b'{"patient": ', kind("application/json"), status=400),
        Door(
            "bad value", "POST", "/v1/recommendations", b'{"patient": {"x": 1}}', kind("application/json"), status=422
        ),
    ]
    for fixture in fixtures:
        body, at = json.dumps(fixture.referral).encode(), quote(fixture.at.isoformat())
        found.append(Door("api", "POST", f"/v1/recommendations?at={at}", body, kind("application/json"), decisions=1))
    body, at = b"\n".join([json.dumps(fixtures[0].referral).encode()] * BATCH_LINES), fixtures[0].at.isoformat()
    found.append(
        Door(
            "batch",
            "POST",
            f"/v1/recommendations/batch?at={quote(at)}",
            body,
            kind("application/x-ndjson"),
            decisions=BATCH_LINES,
            named=False,
        )
    )
    return found
