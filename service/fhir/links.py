"""Which lesion a measurement or an act speaks of: the one its focus names, or the one certainly at its body site."""

from service.fhir.elements import entries, present, reference, references
from service.fhir.places import place_of, same_place
from service.fhir.work import Source, Work


def lesions_meant(source: Source, work: Work) -> list[str]:
    """The one lesion meant, or none: what could speak of two speaks of neither."""
    meant = {
        lesion.name
        for target in references(source.get("focus"))
        for lesion in work.lesions
        if target[0] in ("Condition", None) and ("Condition", target[1]) in lesion.keys
    }
    meant = meant or lesions_at(source, work)
    return list(meant) if len(meant) == 1 else []


def about_patient(source: Source, work: Work) -> bool:
    """Whether nothing else than the patient, or a lesion, is what was observed: not a foetus, a donor or a device."""
    focus = source.get("focus")
    if not present(focus):
        return True
    given = focus if isinstance(focus, list) else [focus]
    targets = [reference(one) for one in given]
    meant: set[object] = {("Patient", one.id) for one in work.of("Patient")} or {reference(source.get("subject"))}
    meant |= {key for lesion in work.lesions for key in lesion.keys if key[0] == "Condition"}
    return all(target is not None and target in meant for target in targets)


def lesions_at(source: Source, work: Work) -> set[str]:
    places = [place_of(site, work.codebook) for site in entries(source.get("bodySite"))]
    return {
        lesion.name
        for place in places
        for lesion in work.lesions
        if same_place(place.words, lesion.place, work.codebook)
    }
