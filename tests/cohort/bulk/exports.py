"""Exports made of the bundles of `fixtures/fhir/`: one patient for each, under ids of their own."""

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from service.fhir.bundle import resources_of
from service.fhir.read import Reading, read
from service.language.vocabulary import Vocabulary
from service.referral.case import input_digest
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from tests.fhir.reading import bundles

AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
#: these speak of two patients, or of none
SPECIAL = {"two-patients", "another-patient"}
Resource = dict[str, Any]

_TAIL = re.compile(r"(?:(?<=/)|(?<=^urn:uuid:))[^/]+\Z")


def records(suffix: str = "") -> dict[str, list[Resource]]:
    """Patient -> the resources of one fixture, all ids renamed after it so that none occurs twice."""
    found = {}
    for name, fixture in bundles().items():
        if name not in SPECIAL:
            resources = [renamed(one, name, suffix) for one in resources_of(fixture["bundle"]).resources]
            found[_patient_of(resources)] = resources
    return found


def _patient_of(resources: list[Resource]) -> str:
    """Of whom a fixture is: its Patient resource, else whom its first resource names."""
    for resource in resources:
        if resource["resourceType"] == "Patient":
            return str(resource["id"])
    return str(resources[0]["subject"]["reference"]).partition("/")[2]


def renamed(value: Any, prefix: str, suffix: str = "") -> Any:
    """With `prefix` and `suffix` about the id of the resource and about each id that it refers to, contained ones aside."""
    if isinstance(value, list):
        return [renamed(one, prefix, suffix) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: renamed(inner, prefix, suffix) for name, inner in value.items()}
    if isinstance(value.get("reference"), str) and not value["reference"].startswith("#"):
        changed["reference"] = _TAIL.sub(lambda found: f"{prefix}.{found[0]}{suffix}", value["reference"])
    if "resourceType" in value and isinstance(value.get("id"), str):
        changed["id"] = f"{prefix}.{value['id']}{suffix}"
    if "contained" in value:
        changed["contained"] = value["contained"]
    return changed


def coding(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def lesion_of(patient: str, place: str = "L2", **more: Any) -> Resource:
    """A bone metastasis of the patient."""
    return {
        "resourceType": "Condition",
        "id": f"lesion.of.{patient}",
        "subject": {"reference": f"Patient/{patient}"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": coding("http://hl7.org/fhir/sid/icd-10", "C79.5"),
        "bodySite": [{"text": place}],
        **more,
    }


def person(patient: str, **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1965-03-02", **more}


def platelets(patient: str, value: float, name: str = "platelets", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{name}.of.{patient}",
        "subject": {"reference": f"Patient/{patient}"},
        "status": "final",
        "code": coding("http://loinc.org", "777-3"),
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        "valueQuantity": {"value": value, "unit": "10*9/L", "code": "10*9/L"},
        **more,
    }


def write_export(folder: Path, resources: Iterable[Mapping[str, Any]], *, compressed: bool = False) -> Path:
    """One file for each type, as a server writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, list[str]] = {}
    for resource in resources:
        kinds.setdefault(str(resource["resourceType"]), []).append(json.dumps(resource))
    for kind, lines in kinds.items():
        body = ("\n".join(lines) + "\n").encode()
        if compressed:
            (folder / f"{kind}.000.ndjson.gz").write_bytes(gzip.compress(body))
        else:
            (folder / f"{kind}.ndjson").write_bytes(body)
    return folder


def read_directly(resources: Iterable[Resource], rulebook: Rulebook) -> Reading:
    """As the EHR's door reads them, but for what says of no patient that it is theirs."""
    own = [
        one
        for one in resources
        if one["resourceType"] in ("Patient", "Medication", "Device") or one.get("subject") or one.get("patient")
    ]
    return read(own, rulebook, AT)


def rows(table: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    return found


def rebuilt(out: Path, vocabulary: Vocabulary) -> dict[str, dict[str, Any]]:
    """Patient -> the referral that the written tables hold."""
    lesions: dict[str, list[dict[str, Any]]] = {}
    for row in rows(out / "lesions.parquet"):
        lesions.setdefault(row["patient"], []).append({"id": row["lesion"], **_items(row, vocabulary)})
    return {
        row["patient"]: {
            "recorded_at": row["recorded_at"].isoformat(),
            "patient": _items(row, vocabulary),
            "lesions": lesions[row["patient"]],
        }
        for row in rows(out / "patients.parquet")
    }


def _items(row: Mapping[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for item in vocabulary:
        name = item.id.replace(".", "__")
        value = row.get(name)
        if value is None:
            continue
        told = {"value": value}
        if item.type == "set":
            told = {"items": value, "absent": row.get(f"{name}__absent") or [], "complete": row[f"{name}__complete"]}
        if row.get(f"{name}__date") is not None:
            told["date"] = row[f"{name}__date"]
        items[item.id] = told
    return items


def digest(referral: Mapping[str, Any], rulebook: Rulebook) -> str:
    """The canonical one."""
    assert date.fromisoformat(referral["recorded_at"])
    return input_digest(ReferralReader(rulebook.vocabulary).read(referral))
