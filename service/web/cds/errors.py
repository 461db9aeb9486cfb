"""What an EHR is told when it gets no cards: a FHIR OperationOutcome, never a word of the patient or of our inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response
from werkzeug.exceptions import HTTPException

from service.audit.errors import NotRecorded
from service.fhir.outcome import issue, of_issues
from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.referral.strict_json import canonical
from service.web import refusals
from service.web.problem import Problem
from service.web.state import NotReady


@dataclass(frozen=True, slots=True)
class Kind:
    """`code` is FHIR's word for it (IssueType)."""

    status: int
    code: str
    text: Text


KINDS: Mapping[str, Kind] = {
    "malformed-json": Kind(
        400,
        "structure",
        Text("Le corps de la requête n’est pas du JSON utilisable.", "The body of the request is not usable JSON."),
    ),
    "bad-request": Kind(400, "invalid", Text("La requête n’est pas utilisable.", "The request cannot be used.")),
    "not-allowed": Kind(
        403,
        "forbidden",
        Text("Ce service n’est pas ouvert à ce client.", "This service is not open to this client."),
    ),
    "not-found": Kind(
        404,
        "not-found",
        Text("Aucun service à cette adresse ; voir /cds-services.", "No service at this address; see /cds-services."),
    ),
    "method-not-allowed": Kind(
        405,
        "not-supported",
        Text("L’en-tête Allow donne les méthodes acceptées.", "The Allow header lists the methods accepted."),
    ),
    "missing-prefetch": Kind(
        412,
        "required",
        Text(
            "Ni le patient ni ses affections ne sont utilisables : envoyer au moins une de ces clés de prefetch.",
            "Neither the patient nor the conditions are usable: send at least one of these prefetch keys.",
        ),
    ),
    "too-large": Kind(413, "too-long", Text("Un appel tient en 5 Mo.", "A call is at most 5 MB.")),
    "unsupported-media-type": Kind(
        415,
        "not-supported",
        Text("Il faut application/json, sans compression.", "application/json is needed, uncompressed."),
    ),
    "not-usable": Kind(
        422,
        "processing",
        Text(
            "Les données reçues ne font pas une demande utilisable.", "What was sent does not make a usable referral."
        ),
    ),
    "failed": Kind(
        500,
        "exception",
        Text(
            "Aucune réponse n’est donnée. Prévenir l’exploitant du service.",
            "No answer is given. Tell whoever runs the service.",
        ),
    ),
    "not-ready": Kind(
        503, "transient", Text("Service non prêt : réessayer plus tard.", "Service not ready: try again later.")
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend, and where it is (FHIRPath of the request)."""

    text: Text
    expression: str


class Refusal(Exception):
    """No cards. `kind` is a key of KINDS."""

    def __init__(self, kind: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


_HTTP = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


def of(error: Exception) -> Refusal:
    """The refusal that an exception becomes; what is our own fault is logged and counted as everywhere else."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotReady):
        return Refusal("not-ready", headers={"Retry-After": "30"})
    if isinstance(error, NotRecorded):
        return Refusal("not-ready", headers={"Retry-After": "5"})
    if isinstance(error, ReferralError):
        return Refusal("not-usable")
    if isinstance(error, Problem) and error.status == 503:
        return Refusal("not-ready", headers=error.headers)
    if isinstance(error, HTTPException) and error.code in _HTTP:
        return Refusal(_HTTP[error.code])
    refusals.refusal(error)
    return Refusal("failed")


def respond(refusal: Refusal, language: str) -> Response:
    kind = KINDS[refusal.kind]
    severity = "fatal" if refusal.kind == "failed" else "error"
    issues = [
        issue(severity, kind.code, fault.text.in_(language), expression=fault.expression) for fault in refusal.faults
    ] or [issue(severity, kind.code, kind.text.in_(language))]
    body = canonical(of_issues(issues)).encode("utf-8", "replace")
    response = Response(body, kind.status, content_type="application/fhir+json")
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    response.headers.extend(refusal.headers)
    return response
