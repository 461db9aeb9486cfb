"""The short account at the end of an import, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.cohort.bulk.report import BROKEN, LEFT_OUT, REFUSED
from service.fhir.unused import REASONS
from service.language.vocabulary import Text

#: lines told one by one of what is long
_MOST: Final = 12

_DONE: Final = Text(
    "{out} : {patients} patients avec une lésion osseuse, {lesions} lésions, au {as_of}",
    "{out}: {patients} patients with a bone lesion, {lesions} lesions, as of {as_of}",
)
_WITHOUT: Final = Text(
    "patients sans lésion osseuse, et sans ligne : {number}",
    "patients without a bone lesion, and without a row: {number}",
)
_REFUSED: Final = Text("patients refusés : {number} : {why}", "patients refused: {number}: {why}")
_NO_PATIENT: Final = Text(
    "patients sans ressource Patient, d’âge et de sexe inconnus : {number}",
    "patients without a Patient resource, of unknown age and sex: {number}",
)
_BROKEN: Final = Text("lignes illisibles : {number} : {why}", "lines that cannot be read: {number}: {why}")
_ENTRIES: Final = Text(
    "entrées de Bundle qui ne sont pas des ressources : {number}", "entries of a Bundle that are no resources: {number}"
)
_NOBODY: Final = Text("ressources {kind} d’aucun patient : {number}", "{kind} resources of no patient: {number}")
_LEFT_OUT: Final = Text("ressources laissées de côté : {number} : {why}", "resources left out: {number}: {why}")
_INCOMPLETE: Final = Text(
    "incomplet pour tous, car tout n’est pas lisible ou attribuable : {kinds}",
    "incomplete for everybody, since something cannot be read or told whose it is: {kinds}",
)
_ANYTHING: Final = Text("peut-être tout", "perhaps anything")
_UNUSED: Final = Text(
    "inutilisé, chez les patients avec une lésion osseuse : {number}",
    "not used, of the patients with a bone lesion: {number}",
)
_MORE: Final = Text("et {number} autres raisons, dans import.json", "and {number} more reasons, in import.json")
_VALUES: Final = Text(
    "valeurs refusées par les contrôles d’une demande, donc inconnues : {number}",
    "values refused by the checks of a referral, and so unknown: {number}",
)
_MISSING: Final = Text(
    "items dont personne n’a de valeur, donc inconnus pour tous : {number} ; lesquels : «missing» dans import.json",
    "items of which nobody has a value, and so unknown for everybody: {number}; which: «missing» in import.json",
)
_NEXT: Final = Text("ensuite : flask cohort recommend {out} --out …", "next: flask cohort recommend {out} --out …")


def account(result: Mapping[str, Any], out: str, language: str) -> Iterator[str]:
    """What came out, what did not and why (the most frequent first), and what to do next."""

    def line(text: Text, **values: object) -> str:
        return text.in_(language).format(**values)

    patients, lines, resources = result["patients"], result["lines"], result["resources"]
    yield line(_DONE, out=out, patients=patients["with_lesion"], lesions=result["lesions"], as_of=result["as_of"])
    yield "  " + line(_WITHOUT, number=patients["without_lesion"])
    for text, counts, meanings in (
        (_REFUSED, patients["refused"], REFUSED),
        (_BROKEN, lines["broken"], BROKEN),
        (_LEFT_OUT, resources["left_out"], LEFT_OUT),
    ):
        for code, number in _frequent(counts):
            yield "  " + line(text, number=number, why=meanings[code].in_(language))
        if text is _BROKEN:
            for each in lines["first_broken"][:_MOST]:
                yield f"    {each['file']}:{each['line']}: {BROKEN[each['why']].in_(language)}"
    for text, number in (
        (_ENTRIES, lines["broken_entries_of_bundles"]),
        (_NO_PATIENT, patients["without_patient_resource"]),
        (_VALUES, sum(result["refused_values"].values())),
    ):
        if number:
            yield "  " + line(text, number=number)
    for kind, number in _frequent(resources["of_no_patient"]):
        yield "  " + line(_NOBODY, kind=kind, number=number)
    if result["incomplete"]:
        kinds = [_ANYTHING.in_(language) if kind == "Resource" else kind for kind in result["incomplete"]]
        yield "  " + line(_INCOMPLETE, kinds=", ".join(kinds))
    yield from (f"  {each}" for each in _unused(result["unused"], language))
    yield "  " + line(_MISSING, number=len(result["missing"]))
    yield "  " + line(_NEXT, out=out)


def _unused(unused: Mapping[str, Mapping[str, int]], language: str) -> Iterator[str]:
    counts = {
        f"{kind}: {REASONS[code].in_(language)}": n for kind, codes in unused.items() for code, n in codes.items()
    }
    if not counts:
        return
    yield _UNUSED.in_(language).format(number=sum(counts.values()))
    yield from (f"  {number} {what}" for what, number in _frequent(counts)[:_MOST])
    if len(counts) > _MOST:
        yield "  " + _MORE.in_(language).format(number=len(counts) - _MOST)


def _frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
