"""Acts already done, where they are certainly about one of the lesions."""

from service.fhir.elements import When, codings, part, present, when
from service.fhir.links import lesions_at
from service.fhir.work import Candidate, Source, Work, has_status


def read_procedure(source: Source, work: Work) -> None:
    coded = codings(source.get("code"))
    done = {item for item, word in work.codebook.find("Procedure.code", coded) if word is None}
    dated = {item for item, word in work.codebook.find("Procedure.performed", coded) if word is None}
    if not done and not dated:
        work.refuse(source.name, "no-code")
        return
    if not has_status(source, ("completed",)):
        work.refuse(source.name, "status")
        return
    lesions = lesions_at(source, work)
    if not lesions:
        work.refuse(source.name, "which-lesion")
        return
    moment = _performed(source, work)
    if work.is_future(moment):
        work.refuse(source.name, "future")
        return
    for lesion in sorted(lesions):
        for item in sorted(done):
            work.state(item, Candidate(source.name, True, when=moment), lesion)
        for item in sorted(dated):
            if moment is not None:
                work.state(item, Candidate(source.name, moment.text, when=moment), lesion)
    if moment is None:
        work.refuse(source.name, "undated")


def _performed(source: Source, work: Work) -> When | None:
    said = source.get("performedDateTime")
    return when(said if present(said) else part(source.get("performedPeriod")).get("end"), work.zone)
