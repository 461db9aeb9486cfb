"""What an import accounts for: every line, resource and patient, by numbers. `import.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.fhir.unused import REASONS
from service.language.vocabulary import Text

#: why nothing of a patient is taken
REFUSED: Final = {
    "deleted": Text("ressource Patient supprimée sur le serveur", "Patient resource deleted on the server"),
    "disputed": Text(
        "une ressource nomme deux patients, sans version plus récente : exports de deux serveurs dans un dossier ?",
        "one resource names two patients, and no version is the latest: exports of two servers in one folder?",
    ),
    "not-a-referral": Text("ce qui est lu ne fait pas une demande", "what is read makes no referral"),
    "several-patients": Text(
        "ressources Patient de même id qui diffèrent, sans version plus récente",
        "Patient resources of one id that differ, and no version is the latest",
    ),
    "several-servers": Text("patient nommé sur plusieurs serveurs", "patient named on several servers"),
    "too-large": Text("plus de ressources que n’en a un patient", "more resources than one patient has"),
}
#: why a line is no resource
BROKEN: Final = {
    "cut-off": Text(
        "le fichier compressé s’interrompt ou est abîmé ici", "the compressed file breaks off or is damaged here"
    ),
    "not-a-resource": Text("n’est pas une ressource FHIR", "no FHIR resource"),
    "not-json": Text("n’est pas du JSON (UTF-8, chaque clé une fois)", "not JSON (UTF-8, each key once)"),
    "too-long": Text("plus de 10 Mo", "longer than 10 MB"),
}
#: why a resource of a patient does not count
LEFT_OUT: Final = {
    "deleted": Text("supprimées sur le serveur", "deleted on the server"),
    "moved": Text("une version plus récente concerne un autre patient", "a later version is about another patient"),
    "older_version": Text("une version plus récente est là", "a later version is there"),
    "repeated": Text("déjà là, les mêmes", "there already, the same"),
}


def nested(counts: Mapping[str, int]) -> dict[str, Any]:
    """`{"a/b": 1}` as `{"a": {"b": 1}}`, in order, without what is zero."""
    tree: dict[str, Any] = {}
    for name, number in sorted(counts.items()):
        *folders, last = name.split("/")
        inside = tree
        for folder in folders:
            inside = inside.setdefault(folder, {})
        if number:
            inside[last] = number
    return tree


def report(
    identity: Mapping[str, Any], counts: Mapping[str, int], joined: Mapping[str, Any], missing: Sequence[str]
) -> dict[str, Any]:
    """`identity`: what the import is of. `missing`: items of which no patient has a value."""
    tree = nested(counts)
    patients = dict.fromkeys(("seen", "with_lesion", "without_lesion", "without_patient_resource"), 0)
    return {
        **identity,
        "patients": {**patients, **tree.get("patients", {}), "refused": tree.get("refused", {})},
        "lesions": tree.get("lesions", 0),
        "lines": {
            "read": tree.get("lines", 0),
            "broken": tree.get("broken", {}),
            "broken_entries_of_bundles": tree.get("broken-entries", 0),
            "first_broken": joined["broken"],
        },
        "resources": {
            "read": tree.get("resources", {}),
            "not_read": tree.get("not-read", {}),
            "of_no_patient": tree.get("nobody", {}),
            "left_out": tree.get("left_out", {}),
            "deletions": tree.get("deletions", 0),
        },
        "incomplete": joined["incomplete"],
        "unused": tree.get("unused", {}),
        "unused_without_lesion": tree.get("unused_without_lesion", {}),
        "refused_values": tree.get("refused_values", {}),
        "missing": list(missing),
        "reasons": _reasons(tree),
    }


def _reasons(tree: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The short words that occur, each with what it means."""
    kinds = [*tree.get("unused", {}).values(), *tree.get("unused_without_lesion", {}).values()]
    found = {code: REASONS[code] for codes in kinds for code in codes}
    for part, meanings in (("refused", REFUSED), ("broken", BROKEN), ("left_out", LEFT_OUT)):
        found |= {code: meanings[code] for code in tree.get(part, {})}
    return {code: {"fr": text.fr, "en": text.en} for code, text in sorted(found.items())}
