"""The ranked options as a RequestGroup: proposals, one of which may be chosen for each lesion. Nothing is ordered."""

from datetime import datetime, timedelta
from typing import Any

from service.fhir.frame import Frame, Resource
from service.language.vocabulary import Text
from service.tell.answer import OFFERED

_ALERTS = Text("Alertes", "Alerts")
_LESION = Text("Lésion", "Lesion")
#: what the plan of an option is made of, told as details of the request
_MODES = ("anaesthesia", "guidance", "stay")


def request_group(answer: dict[str, Any], subject: Resource, frame: Frame) -> Resource | None:
    """None when there is nothing to propose."""
    contained: list[Resource] = []
    actions: list[Resource] = []
    if answer["alerts"]:
        within = [_alert(alert, answer, subject, frame, contained) for alert in answer["alerts"]]
        actions.append({"title": frame.said(_ALERTS), "priority": "urgent", "action": within})
    for lesion in answer["lesions"]:
        offered = [option for option in lesion["options"] if option["status"] in OFFERED]
        if offered:
            # Alternatives: without this a reader of FHIR would take the options for steps, all to be done.
            actions.append(
                {
                    "title": f"{frame.said(_LESION)} {lesion['id']}",
                    "groupingBehavior": "logical-group",
                    "selectionBehavior": "at-most-one",
                    "action": [_option(option, lesion, answer, subject, frame, contained) for option in offered],
                }
            )
    if not actions:
        return None
    name = frame.uuid("RequestGroup")
    return {
        "resourceType": "RequestGroup",
        "id": name,
        "language": frame.language,
        "contained": [frame.device(answer["engine_version"]), *contained],
        "instantiatesCanonical": [frame.canonical],
        "status": "draft",
        "intent": "proposal",
        "priority": "urgent" if answer["alerts"] else "routine",
        "subject": subject,
        "authoredOn": frame.moment(answer["evaluated_at"]),
        "author": {"reference": "#device"},
        "note": [{"text": answer["notice"]}],
        "action": actions,
    }


def _alert(
    alert: dict[str, Any], answer: dict[str, Any], subject: Resource, frame: Frame, contained: list[Resource]
) -> Resource:
    start = frame.moment(answer["evaluated_at"])
    request = _request(answer, subject, frame, contained) | {
        "priority": "urgent",
        "code": _concept(frame, "rule", alert["rule"], alert["action"] or alert["label"] or alert["because"]),
        "reasonCode": [{"text": alert["because"]}],
    }
    if alert["within_hours"]:
        end = datetime.fromisoformat(start) + timedelta(hours=alert["within_hours"])
        request["occurrencePeriod"] = {"start": start, "end": end.isoformat()}
    contained.append(request)
    return {
        "title": alert["label"] or alert["rule"],
        "description": " ".join(filter(None, (alert["because"], alert["action"]))),
        "priority": "urgent",
        "code": [_concept(frame, "rule", alert["rule"], alert["label"])],
        "documentation": frame.citations(alert["sources"]),
        "resource": {"reference": f"#{request['id']}"},
    }


def _option(
    option: dict[str, Any],
    lesion: dict[str, Any],
    answer: dict[str, Any],
    subject: Resource,
    frame: Frame,
    contained: list[Resource],
) -> Resource:
    code = _concept(frame, "technique", option["technique"], option["label"])
    precautions = [entry["precaution"] for entry in option["precautions"] if entry["precaution"]]
    corrections = [f"{entry['because']} {entry['by']}" for entry in option["corrections"]]
    notes = [f"{frame.said(_LESION)} {lesion['id']}", option["status_label"], *precautions, *corrections]
    request = _request(answer, subject, frame, contained) | {
        "priority": "routine",
        "code": code,
        "orderDetail": [
            _concept(frame, kind, mode["mode"], mode["label"]) for kind in _MODES for mode in option[kind][:1]
        ],
        "reasonCode": [{"text": option["why"]}],
        "note": [{"text": note} for note in notes],
    }
    if "earliest" in option:
        request["occurrencePeriod"] = {"start": frame.moment(option["earliest"])}
    contained.append(request)
    return {
        "prefix": str(option["rank"]),
        "title": option["label"],
        "description": f"{option['plan']} [{option['status_label']}] {option['why']}",
        "priority": "routine",
        "code": [code],
        "documentation": frame.citations(_sources(option, lesion)),
        "resource": {"reference": f"#{request['id']}"},
    }


def _sources(option: dict[str, Any], lesion: dict[str, Any]) -> set[str]:
    """The sources of the arguments that hold, and of the benefit that is claimed."""
    holding = (rule for rules in option["arguments"].values() for rule, verdict in rules.items() if verdict == "yes")
    found = {source for rule in holding for source in lesion["rules"][rule]["sources"]}
    return found | {source for benefit in option["benefits"] for source in benefit["sources"]}


def _request(answer: dict[str, Any], subject: Resource, frame: Frame, contained: list[Resource]) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": f"request-{len(contained) + 1}",
        "status": "draft",
        "intent": "proposal",
        "subject": subject,
        "authoredOn": frame.moment(answer["evaluated_at"]),
    }


def _concept(frame: Frame, system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": frame.system(system), "code": code}], "text": text}
