"""An EHR as it behaves towards a CDS service: it has a key, signs every call anew, and fills templates from its own data."""

import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.ehr.fhir_server import target

SECONDS = 30
SELECT, SIGN, VIEW = "indication-order-select", "indication-order-sign", "indication-patient-view"
HOOKS = {SELECT: "order-select", SIGN: "order-sign", VIEW: "patient-view"}
DISCOVERY = "/cds-services"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """One call over loopback, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Ehr:
    """`base` is where it knows the service to be; its calls arrive at `service`, as through a proxy. `fhir` is its own data."""

    name: str
    issuer: str
    base: str
    algorithm: str
    key: ECKey | RSAKey
    service: int
    fhir: int
    origin: str | None = None

    @property
    def kid(self) -> str:
        return f"{self.name}-1"

    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(self, path: str, **claims: Any) -> str:
        now = int(time.time())
        whole = {
            "iss": self.issuer,
            "aud": self.base + path,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        } | claims
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}
        return jwt.encode(header, whole, self.key, algorithms=[self.algorithm])

    def headers(self, path: str, token: str | None = None) -> dict[str, str]:
        found = {
            "Authorization": f"Bearer {token or self.token(path)}",
            "Content-Type": "application/json",
            "Accept-Language": "en",
        }
        return {**found, "Origin": self.origin} if self.origin else found

    def call(self, path: str, body: Any = None, token: str | None = None) -> Reply:
        """GET without a body, else POST."""
        sent = None if body is None else json.dumps(body).encode()
        return ask(self.service, "GET" if sent is None else "POST", path, sent, self.headers(path, token))

    def preflight(self, path: str, method: str, origin: str | None) -> Reply:
        """What a browser asks before the call; it never sends a token with it."""
        headers = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        return ask(self.service, "OPTIONS", path, None, {**headers, **({"Origin": origin} if origin else {})})

    def discovered(self) -> dict[str, dict[str, Any]]:
        reply = self.call(DISCOVERY)
        assert reply.status == 200
        return {each["id"]: each for each in reply.json()["services"]}

    def prefetched(self, service: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """Each template answered by this EHR's own FHIR server."""
        known = {name: value for name, value in context.items() if isinstance(value, str)}
        found = {}
        for key, template in service["prefetch"].items():
            reply = ask(self.fhir, "GET", target(template, known))
            assert reply.status == 200, (key, reply.status, reply.body[:300])
            found[key] = reply.json()
        return found

    def fire(self, service: Mapping[str, Any], context: Mapping[str, Any], **changed: Any) -> Reply:
        """A hook fires: prefetch, then the call. A field that is None is left out."""
        body = {
            "hook": service["hook"],
            "hookInstance": str(uuid.uuid4()),
            "context": context,
            "prefetch": self.prefetched(service, context),
        } | changed
        body = {name: value for name, value in body.items() if value is not None}
        return self.call(f"{DISCOVERY}/{service['id']}", body)


def viewing(patient: str) -> dict[str, Any]:
    return {"userId": "Practitioner/test-practitioner", "patientId": patient}


def signing(patient: str, *drafts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **viewing(patient),
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": each} for each in drafts]},
    }


def selecting(patient: str, *drafts: Mapping[str, Any]) -> dict[str, Any]:
    """Every draft is selected."""
    selections = [f"{each['resourceType']}/{each['id']}" for each in drafts]
    return {**signing(patient, *drafts), "selections": selections}


def request_for(patient: str, text: str = "Specialist opinion", **more: Any) -> dict[str, Any]:
    """A referral while it is being drafted."""
    return {
        "resourceType": "ServiceRequest",
        "id": "test-draft",
        "status": "draft",
        "intent": "order",
        "code": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }
