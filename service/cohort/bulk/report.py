"""What an import tells: every line, resource and patient accounted for, by numbers. `import.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.fhir.unused import REASONS

#: why nothing of a patient is taken
REFUSED: Final = {
    "deleted": "the Patient resource was deleted on the server",
    "disputed": "one resource names two patients, and no version of it is the latest: are two servers’ exports in one folder?",
    "not-a-referral": "what was read makes no referral",
    "several-patients": "several Patient resources with one id differ, and none is the latest",
    "several-servers": "resources name the patient on different servers",
    "too-large": "more resources than one patient has",
}
#: why a line is no resource
BROKEN: Final = {
    "cut-off": "the compressed file breaks off or is damaged here",
    "not-a-resource": "no FHIR resource",
    "not-json": "not JSON, as UTF-8, each key once",
    "too-long": "longer than 10 MB",
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
    patients = {
        "seen": 0,
        "with_lesion": 0,
        "without_lesion": 0,
        "without_patient_resource": 0,
        **tree.get("patients", {}),
    }
    return {
        **identity,
        "patients": {**patients, "refused": tree.get("refused", {})},
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


def _reasons(tree: Mapping[str, Any]) -> dict[str, str]:
    """The short words that occur, each with what it means."""
    codes = {
        code for part in ("unused", "unused_without_lesion") for kind in tree.get(part, {}).values() for code in kind
    }
    found = {code: REASONS[code].en for code in sorted(codes) if code in REASONS}
    found |= {code: REFUSED[code] for code in tree.get("refused", {}) if code in REFUSED}
    return found | {code: BROKEN[code] for code in tree.get("broken", {})}


def told(result: Mapping[str, Any], most: int = 12) -> list[str]:
    """The same for whoever ran the import, the most frequent first."""
    patients, lines, resources = result["patients"], result["lines"], result["resources"]
    said = [
        f"{patients['with_lesion']} patients with a bone lesion, {result['lesions']} lesions "
        f"(of {patients['seen']} patients; {patients['without_lesion']} have no bone lesion and no row)"
    ]
    said += [f"{number} patients refused: {REFUSED[code]}" for code, number in _frequent(patients["refused"])]
    if patients["without_patient_resource"]:
        said.append(f"{patients['without_patient_resource']} patients without a Patient resource: age and sex unknown")
    said += [f"{number} lines not read: {BROKEN[code]}" for code, number in _frequent(lines["broken"])]
    said += [f"  {each['file']}:{each['line']}: {BROKEN[each['why']]}" for each in lines["first_broken"][:most]]
    if lines["broken_entries_of_bundles"]:
        said.append(f"{lines['broken_entries_of_bundles']} entries of bundles are no resources")
    said += [f"{number} {kind} of no patient" for kind, number in _frequent(resources["of_no_patient"])]
    said += [f"{number} resources left out: {_LEFT_OUT[code]}" for code, number in _frequent(resources["left_out"])]
    if result["incomplete"]:
        kinds = ", ".join(result["incomplete"])
        said.append(
            f"incomplete for every patient, because something of it cannot be read or names no patient: {kinds}"
        )
    unused = {
        f"{kind}: {REASONS[code].en}": number
        for kind, codes in result["unused"].items()
        for code, number in codes.items()
    }
    if unused:
        said.append(f"not used, of patients with a bone lesion ({sum(unused.values())} in all):")
        said += [f"  {number} {what}" for what, number in _frequent(unused)[:most]]
        said += [f"  and {len(unused) - most} more reasons, in import.json"] if len(unused) > most else []
    if result["refused_values"]:
        said.append(f"{sum(result['refused_values'].values())} values refused by the checks of a referral: unknown")
    return said


_LEFT_OUT: Final = {
    "deleted": "deleted on the server",
    "moved": "a later version is about another patient",
    "older_version": "a later version is there",
    "repeated": "there twice, the same",
}


def _frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
