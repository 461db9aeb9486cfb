"""Every way in which one value of the rule files can be changed by one step: the mutants of the rulebook.

A mutant is plain data: the file, the place in it, and what stands there instead. Nothing is decided here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from service.language.parser import POSITIONS, Setting
from service.language.vocabulary import Item
from service.rulebook.model import CERTAINTIES, MODE_KINDS, STRENGTHS, Rulebook
from service.rulebook.source import Document, Keys

#: kinds of mutation that the goal of 90 % was set for; the others are held to it as well, and told apart
KINDS = (
    "threshold",
    "strictness",
    "direction",
    "negation",
    "word removed",
    "word added",
    "criterion dropped",
    "all/any swapped",
    "quantifier",
    "severity",
    "strength",
    "correctable lost",
    "lead time",
    "earliest date",
    "recheck",
    "delay of an alert",
    "target",
    "evidence",
    "score points",
    "score row dropped",
    "score formula",
    "score band",
    "site setting",
    "freshness",
    "range",
    "unit factor",
    "changeable",
    "checklist",
    "ranking",
    "session",
    "technique",
    "benefit",
)


class Gone(Enum):
    """In place of a value: the key is taken away."""

    GONE = 0


GONE = Gone.GONE


@dataclass(frozen=True, slots=True)
class Mutant:
    kind: str
    file: str
    line: int
    #: what is mutated: the id of a rule, score, item, technique …
    owner: str
    #: where in the file, and what to put there
    keys: Keys
    value: Any
    what: str

    def __str__(self) -> str:
        return f"rules/{self.file}:{self.line} {self.owner}: {self.kind}: {self.what}"


#: (keys below the condition, kind, what is told, new value)
Change: TypeAlias = tuple[Keys, str, str, Any]


def replaced(data: Any, keys: Keys, value: Any) -> Any:
    """`data` with another value at `keys`, sharing everything else."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(data, list):
        return [replaced(entry, tuple(rest), value) if at == key else entry for at, entry in enumerate(data)]
    if not rest and value is GONE:
        return {name: entry for name, entry in data.items() if name != key}
    return {**data, key: replaced(data.get(key), tuple(rest), value)}


def all_mutants(documents: Mapping[str, tuple[str, Document]], rulebook: Rulebook) -> list[Mutant]:
    """Every mutant of every file; `documents` holds (kind, document) by file name."""
    maker = _Maker(rulebook)
    return [
        mutant
        for name in sorted(documents)
        for mutant in maker.of(*documents[name])
        if mutant.what.partition(" → ")[0] != mutant.what.partition(" → ")[2]
    ]


def _number(value: float) -> str:
    return f"{round(value, 6):.6f}".rstrip("0").rstrip(".")


_COMPARISON = re.compile(r"(?P<term>.+?)\s*(?P<operator><=|>=|==|!=|<|>)\s*(?P<operand>.+)\Z")
_OPERAND = re.compile(r"(?P<number>-?\d+(\.\d+)?)(\s+(?P<unit>.+))?\Z")
_WORDS = re.compile(r"(?P<item>\S+) (?P<how>in|not in|includes any of) \[(?P<words>.*)\]\Z")
_WORD = re.compile(r"(?P<item>\S+) (?P<how>is|is not|includes) (?P<words>\S+)\Z")
_STRICTNESS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": ">=", "!=": ">="}
_DIRECTION = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "=="}
#: spellings with one word and with several
_SPELL = {
    "in": ("is", "in"),
    "is": ("is", "in"),
    "not in": ("is not", "not in"),
    "is not": ("is not", "not in"),
    "includes": ("includes", "includes any of"),
    "includes any of": ("includes", "includes any of"),
}
_OPPOSITE = {"is": "is not", "is not": "is", "in": "not in", "not in": "in"}


