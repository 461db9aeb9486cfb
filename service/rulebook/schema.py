"""The shape of rule files as JSON Schema: the loader checks with it, and editors complete with it.

`schemas()` is the bare shape. `editor_schemas(...)` adds the words of a loaded rulebook (techniques, traits, sources …)
so that an editor offers them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from service.language.parser import POSITIONS
from service.language.units import HOURS
from service.rulebook.model import CERTAINTIES, MODE_KINDS, STATUSES, STRENGTHS

Schema: TypeAlias = dict[str, Any]

_DURATION = {
    "type": "string",
    "pattern": rf"^\d+(\.\d+)? ({'|'.join(HOURS)})$",
    "description": "a number and a unit: 72 h, 7 d",
}
_ID = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z0-9_-]+)*$"}
_RULE_ID = {"type": "string", "pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$", "description": "topic.what, lower case"}
_ITEMS = {
    "type": "string",
    "pattern": r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?$",
    "description": "an item, or neuro.* for every item whose name begins so",
}
_NUMBER = {"type": "number"}
_VERSION = {"type": "string", "pattern": r"^\d+\.\d+\.\d+$", "description": "as in 1.4.0"}
_DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "as in 2026-11-25"}
#: code systems -> the form of one code; ICD-10 and ATC also as a beginning («C50*»), ICD-10 as a range («C18-C20»)
CODE_SYSTEMS = {
    "loinc": r"^(LA)?\d+-\d$",
    "snomed": r"^\d{6,18}$",
    "icd10": r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?(\*|-[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?)?$",
    "atc": r"^[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?\*?$",
    "rxnorm": r"^\d+$",
    "gender": r"^[a-z]+$",
}
#: kinds of which there is one file, at the top of `rules/`
SINGLE = (
    "rulebook",
    "sources",
    "traits",
    "site",
    "checklist",
    "referral_form",
    "impossible",
    "invariants",
    "changelog",
    "ranking",
    "session",
)
_KEYS = ["indication", "strength", "status", "favours", "cautions", "certainty", "burden"]
MEASURES = ["pain_reduction", "responders", "complete_relief", "points", "fracture_free"]


def _object(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, description: str = "") -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema


def _list(items: Any, at_least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": at_least}


def _map(values: Any, names: str = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$") -> Schema:
    return {"type": "object", "patternProperties": {names: values}, "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _word_or_words() -> Schema:
    return {"anyOf": [{"type": "string"}, _list({"type": "string"}, 1)]}


def _codes() -> tuple[Schema, Schema]:
    """What codes an item and one of its choices may have, and how they are read from FHIR."""
    words = _list({"type": "string", "pattern": r"\S"}, 1)
    systems = {name: _list({"type": "string", "pattern": form}, 1) for name, form in CODE_SYSTEMS.items()}
    coded = _object({}, systems)
    of_item = {
        "fhir": _list(
            {"type": "string", "pattern": r"^[A-Z][A-Za-z]+\.[a-z][A-Za-z]+$", "description": "Observation.value"}, 1
        ),
        "answers": _object({}, {"present": coded, "absent": coded}, "coded answers to a yes-or-no question"),
        "nothing": {**coded, "description": "codes that say that the list is empty"},
        "with_site": {**coded, "description": "codes that count only when the place is named"},
        "filler": {**words, "description": "words that say nothing of the place"},
    }
    of_choice = {
        "words": {**words, "description": "how a text names it"},
        "reaction": {**coded, "description": "the code counts only with this reaction"},
        "implied_by": _map(words, r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"),
        "one_per_side": {"type": "boolean", "description": "there is one such bone on each side"},
    }
    return _object({}, {**systems, **of_item}), _object({}, {**systems, **of_choice})


def _definitions() -> Schema:
    text = _object(
        {language: {"type": "string", "pattern": r"\S", "description": "words"} for language in ("fr", "en")},
        description="French and English",
    )
    evidence = _object(
        {
            "certainty": {"enum": list(CERTAINTIES)},
            "sources": _list(_ref("source"), 1),
            "verified": {"type": "boolean", "description": "false: not checked against its source"},
        }
    )
    correction = _object(
        {"by": _ref("text"), "lead_time": _DURATION},
        {
            "earliest": {"type": "string", "description": "after(item, 72 h) or days_after(item, 3)"},
            "recheck": _ref("item"),
        },
    )
    modes: Schema = {kind: _ref(kind) for kind in MODE_KINDS}
    target = {
        "type": "object",
        "properties": {"technique": _ref("techniques"), "trait": _ref("traits"), **modes},
        "additionalProperties": False,
        "description": "who the rule speaks of: {technique: …}, {trait: …}, {anaesthesia: …} …",
    }
    declared = _list(_object({"rule": _RULE_ID, "because": _ref("text")}), 1)
    meant = {"overrides": declared, "tolerates": declared, "dormant": _ref("text")}
    narrow = _object({}, {"technique": _ref("techniques"), "trait": _ref("traits")})
    common = {"id": _RULE_ID, "because": _ref("text"), "evidence": _ref("evidence"), "when": _ref("condition")}
    severity = {"enum": ["absolute", "relative"]}
    against = {"severity": severity, "correctable": _ref("correction"), "precaution": _ref("text")}
    rule = _object(
        common,
        {
            "indicates": _ref("target"),
            "favours": _ref("target"),
            "contraindicates": _ref("target"),
            "preempts": _ref("target"),
            "strength": {"enum": list(STRENGTHS)},
            **against,
            "label": _ref("text"),
            "action": _ref("text"),
            "within": _DURATION,
            **meant,
        },
    )
    condition = {
        "anyOf": [
            {"type": "string", "description": "one criterion"},
            _object({"all": _list(_ref("condition"), 1)}),
            _object({"any": _list(_ref("condition"), 1)}),
            _object({"not": _ref("condition")}),
            _object({"any_lesion": _ref("condition")}),
            _object({"every_lesion": _ref("condition")}),
            _object({"count_lesions": _object({"where": _ref("condition"), "is": {"type": "string"}})}),
        ]
    }
    benefit = _object(
        {
            "measure": {"enum": MEASURES},
            "low": _NUMBER,
            "high": _NUMBER,
            "unit": {"type": "string"},
            "certainty": {"enum": list(CERTAINTIES)},
            "sources": _list(_ref("source"), 1),
            "verified": {"type": "boolean"},
        },
        {"by": _DURATION, "lasts": _DURATION, "note": _ref("text")},
    )
    return {
        "text": text,
        "evidence": evidence,
        "correction": correction,
        "condition": condition,
        "target": target,
        "rule": rule,
        "benefit": benefit,
        "indication": _object({**common, "strength": {"enum": list(STRENGTHS)}}, meant),
        "favour": _object(common, {"for": narrow, **meant}),
        "contraindication": _object(
            {**common, "severity": severity},
            {k: v for k, v in against.items() if k != "severity"} | {"for": narrow, **meant},
        ),
        "source": {"type": "string"},
        "item": {"type": "string"},
        "techniques": _word_or_words(),
        "traits": _word_or_words(),
        **{kind: {"type": "string"} for kind in MODE_KINDS},
    }


def _kinds() -> dict[str, Schema]:
    label = {"label": _ref("text")}
    codes_of_item, codes_of_choice = _codes()
    choice = _object(label, {"codes": codes_of_choice, "help": _ref("text")})
    item = _object(
        {"type": {"enum": ["flag", "choice", "number", "set", "moment"]}, **label},
        {
            "help": _ref("text"),
            "unit": {"type": "string"},
            "units": {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
            "range": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
            "step": {"type": "number", "exclusiveMinimum": 0},
            "choices": _map(choice),
            "fresh_for": _DURATION,
            "changeable": {"type": "boolean"},
            "codes": codes_of_item,
        },
    )
    points = {"anyOf": [_NUMBER, {"type": "string"}]}
    component = _object(
        {
            "id": _ID,
            "label": _ref("text"),
            "rows": _list(_object({"points": points, "when": _ref("condition")})),
            "otherwise": points,
        }
    )
    band = _object({"from": _NUMBER, "to": _NUMBER, **label})
    mode_rules = {"favours": _list(_ref("favour")), "contraindications": _list(_ref("contraindication"))}
    kinds: dict[str, Schema] = {
        "vocabulary": _object(
            {
                "section": _ID,
                **label,
                "scope": {"enum": ["patient", "lesion"]},
                "items": _map(item, r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"),
            }
        ),
        "score": _object(
            {
                "score": _ID,
                **label,
                "scope": {"enum": ["patient", "lesion"]},
                "evidence": _ref("evidence"),
                "components": _list(component, 1),
            },
            {
                "unit": {"type": "string"},
                "applies": _ref("condition"),
                "bands": _list(band),
                "help": _ref("text"),
                "review_by": _DAY,
            },
        ),
        "sources": _map(
            _object({"citation": {"type": "string"}}, {k: {"type": "string"} for k in ("where", "supports", "seen")})
        ),
        "traits": _map(_ref("text")),
        "site": _map(
            _object(
                {"value": _NUMBER, **label, "evidence": _ref("evidence")},
                {"unit": {"type": "string"}, "because": _ref("text")},
            )
        ),
        "checklist": _object({"items": _list(_ref("item"))}, {"never": _list(_ITEMS), "because": _ref("text")}),
        "referral_form": _object({"first": _list(_ref("item"), 1)}, {"because": _ref("text")}),
        "impossible": _object(
            {"impossible": _list(_object({"id": _RULE_ID, "when": _ref("condition"), "because": _ref("text")}))}
        ),
        "invariants": _object(
            {
                "invariants": _list(
                    _object(
                        {
                            "id": _RULE_ID,
                            "options": _ref("target"),
                            "never": _list({"enum": list(STATUSES)}, 1),
                            "because": _ref("text"),
                        },
                        {"when": _ref("condition"), "unless": _ref("condition"), "alone": _ref("item")},
                    )
                )
            },
            {
                "coverage": _list(
                    _object(
                        {
                            "id": _RULE_ID,
                            "when": _ref("condition"),
                            "besides": _list({"type": "string"}, 1),
                            "because": _ref("text"),
                        }
                    )
                )
            },
        ),
        "changelog": _object(
            {
                "releases": _list(
                    _object(
                        {
                            "version": _VERSION,
                            "date": _DAY,
                            "approved_by": _list({"type": "string"}),
                            "changes": _ref("text"),
                        }
                    )
                )
            }
        ),
        "ranking": _object(
            {
                "standing": _list(
                    _object(
                        {"id": _ID, **label, "statuses": _list({"enum": list(STATUSES)}, 1)},
                        {"deferred_within": _DURATION},
                    ),
                    1,
                ),
                "keys": _list(_object({"key": {"enum": _KEYS}, **label}), 1),
                "mode_keys": _list({"enum": ["status", "favours", "preference"]}, 1),
            },
            {"because": _ref("text")},
        ),
        "session": _object(
            {
                "max_sites": _object(
                    {"value": {"type": "integer", "minimum": 1}, "because": _ref("text"), "evidence": _ref("evidence")}
                ),
                "order": _list(_object({"item": {"type": "string"}, "highest": {"type": "boolean"}, **label})),
                "anaesthesia_order": _list(_ref("anaesthesia"), 1),
            },
            {"because": _ref("text")},
        ),
        "rulebook": _object(
            {
                "name": {"type": "string"},
                "version": _VERSION,
                "effective": {"type": "string", "format": "date"},
                "status": {"enum": ["draft", "approved"]},
                "approved_by": _list({"type": "string"}),
                "timezone": {"type": "string"},
                **label,
                "notice": _ref("text"),
            },
            {"review_by": _DAY},
        ),
        "topic": _object(
            {"topic": _ID, **label, "rules": _list(_ref("rule"), 1)}, {"because": _ref("text"), "review_by": _DAY}
        ),
        "technique": _object(
            {
                "technique": _ID,
                **label,
                "summary": _ref("text"),
                "traits": _list({"type": "string"}),
                "duration": _DURATION,
                "position": {"enum": list(POSITIONS)},
                "burden": {"type": "integer", "minimum": 1, "maximum": 5},
                **{kind: _list(_ref(kind)) for kind in MODE_KINDS},
                "indications": _list(_ref("indication"), 1),
            },
            {
                "parts": _list({"type": "string"}),
                "sets_aside": _list(_object({"rule": _RULE_ID, "because": _ref("text")})),
                "favours": _list(_ref("favour")),
                "contraindications": _list(_ref("contraindication")),
                "benefit": _list(_ref("benefit")),
                "review_by": _DAY,
            },
        ),
    }
    for kind in MODE_KINDS:
        kinds[kind] = _object({kind: _ID, **label, "summary": _ref("text")}, {**mode_rules, "review_by": _DAY})
    return kinds


def schemas() -> dict[str, Schema]:
    """The JSON Schema of each kind of rule file, by kind."""
    definitions = _definitions()
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {
        kind: {"$schema": draft, "title": f"Indication: {kind} file", **shape, "$defs": definitions}
        for kind, shape in _kinds().items()
    }


def editor_schemas(words: Mapping[str, Iterable[str]]) -> dict[str, Schema]:
    """The same with the words of a rulebook: `words` maps a definition (`source`, `item`, `techniques` …) to its words."""
    result = schemas()
    for schema in result.values():
        definitions = dict(schema["$defs"])
        for name, known in words.items():
            one: Schema = {"enum": sorted(known)}
            definitions[name] = {"anyOf": [one, _list(one, 1)]} if name in ("techniques", "traits") else one
        schema["$defs"] = definitions
    return result


def kind_of(name: str) -> str | None:
    """Which kind of file stands under this path (relative to `rules/`), or None when it is none."""
    folder, _, file = name.rpartition("/")
    if not folder:
        kind = file.removesuffix(".yaml")
        return kind if kind in SINGLE else None
    folders = {
        "vocabulary": "vocabulary",
        "scores": "score",
        "alerts": "topic",
        "safety": "topic",
        "techniques": "technique",
    }
    return folders.get(folder) or (folder if folder in MODE_KINDS else None)
