"""Checks one document against the shape of its kind and words the mistakes for its author."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from service.language.errors import Mistake, nearest
from service.rulebook.schema import schemas
from service.rulebook.source import Document, Keys

_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


@cache
def _validators() -> dict[str, Draft202012Validator]:
    return {kind: Draft202012Validator(schema) for kind, schema in schemas().items()}


def shape_mistakes(document: Document, kind: str) -> list[Mistake]:
    """Every way in which `document` is not a file of its kind."""
    return schema_mistakes(document, _validators()[kind])


def schema_mistakes(document: Document, validator: Draft202012Validator) -> list[Mistake]:
    """Every way in which `document` is not what the validator's schema asks for, worded for its author."""
    return [mistake for error in validator.iter_errors(document.data) for mistake in _worded(document, error)]


def _worded(document: Document, error: ValidationError) -> Iterator[Mistake]:
    keys: Keys = tuple(error.absolute_path)
    value: Any = error.instance
    # jsonschema types these as possibly unset; they are set on every error that iteration yields.
    schema: Any = error.schema
    wanted: Any = error.validator_value
    if error.validator == "anyOf":
        yield from _none_of(document, error)
    elif error.validator == "additionalProperties":
        known = set(schema.get("properties", {}))
        for key in sorted(set(value) - known) if known else sorted(value):
            if known or not _matches_names(schema, key):
                yield document.mistake((*keys, key), "unknown key", offender=key, suggestion=nearest(key, known))
    elif error.validator == "required":
        missing = next(name for name in wanted if name not in value and f"'{name}'" in error.message)
        yield document.mistake(keys, f"«{missing}» is missing")
    elif error.validator == "enum":
        known_words = [str(word) for word in wanted]
        hint = nearest(str(value), known_words)
        yield document.mistake(keys, f"not one of {', '.join(known_words)}", offender=_brief(value), suggestion=hint)
    elif error.validator == "type":
        yield document.mistake(keys, f"{_TYPES.get(wanted, wanted)} is needed", offender=_brief(value))
    elif error.validator == "pattern":
        meant = schema.get("description", wanted)
        yield document.mistake(keys, f"not of the form expected ({meant})", offender=_brief(value))
    else:
        yield document.mistake(keys, error.message[:200])


def _none_of(document: Document, error: ValidationError) -> Iterator[Mistake]:
    """`anyOf` reports one branch per form; the deepest one is the form the author meant."""
    keys: Keys = tuple(error.absolute_path)
    value: Any = error.instance
    branches: Any = error.validator_value
    if isinstance(value, dict) and error.context:
        deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
        if len(deepest.absolute_path) > len(error.absolute_path):
            yield from _worded(document, deepest)
            return
        # {and: […]} for {all: […]}: the key that would have told the form is no word of ours.
        forms = {name for branch in branches for name in branch.get("properties", {})}
        strange = sorted(value.keys() - forms)
        for key in strange:
            yield document.mistake((*keys, key), "unknown key", offender=key, suggestion=nearest(key, forms))
        if strange:
            return
    yield document.mistake(keys, "not a form that is accepted here", offender=_brief(value))


def _matches_names(schema: Any, key: str) -> bool:
    return any(re.search(pattern, key) for pattern in schema.get("patternProperties", {}))


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
