"""Reads what conditions may speak of: vocabulary, site settings and scores."""

from collections.abc import Iterator
from typing import Any

from service.language.arithmetic import Constant, Expression, can_divide_by_zero, variables
from service.language.condition import read_condition
from service.language.errors import LanguageError
from service.language.parser import ScoreHead, Setting, Words, parse_arithmetic
from service.language.scores import Band, Component, Row, Score, circular
from service.language.tree import Always, CountLesions, Node, OfTechnique, items_of, leaves, scores_of
from service.language.units import hours
from service.language.vocabulary import Item, Scope, Text, Vocabulary
from service.rulebook.drafting import Draft, evidence_of, text_of
from service.rulebook.source import Document, Keys

#: prefixes that mean something else than an item
RESERVED = ("score", "site", "technique")


def read_vocabulary(draft: Draft) -> Vocabulary:
    items: dict[str, Item] = {}
    sections: dict[str, Text] = {}
    for document in draft.documents.get("vocabulary", []):
        data = document.data
        if not isinstance(data, dict) or not isinstance(data.get("items"), dict):
            continue
        section = str(data.get("section"))
        if isinstance(data.get("label"), dict) and {"fr", "en"} <= data["label"].keys():
            sections[section] = text_of(data["label"])
        for keys, name, entry in draft.entries(document, ("items",)):
            if name in items:
                draft.complain(document, keys, "declared twice", offender=name)
                continue
            if name.partition(".")[0] in RESERVED:
                draft.complain(document, keys, f"no item may begin with {', '.join(RESERVED)}", offender=name)
            items[name] = _item(draft, document, keys, name, entry, section, data.get("scope", "patient"))
    return Vocabulary(items, sections)


def _item(draft: Draft, document: Document, keys: Keys, name: str, entry: Any, section: str, scope: Scope) -> Item:
    kind = entry["type"]
    if kind in ("choice", "set") and not entry.get("choices"):
        draft.complain(document, keys, f"a {kind} needs «choices»", offender=name)
    if kind not in ("choice", "set") and "choices" in entry:
        draft.complain(document, keys, f"a {kind} has no «choices»", offender=name)
    if kind == "number" and "range" not in entry:
        draft.complain(document, keys, "a number needs its plausible «range»", offender=name)
    unit, units = (
        entry.get("unit"),
        {str(spelling): float(factor) for spelling, factor in entry.get("units", {}).items()},
    )
    if unit is not None and units.get(unit, 1.0) != 1.0:
        draft.complain(document, (*keys, "units"), "the item's own unit must have the factor 1", offender=unit)
    if unit is None and units:
        draft.complain(document, (*keys, "units"), "accepted spellings need a «unit»", offender=name)
    low, high = entry.get("range", [0, 0])
    if low > high:
        draft.complain(document, (*keys, "range"), "the range is upside down", offender=name)
    label = text_of(entry["label"])
    return Item(
        id=name,
        section=section,
        scope=scope,
        type=kind,
        label=label,
        help=text_of(entry["help"]) if "help" in entry else label,
        choices={word: text_of(choice["label"]) for word, choice in entry.get("choices", {}).items()},
        unit=unit,
        units={unit: 1.0, **units} if unit else {},
        low=float(low),
        high=float(high),
        step=float(entry.get("step", 1)),
        fresh_for=hours(entry["fresh_for"]) if "fresh_for" in entry else None,
        changeable=bool(entry.get("changeable", False)),
        codes={
            **entry.get("codes", {}),
            **({"choices": codes} if (codes := _choice_codes(entry)) else {}),
        },
    )


def _choice_codes(entry: Any) -> dict[str, Any]:
    return {word: choice["codes"] for word, choice in entry.get("choices", {}).items() if "codes" in choice}


def read_settings(draft: Draft, sources: Any) -> dict[str, Setting]:
    settings = {}
    for document in draft.documents.get("site", []):
        for keys, name, entry in draft.entries(document):
            evidence_of(draft, document, (*keys, "evidence"), entry["evidence"], sources)
            settings[name] = Setting(name, float(entry["value"]), entry.get("unit"))
    return settings


