"""FHIR R4 resources of one patient -> a referral. Whatever cannot be read for certain is unknown, and listed with the reason."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.fhir.allergies import read_allergy
from service.fhir.codebook import codebook_of
from service.fhir.conditions import read_condition
from service.fhir.devices import read_device, read_device_use
from service.fhir.elements import present, reference
from service.fhir.lesions import settle_lesions
from service.fhir.medications import read_medication
from service.fhir.observations import read_observation
from service.fhir.patient import read_patient
from service.fhir.procedures import read_procedure
from service.fhir.requests import read_request
from service.fhir.settle import settle_lists, settle_values
from service.fhir.unused import Unused
from service.fhir.work import Source, Work
from service.rulebook.model import Rulebook

Reader = Callable[[Source, Work], None]

#: read before the lesions are known, and after. Requests place lesions, and so come between.
_BEFORE: Mapping[str, Reader] = {
    "Patient": read_patient,
    "Condition": read_condition,
    "MedicationRequest": read_medication,
    "MedicationStatement": read_medication,
    "AllergyIntolerance": read_allergy,
    "Device": read_device,
    "DeviceUseStatement": read_device_use,
}
_AFTER: Mapping[str, Reader] = {"Observation": read_observation, "Procedure": read_procedure}
#: looked up by reference only
_LOOKED_UP = ("Medication",)
_REQUEST = "ServiceRequest"
_NOBODY = ("", "")
_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}\Z")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the record says, as the API takes a referral; `lesions` is empty when no bone lesion is found."""

    referral: dict[str, Any]
    #: (lesion id or "", item) -> the resources that state it, "Type/id", comma-joined
    origins: Mapping[tuple[str, str], str]
    unused: tuple[Unused, ...]
    #: a bone metastasis is known at all
    concerned: bool


def read(
    resources: Iterable[Mapping[str, Any]],
    rulebook: Rulebook,
    at: datetime,
    *,
    drafts: Iterable[Mapping[str, Any]] = (),
    partial: frozenset[str] = frozenset(),
) -> Reading:
    """Never raises on what resources hold. `drafts` are the requests being written; `partial` names the resource types
    of which only a first page was sent."""
    zone = ZoneInfo(rulebook.info.timezone)
    at = at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
    refused: list[tuple[str, str]] = []
    sources = _sources(resources, refused)
    known = {id(source.resource) for source in sources}
    requests = [one for one in _sources(drafts, refused, len(sources)) if id(one.resource) not in known]
    requests = [one for one in requests if one.kind == _REQUEST]
    requests += [one for one in sources if one.kind == _REQUEST and one.get("status") == "draft"]
    sources, requests = _of_one_patient(sources, _distinct(requests), refused)
    barred = [one for one in sources if one.barred]
    sources = [one for one in sources if not one.barred]
    work = Work(codebook_of(rulebook), at, zone, partial, [one for one in sources if one.kind != _REQUEST])
    work.refused = frozenset(name for name, _ in refused)
    for resource, code in refused:
        work.refuse(resource, code)
    for name in sorted(partial):
        work.refuse(name if _TYPE.match(name) else "Resource", "partial")
    _read_all(work.sources, _BEFORE, work)
    for request in requests:
        read_request(request, work)
    settle_lesions(work)
    _read_all([*work.sources, *barred], _AFTER, work)
    drafted = {id(request) for request in requests}
    for source in sources:
        if source.kind not in {*_BEFORE, *_AFTER, *_LOOKED_UP} and id(source) not in drafted:
            work.refuse(source.name, "not-read")
    return _reading(work)


def _reading(work: Work) -> Reading:
    origins: dict[tuple[str, str], str] = {}
    patient = settle_values(work, "", origins) | settle_lists(work, origins)
    lesions = [{"id": lesion.name, **settle_values(work, lesion.name, origins)} for lesion in work.lesions]
    referral = {"recorded_at": work.at.date().isoformat(), "patient": patient, "lesions": lesions}
    return Reading(referral, origins, tuple(work.unused), work.concerned)


def _read_all(sources: Iterable[Source], readers: Mapping[str, Reader], work: Work) -> None:
    for source in sources:
        reader = readers.get(source.kind)
        if reader is not None:
            reader(source, work)


def _sources(resources: Iterable[Any], refused: list[tuple[str, str]], start: int = 0) -> list[Source]:
    """The resources that may be read, named by type and id, or by position when the id is missing or illegal."""
    sources = []
    for place, resource in enumerate(resources, start + 1):
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if not isinstance(kind, str) or not _TYPE.match(kind):
            refused.append((f"Resource/#{place}", "not-a-resource"))
            continue
        own = resource.get("id")
        own = own if isinstance(own, str) and own else None
        name = f"{kind}/{own}" if own and _ID.match(own) else f"{kind}/#{place}"
        if kind == "OperationOutcome":
            refused.append((name, "outcome"))
        elif present(resource.get("modifierExtension")) or present(resource.get("implicitRules")):
            refused.append((name, "modifier"))
            if kind in _AFTER:
                sources.append(Source(kind, own, name, resource, barred=True))
        else:
            sources.append(Source(kind, own, name, resource))
    return _distinct(sources)


def _distinct(sources: list[Source]) -> list[Source]:
    """Without repeats: the same resource may come under several keys."""
    kept: dict[tuple[str, str | None], list[Source]] = {}
    for source in sources:
        held = kept.setdefault((source.kind, source.id), [])
        if source.id is None or all(source.resource != other.resource for other in held):
            held.append(source)
    chosen = {id(source) for held in kept.values() for source in held}
    return [source for source in sources if id(source) in chosen]


def _of_one_patient(
    sources: list[Source], requests: list[Source], refused: list[tuple[str, str]]
) -> tuple[list[Source], list[Source]]:
    """What belongs to the one patient; nothing at all when it cannot be told whose record this is."""
    patients = [source for source in sources if source.kind == "Patient"]
    subjects = {subject for source in [*sources, *requests] if (subject := _subject(source)) is not None}
    owners = {source.id for source in patients} if patients else {name for kind, name in subjects if kind == "Patient"}
    if len(patients) > 1 or len(owners) > 1:
        refused += [(source.name, "several-patients") for source in patients or sources]
        return [], []
    owner = next(iter(owners), None)
    if owner is None and not patients:
        strangers = {subject for subject in subjects if subject[0] != "Patient"}
    else:
        strangers = {subject for subject in subjects if subject != ("Patient", owner)}
    refused += [(source.name, "other-patient") for source in [*sources, *requests] if _subject(source) in strangers]
    return (
        [source for source in sources if _subject(source) not in strangers],
        [source for source in requests if _subject(source) not in strangers],
    )


def _subject(source: Source) -> tuple[str | None, str] | None:
    """Whom the resource says it is about, as far as that can be compared: a urn cannot. Who is named in a way that
    leads to no resource is somebody else."""
    said = source.get("subject")
    said = said if present(said) else source.get("patient")
    if not present(said):
        return None
    target = reference(said)
    if target is None:
        return _NOBODY
    return target if target[0] is not None else None
