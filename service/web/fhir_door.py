"""The FHIR door: a patient's resources in one Bundle, an answer in another. Stateless, and it fetches nothing.

It decides nothing either: service.fhir reads and writes, service.decision decides.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service import ENGINE_VERSION
from service.decision import Language
from service.fhir import bundle
from service.fhir.frame import filled, legal_id
from service.fhir.outcome import issue, of_issues, operation_outcome
from service.fhir.plan import capability_statement
from service.fhir.read import Reading, read
from service.fhir.subject import patients
from service.fhir.write import audit_event, audited_entry, guidance_bundle, plan_definition
from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.referral.strict_json import canonical
from service.rulebook.model import Rulebook
from service.web import asked, refusals, store
from service.web.answering import identified
from service.web.cds import body, clients, errors, trust
from service.web.cds.decide import decided
from service.web.problem import Problem
from service.web.state import state
from service.web.unread import MOST_OF_STRANGERS, drain

blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")

FHIR_JSON = "application/fhir+json"
#: every address answers every method, if only to refuse it: the refusal too is FHIR
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

_ISSUE_CODES = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
}

_NOT_A_BUNDLE = Text(
    "Il faut un Bundle FHIR R4 des ressources d’un patient.", "A FHIR R4 Bundle of one patient’s resources is needed."
)
_SEVERAL = Text(
    "Ce Bundle parle de plusieurs patients : en envoyer un par patient. Rien n’a été évalué.",
    "This Bundle speaks of several patients: send one for each. Nothing was evaluated.",
)
_NOT_CONCERNED = Text(
    "Aucune métastase osseuse dans ce Bundle : ce référentiel ne concerne pas ce patient, ou la lésion n’y est pas codée. "
    "Rien n’a été évalué.",
    "No bone metastasis in this Bundle: this rulebook does not concern the patient, or the lesion is not coded in it. "
    "Nothing was evaluated.",
)
_NOTHING_HERE = Text("Rien à cette adresse ; voir /fhir/metadata.", "Nothing at this address; see /fhir/metadata.")


class NotUsable(Exception):
    """A bundle that was read and of which nothing can be said. `issues` says why."""

    def __init__(self, issues: list[dict[str, Any]], status: int = 422) -> None:
        super().__init__("not usable")
        self.issues = issues
        self.status = status


@blueprint.route("/$recommend", methods=METHODS)
def recommend() -> Response:
    _only("POST")
    client = trust.authenticate(request, clients.current(), store.current(), request.path)
    g.fhir_language = language = client.language or asked.language()
    asked.only("at", "audit")
    at, audited = asked.moment(), asked.one_of("audit", ("0", "1")) == "1"
    desk = state().desk()
    rulebook = desk.decider.rulebook

    payload = body.sent()
    if not isinstance(payload, dict) or payload.get("resourceType") != "Bundle":
        raise NotUsable([issue("error", "structure", _NOT_A_BUNDLE.in_(language))], 400)
    reading, subject = _read(payload, rulebook, at, language)
    try:
        decision = decided(desk, reading, at, language, "fhir")
    except ReferralError as error:
        issues = [issue("error", "processing", complaint.text.in_(language)) for complaint in error.complaints]
        raise NotUsable(issues) from None
    written = guidance_bundle(
        decision.answer,
        replace(reading, unused=decision.unused),
        subject,
        rulebook=rulebook,
        module_url=_module(rulebook, client.base),
        language=language,
    )
    if audited:
        now = datetime.now(UTC).replace(microsecond=0)
        written["entry"].append(
            audited_entry(written, audit_event(decision.answer, client.name, "success", recorded=now))
        )
    return _respond(written, language, rulebook)


@blueprint.route("/PlanDefinition/<name>", methods=METHODS)
def plan(name: str) -> Response:
    _only("GET")
    asked.only()
    rulebook, language = state().desk().decider.rulebook, asked.language()
    if name != legal_id(rulebook.info.name):
        _nothing_here()
    return _respond(plan_definition(rulebook, language, _module(rulebook)), language, rulebook)


@blueprint.route("/metadata", methods=METHODS)
def metadata() -> Response:
    _only("GET")
    asked.only()
    rulebook, language = state().desk().decider.rulebook, asked.language()
    statement = capability_statement(rulebook, language, _module(rulebook), ENGINE_VERSION)
    return _respond(statement, language, rulebook)


@blueprint.route("/", defaults={"rest": ""}, methods=METHODS)
@blueprint.route("/<path:rest>", methods=METHODS)
def elsewhere(**_rest: str) -> Response:
    _nothing_here()


@blueprint.errorhandler(Exception)
def refused(error: Exception) -> Response:
    """Whatever goes wrong here is told as an OperationOutcome, and logged as everywhere else."""
    language = g.get("fhir_language") or asked.language()
    match error:
        case trust.Refusal():
            drain(MOST_OF_STRANGERS)
            return error.response()
        case errors.Refusal():
            return errors.respond(error, language)
        case NotUsable():
            return _respond(filled(of_issues(error.issues)), language, status=error.status)
        case HTTPException() if error.code is None or error.code < 400:
            return Response(error.get_response().get_data(), error.code, error.get_headers())
    found = refusals.refusal(error)
    response = _respond(_told(found, language), language, status=found.status)
    response.headers.extend(found.headers)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _read(payload: dict[str, Any], rulebook: Rulebook, at: datetime, language: Language) -> tuple[Reading, str | None]:
    """What the bundle says, and of whom. Raises NotUsable when it speaks of several patients, or not of our concern."""
    sent = bundle.resources_of(payload)
    named = patients(payload, sent.resources)
    if len(named) > 1:
        raise NotUsable([issue("error", "multiple-matches", _SEVERAL.in_(language))])
    reading = read(sent.resources, rulebook, at, partial=sent.partial)
    if not reading.concerned:
        raise NotUsable([issue("error", "business-rule", _NOT_CONCERNED.in_(language))])
    return replace(reading, unused=(*sent.faults, *reading.unused)), next(iter(named), None)


def _told(found: Problem, language: str) -> dict[str, Any]:
    code = _ISSUE_CODES.get(found.status, "invalid" if found.status < 500 else "exception")
    if found.status == 503:
        code = "transient"
    severity = "fatal" if code == "exception" else "error"
    faults = [
        issue("error", code, fault.text.in_(language), about=fault.parameter or fault.pointer) for fault in found.faults
    ]
    return of_issues(faults) if faults else operation_outcome(severity, code, found.detail.in_(language))


def _module(rulebook: Rulebook, base: str | None = None) -> str:
    """The address of the PlanDefinition, where the client knows this service to be."""
    root: str = base or current_app.config.get("PUBLIC_URL") or request.url_root
    return f"{root.rstrip('/')}/fhir/PlanDefinition/{legal_id(rulebook.info.name)}"


def _respond(resource: dict[str, Any], language: str, rulebook: Rulebook | None = None, status: int = 200) -> Response:
    # What the sender wrote may hold half of a surrogate pair, which UTF-8 cannot.
    told = canonical(resource).encode("utf-8", "replace")
    response = Response(told, status, content_type=FHIR_JSON)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response if rulebook is None else identified(response, rulebook)


def _only(method: str) -> None:
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        raise MethodNotAllowed(["OPTIONS", *([method, "HEAD"] if method == "GET" else [method])])


def _nothing_here() -> NoReturn:
    raise Problem("not-found", detail=_NOTHING_HERE)
