"""Small words for writing JSON Schema."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def text(description: str) -> Schema:
    return said(TEXT, description)


def one_of(words: Iterable[str], description: str = "") -> Schema:
    schema: Schema = {"enum": list(words)}
    return said(schema, description) if description else schema


def array(items: Schema, description: str = "") -> Schema:
    schema: Schema = {"type": "array", "items": items}
    return said(schema, description) if description else schema


def mapping(values: Schema, description: str = "") -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": values}
    return said(schema, description) if description else schema


def pair(description: str) -> Schema:
    return {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2, "description": description}


def record(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, description: str = "") -> Schema:
    schema: Schema = {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}
    return said(schema, description) if description else schema


def closed(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
