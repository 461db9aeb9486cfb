"""Everything that an export holds of one patient, as the EHR's door would read it."""

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from service.cohort.bulk.join import DELETED, DISPUTED
from service.cohort.bulk.kinds import PERSON, TELLING, Key, referred
from service.fhir.read import Reading, read
from service.referral.complaints import ReferralError
from service.referral.schema import Referral, ReferralReader
from service.rulebook.model import Rulebook

#: why nothing of a patient is taken
SEVERAL_SERVERS: Final = "several-servers"
SEVERAL_PATIENTS: Final = "several-patients"
NOT_A_REFERRAL: Final = "not-a-referral"

#: of each patient the same: told once of the whole import
_PARTIAL: Final = "partial"


@dataclass(frozen=True, slots=True)
class Row:
    """One resource as it was gathered."""

    kind: str
    id: str | None
    updated: int | None
    server: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """What became of one patient; `referral` is None without a lesion, or when nothing of the patient is taken."""

    referral: Referral | None
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Bystanders:
    """What else counts for the patients of one bucket."""

    #: shared resources that they refer to
    shared: Mapping[Key, Sequence[Row]] = field(default_factory=dict)
    #: patient -> the resources that are not theirs, or not for certain, with the reason
    amiss: Mapping[str, Mapping[Key, str]] = field(default_factory=dict)


class Mapper:
    """Maps patients under one rulebook, at one moment. `incomplete`: kinds of resources of which more may exist."""

    def __init__(self, rulebook: Rulebook, at: datetime, incomplete: Iterable[str] = ()) -> None:
        self._rulebook = rulebook
        self._at = at
        self._incomplete = frozenset(incomplete)
        self._reader = ReferralReader(rulebook.vocabulary)

    def person(self, patient: str, rows: Sequence[Row], bystanders: Bystanders) -> Person:
        """`patient`: the id by which all the rows name whom they are about."""
        counts: Counter[str] = Counter(["patients/seen"])
        amiss = bystanders.amiss.get(patient, {})
        if reason := _refusal(rows, amiss):
            counts[f"refused/{reason}"] += 1
            return Person(None, counts)
        rows = _own(rows, amiss, counts)
        if not any(row.kind == PERSON for row in rows):
            counts["patients/without_patient_resource"] += 1
        telling = _resources([row for row in rows if row.kind in TELLING], counts)
        reading = self._read(telling)
        if any(one.code == SEVERAL_PATIENTS for one in reading.unused):
            counts[f"refused/{SEVERAL_PATIENTS}"] += 1
            return Person(None, counts)
        if not reading.referral["lesions"]:
            counts["patients/without_lesion"] += 1
            _count_unused(reading, "unused_without_lesion", counts)
            return Person(None, counts)
        return self._concerned(telling, rows, bystanders, counts)

    def _concerned(
        self, telling: list[dict[str, Any]], rows: Sequence[Row], bystanders: Bystanders, counts: Counter[str]
    ) -> Person:
        resources = telling + _resources([row for row in rows if row.kind not in TELLING], counts)
        wanted = sorted({key for resource in resources for key in referred(resource)})
        shared = [row for key in wanted for row in bystanders.shared.get(key, ())]
        reading = self._read(resources + _resources(shared, Counter()))
        _count_unused(reading, "unused", counts)
        referral = self._checked(reading, counts)
        if referral is None:
            counts[f"refused/{NOT_A_REFERRAL}"] += 1
        else:
            counts["patients/with_lesion"] += 1
            counts["lesions"] += len(referral.lesions)
        return Person(referral, counts)

    def _read(self, resources: Iterable[Mapping[str, Any]]) -> Reading:
        return read(resources, self._rulebook, self._at, partial=self._incomplete)

    def _checked(self, reading: Reading, counts: Counter[str]) -> Referral | None:
        """The referral as the API takes it; a value that its checks refuse is unknown, and counted."""
        data: dict[str, Any] = copy.deepcopy(dict(reading.referral))
        try:
            return self._reader.read(data)
        except ReferralError as error:
            for complaint in error.complaints:
                counts[f"refused_values/{complaint.code}"] += 1
                _take_out(complaint.pointer, data)
        try:
            return self._reader.read(data)
        except ReferralError:
            return None


def _refusal(rows: Sequence[Row], amiss: Mapping[Key, str]) -> str | None:
    """Why it cannot be told what is this patient's, if it cannot."""
    if DISPUTED in amiss.values():
        return DISPUTED
    if any(kind == PERSON and reason == DELETED for (kind, _), reason in amiss.items()):
        return DELETED
    if len({row.server for row in rows if row.server is not None}) > 1:
        return SEVERAL_SERVERS
    return None


def _own(rows: Sequence[Row], amiss: Mapping[Key, str], counts: Counter[str]) -> list[Row]:
    own = []
    for row in rows:
        reason = amiss.get((row.kind, row.id)) if row.id is not None else None
        if reason is None:
            own.append(row)
        else:
            counts[f"left_out/{reason}"] += 1
    return own


def _resources(rows: Sequence[Row], counts: Counter[str]) -> list[dict[str, Any]]:
    """The resources of some rows, in an order of their own, each once: of several versions the latest.

    Versions of which none is the latest stay, all of them: what they say differently is a contradiction to the reading.
    """
    versions: dict[Key | Row, list[Row]] = {}
    for row in sorted(set(rows), key=lambda row: (row.kind, row.id or "", row.text)):
        versions.setdefault((row.kind, row.id) if row.id is not None else row, []).append(row)
    counts["left_out/repeated"] += len(rows) - sum(map(len, versions.values()))
    resources = []
    for held in versions.values():
        kept = _latest(held)
        counts["left_out/older_version"] += len(held) - len(kept)
        resources += [json.loads(row.text) for row in kept]
    return resources


def _latest(held: list[Row]) -> list[Row]:
    moments = [row.updated for row in held if row.updated is not None]
    if len(moments) < len(held) or len(held) == 1:
        return held
    last = max(moments)
    return [row for row in held if row.updated == last]


def _take_out(pointer: str, data: dict[str, Any]) -> None:
    match pointer.split("/")[1:]:
        case ["patient", item, *_]:
            data["patient"].pop(item, None)
        case ["lesions", place, item, *_] if item != "id":
            data["lesions"][int(place)].pop(item, None)


def _count_unused(reading: Reading, under: str, counts: Counter[str]) -> None:
    for one in reading.unused:
        if one.code != _PARTIAL:
            counts[f"{under}/{one.resource.partition('/')[0]}/{one.code}"] += 1
