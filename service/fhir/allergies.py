"""Allergies. «No known allergy» empties the list only when it stands alone."""

from service.fhir.codebook import Named
from service.fhir.elements import codings, entries, when, words
from service.fhir.work import Listed, Source, Work

_REFUSED = frozenset({"entered-in-error", "refuted"})
#: part lists of these do not make the list of allergies partial
_OTHERS = frozenset(
    {
        "Condition",
        "Device",
        "DeviceUseStatement",
        "Medication",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Patient",
        "Procedure",
        "ServiceRequest",
    }
)


def read_allergy(source: Source, work: Work) -> None:
    coded = codings(source.get("code"))
    for item, table in work.codebook.nothing.items():
        if table.find(coded):
            _nothing(item, source, work)
            return
    verified, clinical = words(source.get("verificationStatus")), words(source.get("clinicalStatus"))
    if verified & _REFUSED:
        work.refuse(source.name, "status")
        return
    if clinical and clinical != {"active"}:
        work.refuse(source.name, "inactive")
        return
    named = work.codebook.find("AllergyIntolerance.code", coded)
    if not named:
        work.refuse(source.name, "no-code")
    for one in sorted(named, key=str):
        if one[1] is None:
            continue
        if _reacted(one, source, work):
            work.list_word(one[0], one[1], source.name)
        else:
            work.refuse(source.name, "reaction")


def _reacted(named: Named, source: Source, work: Work) -> bool:
    table = work.codebook.reactions.get(named)
    if table is None:
        return True
    signs = [sign for reaction in entries(source.get("reaction")) for sign in entries(reaction.get("manifestation"))]
    return bool(table.find(coding for sign in signs for coding in codings(sign)))


def _nothing(item: str, source: Source, work: Work) -> None:
    verified, clinical = words(source.get("verificationStatus")), words(source.get("clinicalStatus"))
    if verified - {"confirmed"} or clinical - {"active"}:
        work.refuse(source.name, "status")
        return
    moment = when(source.get("recordedDate"), work.zone)
    if len(work.of(source.kind)) > 1 or work.partial - _OTHERS or work.is_future(moment):
        work.refuse(source.name, "not-only")
        return
    work.lists.setdefault(item, Listed()).nothing = (source.name, moment)
