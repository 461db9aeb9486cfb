"""Of whom a bundle speaks. Two patients in one bundle must never become one: an answer would mix their values."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.fhir.bundle import MAX_DEPTH

#: where a resource says of whom it is
_ABOUT = ("subject", "patient")


def patients(payload: Any, resources: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every patient named, each once, as «Patient/1». `payload` tells by which address a patient is called in it."""
    aliases = _aliases(payload)
    found = set()
    for resource in resources:
        if resource.get("resourceType") == "Patient":
            found.add(_own(resource))
        else:
            found |= {_called(resource.get(name), aliases) for name in _ABOUT}
    return frozenset(name for name in found if name)


def _own(patient: Mapping[str, Any]) -> str:
    name = patient.get("id")
    return f"Patient/{name}" if isinstance(name, str) and name else ""


def _aliases(payload: Any, depth: int = MAX_DEPTH) -> dict[str, str]:
    """The address of each patient's entry -> the patient."""
    entries = payload.get("entry") if isinstance(payload, Mapping) else None
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) and depth else ():
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, Mapping) and resource.get("resourceType") == "Bundle":
            found |= _aliases(resource, depth - 1)
        elif isinstance(resource, Mapping) and resource.get("resourceType") == "Patient":
            found[str(entry.get("fullUrl", ""))] = _own(resource)
    return found


def _called(reference: Any, aliases: Mapping[str, str]) -> str:
    text = reference.get("reference") if isinstance(reference, Mapping) else None
    if not isinstance(text, str):
        return ""
    if text in aliases:
        return aliases[text]
    # Relative or absolute, with or without a version: the type and the id stand side by side.
    words = text.split("/")
    if "Patient" in words[:-1]:
        return f"Patient/{words[words.index('Patient') + 1]}"
    return text if text.startswith("urn:") else ""
