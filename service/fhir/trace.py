"""The trace as Parameters: what was concluded of each lesion, by which rules, from which values of the record."""

from collections.abc import Iterable
from typing import Any

from service.fhir.frame import Frame, Resource, reference
from service.language.vocabulary import Item

Parts = list[Resource]

#: of a criterion that counts or adds up, the interval between what is certain and what is possible
_INTERVALS = ("total", "count")


def parameters(answer: dict[str, Any], frame: Frame) -> Resource:
    """Everything the answer rests on. `answer` may carry origins (service.fhir.origins.annotate)."""
    rulebook = answer["rulebook"]
    found: Parts = [
        _part("rulebook", [_text(name, rulebook[name]) for name in ("name", "version", "status", "digest")]),
        _text("engine-version", answer["engine_version"]),
        {"name": "evaluated-at", "valueDateTime": frame.moment(answer["evaluated_at"])},
        _text("input-digest", answer["input_digest"]),
        _text("notice", answer["notice"]),
        *(_alert(alert) for alert in answer["alerts"]),
        *(_question(question) for question in answer["questions"]),
        *(_lesion(lesion, frame) for lesion in answer["lesions"]),
    ]
    return {"resourceType": "Parameters", "parameter": found}


def _alert(alert: dict[str, Any]) -> Resource:
    parts = [_text(name, alert[name]) for name in ("rule", "label", "because", "action", "within")]
    return _part(
        "alert",
        [
            *parts,
            _flag("blocks", alert["blocks"]),
            *_texts("lesion", alert.get("lesions", ())),
            *_texts("source", alert["sources"]),
            _flag("verified", alert["verified"]),
        ],
    )


def _question(question: dict[str, Any]) -> Resource:
    effects = [
        _part("effect", [_text(name.replace("_", "-"), effect[name]) for name in _EFFECT])
        for effect in question["effects"]
    ]
    parts = [_text(name, question.get(name)) for name in ("item", "lesion", "label", "help", "unit")]
    return _part("question", [*parts, *_texts("alert", question["alerts"]), *effects])


_EFFECT = ("lesion", "technique", "if_well", "if_badly")


def _lesion(lesion: dict[str, Any], frame: Frame) -> Resource:
    return _part(
        "lesion",
        [
            _text("id", lesion["id"]),
            *(_option(option, frame) for option in lesion["options"]),
            *(_rule(key, rule, frame) for key, rule in lesion["rules"].items()),
        ],
    )


def _option(option: dict[str, Any], frame: Frame) -> Resource:
    names = ("technique", "label", "status", "status_label", "why", "plan")
    arguments = [
        _part(kind, [_text(rule, verdict) for rule, verdict in rules.items()])
        for kind, rules in option["arguments"].items()
    ]
    parts = [
        {"name": "rank", "valueInteger": option["rank"]},
        *(_text(name.replace("_", "-"), option.get(name)) for name in names),
        _flag("final", option["final"]),
        *_texts("provided-that", option.get("provided_that", ())),
        _part("arguments", arguments),
        *_texts("unverified-rule", option.get("unverified", ())),
    ]
    if "earliest" in option:
        parts.append({"name": "earliest", "valueDateTime": frame.moment(option["earliest"])})
    return _part("option", parts)


def _rule(key: str, rule: dict[str, Any], frame: Frame) -> Resource:
    names = ("rule", "claim", "verdict", "because", "certainty", "severity", "strength")
    return _part(
        "rule",
        [
            _text("key", key),
            *(_text(name, rule.get(name)) for name in names),
            *_texts("source", rule["sources"]),
            _flag("verified", rule["verified"]),
            _node(rule["criteria"], frame),
        ],
    )


def _node(node: dict[str, Any], frame: Frame) -> Resource:
    """A condition: criteria under «all», «any», «not», each with its verdict."""
    for word in ("all", "any", "not"):
        if word in node:
            inner = node[word] if isinstance(node[word], list) else [node[word]]
            return _part(word, [_text("verdict", node["verdict"]), *(_node(part, frame) for part in inner)])
    return _criterion(node, frame)


def _criterion(leaf: dict[str, Any], frame: Frame) -> Resource:
    vocabulary = frame.rulebook.vocabulary
    item = vocabulary[leaf["item"]] if leaf.get("item") in vocabulary else None
    parts = [_text("expression", leaf.get("criterion"))]
    parts += [_text(name, leaf.get(name)) for name in ("text", "verdict", "item", "score", "unknown")]
    if "value" in leaf:
        parts.append({"name": "value", **_value(leaf["value"], item, frame)})
    for name in ("present", "absent"):
        parts += _texts(name, leaf.get(name, ()))
    if "complete" in leaf:
        parts.append(_flag("complete", leaf["complete"]))
    for name in _INTERVALS:
        if name in leaf:
            low, high = leaf[name]
            parts += [{"name": f"{name}-low", "valueDecimal": low}, {"name": f"{name}-high", "valueDecimal": high}]
    if "date" in leaf:
        parts.append({"name": "date", "valueDateTime": frame.moment(leaf["date"])})
    for origin in filter(None, (part.strip() for part in leaf.get("from", "").split(","))):
        pointed = reference(origin)
        parts.append({"name": "from", "valueReference": pointed} if pointed else _text("from", origin))
    return _part("criterion", parts)


def _value(value: Any, item: Item | None, frame: Frame) -> Resource:
    match value:
        case bool():
            return {"valueBoolean": value}
        case int() | float() if item is not None and item.unit:
            return {"valueQuantity": {"value": value, "unit": item.unit}}
        case int() | float():
            return {"valueDecimal": value}
        case _ if item is not None and item.type == "moment":
            return {"valueDateTime": frame.moment(value)}
    return {"valueString": str(value)}


def _part(name: str, parts: Parts) -> Resource:
    """A parameter with its parts. Those that say nothing, but a name, are left out."""
    said = [part for part in parts if len(part) > 1]
    return {"name": name, "part": said} if said else {"name": name}


def _text(name: str, value: Any) -> Resource:
    return {"name": name, "valueString": str(value)} if value not in (None, "") else {"name": name}


def _texts(name: str, values: Iterable[Any]) -> Parts:
    return [_text(name, value) for value in values]


def _flag(name: str, value: Any) -> Resource:
    return {"name": name, "valueBoolean": bool(value)}
