"""Diagnoses: bone metastases, the primary cancer, pregnancy, devices in place. Only those still there and not refuted."""

from service.fhir.codebook import Named
from service.fhir.elements import codings, entries, latest, part, present, unclear, when, words
from service.fhir.places import NOWHERE, Place, compatible, denied, place_in_text, place_of
from service.fhir.work import Candidate, Found, Source, Work

_REFUSED = frozenset({"entered-in-error", "refuted"})
_DOUBTFUL = frozenset({"unconfirmed", "provisional", "differential"})
_PRESENT = frozenset({"active", "recurrence", "relapse"})
_PAST = frozenset({"inactive", "remission", "resolved"})


def read_condition(source: Source, work: Work) -> None:
    coded = codings(source.get("code"))
    named = work.codebook.find("Condition.code", coded)
    with_site = work.codebook.with_site.find(coded)
    if not named and not with_site:
        work.refuse(source.name, "no-code")
        return
    if reason := _not_there(source):
        work.refuse(source.name, reason)
        return
    doubt = words(source.get("verificationStatus")) & _DOUBTFUL
    lesion = {item for item, word in named if item in work.codebook.place and word is None}
    if (lesion or with_site) and denied(part(source.get("code")).get("text")):
        work.refuse(source.name, "unconfirmed")
        return
    if lesion or with_site:
        # A metastasis that is not confirmed yet is what the referral is about all the same; one of several guesses is not.
        if "differential" in doubt:
            work.refuse(source.name, "unconfirmed")
            return
        if read_lesions(source, work, sure=bool(lesion)):
            if named - {(item, None) for item in lesion}:
                work.refuse(source.name, "several-codes")
            return
        if not named:
            work.refuse(source.name, "site")
            return
    if doubt:
        work.refuse(source.name, "unconfirmed")
        return
    for one in sorted(named, key=str):
        _state(one, source, work)


def _not_there(source: Source) -> str | None:
    verified, clinical = words(source.get("verificationStatus")), words(source.get("clinicalStatus"))
    if verified & _REFUSED or unclear(source.get("verificationStatus"), source.get("clinicalStatus")):
        return "status"
    ended = any(name.startswith("abatement") and present(value) for name, value in source.resource.items())
    if clinical & _PAST or (ended and not clinical & _PRESENT):
        return "inactive"
    if clinical - _PRESENT or verified - _DOUBTFUL - {"confirmed"}:
        return "status"
    return None


def _state(named: Named, source: Source, work: Work) -> None:
    name, word = named
    item = work.codebook.vocabulary[name]
    if item.type == "set" and word is not None:
        work.list_word(name, word, source.name)
    elif item.type == "choice" and word is not None:
        work.state(name, Candidate(source.name, word, lasting=True))
    elif item.type == "flag" and word is None:
        moment = when(source.get("recordedDate"), work.zone)
        if moment is None and item.fresh_for is not None:
            # Without a date, only a record that says «active» says that it is so now.
            if present(source.get("recordedDate")) or not words(source.get("clinicalStatus")) & _PRESENT:
                work.refuse(source.name, "undated")
                if words(source.get("clinicalStatus")) & _PRESENT:
                    work.state(name, Candidate(source.name, None, when=latest(None, work.zone, work.at)))
                return
            moment = work.now()
        if work.is_future(moment):
            work.refuse(source.name, "future")
            return
        work.state(name, Candidate(source.name, True, when=moment, standing=True))


def read_lesions(source: Source, work: Work, *, sure: bool) -> bool:
    """Adds the lesions that a diagnosis tells. Unless `sure`, only those whose bone is named; False when there is none."""
    places = places_of(source, work)
    if not places and not entries(source.get("bodySite")):
        said = place_in_text(part(source.get("code")).get("text"), work.codebook)
        if said.contradictory:
            work.refuse(source.name, "site-conflict")
        places = [said]
    places = places or [NOWHERE]
    sited = [place for place in places if work.codebook.place[0] in place.words]
    if not sure:
        places = sited
    for place in places:
        add_lesion(source, place, work)
    return bool(places)


def add_lesion(source: Source, place: Place, work: Work) -> None:
    work.concerned = True
    origins = {item: [source.name] for item in place.words}
    work.found.append(Found(source.name, (source.kind, source.id), dict(place.words), origins))


def places_of(source: Source, work: Work) -> list[Place]:
    """The places of the body sites, without those that only say less of another: «vertebra» beside «L2»."""
    places = []
    for site in entries(source.get("bodySite")):
        place = place_of(site, work.codebook)
        if place.contradictory:
            work.refuse(source.name, "site-conflict")
        elif not place.words:
            work.refuse(source.name, "site")
        else:
            places.append(place)
    places = _with_sides(source, places, work)
    kept: list[Place] = []
    for place in places:
        less = any(place.words.items() < other.words.items() for other in places)
        if not less and place not in kept:
            kept.append(place)
    return kept


def _with_sides(source: Source, places: list[Place], work: Work) -> list[Place]:
    """With a side that stands alone given to the one bone beside it; to none when there is not exactly one."""
    site = work.codebook.place[0]
    sited = [place for place in places if site in place.words]
    alone = [place for place in places if site not in place.words]
    if not alone:
        return places
    fullest = [place for place in sited if all(other.words.items() <= place.words.items() for other in sited)]
    told: dict[str, str] = dict(fullest[0].words) if fullest else {}
    for place in alone:
        if not fullest or not compatible(told, place.words):
            work.refuse(source.name, "site")
            return sited
        told |= place.words
    return [Place(told)]
