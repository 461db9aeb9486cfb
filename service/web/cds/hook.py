"""What an EHR sends when a hook fires, checked. Fields that are not known are ignored, and identifiers are not read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.language.vocabulary import Text
from service.web.cds.discovery import Service
from service.web.cds.errors import Fault, Refusal

Resource: TypeAlias = Mapping[str, Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_KINDS: Mapping[type, Text] = {
    str: Text("un texte non vide", "a text that is not empty"),
    list: Text("une liste de références", "a list of references"),
    dict: Text("un Bundle", "a Bundle"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a hook."""

    patient: str
    #: resources of the draft Bundle, as sent
    drafts: tuple[Resource, ...]
    #: those of `drafts` that were just selected; all of them when the hook knows no selection
    selected: tuple[Resource, ...]
    #: what was sent under each prefetch key: a resource, a Bundle, an OperationOutcome, None
    prefetch: Mapping[str, Any]


def read(body: Any, service: Service) -> Call:
    """The call in a body. Raises Refusal with every fault at once."""
    if not isinstance(body, dict):
        raise Refusal("bad-request", faults=[Fault(Text("il faut un objet JSON", "a JSON object is needed"), "$this")])
    faults = [*_envelope(body, service), *_context(body.get("context"), service)]
    prefetch = body.get("prefetch")
    if prefetch is not None and not isinstance(prefetch, dict):
        faults.append(_needed("prefetch", Text("un objet JSON", "a JSON object")))
    if faults:
        raise Refusal("bad-request", faults=faults)
    context = body["context"]
    drafts = _drafts(context.get("draftOrders"))
    selected = tuple(resource for names, resource in drafts)
    if "selections" in service.context:
        wanted = {_local(each) for each in context["selections"]}
        selected = tuple(resource for names, resource in drafts if wanted & names)
    return Call(
        patient=context["patientId"],
        drafts=tuple(resource for _, resource in drafts),
        selected=selected,
        prefetch=prefetch or {},
    )


def _envelope(body: dict[str, Any], service: Service) -> list[Fault]:
    faults = []
    if body.get("hook") != service.hook:
        faults.append(_needed("hook", Text(f"« {service.hook} »", f"«{service.hook}»")))
    instance = body.get("hookInstance")
    if not isinstance(instance, str) or not _UUID.match(instance):
        faults.append(_needed("hookInstance", Text("un UUID", "a UUID")))
    return faults


def _context(context: Any, service: Service) -> list[Fault]:
    if not isinstance(context, dict):
        return [_needed("context", Text("un objet JSON", "a JSON object"))]
    faults = []
    for name, kind in service.context.items():
        given = context.get(name)
        good = isinstance(given, kind) and given != ""
        if isinstance(given, list):
            good = good and all(isinstance(each, str) for each in given)
        if not good:
            faults.append(_needed(f"context.{name}", _KINDS[kind]))
    encounter = context.get("encounterId")
    if encounter is not None and not isinstance(encounter, str):
        faults.append(_needed("context.encounterId", Text("un texte", "a text")))
    return faults


def _needed(where: str, what: Text) -> Fault:
    return Fault(Text(f"{where} : il faut {what.fr}", f"{where}: {what.en} is needed"), where)


def _drafts(bundle: Any) -> list[tuple[frozenset[str], Resource]]:
    """The resources of a Bundle of drafts, each with the names under which a selection may know it.

    The Bundle may lack its type, and its entries their fullUrl.
    """
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    found: list[tuple[frozenset[str], Resource]] = []
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(kind := resource.get("resourceType"), str):
            names = {f"{kind}/{resource['id']}"} if isinstance(resource.get("id"), str) else set()
            if isinstance(url := entry.get("fullUrl"), str):
                names.add(_local(url))
            found.append((frozenset(names), resource))
    return found


def _local(reference: str) -> str:
    """`ServiceRequest/103` of `https://ehr.example/fhir/ServiceRequest/103/_history/2`; other texts as they are."""
    parts = reference.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])
