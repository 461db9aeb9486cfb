"""What became of cards: kept as it comes, once, and without the words of whoever wrote them unless a site asks for them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.language.vocabulary import Text
from service.web.cds.errors import Fault, Refusal

OUTCOMES = ("accepted", "overridden")
MOST_ENTRIES = 200
LONGEST = 200
LONGEST_COMMENT = 1000
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})\Z")


def read(body: Any, *, keep_comments: bool = False) -> list[dict[str, Any]]:
    """The entries of a feedback, as they are kept. Raises Refusal with every fault at once."""
    entries = body.get("feedback") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_ENTRIES:
        raise Refusal(
            "bad-request",
            faults=[
                _fault(
                    "feedback",
                    f"il faut une liste de 1 à {MOST_ENTRIES} éléments",
                    f"a list of 1 to {MOST_ENTRIES} entries is needed",
                )
            ],
        )
    faults: list[Fault] = []
    kept = [_entry(entry, f"feedback[{at}]", faults, keep_comments) for at, entry in enumerate(entries)]
    if faults:
        raise Refusal("bad-request", faults=faults[:20])
    return kept


def _entry(entry: Any, where: str, faults: list[Fault], keep_comments: bool) -> dict[str, Any]:
    if not isinstance(entry, dict):
        faults.append(_fault(where, "il faut un objet JSON", "a JSON object is needed"))
        return {}
    kept: dict[str, Any] = {}
    # Another text could name a patient, and what is recorded of a card stays for ever.
    if isinstance(card := entry.get("card"), str) and _UUID.match(card):
        kept["card"] = card.lower()
    else:
        faults.append(_fault(f"{where}.card", "l’uuid de la carte est nécessaire", "the card's uuid is needed"))
    outcome = entry.get("outcome")
    if outcome in OUTCOMES:
        kept["outcome"] = outcome
    else:
        listed = ", ".join(OUTCOMES)
        faults.append(_fault(f"{where}.outcome", f"acceptés : {listed}", f"accepted: {listed}"))
    if _timestamp(at := entry.get("outcomeTimestamp")):
        kept["outcomeTimestamp"] = at
    else:
        faults.append(
            _fault(
                f"{where}.outcomeTimestamp",
                "il faut une date, une heure et un fuseau (RFC 3339)",
                "a date, a time and a zone are needed (RFC 3339)",
            )
        )
    if outcome == "accepted":
        kept |= _accepted(entry.get("acceptedSuggestions"), where, faults)
    elif outcome == "overridden":
        kept |= _overridden(entry.get("overrideReason"), where, faults, keep_comments)
    return kept


def _accepted(given: Any, where: str, faults: list[Fault]) -> dict[str, Any]:
    ids = [each.get("id") if isinstance(each, dict) else None for each in given] if isinstance(given, list) else []
    if not ids or not all(map(_short, ids)):
        faults.append(
            _fault(
                f"{where}.acceptedSuggestions",
                "les uuid des suggestions acceptées sont nécessaires",
                "the uuids of the accepted suggestions are needed",
            )
        )
        return {}
    return {"acceptedSuggestions": [{"id": each} for each in ids[:MOST_ENTRIES]]}


def _overridden(given: Any, where: str, faults: list[Fault], keep_comments: bool) -> dict[str, Any]:
    """A reason need not be given; given, it must be one."""
    if given is None or given == {}:
        return {}
    where = f"{where}.overrideReason"
    if not isinstance(given, dict):
        faults.append(_fault(where, "il faut un objet JSON", "a JSON object is needed"))
        return {}
    kept: dict[str, Any] = {}
    reason, comment = given.get("reason"), given.get("userComment")
    if isinstance(reason, Mapping) and _short(reason.get("code")):
        system = reason.get("system")
        kept["reason"] = {"code": reason["code"]} | ({"system": system} if _short(system) else {})
    elif reason is not None:
        faults.append(_fault(f"{where}.reason", "il faut un code et son système", "a code and its system are needed"))
    if isinstance(comment, str):
        if keep_comments and comment:
            kept["userComment"] = comment[:LONGEST_COMMENT]
    elif comment is not None:
        faults.append(_fault(f"{where}.userComment", "il faut un texte", "a text is needed"))
    return {"overrideReason": kept} if kept else {}


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST


def _timestamp(value: Any) -> bool:
    if not isinstance(value, str) or not _TIMESTAMP.match(value):
        return False
    try:
        # Python reads six digits of a second; more are legal, and tell nothing.
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValueError:
        return False
    return True


def _fault(where: str, fr: str, en: str) -> Fault:
    return Fault(Text(f"{where} : {fr}", f"{where}: {en}"), where)
