"""Which drafts are referrals to us, and which act they order."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.rulebook.model import Rulebook
from service.web.cds.discovery import LOINC
from service.web.cds.hook import Resource

REQUEST = "ServiceRequest"
#: LOINC names measurements: what is ordered by it alone is a test, not an act
MEASUREMENTS = LOINC
#: SNOMED CT, «laboratory procedure», as FHIR's own example set of categories has it
LABORATORY = ("http://snomed.info/sct", "108252007")
#: how the address of our own code system of techniques ends, wherever the service is
OURS = "/CodeSystem/technique"
#: so many references are passed on, and no more
MOST_REASONS = 10


def requests(drafts: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(draft for draft in drafts if draft.get("resourceType") == REQUEST)


def configured(request: Resource, codes: frozenset[tuple[str, str]]) -> bool:
    """Whether the request is one of those that the client's configuration names."""
    return any(code in codes for code in codings(request.get("code")))


def may_be_ours(request: Resource) -> bool:
    """Without a configuration: any request that is not plainly a laboratory test."""
    categories = request.get("category")
    if any(LABORATORY in codings(each) for each in (categories if isinstance(categories, list) else ())):
        return False
    systems = {system for system, _ in codings(request.get("code"))}
    return systems != {MEASUREMENTS}


def reasons(request: Resource, resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Those of `resources` that the request names as its reasons."""
    named = set(reason_references(request))
    return tuple(resource for resource in resources if f"{resource.get('resourceType')}/{resource.get('id')}" in named)


def reason_references(request: Resource) -> list[str]:
    references = request.get("reasonReference")
    found = []
    for each in references if isinstance(references, list) else ():
        reference = each.get("reference") if isinstance(each, dict) else None
        if isinstance(reference, str) and reference and not reference.startswith("#"):
            found.append(reference)
    return found[:MOST_REASONS]


def ordered(drafts: Iterable[Resource], rulebook: Rulebook) -> frozenset[str]:
    """The techniques that are ordered: by name in either language, as the drafts that we suggest have it, or by our code."""
    names = {
        label.casefold(): technique.id
        for technique in rulebook.techniques.values()
        for label in (technique.label.fr, technique.label.en)
    }
    concepts = [draft.get("code") for draft in requests(drafts)]
    texts = {text.strip().casefold() for concept in concepts for text in _texts(concept)}
    codes = {code for concept in concepts for system, code in codings(concept) if system.endswith(OURS)}
    return frozenset({names[text] for text in texts if text in names} | (codes & rulebook.techniques.keys()))


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of a CodeableConcept that has both."""
    held = concept.get("coding") if isinstance(concept, Mapping) else None
    for each in held if isinstance(held, list) else ():
        if isinstance(each, dict):
            system, code = each.get("system"), each.get("code")
            if isinstance(system, str) and isinstance(code, str):
                yield system, code


def _texts(concept: Any) -> Iterator[str]:
    if not isinstance(concept, dict):
        return
    held = concept.get("coding")
    parts = [concept.get("text")]
    parts += [each.get("display") for each in (held if isinstance(held, list) else ()) if isinstance(each, dict)]
    yield from (part for part in parts if isinstance(part, str))