class _Maker:
    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.items: Mapping[str, Item] = rulebook.vocabulary.items
        self.settings: Mapping[str, Setting] = rulebook.settings

    def of(self, kind: str, document: Document) -> Iterator[Mutant]:
        by_kind: dict[str, Callable[[Document], Iterator[Mutant]]] = {
            "topic": self.rules,
            "technique": self.technique,
            **dict.fromkeys(MODE_KINDS, self.rules),
            "impossible": self.rules,
            "score": self.score,
            "vocabulary": self.vocabulary,
            "site": self.site,
            "checklist": self.checklist,
            "ranking": self.ranking,
            "session": self.session,
        }
        if kind in by_kind:
            yield from by_kind[kind](document)

    def make(self, document: Document, owner: str, base: Keys, changes: Iterator[Change]) -> Iterator[Mutant]:
        for keys, kind, what, value in changes:
            place = (*base, *keys)
            while place and place not in document.places:
                place = place[:-1]
            line = document.places.get(place, (1, 1))[0]
            yield Mutant(kind, document.name, line, owner, (*base, *keys), value, what)

    # ---- conditions ----

    def condition(self, data: Any, path: Keys = ()) -> Iterator[Change]:
        if isinstance(data, str):
            yield from ((path, kind, f"{data} → {text}", text) for kind, text in self.criterion(data))
            return
        (connective, inner), *_ = data.items()
        below = (*path, connective)
        if connective in ("all", "any"):
            if len(inner) > 1:
                other = "any" if connective == "all" else "all"
                yield path, "all/any swapped", f"{connective} → {other}", {other: inner}
                for at in range(len(inner)):
                    rest = [part for place, part in enumerate(inner) if place != at]
                    yield below, "criterion dropped", f"{_brief(inner[at])} → nothing", rest
            for at, part in enumerate(inner):
                yield from self.condition(part, (*below, at))
        elif connective == "not":
            yield path, "negation", f"not ({_brief(inner)}) → {_brief(inner)}", inner
            yield from self.condition(inner, below)
        elif connective in ("any_lesion", "every_lesion"):
            other = "every_lesion" if connective == "any_lesion" else "any_lesion"
            yield path, "quantifier", f"{connective} → {other}", {other: inner}
            yield from self.condition(inner, below)
        elif connective == "count_lesions":
            operator, number = inner["is"].split()
            for kind, text in self.comparison("", operator, number, 1.0):
                yield (*below, "is"), kind, f"{inner['is']} →{text}", text.strip()
            yield from self.condition(inner["where"], (*below, "where"))

    def criterion(self, text: str) -> Iterator[tuple[str, str]]:
        if text == "always":
            return
        negated, positive = text.startswith("not "), text.removeprefix("not ")
        if found := _WORDS.match(positive) or _WORD.match(positive):
            yield from self.words(found["item"], found["how"], [w.strip() for w in found["words"].split(",")], negated)
        elif found := _COMPARISON.match(positive):
            yield from self.compare(found["term"], found["operator"], found["operand"])
        else:
            yield "negation", positive if negated else f"not {positive}"

    def words(self, item: str, how: str, words: list[str], negated: bool) -> Iterator[tuple[str, str]]:
        prefix = "not " if negated else ""
        one, several = _SPELL[how]

        def spelt(chosen: list[str]) -> str:
            listed = f"{several} [{', '.join(chosen)}]" if len(chosen) > 1 else f"{one} {chosen[0]}"
            return f"{prefix}{item} {listed}"

        if how in _OPPOSITE:
            written = f"[{', '.join(words)}]" if how in ("in", "not in") else words[0]
            yield "negation", f"{item} {_OPPOSITE[how]} {written}"
        else:
            written = f"[{', '.join(words)}]" if how == "includes any of" else words[0]
            yield "negation", f"{'' if negated else 'not '}{item} {how} {written}"
        if item == "technique.position":
            yield from (("word added", f"{item} {how} {other}") for other in POSITIONS if other not in words)
            return
        if len(words) > 1:
            for word in words:
                yield "word removed", spelt([other for other in words if other != word])
        for word in self.items[item].choices:
            if word not in words:
                yield "word added", spelt([*words, word])

    def compare(self, term: str, operator: str, operand: str) -> Iterator[tuple[str, str]]:
        found = _OPERAND.match(operand)
        if found is None:
            setting = self.settings[operand.removeprefix("site.")]
            number, unit = setting.value, setting.unit if not term.startswith(("score.", "days_since")) else None
        else:
            number, unit = float(found["number"]), found["unit"]
        step = 1.0
        if term in self.items:
            item = self.items[term]
            number, unit, step = item.in_unit(number, unit), item.unit, item.step
        for kind, text in self.comparison(term, operator, operand, 1.0):
            if kind != "threshold":
                yield kind, text
        for value in (number - step, number + step):
            yield "threshold", f"{term} {operator} {_number(value)}{f' {unit}' if unit else ''}"

    @staticmethod
    def comparison(term: str, operator: str, operand: str, step: float) -> Iterator[tuple[str, str]]:
        yield "strictness", f"{term} {_STRICTNESS[operator]} {operand}"
        yield "direction", f"{term} {_DIRECTION[operator]} {operand}"
        if not term:
            for value in (float(operand) - step, float(operand) + step):
                yield "threshold", f" {operator} {_number(value)}"

    # ---- rules ----

    def rules(self, document: Document) -> Iterator[Mutant]:
        for section in ("rules", "indications", "favours", "contraindications", "impossible"):
            for at, entry in enumerate(document.data.get(section) or []):
                base = (section, at)
                below = self.condition(entry["when"], ("when",))
                yield from self.make(document, entry["id"], base, below)
                if section != "impossible":
                    yield from self.make(document, entry["id"], base, self.claim(entry))

    def claim(self, entry: Mapping[str, Any]) -> Iterator[Change]:
        severity = entry.get("severity")
        if severity == "absolute":
            softened = {**entry, "severity": "relative", "precaution": entry["because"]}
            yield (), "severity", "absolute → relative", softened
        elif severity == "relative":
            yield (), "severity", "relative → absolute", {**entry, "severity": "absolute"}
        for strength in STRENGTHS:
            if "strength" in entry and strength != entry["strength"]:
                yield ("strength",), "strength", f"{entry['strength']} → {strength}", strength
        if "correctable" in entry:
            yield ("correctable",), "correctable lost", "correctable → nothing", GONE
            yield from self.correction(entry["correctable"])
        elif severity == "absolute":
            correctable = {"by": entry["because"], "lead_time": "1 d"}
            yield ("correctable",), "correctable lost", "nothing → correctable", correctable
        if "within" in entry:
            yield from _durations(("within",), "delay of an alert", entry["within"])
        for name in ("indicates", "favours", "contraindicates", "preempts", "for"):
            if name in entry:
                yield from self.target(name, entry[name] or {})
        certainty = entry["evidence"]["certainty"]
        place = CERTAINTIES.index(certainty)
        for other in CERTAINTIES[max(0, place - 1) : place + 2]:
            if other != certainty:
                yield ("evidence", "certainty"), "evidence", f"{certainty} → {other}", other
        verified = entry["evidence"]["verified"]
        yield ("evidence", "verified"), "evidence", f"verified: {verified} → {not verified}", not verified

    @staticmethod
    def correction(data: Mapping[str, Any]) -> Iterator[Change]:
        yield from _durations(("correctable", "lead_time"), "lead time", data["lead_time"])
        if "earliest" in data:
            text = data["earliest"]
            yield ("correctable", "earliest"), "earliest date", f"{text} → nothing", GONE
            found = re.search(r"(\d+)( \w+)?\)\Z", text)
            assert found, text
            for number in (int(found[1]) - 1, int(found[1]) + 1):
                other = f"{text[: found.start()]}{number}{found[2] or ''})"
                yield ("correctable", "earliest"), "earliest date", f"{text} → {other}", other
        if "recheck" in data:
            yield ("correctable", "recheck"), "recheck", f"{data['recheck']} → nothing", GONE

    def target(self, name: str, target: Mapping[str, Any]) -> Iterator[Change]:
        known = {
            "technique": sorted(self.rulebook.techniques),
            "trait": sorted(self.rulebook.traits),
            **{kind: sorted(mode for other, mode in self.rulebook.modes if other == kind) for kind in MODE_KINDS},
        }
        for key, value in target.items():
            words = [value] if isinstance(value, str) else list(value)
            others = [word for word in known[key] if word not in words]
            if len(words) > 1:
                for word in words:
                    rest = [other for other in words if other != word]
                    yield (name, key), "target", f"{word} → nothing", rest
            for at, word in enumerate(words):
                other = others[0]
                changed = [*words[:at], other, *words[at + 1 :]]
                yield (name, key), "target", f"{word} → {other}", changed if len(changed) > 1 else other
        if name == "for":
            yield ("for",), "target", "for → nothing", GONE
        if name == "preempts" and target:
            yield ("preempts",), "target", f"{target} → nobody", {}

    # ---- the other files ----

    def technique(self, document: Document) -> Iterator[Mutant]:
        yield from self.rules(document)
        yield from self.make(document, document.data["technique"], (), self.head(document.data))

    def head(self, data: Mapping[str, Any]) -> Iterator[Change]:
        yield from _durations(("duration",), "technique", data["duration"])
        for position in POSITIONS:
            yield ("position",), "technique", f"{data['position']} → {position}", position
        for burden in (data["burden"] - 1, data["burden"] + 1):
            if 1 <= burden <= 5:
                yield ("burden",), "technique", f"burden {data['burden']} → burden {burden}", burden
        for name in MODE_KINDS:
            if len(data[name]) > 1:
                yield (name,), "technique", f"{name}: order → reversed", data[name][::-1]
        yield from self.belongings(data)
        yield from self.benefits(data.get("benefit") or [])

    def belongings(self, data: Mapping[str, Any]) -> Iterator[Change]:
        # What a combined act has from its parts anyway is no change.
        inherited = {trait for part in data.get("parts") or [] for trait in self.rulebook.techniques[part].traits}
        for name in ("traits", "parts", "sets_aside", *MODE_KINDS):
            for at, word in enumerate(data.get(name) or []):
                if name == "traits" and word in inherited:
                    continue
                rest = [other for place, other in enumerate(data[name]) if place != at]
                told = word["rule"] if isinstance(word, dict) else word
                yield (name,), "technique", f"{name}: {told} → nothing", rest
        for trait in sorted(self.rulebook.traits):
            if trait not in data["traits"] and trait not in inherited:
                yield ("traits",), "technique", f"traits: nothing → {trait}", [*data["traits"], trait]

    @staticmethod
    def benefits(listed: list[Any]) -> Iterator[Change]:
        for at, benefit in enumerate(listed):
            for end in ("low", "high"):
                for value in (benefit[end] - 1, benefit[end] + 1):
                    yield ("benefit", at, end), "benefit", f"{end} {benefit[end]} → {end} {value}", value
            for time in ("by", "lasts"):
                if time in benefit:
                    yield from _durations(("benefit", at, time), "benefit", benefit[time])

    def score(self, document: Document) -> Iterator[Mutant]:
        data = document.data
        yield from self.make(document, f"score.{data['score']}", (), self.score_changes(data))

    def score_changes(self, data: Mapping[str, Any]) -> Iterator[Change]:
        if "applies" in data:
            yield from self.condition(data["applies"], ("applies",))
            yield ("applies",), "criterion dropped", "applies → nothing", GONE
        for at, component in enumerate(data["components"]):
            place: Keys = ("components", at)
            yield from _points((*place, "otherwise"), component["otherwise"])
            for number, row in enumerate(component["rows"]):
                yield from _points((*place, "rows", number, "points"), row["points"])
                yield from self.condition(row["when"], (*place, "rows", number, "when"))
                rest = [other for index, other in enumerate(component["rows"]) if index != number]
                yield (*place, "rows"), "score row dropped", f"{_brief(row['when'])}: {row['points']} → nothing", rest
        for at, band in enumerate(data.get("bands") or []):
            for end in ("from", "to"):
                for value in (band[end] - 1, band[end] + 1):
                    yield ("bands", at, end), "score band", f"{end} {band[end]} → {end} {value}", value

    def vocabulary(self, document: Document) -> Iterator[Mutant]:
        for name, entry in document.data["items"].items():
            yield from self.make(document, name, ("items", name), self.item(entry))

    def item(self, entry: Mapping[str, Any]) -> Iterator[Change]:
        if "fresh_for" in entry:
            yield from _durations(("fresh_for",), "freshness", entry["fresh_for"])
            yield ("fresh_for",), "freshness", f"{entry['fresh_for']} → for ever", GONE
        if "range" in entry:
            step = entry.get("step", 1)
            for end in (0, 1):
                for value in (entry["range"][end] - step, entry["range"][end] + step):
                    other = float(_number(value))
                    yield ("range", end), "range", f"{entry['range'][end]} → {_number(value)}", other
        for unit, factor in (entry.get("units") or {}).items():
            if unit != entry.get("unit"):
                yield ("units", unit), "unit factor", f"{unit}: {factor} → {factor * 10}", factor * 10
        changeable = bool(entry.get("changeable", False))
        yield ("changeable",), "changeable", f"{changeable} → {not changeable}", not changeable

    def site(self, document: Document) -> Iterator[Mutant]:
        for name, entry in document.data.items():
            step = 0.1 if isinstance(entry["value"], float) else 1
            changes = (
                (("value",), "site setting", f"{entry['value']} → {_number(value)}", float(_number(value)))
                for value in (entry["value"] - step, entry["value"] + step)
            )
            yield from self.make(document, name, (name,), changes)

    def checklist(self, document: Document) -> Iterator[Mutant]:
        listed = document.data["items"]

        def changes() -> Iterator[Change]:
            for at, item in enumerate(listed):
                rest = [other for place, other in enumerate(listed) if place != at]
                yield ("items",), "checklist", f"{item} → nothing", rest
            for item in self.items:
                if item not in listed:
                    yield ("items",), "checklist", f"nothing → {item}", [*listed, item]

        yield from self.make(document, "checklist", (), changes())

    def ranking(self, document: Document) -> Iterator[Mutant]:
        data = document.data

        def changes() -> Iterator[Change]:
            for at, tier in enumerate(data["standing"]):
                if "deferred_within" in tier:
                    yield from _durations(("standing", at, "deferred_within"), "ranking", tier["deferred_within"])
                    yield ("standing", at, "deferred_within"), "ranking", "deferred_within → nothing", GONE
                # The worst status of a tier falls into the next one: the only move that keeps the order of statuses.
                if at + 1 < len(data["standing"]) and len(tier["statuses"]) > 1:
                    below = data["standing"][at + 1]
                    moved = [
                        *data["standing"][:at],
                        {**tier, "statuses": tier["statuses"][:-1]},
                        {**below, "statuses": [tier["statuses"][-1], *below["statuses"]]},
                        *data["standing"][at + 2 :],
                    ]
                    yield ("standing",), "ranking", f"{tier['statuses'][-1]}: {tier['id']} → {below['id']}", moved
            for name in ("keys", "mode_keys"):
                keys = data[name]
                for at in range(len(keys) - 1):
                    swapped = [*keys[:at], keys[at + 1], keys[at], *keys[at + 2 :]]
                    yield (name,), "ranking", f"{name}: {at + 1} before {at + 2} → after", swapped
                for at in range(len(keys)):
                    yield (name,), "ranking", f"{name}: {at + 1} → nothing", [*keys[:at], *keys[at + 1 :]]

        yield from self.make(document, "ranking", (), changes())

    def session(self, document: Document) -> Iterator[Mutant]:
        data = document.data

        def changes() -> Iterator[Change]:
            sites = data["max_sites"]["value"]
            for value in (sites - 1, sites + 1):
                yield ("max_sites", "value"), "session", f"{sites} sites → {value} sites", value
            for at, key in enumerate(data["order"]):
                yield (
                    ("order", at, "highest"),
                    "session",
                    f"{key['item']}: highest → {not key['highest']}",
                    not key["highest"],
                )
                rest = [other for place, other in enumerate(data["order"]) if place != at]
                yield ("order",), "session", f"{key['item']} → nothing", rest
            for name in ("order", "anaesthesia_order"):
                listed = data[name]
                for at in range(len(listed) - 1):
                    swapped = [*listed[:at], listed[at + 1], listed[at], *listed[at + 2 :]]
                    yield (name,), "session", f"{name}: {at + 1} before {at + 2} → after", swapped

        yield from self.make(document, "session", (), changes())


