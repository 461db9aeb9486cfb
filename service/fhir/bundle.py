"""Resources out of whatever an EHR sends: a bundle, a page of one, a bare resource, a list, null, an OperationOutcome."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from service.fhir.elements import entries as objects
from service.fhir.elements import present
from service.fhir.unused import Unused, unused

#: a bundle in a bundle, and no deeper
MAX_DEPTH = 8
#: stands for the unknown type of a list of which nothing was sent
ANY = "Resource"
_URN = re.compile(r"urn:uuid:([A-Za-z0-9.-]{1,64})\Z")
_HARMLESS = frozenset({"information"})


class Contents(NamedTuple):
    resources: tuple[Mapping[str, Any], ...]
    #: resource types of which more exists than was sent, for `read(partial=…)`
    partial: frozenset[str]
    faults: tuple[Unused, ...]


def resources_of(payload: object) -> Contents:
    """Never raises. What is no resource is a fault; null, and a bundle without entries, hold nothing and are none."""
    resources: list[Mapping[str, Any]] = []
    partial: set[str] = set()
    faults: list[Unused] = []
    _take(payload, "", resources, partial, faults, MAX_DEPTH)
    return Contents(tuple(resources), frozenset(partial), tuple(faults))


def _take(
    payload: object,
    place: str,
    resources: list[Mapping[str, Any]],
    partial: set[str],
    faults: list[Unused],
    depth: int,
) -> None:
    if payload is None:
        return
    if depth == 0:
        faults.append(unused(f"Resource/#{place}", "not-a-resource"))
    elif isinstance(payload, list):
        for at, one in enumerate(payload, 1):
            _take(one, _inner(place, at), resources, partial, faults, depth - 1)
    elif not isinstance(payload, Mapping) or not isinstance(payload.get("resourceType"), str):
        faults.append(unused(f"Resource/#{place or 1}", "not-a-resource"))
        partial.add(ANY)
    elif payload["resourceType"] == "Bundle":
        _bundle(payload, place, resources, partial, faults, depth)
    elif payload["resourceType"] == "OperationOutcome":
        faults.append(unused(f"OperationOutcome/#{place or 1}", "outcome"))
    else:
        resources.append(payload)


def _bundle(
    bundle: Mapping[str, Any],
    place: str,
    resources: list[Mapping[str, Any]],
    partial: set[str],
    faults: list[Unused],
    depth: int,
) -> None:
    before, sent = len(resources), bundle.get("entry")
    entries = sent if isinstance(sent, list) else []
    if sent is not None and not isinstance(sent, list):
        faults.append(unused(f"Bundle/#{place or 1}", "not-a-resource"))
    troubled = False
    for at, entry in enumerate(entries, 1):
        where = _inner(place, at)
        resource = entry.get("resource") if isinstance(entry, Mapping) else entry
        if resource is None and isinstance(entry, Mapping) and present(entry.get("response")):
            continue
        if not isinstance(entry, Mapping) or not isinstance(resource, Mapping):
            faults.append(unused(f"Resource/#{where}", "not-a-resource"))
            # Nobody can tell what it was: an allergy beside «no known allergy», for one.
            if resource is not None or not isinstance(entry, Mapping | None):
                partial.add(ANY)
            continue
        troubled = troubled or _troubled(resource)
        _take(_named(resource, entry.get("fullUrl")), where, resources, partial, faults, depth - 1)
    if troubled or _has_more(bundle, entries):
        partial |= {str(resource["resourceType"]) for resource in resources[before:]} or {ANY}


def _inner(place: str, at: int) -> str:
    return f"{place}.{at}" if place else str(at)


def _named(resource: Mapping[str, Any], url: object) -> Mapping[str, Any]:
    """In a bundle without ids, references point to entries by their urn."""
    found = _URN.match(url) if isinstance(url, str) else None
    if found and not present(resource.get("id")):
        return {**resource, "id": found[1]}
    return resource


def _troubled(resource: Mapping[str, Any]) -> bool:
    """Whether a server says that it did not answer in full."""
    if resource.get("resourceType") != "OperationOutcome":
        return False
    issues = resource.get("issue")
    severities = (
        [issue.get("severity") for issue in issues if isinstance(issue, Mapping)] if isinstance(issues, list) else []
    )
    return not severities or any(not isinstance(one, str) or one not in _HARMLESS for one in severities)


def _has_more(bundle: Mapping[str, Any], entries: list[Any]) -> bool:
    links, total = bundle.get("link"), bundle.get("total")
    if any(link.get("relation") == "next" for link in objects(links)):
        return True
    return isinstance(total, int) and not isinstance(total, bool) and total > sum(map(_counted, entries))


def _counted(entry: object) -> bool:
    """Whether the total counts the entry: what was found, not what came along with it."""
    search = entry.get("search") if isinstance(entry, Mapping) else None
    mode = search.get("mode") if isinstance(search, Mapping) else None
    return not present(mode) or mode == "match"
