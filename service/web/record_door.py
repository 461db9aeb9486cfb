"""The record over HTTP, for whoever has the role read_record: one record, the same decision made again, the end of the chain."""

import re

from flask import Blueprint, Response, current_app, request

from service.audit.attached import feedback_on
from service.audit.errors import NotKnown
from service.audit.export import parts
from service.audit.record import Row
from service.audit.store import Record
from service.bundle.errors import BundleError
from service.bundle.kept import unpacked
from service.decision import Decider
from service.language.vocabulary import Text
from service.referral.strict_json import parse
from service.replay import NotReplayable, replay
from service.web import asked, record
from service.web.answering import json_response
from service.web.api import MAX_BODY, body_of, takes_json
from service.web.problem import Problem
from service.web.state import state

blueprint = Blueprint("record", __name__, url_prefix="/v1/record")

LAST = "indication-last-replayed"
_ID = re.compile(r"[0-9a-f]{32}\Z")
_NO_RECORD = Text(
    "Aucun enregistrement de cet identifiant ; l’en-tête Indication-Record d’une réponse donne le sien.",
    "No record of this id; the header Indication-Record of an answer gives its own.",
)
_OFF = Text(
    "Ce service ne consigne rien (audit.store vaut « off »).", "This service records nothing (audit.store: off)."
)


@blueprint.get("")
def end() -> Response:
    """Where the chain ends now. Written down elsewhere, it is an anchor for `flask audit verify`."""
    asked.only()
    kept = _kept()
    return json_response({"head": str(kept.head()), "waiting": kept.waiting()}, ["en"])


@blueprint.get("/<name>")
def one(name: str) -> Response:
    """A record with its content, null when that was erased, and the feedback on its cards."""
    asked.only()
    kept = _kept()
    row = _row(kept, name)
    feedback = [parts(each, with_content=True) for each in feedback_on(kept, [row])]
    return json_response({**parts(row, with_content=True), "feedback": feedback}, ["en"])


@blueprint.post("/<name>/replay")
def again(name: str) -> Response:
    """The decision made again with the rules of then. The body is the referral, where the record keeps only its digest."""
    asked.only()
    kept = _kept()
    told = parts(_row(kept, name), with_content=True)
    referral = None
    if request.content_length or request.headers.get("Transfer-Encoding"):
        takes_json()
        referral = parse(body_of(MAX_BODY))
    try:
        if told["kind"] != "decision":
            raise NotReplayable(f"no decision, but of the kind «{told['kind']}»")
        if told["content"] is None:
            raise NotReplayable("its content was erased; the chain holds its digest only")
        found = replay(told["line"], told["content"], _decider(kept, told["line"]["rulebook"]), referral)
    except (NotReplayable, BundleError, NotKnown) as error:
        raise Problem(
            "not-replayable", detail=Text(f"Décision non rejouable : {error}.", f"Not replayable: {error}.")
        ) from None
    return json_response(
        {
            "id": name,
            "same": found.same,
            "differences": list(found.differences),
            "engine": {"recorded": found.recorded_engine, "now": found.engine},
            "answer_digest": {"recorded": found.recorded_digest, "now": found.digest},
            "answer": found.answer,
        },
        ["en"],
    )


def _kept() -> Record:
    found = record.current().record
    if found is None:
        raise Problem("not-found", detail=_OFF)
    return found


def _row(kept: Record, name: str) -> Row:
    try:
        if _ID.match(name):
            return kept.get(name)
    except NotKnown:
        pass
    raise Problem("not-found", detail=_NO_RECORD)


def _decider(kept: Record, digest: str) -> Decider:
    """That of the rules in service when they are the ones, else one over the rules as they were kept: built once, the last only."""
    here = state().desk().decider
    if here.rulebook.digest == digest:
        return here
    last: Decider | None = current_app.extensions.get(LAST)
    if last is None or last.rulebook.digest != digest:
        last = current_app.extensions[LAST] = Decider(unpacked(kept.rulebook(digest), digest))
    return last
