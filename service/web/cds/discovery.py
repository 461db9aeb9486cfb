"""What this service offers to an EHR: three CDS Hooks services, and what each would like to be sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.language.vocabulary import Item, Text, Vocabulary

#: the CDS Hooks specification that is followed
SPECIFICATION = "2.0.1"
LOINC = "http://loinc.org"
#: the section of the vocabulary that a laboratory answers
LABORATORY = "blood"
_PATIENT = "patient={{context.patientId}}"


@dataclass(frozen=True, slots=True)
class Service:
    """One service of ours."""

    id: str
    hook: str
    title: Text
    description: Text
    #: context fields that the hook requires -> what each must be
    context: Mapping[str, type]


_WHO = {"userId": str, "patientId": str}

SERVICES: Mapping[str, Service] = {
    service.id: service
    for service in (
        Service(
            "indication-order-select",
            "order-select",
            Text(
                "Métastase osseuse : options de radiologie interventionnelle",
                "Bone metastasis: interventional radiology options",
            ),
            Text(
                "Pour une demande en cours de saisie chez un patient porteur d’une métastase osseuse : gestes percutanés "
                "possibles, anesthésie, ordre de préférence, et pourquoi.",
                "For a request being drafted for a patient with a bone metastasis: percutaneous interventions that may "
                "be done, anaesthesia, order of preference, and why.",
            ),
            {**_WHO, "selections": list, "draftOrders": dict},
        ),
        Service(
            "indication-order-sign",
            "order-sign",
            Text("Métastase osseuse : vérification à la signature", "Bone metastasis: check on signing"),
            Text(
                "À la signature : ne répond que si une alerte existe, ou si l’acte demandé est contre-indiqué, à "
                "différer, suspendu par une alerte ou à préciser.",
                "On signing: speaks only if there is an alert, or if the act ordered is contraindicated, to be deferred, "
                "preempted by an alert or to be settled.",
            ),
            {**_WHO, "draftOrders": dict},
        ),
        Service(
            "indication-patient-view",
            "patient-view",
            Text("Métastase osseuse : vue du dossier", "Bone metastasis: opening the record"),
            Text(
                "À l’ouverture du dossier d’un patient porteur d’une métastase osseuse connue : les mêmes options, sans "
                "demande en cours. Sur inscription seulement.",
                "On opening the record of a patient with a known bone metastasis: the same options, without a draft "
                "request. Only for clients that asked for it.",
            ),
            _WHO,
        ),
    )
}

_USAGE = Text(
    "Aucun rappel vers le serveur FHIR : tout vient du prefetch. « patient » ou « conditions » est nécessaire ; chaque "
    "autre clé précise la réponse. Ce qui n’est pas envoyé reste inconnu, et n’est jamais pris pour une absence.",
    "The FHIR server is never called: everything comes from prefetch. «patient» or «conditions» is needed; every other "
    "key makes the answer sharper. What is not sent stays unknown, and is never taken for absent.",
)


def discovered(hooks: Iterable[str], vocabulary: Vocabulary, language: str) -> dict[str, Any]:
    """The answer to discovery for a client that may use `hooks`."""
    allowed = frozenset(hooks)
    prefetch = templates(vocabulary)
    return {
        "services": [
            {
                "hook": service.hook,
                "title": service.title.in_(language),
                "description": service.description.in_(language),
                "id": service.id,
                "prefetch": prefetch,
                "usageRequirements": _USAGE.in_(language),
                "version": SPECIFICATION,
            }
            for service in SERVICES.values()
            if service.hook in allowed
        ]
    }


def templates(vocabulary: Vocabulary) -> dict[str, str]:
    """One query for each kind of resource, and only what 2.0 allows: root-level context, no FHIRPath."""
    laboratory = [item for item in vocabulary if item.section == LABORATORY]
    others = [item for item in vocabulary if item.section != LABORATORY]
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{_PATIENT}&_count=200",
        "labs": f"Observation?{_PATIENT}&code={_codes(laboratory)}&_sort=-date&_count=100",
        "scores": f"Observation?{_PATIENT}&code={_codes(others)}&_sort=-date&_count=100",
        "medicationRequests": f"MedicationRequest?{_PATIENT}&status=active,on-hold&_count=100",
        "medicationStatements": f"MedicationStatement?{_PATIENT}&status=active&_count=100",
        "allergies": f"AllergyIntolerance?{_PATIENT}&_count=100",
        "procedures": f"Procedure?{_PATIENT}&_count=100",
        "devices": f"Device?{_PATIENT}&_count=100",
    }


def _codes(items: Iterable[Item]) -> str:
    found: dict[str, None] = {}
    for item in items:
        codes = item.codes.get("loinc", ())
        found.update(dict.fromkeys(map(str, codes if isinstance(codes, list | tuple) else ())))
    return ",".join(f"{LOINC}|{code}" for code in found)
