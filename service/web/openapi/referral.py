"""The referral as JSON Schema, one property for each item of the vocabulary."""

from service.language.vocabulary import Item, Scope, Vocabulary
from service.referral.schema import LESION_ID, MAX_LESIONS
from service.web.openapi.shapes import Schema, array, closed, one_of, record, ref, said

DAY = "a date (2026-11-23) or a date and time (2026-11-23T09:00:00+01:00)"


def referral_schemas(vocabulary: Vocabulary) -> dict[str, Schema]:
    """Components: Referral, Patient, Lesion, Day."""
    lesion = _scope(vocabulary, "lesion", {"id": {"type": "string", "pattern": LESION_ID.pattern.replace(r"\Z", "$")}})
    lesion["description"] = "One lesion: an identifier of the sender's choice, and what is known of it."
    patient = _scope(vocabulary, "patient", {})
    patient["description"] = "What is known of the patient. What is absent, or null, is unknown: never taken for a no."
    referral = record(
        {
            "recorded_at": said(ref("Day"), "When values without a date of their own were true."),
            "lesions": {**array(ref("Lesion")), "minItems": 1, "maxItems": MAX_LESIONS},
        },
        {"patient": ref("Patient")},
        "One patient and one or more lesions, as known at one moment. Nothing that names the patient is needed or accepted.",
    )
    return {
        "Referral": closed(referral),
        "Patient": closed(patient),
        "Lesion": closed(lesion),
        "Day": {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$",
            "description": DAY,
        },
    }


def _scope(vocabulary: Vocabulary, scope: Scope, more: dict[str, Schema]) -> Schema:
    return record(more, {name: _item(item) for name, item in vocabulary.of(scope).items()})


def _item(item: Item) -> Schema:
    """The bare value, the value with its unit and date, or null."""
    if item.type == "set":
        shapes = _list(item)
    else:
        bare = _bare(item)
        more: dict[str, Schema] = {"date": {"anyOf": [ref("Day"), {"type": "null"}], "description": "when it was true"}}
        value = bare
        if item.type == "number" and item.unit:
            more["unit"] = {"enum": [*item.units, None], "description": f"{item.unit} when absent"}
            # The plausible range is told in the item's own unit.
            value = {"type": "number"}
        elif item.type == "number":
            more["unit"] = {"type": "null"}
        shapes = [bare, closed(record({"value": value}, more))]
    return {"anyOf": [*shapes, {"type": "null"}], "title": item.label.en, "description": _described(item)}


def _bare(item: Item) -> Schema:
    match item.type:
        case "number":
            return {"type": "number", "minimum": item.low, "maximum": item.high}
        case "flag":
            return {"type": "boolean"}
        case "choice":
            return one_of(item.choices)
        case _:
            return ref("Day")


def _list(item: Item) -> list[Schema]:
    words = array(one_of(item.choices))
    full = record(
        {},
        {
            "items": said(words, "present"),
            "absent": said(words, "known not to be there"),
            "complete": {"type": "boolean", "description": "true: nothing else is there; false when absent"},
            "date": {"anyOf": [ref("Day"), {"type": "null"}], "description": "when it was true"},
        },
    )
    return [words, closed(full)]


def _described(item: Item) -> str:
    facts = []
    if item.type == "number":
        unit = f" {item.unit}" if item.unit else ""
        facts.append(f"{item.low:g} to {item.high:g}{unit}")
    if item.choices:
        facts.append("; ".join(f"{word}: {label.en}" for word, label in item.choices.items()))
    if item.fresh_for is not None:
        facts.append(f"unknown again after {item.fresh_for / 24:g} d")
    return " ".join([item.help.en, *(f"({fact})" for fact in facts)])
