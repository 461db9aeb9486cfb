"""The shape of a file of distributions, as a JSON Schema."""

from typing import Any

_NUMBER = {"type": "number"}
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_WEIGHT = {"type": "number", "minimum": 0}
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
#: a text or several; which source ids there are is told by the reader
_SOURCE = {"anyOf": [_TEXT, _TEXTS]}
#: a condition is read by its own reader
_CONDITION: dict[str, Any] = {}


def _mapping(values: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values, "minProperties": least}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_TIMES = _mapping(_TEXT, 2)
_DRAW = {
    "share": _PERCENT,
    "words": _mapping(_WEIGHT),
    "quantiles": _mapping(_NUMBER, 2),
    "values": _mapping(_WEIGHT),
    "ago": _TIMES,
    "exists": _PERCENT,
}
_CASES = {"type": "array", "minItems": 1, "items": _object({"when": _CONDITION, **_DRAW})}
_HANDFULS = {
    "type": "array",
    "minItems": 1,
    "items": _object({"when": _CONDITION, "one_of": _mapping(_PERCENT), "each": _mapping(_PERCENT)}),
}
_DATING = {
    "ago": _TIMES,
    "current": _TIMES,
    "given": {"type": "string", "enum": ["day", "time"]},
    "source": _SOURCE,
}
_ITEM = _object(
    {
        **_DRAW,
        "cases": _CASES,
        "handfuls": _HANDFULS,
        "applies": _CONDITION,
        "follows": _object({"list": _TEXT, "word": _TEXT}, "list", "word"),
        "step": {"type": "number", "exclusiveMinimum": 0},
        "given": {"anyOf": [{"type": "string", "enum": ["day", "time"]}, _object({"time": _PERCENT}, "time")]},
        "distinct": {"type": "boolean"},
        "source": _SOURCE,
    },
    "source",
)
_CENTRE = _object({"share": _WEIGHT, "odds": _WEIGHT}, "share", "odds")
_SECTION = _object({"whole": _PERCENT, "each": _PERCENT}, "whole", "each")
_LISTING = _object({"complete": _PERCENT, "forgotten": _PERCENT, "denied": _PERCENT}, "complete", "forgotten", "denied")

SCHEMA: dict[str, Any] = _object(
    {
        "lesions": _object({"values": _mapping(_WEIGHT), "cases": _CASES, "source": _SOURCE}, "source"),
        "items": _mapping(_ITEM),
        "written": _object(
            {
                "centres": _object({"kinds": _mapping(_CENTRE), "source": _SOURCE}, "kinds", "source"),
                "levels": _mapping(_WEIGHT),
                "missing": _object(
                    {"sections": _mapping(_SECTION), "items": _mapping(_PERCENT, 0), "source": _SOURCE},
                    "sections",
                    "items",
                    "source",
                ),
                "lists": _object({"kinds": _mapping(_LISTING, 0), "source": _SOURCE}, "kinds", "source"),
                "recorded_at": _object(_DATING, "ago", "current", "given", "source"),
                "dates": _mapping(
                    _object({"items": _TEXTS, **_DATING}, "items", "ago", "current", "given", "source"), 0
                ),
                "units": _object(
                    {"laboratories": _mapping(_WEIGHT), "items": _mapping(_mapping(_TEXT), 0), "source": _SOURCE},
                    "laboratories",
                    "items",
                    "source",
                ),
                "faults": _object({"units": _TEXTS, "words": _TEXTS, "source": _SOURCE}, "units", "words", "source"),
            },
            "centres",
            "levels",
            "missing",
            "lists",
            "recorded_at",
            "dates",
            "units",
            "faults",
        ),
    },
    "lesions",
    "items",
    "written",
)
