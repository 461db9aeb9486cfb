"""One call as an AuditEvent, for sites that keep their audit in FHIR. No clinical value, no patient stands in it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from service.fhir.frame import Resource, filled

Outcome: TypeAlias = Literal["success", "refused", "failed"]

_OUTCOMES: Mapping[str, str] = {"success": "0", "refused": "4", "failed": "8"}
_STAMP = ("rulebook", "engine_version", "evaluated_at", "input_digest", "language")


def audit_event(stamp: Mapping[str, Any], client: str, outcome: Outcome, *, recorded: datetime) -> Resource:
    """`stamp` is an answer, or the part of it that identifies it. `recorded` is when the call was made."""
    details = [{"type": name, "valueString": text} for name, text in _identified(stamp)]
    event = {
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "operation"}],
        "action": "E",
        "recorded": recorded.isoformat(),
        "outcome": _OUTCOMES[outcome],
        "agent": [{"who": {"display": client}, "requestor": True}],
        "source": {"observer": {"display": "Indication"}},
        "entity": [{"what": {"display": "recommendation"}, "detail": details}],
    }
    written: Resource = filled(event)
    return written


def audited_entry(bundle: Resource, event: Resource) -> Resource:
    """The event as an entry of the bundle it tells of, named after both."""
    name = str(uuid.uuid5(uuid.UUID(bundle["id"]), event["recorded"]))
    return {"fullUrl": f"urn:uuid:{name}", "resource": {**event, "id": name}}


def _identified(stamp: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What names the rules and the answer, in a fixed order; everything else in `stamp` is left out."""
    found = []
    for name in _STAMP:
        value = stamp.get(name)
        if isinstance(value, Mapping):
            found += [(f"{name}-{key}", str(value[key])) for key in ("name", "version", "status", "digest")]
        elif value is not None:
            found.append((name.replace("_", "-"), str(value)))
    return found
