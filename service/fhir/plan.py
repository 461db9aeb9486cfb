"""What the service publishes of itself: the rulebook as a PlanDefinition, the door as a CapabilityStatement."""

from service.fhir.frame import Frame, Resource, filled, legal_id
from service.language.vocabulary import Text
from service.rulebook.model import Rulebook

_PURPOSE = Text(
    "Proposer, pour un patient porteur de métastases osseuses douloureuses, les gestes percutanés possibles, leur ordre et leurs raisons.",
    "To propose, for a patient with painful bone metastases, the percutaneous acts that may be done, their order and the reasons.",
)
_OPERATION = Text(
    "POST d’un Bundle (collection ou searchset) des ressources d’un patient ; réponse : un Bundle collection. "
    "`at` : moment de l’évaluation ; `audit=1` ajoute un AuditEvent.",
    "POST a Bundle (collection or searchset) of one patient’s resources; the answer is a collection Bundle. "
    "`at`: the moment of evaluation; `audit=1` adds an AuditEvent.",
)
_SECURITY = Text(
    "$recommend : jeton JWT du client, comme pour CDS Hooks. Les lectures sont libres.",
    "$recommend: the client’s JWT, as for CDS Hooks. Reading is free.",
)
#: FHIR's word for the state of a publication, by the rulebook's own
_STATUS = {"approved": "active"}


def plan_definition(rulebook: Rulebook, language: str, module_url: str) -> Resource:
    """The rulebook's metadata, its sources, and one action for each technique it knows."""
    info, frame = rulebook.info, Frame(rulebook, language, module_url)
    status = _STATUS.get(info.status, "draft")
    techniques = [technique for _, technique in sorted(rulebook.techniques.items())]
    plan = {
        "resourceType": "PlanDefinition",
        "id": legal_id(info.name),
        "language": language,
        "url": module_url,
        "identifier": [{"system": f"{frame.base}/rulebook-digest", "value": rulebook.digest}],
        "version": info.version,
        "name": "".join(word.capitalize() for word in legal_id(info.name).replace(".", "-").split("-")),
        "title": frame.said(info.label),
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/plan-definition-type",
                    "code": "clinical-protocol",
                }
            ]
        },
        "status": status,
        "experimental": status == "draft",
        "date": info.effective,
        "description": frame.said(info.notice),
        "purpose": frame.said(_PURPOSE),
        "relatedArtifact": frame.citations(rulebook.sources),
        "action": [
            {
                "title": frame.said(technique.label),
                "description": frame.said(technique.summary),
                "code": [
                    {
                        "coding": [{"system": frame.system("technique"), "code": technique.id}],
                        "text": frame.said(technique.label),
                    }
                ],
                "documentation": frame.citations(_sources(rulebook, technique.id)),
            }
            for technique in techniques
        ],
    }
    written: Resource = filled(plan)
    return written


def _sources(rulebook: Rulebook, technique: str) -> set[str]:
    """On what its indications and its claimed benefits rest."""
    dossier = rulebook.dossiers[technique]
    cited = {source for place in dossier.own.indications for source in rulebook.bound[place].rule.evidence.sources}
    return cited | {source for benefit in dossier.technique.benefits for source in benefit.evidence.sources}


def capability_statement(rulebook: Rulebook, language: str, module_url: str, engine_version: str) -> Resource:
    frame = Frame(rulebook, language, module_url)
    statement = {
        "resourceType": "CapabilityStatement",
        "language": language,
        "status": "active",
        # The rulebook's: FHIR wants a date, and the same service must give the same bytes.
        "date": rulebook.info.effective,
        "kind": "instance",
        "software": {"name": "Indication", "version": engine_version},
        "implementation": {"description": frame.said(rulebook.info.label), "url": frame.base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/json"],
        "rest": [
            {
                "mode": "server",
                "documentation": frame.said(_OPERATION),
                "security": {"description": frame.said(_SECURITY)},
                "resource": [{"type": "PlanDefinition", "interaction": [{"code": "read"}]}],
                "operation": [{"name": "recommend", "definition": f"{frame.base}/OperationDefinition/recommend"}],
            }
        ],
    }
    written: Resource = filled(statement)
    return written
