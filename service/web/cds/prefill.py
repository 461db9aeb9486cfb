"""The form, already filled: opened once, through an address that says nothing of the patient."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from service.language.vocabulary import Text
from service.referral.strict_json import canonical
from service.web import store
from service.web.form import pages

log = logging.getLogger(__name__)

PATH = "/cds/form"
TTL_SECONDS = 30 * 60.0

_FILLED = Text(
    "Formulaire prérempli d’après le dossier. Vérifier chaque valeur ; ce qui n’a pas pu être lu est resté vide.",
    "Filled in from the record. Check each value; what could not be read is left blank.",
)
_GONE = Text(
    "Ce lien a déjà servi, ou a expiré : revenir au dossier et l’y demander à nouveau. Le formulaire ci-dessous est vide.",
    "This link was used already, or has expired: go back to the record and ask for it again. The form below is blank.",
)


def link(base: str, referral: Mapping[str, Any], language: str) -> str:
    """The address under which the form waits; "" when it cannot: a card without a link is still a card."""
    body = canonical({"referral": referral, "language": language}).encode("utf-8", "replace")
    try:
        return f"{base}{PATH}/{store.current().ticket_put(body, TTL_SECONDS)}"
    except (store.Full, sqlite3.Error, OSError):
        log.exception("a form cannot be kept waiting")
        return ""


@pages.blueprint.get(f"{PATH}/<ticket>")
def prefilled(ticket: str) -> BaseResponse:
    """Whoever has the address has it once: the page keeps what it was given, and this service does not."""
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        # Something looks ahead; the clinician has not opened it.
        return Response(status=204)
    body = store.current().ticket_take(ticket)
    if body is None:
        return pages.filled(None, None, _GONE, status=410)
    kept = json.loads(body)
    return pages.filled(kept["referral"], kept["language"], _FILLED)
