"""The addresses of the door: discovery, the three services, feedback."""

import logging
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from service.audit.errors import NotRecorded
from service.decision import Language
from service.fhir.read import read
from service.language.vocabulary import Text
from service.referral.strict_json import canonical
from service.web import asked, decisions, record, store
from service.web.answering import identified
from service.web.cds import body, cards, clients, cors, discovery, errors, feedback, hook, orders, prefill, trust
from service.web.cds.clients import Client
from service.web.cds.decide import Sent, decided, gathered
from service.web.cds.errors import Fault, Refusal
from service.web.state import state
from service.web.unread import MOST_OF_STRANGERS, drain

log = logging.getLogger(__name__)

blueprint = Blueprint("cds", __name__)

PATH = "/cds-services"
_OTHER_METHODS = ("GET", "PUT", "PATCH", "DELETE")
#: without both of these nothing can be said
NEEDED = ("patient", "conditions")


@blueprint.errorhandler(trust.Refusal)
def not_let_in(refusal: trust.Refusal) -> Response:
    drain(MOST_OF_STRANGERS)
    return refusal.response()


@blueprint.errorhandler(Exception)
def told(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return error
    return errors.respond(errors.of(error), asked.language())


def register(app: Flask) -> None:
    for name, value in clients.settings().items():
        app.config.setdefault(name, value)
    clients.register(app)
    cors.register(app)
    app.register_blueprint(blueprint)


# ---- addresses -------------------------------------------------------------------------------------------------------


@blueprint.get(PATH)
def discover() -> Response:
    client = _client()
    language = _language(client)
    return _answer(discovery.discovered(client.hooks, state().desk().decider.rulebook.vocabulary, language), language)


@blueprint.post(f"{PATH}/<service_id>")
def call(service_id: str) -> Response:
    service, client = _service(service_id)
    language = _language(client)
    sent = hook.read(body.sent(), service)
    found = _cards(sent, service, client, language)
    decisions.beside(cards=[card["uuid"] for card in found])
    return identified(_answer({"cards": found}, language), state().desk().decider.rulebook)


@blueprint.post(f"{PATH}/<service_id>/feedback")
def take_feedback(service_id: str) -> Response:
    service, client = _service(service_id)
    entries = feedback.read(body.sent(), keep_comments=client.keep_comments)
    try:
        record.current().feedback(client.name, service.id, entries)
    except NotRecorded as error:
        log.error("feedback cannot be kept: %s", str(error))  # noqa: TRY400 - the message says all, and nothing of a patient
        raise Refusal("not-ready", headers={"Retry-After": "5"}) from None
    return _answer({}, _language(client))


@blueprint.route(PATH, methods=("POST", "PUT", "PATCH", "DELETE"), endpoint="not_on_discovery")
def not_on_discovery() -> Response:
    raise Refusal("method-not-allowed", headers={"Allow": "GET, HEAD, OPTIONS"})


@blueprint.route(f"{PATH}/<service_id>", methods=_OTHER_METHODS, endpoint="not_on_service")
@blueprint.route(f"{PATH}/<service_id>/feedback", methods=_OTHER_METHODS, endpoint="not_on_feedback")
def not_on_service(service_id: str) -> Response:
    if service_id not in discovery.SERVICES:
        raise Refusal("not-found")
    raise Refusal("method-not-allowed", headers={"Allow": "OPTIONS, POST"})


@blueprint.route(f"{PATH}/<path:rest>", methods=(*_OTHER_METHODS, "POST"), endpoint="nowhere")
def nowhere(rest: str) -> Response:  # noqa: ARG001 - Flask hands over what the address says
    raise Refusal("not-found")


# ---- who asks --------------------------------------------------------------------------------------------------------


def _client(wanted: str | None = None) -> Client:
    return trust.authenticate(request, clients.current(), store.current(), request.base_url, wanted)


def _service(service_id: str) -> tuple[discovery.Service, Client]:
    """The service at this address, and the client, who may use it."""
    service = discovery.SERVICES.get(service_id)
    client = _client(None if service is None else service.hook)
    if service is None:
        raise Refusal("not-found")
    return service, client


def _language(client: Client) -> Language:
    return client.language or asked.language()


def _answer(value: Any, language: str) -> Response:
    # A text of the sender's may hold half of a surrogate pair, which UTF-8 cannot.
    response = Response(canonical(value).encode("utf-8", "replace"), content_type="application/json")
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response


# ---- what is said ----------------------------------------------------------------------------------------------------


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def seed() -> str:
    """What nobody can guess."""
    return secrets.token_hex(16)


def _cards(sent: hook.Call, service: discovery.Service, client: Client, language: Language) -> list[cards.Card]:
    on_orders = "draftOrders" in service.context
    requests = orders.requests(sent.selected)
    if on_orders and not client.referral_codes:
        requests = tuple(filter(orders.may_be_ours, requests))
    if on_orders and not requests:
        return []
    named = any(orders.configured(each, client.referral_codes) for each in requests)
    desk, at = state().desk(), now()
    rulebook = desk.decider.rulebook
    data = gathered(sent.prefetch, _subject(sent.patient), requests)
    if on_orders and client.referral_codes and not named:
        requests = tuple(
            each
            for each in requests
            if read(orders.reasons(each, data.resources), rulebook, at, drafts=[each]).concerned
        )
        if not requests:
            return []
    _needs(data)
    reading = read(data.resources, rulebook, at, drafts=requests, partial=data.partial)
    if not (reading.concerned or named):
        return []
    decision = decided(desk, reading, at, language, "cds-hooks")
    names = seed()
    # In the content, which an erasure takes away.
    decisions.beside(cards_named_from=names)
    return cards.cards(
        cards.Material(
            answer=decision.answer,
            referral=decision.referral,
            origins=reading.origins,
            unused=(*data.faults, *decision.unused),
            language=language,
            seed=names,
            subject=_subject(sent.patient),
            reasons=list(dict.fromkeys(ref for each in requests for ref in orders.reason_references(each))),
            source=_base(client),
            form=prefill.link(_base(client), decision.referral, language) if client.prefill else "",
            ordered=orders.ordered(requests, rulebook) if service.hook == "order-sign" else None,
        )
    )


def _needs(data: Sent) -> None:
    """Raises Refusal when there is neither a patient nor an answer about conditions."""
    if data.patient or data.conditions:
        return
    faults = [
        Fault(
            Text(
                f"La clé de prefetch « {key} » manque ou n’est pas utilisable (il faut l’une des deux).",
                f"The prefetch key «{key}» is missing or cannot be used (one of the two is needed).",
            ),
            f"prefetch.{key}",
        )
        for key in NEEDED
    ]
    raise Refusal("missing-prefetch", faults=faults)


def _subject(patient: str) -> str:
    return patient if "/" in patient else f"Patient/{patient}"


def _base(client: Client) -> str:
    """Where the EHR knows this service to be."""
    told: str = client.base or current_app.config.get("PUBLIC_URL") or request.url_root
    return told.rstrip("/")
