"""From what was sent to an answer: gathers the prefetch, has it read, has it decided. It reads and decides nothing itself."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.decision import Language
from service.fhir.bundle import resources_of
from service.fhir.read import Reading
from service.fhir.subject import patients
from service.fhir.unused import Unused
from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.replay import Door
from service.tell.answer import Answer
from service.web.cds.errors import Fault, Refusal
from service.web.cds.hook import Resource
from service.web.decisions import decide
from service.web.state import Desk

#: the lesion of a patient of whom a lesion is known, and nothing of it
UNDESCRIBED = "lesion-1"
_SEVERAL = Text(
    "Les données reçues parlent de plusieurs patients : rien n’a été évalué.",
    "What was sent speaks of several patients: nothing was evaluated.",
)
_NAMELESS = Text(
    "La ressource Patient n’a pas d’id : rien ne dit que c’est le patient en cours, rien n’a été évalué.",
    "The Patient resource has no id: nothing says that it is the present patient, and nothing was evaluated.",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """The prefetch, gathered."""

    resources: tuple[Resource, ...]
    #: kinds of resources of which only the first page came
    partial: frozenset[str]
    #: what was sent under a key and is no resource
    faults: tuple[Unused, ...]
    #: a Patient came; conditions were answered, if only with none
    patient: bool
    conditions: bool


@dataclass(frozen=True, slots=True)
class Decision:
    answer: Answer
    #: as it was decided
    referral: Mapping[str, Any]
    unused: tuple[Unused, ...]


def gathered(prefetch: Mapping[str, Any], patient: str, orders: Iterable[Mapping[str, Any]] = ()) -> Sent:
    """Every usable resource under every key, whatever the key is called.

    Raises Refusal unless all of them, and the orders, are of `patient` («Patient/1»), whom the EHR has before it. A
    Patient without an id could be anybody, and is not one.
    """
    resources: list[Resource] = []
    partial: set[str] = set()
    faults: list[Unused] = []
    entries: list[Any] = []
    for key, value in prefetch.items():
        found = resources_of(value)
        resources += found.resources
        partial |= found.partial
        faults += [Unused(f"{key} {each.resource}", each.code, each.text) for each in found.faults]
        if isinstance(value, dict) and isinstance(value.get("entry"), list):
            entries += value["entry"]
    named = patients({"entry": entries}, [*resources, *orders])
    if not named <= {patient}:
        raise Refusal("not-usable", faults=[Fault(_SEVERAL, "prefetch")])
    nameless = [each for each in resources if each.get("resourceType") == "Patient" and not _has_id(each)]
    if nameless:
        raise Refusal("not-usable", faults=[Fault(_NAMELESS, "prefetch.patient")])
    kinds = {kind for each in resources if isinstance(kind := each.get("resourceType"), str)}
    return Sent(
        resources=tuple(resources),
        partial=frozenset(partial),
        faults=tuple(faults),
        patient="Patient" in kinds,
        conditions="Condition" in kinds or _searched(prefetch.get("conditions")),
    )


def _searched(value: Any) -> bool:
    """Whether a search was answered, though it may have found nothing. An OperationOutcome is no answer, nor is null."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return False
    entries = value.get("entry")
    if not isinstance(entries, list) or not entries:
        return True
    found = [each["resource"].get("resourceType") for each in entries if _holds_resource(each)]
    kinds = {kind for kind in found if isinstance(kind, str)}
    return bool(kinds) and kinds != {"OperationOutcome"}


def _has_id(resource: Mapping[str, Any]) -> bool:
    name = resource.get("id")
    return isinstance(name, str) and bool(name)


def _holds_resource(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("resource"), dict)


def decided(desk: Desk, reading: Reading, at: datetime, language: Language, door: Door) -> Decision:
    """The answer to what was read. Raises ReferralError only when no part of it can be used.

    A value that the referral's own checks refuse is unknown, is told as unused, and costs no other value its place.
    """
    referral: dict[str, Any] = copy.deepcopy(dict(reading.referral))
    referral["lesions"] = referral.get("lesions") or [{"id": UNDESCRIBED}]
    try:
        made = decide(desk, referral, at, language, door=door)
        return Decision(made.answer, referral, tuple(reading.unused))
    except ReferralError as error:
        unused = tuple(_refused(error, referral, reading))
        if not unused:
            raise
    made = decide(desk, referral, at, language, door=door)
    return Decision(made.answer, referral, (*reading.unused, *unused))


def _refused(error: ReferralError, referral: dict[str, Any], reading: Reading) -> Iterator[Unused]:
    """Takes each refused value out of the referral, and says where it came from."""
    for complaint in error.complaints:
        match complaint.pointer.split("/")[1:]:
            case ["patient", item, *_] if item in referral.get("patient", {}):
                del referral["patient"][item]
                yield Unused(reading.origins.get(("", item), item), complaint.code, complaint.text)
            case ["lesions", place, item, *_] if item != "id" and item in (lesion := referral["lesions"][int(place)]):
                del lesion[item]
                yield Unused(reading.origins.get((lesion["id"], item), item), complaint.code, complaint.text)
