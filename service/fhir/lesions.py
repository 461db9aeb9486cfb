"""From what resources tell of lesions to the lesions of the referral: each once, none invented."""

from service.fhir.places import lesion_name
from service.fhir.work import Candidate, Found, Lesion, Work
from service.referral.schema import MAX_LESIONS


def settle_lesions(work: Work) -> None:
    """Resources that name one place tell of one lesion; one that says less than another tells of no lesion of its own."""
    groups: dict[frozenset[tuple[str, str]], list[Found]] = {}
    for found in work.found:
        groups.setdefault(frozenset(found.place.items()), []).append(found)
    kept = [place for place in groups if not any(place < other for other in groups)]
    for place, members in groups.items():
        if place not in kept:
            for found in members:
                work.refuse(found.origin, "umbrella")
    taken: set[str] = set()
    for place in sorted(kept, key=sorted):
        members = groups[place]
        if len(work.lesions) == MAX_LESIONS:
            for found in members:
                work.refuse(found.origin, "too-many")
            continue
        name = _free(lesion_name(dict(place), work.codebook) or "lesion", taken)
        work.lesions.append(Lesion(name, dict(place), frozenset(found.key for found in members)))
        for item, word in sorted(place):
            for origin in dict.fromkeys(origin for found in members for origin in found.origins[item]):
                work.state(item, Candidate(origin, word, lasting=True), name)


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free
