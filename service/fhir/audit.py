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


def recorded_event(record: Mapping[str, Any]) -> Resource:
    """A record of the audit record as an AuditEvent: `record` as service.audit.export writes it, without its content."""
    line = record["line"]
    known = (
        "rulebook",
        "version",
        "engine",
        "evaluated_at",
        "language",
        "detail",
        "door",
        "request",
        "card",
    )
    details = [
        {"type": "sequence", "valueString": str(record["seq"])},
        {"type": "hash", "valueString": record["hash"]},
        *({"type": name.replace("_", "-"), "valueString": str(line[name])} for name in known if line.get(name)),
    ]
    event = {
        "resourceType": "AuditEvent",
        "id": str(uuid.UUID(record["id"])),
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "operation"}],
        "action": "D" if record["kind"] == "erasure" else "E",
        "recorded": record["at"],
        "outcome": _OUTCOMES["success"],
        "agent": [{"who": {"display": str(line.get("client") or line.get("by") or "unknown")}, "requestor": True}],
        "source": {"observer": {"display": "Indication"}},
        "entity": [{"what": {"display": record["kind"]}, "detail": details}],
    }
    written: Resource = filled(event)
    return written
