"""FHIR R4 out: an answer as a collection of GuidanceResponse, RequestGroup, Parameters and OperationOutcome.

Pure, and the same bytes each time: nothing is drawn, no clock is read. No narrative is written, so no markup either.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from service.fhir.audit import audit_event, audited_entry
from service.fhir.frame import Frame, Resource, codings, filled, reference
from service.fhir.origins import annotate as with_origins
from service.fhir.outcome import issue, of_issues
from service.fhir.plan import plan_definition
from service.fhir.proposal import request_group
from service.fhir.trace import parameters
from service.language.vocabulary import Item, Text
from service.rulebook.model import Rulebook
from service.tell.answer import OFFERED

__all__ = ["annotate", "audit_event", "audited_entry", "guidance_bundle", "plan_definition"]

_PATIENT = Text("le patient de cette demande", "the patient of this request")
#: kinds of data that FHIR keeps elsewhere than in observations, by the code system that tells them
_KEPT_IN = (
    ("loinc", "Observation", "code"),
    ("atc", "MedicationRequest", "medication"),
    ("icd10", "Condition", "code"),
    ("snomed", "Condition", "code"),
)


class Unused(Protocol):
    """A resource, or a part of it, that could not be used."""

    @property
    def resource(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def text(self) -> Text: ...


class Reading(Protocol):
    """What is needed of the reading of a record (service.fhir.read)."""

    @property
    def origins(self) -> Mapping[tuple[str, str], str]: ...
    @property
    def unused(self) -> Iterable[Unused]: ...


def annotate(answer: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """A copy of the answer in which every criterion says under `from` where its value was read."""
    return with_origins(answer, reading.origins)


def guidance_bundle(
    answer: dict[str, Any],
    reading: Reading,
    subject: str | None,
    *,
    rulebook: Rulebook,
    module_url: str,
    language: str,
) -> Resource:
    """The answer as one Bundle. `subject` is a relative reference such as «Patient/1»; `module_url` the PlanDefinition's."""
    stamp = (answer["rulebook"]["digest"], answer["engine_version"], answer["input_digest"], answer["evaluated_at"])
    # The subject too: two patients of whom the same is known are still two.
    frame = Frame(rulebook, language, module_url, "|".join((*stamp, language, module_url, subject or "")))
    patient = (reference(subject) if subject else None) or {"type": "Patient", "display": frame.said(_PATIENT)}
    traced = annotate(answer, reading)

    proposal = request_group(answer, patient, frame)
    trace = {**parameters(traced, frame), "id": frame.uuid("Parameters")}
    unused = _unused(reading.unused, frame)
    parts = {"result": proposal, "outputParameters": trace, "evaluationMessage": unused}
    guidance = _guidance(answer, patient, frame, {name: part for name, part in parts.items() if part is not None})
    resources = [guidance, *(part for part in (proposal, trace, unused) if part is not None)]
    bundle = {
        "resourceType": "Bundle",
        "id": frame.uuid("Bundle"),
        "type": "collection",
        "timestamp": frame.moment(answer["evaluated_at"]),
        "entry": [{"fullUrl": f"urn:uuid:{part['id']}", "resource": part} for part in resources],
    }
    written: Resource = filled(bundle)
    return written


def _guidance(answer: dict[str, Any], patient: Resource, frame: Frame, parts: Mapping[str, Resource]) -> Resource:
    pointed: dict[str, Any] = {name: {"reference": f"urn:uuid:{part['id']}"} for name, part in parts.items()}
    if "evaluationMessage" in pointed:
        pointed["evaluationMessage"] = [pointed["evaluationMessage"]]
    return {
        "resourceType": "GuidanceResponse",
        "id": frame.uuid("GuidanceResponse"),
        "language": frame.language,
        "contained": [frame.device(answer["engine_version"])],
        "requestIdentifier": {"system": f"{frame.base}/input-digest", "value": answer["input_digest"]},
        "moduleCanonical": frame.canonical,
        "status": status(answer),
        "subject": patient,
        "occurrenceDateTime": frame.moment(answer["evaluated_at"]),
        "performer": {"reference": "#device"},
        "reasonCode": [{"text": frame.said(frame.rulebook.info.label)}],
        "note": [{"text": answer["notice"]}],
        "dataRequirement": [_wanted(question, frame) for question in answer["questions"]],
        **pointed,
    }


def status(answer: dict[str, Any]) -> str:
    """`data-required`: an option that may still be had cannot be decided. `data-requested`: more would only refine."""
    options = (option for lesion in answer["lesions"] for option in lesion["options"])
    if any(option["status"] == "undetermined" and option["if_well"] in OFFERED for option in options):
        return "data-required"
    return "data-requested" if answer["questions"] else "success"


def _wanted(question: dict[str, Any], frame: Frame) -> Resource:
    """One open question: our own code of the item, and those by which a record may know it."""
    item = frame.rulebook.vocabulary[question["item"]]
    kind, path = _kept(item)
    own = {"system": frame.system("item"), "code": item.id, "display": frame.said(item.label)}
    wanted: Resource = {"type": kind, "codeFilter": [{"path": path, "code": [own, *codings(item)]}]}
    if "lesion" in question:
        # FHIR has no place for "of which lesion".
        wanted["extension"] = [{"url": f"{frame.base}/StructureDefinition/lesion", "valueString": question["lesion"]}]
    return wanted


def _kept(item: Item) -> tuple[str, str]:
    of_words = item.codes.get("choices", {})
    named = {*item.codes, *(name for codes in _values(of_words) for name in codes)}
    return next(((kind, path) for name, kind, path in _KEPT_IN if name in named), ("Observation", "code"))


def _values(of_words: object) -> Iterable[Mapping[str, Any]]:
    return of_words.values() if isinstance(of_words, Mapping) else ()


def _unused(unused: Iterable[Unused], frame: Frame) -> Resource | None:
    issues = [
        issue(
            "warning",
            "informational",
            frame.said(entry.text),
            about=entry.resource,
            kind=(frame.system("unused"), entry.code),
        )
        for entry in unused
    ]
    return {**of_issues(issues), "id": frame.uuid("OperationOutcome")} if issues else None
