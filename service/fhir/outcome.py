"""OperationOutcome: how FHIR says what went wrong, or what could not be used."""

from collections.abc import Sequence
from typing import Any, TypeAlias

Resource: TypeAlias = dict[str, Any]


def issue(
    severity: str,
    code: str,
    text: str,
    *,
    expression: str | None = None,
    about: str | None = None,
    kind: tuple[str, str] | None = None,
) -> Resource:
    """One issue. `severity` is fatal, error, warning or information; `code` FHIR's word for the kind of issue.

    `kind` is our own word for it (system, code), `about` the resource it speaks of.
    """
    details: Resource = {"text": text}
    if kind is not None:
        details["coding"] = [{"system": kind[0], "code": kind[1]}]
    entry: Resource = {"severity": severity, "code": code, "details": details}
    if about:
        entry["diagnostics"] = about
    if expression:
        entry["expression"] = [expression]
    return entry


def of_issues(issues: Sequence[Resource]) -> Resource:
    """All issues as one resource. FHIR asks for one at least."""
    if not issues:
        raise ValueError("an OperationOutcome without issue")
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def operation_outcome(severity: str, code: str, text: str, expression: str | None = None) -> Resource:
    """One issue as a resource."""
    return of_issues([issue(severity, code, text, expression=expression)])
