"""The documentation: the OpenAPI document, and the same to be read. Nothing is loaded from elsewhere."""

import json
from typing import Any

from flask import Blueprint, Response, render_template

from service.selftest import vector
from service.web import asked
from service.web.answering import identified, json_response
from service.web.problem import KINDS
from service.web.state import Desk, state

blueprint = Blueprint("docs", __name__, url_prefix="/v1")


@blueprint.get("/openapi.json")
def document() -> Response:
    asked.only()
    desk = state().desk()
    return identified(json_response(desk.openapi, ["en"]), desk.decider.rulebook)


@blueprint.get("/docs")
def page() -> Response:
    asked.only()
    desk = state().desk()
    response = Response(_page(desk), content_type="text/html; charset=utf-8")
    response.content_language.add("en")
    return identified(response, desk.decider.rulebook)


def _page(desk: Desk) -> str:
    spec = desk.openapi
    words = desk.decider.rulebook.vocabulary
    return render_template(
        "docs.html",
        spec=spec,
        operations=[
            _operation(spec, path, method, each)
            for path, methods in spec["paths"].items()
            for method, each in methods.items()
        ],
        sections=[(label, [item for item in words if item.section == name]) for name, label in words.sections.items()],
        schemas=[
            (name, _properties(schema))
            for name, schema in spec["components"]["schemas"].items()
            if name not in ("Patient", "Lesion")
        ],
        kinds=KINDS,
        example=json.dumps(vector().referral, indent=2, ensure_ascii=False),
        at=vector().at.isoformat(),
    )


def _operation(spec: Any, path: str, method: str, operation: Any) -> dict[str, Any]:
    """One operation with its references followed."""
    body = operation.get("requestBody")
    return {
        "path": path,
        "method": method.upper(),
        "name": operation["operationId"],
        "tag": operation["tags"][0],
        "summary": operation["summary"],
        "parameters": [_followed(spec, each) for each in operation.get("parameters", [])],
        "body": {"description": body["description"], "content": _content(body)} if body else None,
        "responses": [
            {"status": status, "description": followed["description"], "content": _content(followed)}
            for status, each in operation["responses"].items()
            for followed in [_followed(spec, each)]
        ],
    }


def _followed(spec: Any, node: Any) -> Any:
    if "$ref" not in node:
        return node
    found = spec
    for key in node["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


def _content(node: Any) -> list[tuple[str, str]]:
    return [(mimetype, _shown(each["schema"])) for mimetype, each in node.get("content", {}).items()]


def _properties(schema: Any) -> dict[str, Any]:
    required = schema.get("required", [])
    return {
        "description": schema.get("description", ""),
        "shape": "" if "properties" in schema else _shown(schema),
        "properties": [
            {
                "name": name,
                "shape": _shown(each),
                "required": name in required,
                "description": each.get("description", ""),
            }
            for name, each in schema.get("properties", {}).items()
        ],
    }


def _shown(schema: Any) -> str:
    """A schema on one line: «list of Option», «fr | en»."""
    match schema:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"enum": list(words)}:
            return " | ".join("null" if word is None else str(word) for word in words)
        case {"anyOf": list(parts)}:
            return " or ".join(_shown(part) for part in parts)
        case {"type": "array", "items": items}:
            return f"list of {_shown(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"map of {_shown(values)}"
        case {"type": "object", "properties": dict(properties)}:
            return "{" + ", ".join(properties) + "}"
        case {"type": str(kind)}:
            return kind
    return "anything"
