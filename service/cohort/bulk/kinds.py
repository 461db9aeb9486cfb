"""Which resources are read, of whom each is, and which other ones it refers to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from service.fhir.elements import part, present, reference, text

#: what the reading of a record looks at (service/fhir/read.py); everything else is only counted
KINDS: Final = frozenset(
    {
        "AllergyIntolerance",
        "Condition",
        "Device",
        "DeviceUseStatement",
        "Medication",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Patient",
        "Procedure",
        "ServiceRequest",
    }
)
PERSON: Final = "Patient"
#: these alone can tell of a lesion
TELLING: Final = frozenset({PERSON, "Condition", "ServiceRequest"})
#: these may belong to nobody, and are looked up by those who refer to them
SHARED: Final = frozenset({"Medication", "Device"})
#: where a resource refers to one of them -> its kind
_REFERS: Final = {"medicationReference": "Medication", "device": "Device"}
_FROM: Final = {
    "MedicationRequest": "medicationReference",
    "MedicationStatement": "medicationReference",
    "DeviceUseStatement": "device",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: kind and id
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Owner:
    """The patient whom a resource is about, None when it names none; `server` when it names one by a full address."""

    patient: str | None
    server: str | None = None
    #: it says of whom it is, and that is no patient: a group, a place, a device
    other: bool = False


def owner_of(resource: Mapping[str, Any], aliases: Mapping[str, str]) -> Owner:
    """`aliases`: addresses of patients within one Bundle -> their ids."""
    if resource.get("resourceType") == PERSON:
        return Owner(identifier(resource))
    said = resource.get("subject")
    said = said if present(said) else resource.get("patient")
    address = text(part(said).get("reference"))
    if address is not None and address in aliases:
        return Owner(aliases[address])
    target = reference(said)
    if target is None:
        return Owner(None)
    kind, name = target
    # A urn says no type: it is the patient of that id, if there is one.
    if kind not in (PERSON, None):
        return Owner(None, other=True)
    return Owner(name if writable(name) else None, _server(address or ""))


def _server(address: str) -> str | None:
    base, parted, _ = address.rpartition(f"/{PERSON}/")
    return base.rstrip("/").casefold() if parted and "://" in base else None


def identifier(resource: Mapping[str, Any]) -> str | None:
    """The resource's own id, None when it has none that can be written down."""
    name = resource.get("id")
    return name if isinstance(name, str) and name and writable(name) else None


def writable(name: str) -> bool:
    """Half of a surrogate pair is JSON, and no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def referred(resource: Mapping[str, Any]) -> Iterator[Key]:
    """The shared resources that are looked up for this one."""
    where = _FROM.get(str(resource.get("resourceType")))
    target = reference(resource.get(where)) if where else None
    if where and target and target[0] in (_REFERS[where], None) and writable(target[1]):
        yield _REFERS[where], target[1]


def updated(resource: Mapping[str, Any]) -> int | None:
    """When the server last changed it, in microseconds since 1970; None when that is not said, or not as an instant."""
    said = text(part(resource, "meta").get("lastUpdated"))
    try:
        moment = datetime.fromisoformat(said or "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment - _EPOCH) // timedelta(microseconds=1)