def read_scores(draft: Draft, vocabulary: Vocabulary, settings: dict[str, Setting], sources: Any) -> dict[str, Score]:
    heads: dict[str, ScoreHead] = {}
    placed: dict[str, Document] = {}
    for document in draft.documents.get("score", []):
        name = str(document.data.get("score")) if isinstance(document.data, dict) else ""
        if draft.faulty(document, ()):
            draft.taint(f"score.{name}")
            continue
        if name in heads:
            draft.complain(document, ("score",), "declared twice", offender=name)
        heads[name] = ScoreHead(document.data["scope"], document.data.get("unit"))
        placed[name] = document
    words = Words(vocabulary, heads, settings)
    scores = {name: _score(draft, document, name, words, sources) for name, document in placed.items()}
    for name in circular(scores):
        draft.complain(placed[name], ("score",), "the score is computed from itself", offender=name)
        draft.taint(f"score.{name}")
    return scores


def _score(draft: Draft, document: Document, name: str, words: Words, sources: Any) -> Score:
    data = document.data
    evidence_of(draft, document, ("evidence",), data["evidence"], sources)
    scope: Scope = data["scope"]
    applies = read_node(draft, document, ("applies",), data["applies"], words, scope) if "applies" in data else Always()
    if any(isinstance(leaf, CountLesions) for node in _conditions(data, words) for leaf in leaves(node)):
        draft.complain(document, ("score",), "a score cannot ask about several lesions", offender=name)
    components = []
    for at, entry in enumerate(data["components"]):
        keys: Keys = ("components", at)
        rows = tuple(
            Row(
                read_node(draft, document, (*keys, "rows", index, "when"), row["when"], words, scope),
                _points(draft, document, (*keys, "rows", index, "points"), row["points"], words, scope),
            )
            for index, row in enumerate(entry["rows"])
        )
        otherwise = _points(draft, document, (*keys, "otherwise"), entry["otherwise"], words, scope)
        components.append(Component(entry["id"], text_of(entry["label"]), rows, otherwise))
    bands = tuple(
        Band(float(band["from"]), float(band["to"]), text_of(band["label"])) for band in data.get("bands", [])
    )
    return Score(name, text_of(data["label"]), scope, data.get("unit"), applies, tuple(components), bands)


def _conditions(data: Any, words: Words) -> Iterator[Node]:
    """Every condition of a score's file; mistakes in them are told where they are read."""
    for condition in (
        data.get("applies", "always"),
        *(row["when"] for part in data["components"] for row in part["rows"]),
    ):
        yield read_condition(condition, words, lambda path, error: None)


def _points(draft: Draft, document: Document, keys: Keys, points: Any, words: Words, scope: Scope) -> Expression:
    if isinstance(points, int | float):
        return Constant(float(points))
    try:
        expression = parse_arithmetic(points, words)
    except LanguageError as error:
        draft.complain_of(document, keys, error)
        return Constant(0.0)
    vocabulary = words.vocabulary
    for item in variables(expression):
        if scope == "patient" and vocabulary[item].scope == "lesion":
            draft.complain(document, keys, "a score of the patient cannot read an item of a lesion", offender=item)
    if can_divide_by_zero(expression, lambda item: (vocabulary[item].low, vocabulary[item].high)):
        draft.complain(
            document, keys, "may divide by zero: the divisor's plausible range contains 0", offender=str(points)
        )
    return expression


def read_node(draft: Draft, document: Document, keys: Keys, data: Any, words: Words, scope: Scope | None) -> Node:
    """A condition, its mistakes placed. With `scope` "patient", items of a lesion are refused outside a quantifier."""
    node = read_condition(data, words, lambda path, error: draft.complain_of(document, (*keys, *path), error))
    if scope is not None:
        for leaf in leaves(node):
            if isinstance(leaf, OfTechnique):
                draft.complain(document, keys, "only a rule can speak of the technique", offender=leaf.text)
        if scope == "patient" and scope_of(node, words) == "lesion":
            draft.complain(document, keys, "speaks of a lesion, but is asked about the patient")
    return node


def scope_of(node: Node, words: Words) -> Scope:
    """Whether a condition needs a lesion to be asked about. A question about all lesions needs only the patient."""
    for leaf in leaves(node):
        if isinstance(leaf, CountLesions):
            continue
        if any(words.vocabulary[item].scope == "lesion" for item in items_of(leaf) if item in words.vocabulary):
            return "lesion"
        if any(words.scores[score].scope == "lesion" for score in scores_of(leaf)):
            return "lesion"
    return "patient"
