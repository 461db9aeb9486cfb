"""Allergies. «No known allergy» empties the list only when it stands alone."""

from service.fhir.codebook import CodeTable, Named
from service.fhir.elements import codings, entries, part, unclear, when, words
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
            if _says_more(coded, table, source):
                work.refuse(source.name, "several-codes")
                continue
            _nothing(item, source, work)
            return
    verified, clinical = words(source.get("verificationStatus")), words(source.get("clinicalStatus"))
    if verified & _REFUSED or _unclear(source):
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


def _unclear(source: Source) -> bool:
    return unclear(source.get("verificationStatus"), source.get("clinicalStatus"))


def _says_more(coded: list[tuple[str, str]], table: CodeTable, source: Source) -> bool:
    """Whether the code names anything beside «nothing», be it unknown to us."""
    said = entries(part(source.get("code")).get("coding"))
    return len(coded) < len(said) or not all(table.find([one]) for one in coded)


def _others_refused(source: Source, work: Work) -> bool:
    """Whether an entry that was not read may be another allergy."""
    return any(name.partition("/")[0] in (source.kind, "Resource") for name in work.refused)


def _reacted(named: Named, source: Source, work: Work) -> bool:
    table = work.codebook.reactions.get(named)
    if table is None:
        return True
    signs = [sign for reaction in entries(source.get("reaction")) for sign in entries(reaction.get("manifestation"))]
    return bool(table.find(coding for sign in signs for coding in codings(sign)))


def _nothing(item: str, source: Source, work: Work) -> None:
    verified, clinical = words(source.get("verificationStatus")), words(source.get("clinicalStatus"))
    if verified - {"confirmed"} or clinical - {"active"} or _unclear(source):
        work.refuse(source.name, "status")
        return
    moment = when(source.get("recordedDate"), work.zone)
    if (
        len(work.of(source.kind)) > 1
        or _others_refused(source, work)
        or work.partial - _OTHERS
        or work.is_future(moment)
    ):
        work.refuse(source.name, "not-only")
        return
    work.lists.setdefault(item, Listed()).nothing = (source.name, moment)