def _durations(keys: Keys, kind: str, text: str) -> Iterator[Change]:
    number, unit = text.split()
    for value in (float(number) - 1, float(number) + 1):
        if value >= 0:
            other = f"{_number(value)} {unit}"
            yield keys, kind, f"{text} → {other}", other


def _points(keys: Keys, points: Any) -> Iterator[Change]:
    if isinstance(points, int | float):
        for value in (points - 1, points + 1):
            yield keys, "score points", f"{points} → {value}", value
        return
    for found in re.finditer(r"\d+(\.\d+)?", points):
        # A digit that belongs to the name of an item is not a constant.
        if found.start() and re.match(r"[\w.]", points[found.start() - 1]):
            continue
        decimals = len(found[0].partition(".")[2])
        for value in (float(found[0]) - 10**-decimals, float(found[0]) + 10**-decimals):
            other = f"{points[: found.start()]}{value:.{decimals}f}{points[found.end() :]}"
            yield keys, "score formula", f"{points} → {other}", other
    for found in re.finditer(r" ([*/+-]) ", points):
        other = {"*": "/", "/": "*", "+": "-", "-": "+"}[found[1]]
        changed = f"{points[: found.start()]} {other} {points[found.end() :]}"
        yield keys, "score formula", f"{points} → {changed}", changed


def _brief(data: Any) -> str:
    if isinstance(data, str):
        return data
    (connective, inner), *_ = data.items()
    parts = inner if isinstance(inner, list) else [inner]
    return f"{connective} ({'; '.join(_brief(part) if not isinstance(part, dict) else '…' for part in parts)})"
