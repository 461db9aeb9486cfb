"""Acts already done, where they are certainly about one of the lesions."""

from service.fhir.elements import When, codings, entries, latest, part, present, when, words
from service.fhir.links import lesions_at
from service.fhir.places import compatible, place_of
from service.fhir.work import Candidate, Source, Work, has_status

#: nothing of it took place
_NOT_DONE = frozenset({"entered-in-error", "not-done", "preparation"})


def read_procedure(source: Source, work: Work) -> None:
    coded = codings(source.get("code"))
    done = {item for item, word in work.codebook.find("Procedure.code", coded) if word is None}
    dated = {item for item, word in work.codebook.find("Procedure.performed", coded) if word is None}
    if not done and not dated:
        work.refuse(source.name, "no-code")
        return
    completed = has_status(source, ("completed",))
    if source.barred or not completed:
        if not completed:
            work.refuse(source.name, "status")
        if not words(source.get("status")) & _NOT_DONE:
            _outdate(dated, source, work, ongoing=not completed)
        return
    moment = _performed(source, work)
    if work.is_future(moment):
        work.refuse(source.name, "future")
        return
    lesions = lesions_at(source, work)
    if not lesions:
        work.refuse(source.name, "which-lesion")
    elif moment is None:
        work.refuse(source.name, "undated")
    if moment is None or not lesions:
        _outdate(dated, source, work)
    _state(done, dated, moment, lesions, source, work)


def _state(done: set[str], dated: set[str], moment: When | None, lesions: set[str], source: Source, work: Work) -> None:
    for lesion in sorted(lesions):
        for item in sorted(done):
            work.state(item, Candidate(source.name, True, when=moment), lesion)
        for item in sorted(dated):
            if moment is not None:
                work.state(item, Candidate(source.name, moment.text, when=moment), lesion)


def _outdate(items: set[str], source: Source, work: Work, *, ongoing: bool = False) -> None:
    """An act that may be the last one, on any lesion that it may be about: an older date is no longer known to be."""
    moment = None if ongoing else _performed(source, work)
    moment = moment or latest(None if ongoing else _ended(source), work.zone, work.at)
    places = [place_of(site, work.codebook).words for site in entries(source.get("bodySite"))]
    anywhere = not places or not all(places)
    for lesion in work.lesions:
        if anywhere or any(compatible(place, lesion.place) for place in places):
            for item in sorted(items):
                work.state(item, Candidate(source.name, None, when=moment), lesion.name)


def _performed(source: Source, work: Work) -> When | None:
    return when(_ended(source), work.zone)


def _ended(source: Source) -> object:
    said = source.get("performedDateTime")
    return said if present(said) else part(source.get("performedPeriod")).get("end")
