"""The referral being drafted: which lesion it is about, and where."""

from service.fhir.conditions import add_lesion, places_of
from service.fhir.elements import codings, entries, present, references
from service.fhir.places import NOWHERE, compatible
from service.fhir.work import Found, Source, Work

_REFUSED = ("entered-in-error", "revoked", "completed")


def read_request(source: Source, work: Work) -> None:
    if source.get("status") in _REFUSED or source.get("doNotPerform") is True:
        work.refuse(source.name, "status")
        return
    reasons = {target[1] for target in references(source.get("reasonReference")) if target[0] in ("Condition", None)}
    meant = [found for found in work.found if found.key[0] == "Condition" and found.key[1] in reasons]
    coded = [coding for reason in entries(source.get("reasonCode")) for coding in codings(reason)]
    named = {item for item, word in work.codebook.find("Condition.code", coded) if word is None}
    if meant:
        _place(source, meant, work)
    elif named & set(work.codebook.place):
        for place in places_of(source, work) or [NOWHERE]:
            add_lesion(source, place, work)
    elif work.codebook.with_site.find(coded):
        places = [place for place in places_of(source, work) if work.codebook.place[0] in place.words]
        for place in places:
            add_lesion(source, place, work)
        if not places:
            work.refuse(source.name, "site")
    elif present(source.get("bodySite")) or present(source.get("reasonCode")) or reasons:
        work.refuse(source.name, "no-reason")


def _place(source: Source, meant: list[Found], work: Work) -> None:
    """Gives the lesion that the request names the place that the request gives, if the two do not differ."""
    places = places_of(source, work)
    if not places:
        return
    if len(places) > 1 or len(meant) > 1:
        if not all(any(place.words.items() <= found.place.items() for found in meant) for place in places):
            work.refuse(source.name, "site")
        return
    place, found = places[0].words, meant[0]
    if not compatible(place, found.place):
        work.refuse(source.name, "site-conflict")
        work.refuse(found.origin, "site-conflict")
        found.place.clear()
        found.origins.clear()
        return
    for item, word in place.items():
        found.place[item] = word
        origins = found.origins.setdefault(item, [])
        if source.name not in origins:
            origins.append(source.name)
