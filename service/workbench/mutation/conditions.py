"""Mutants of conditions: thresholds, operators, words, criteria, connectives."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.language.parser import POSITIONS, Setting
from service.language.vocabulary import Item
from service.rulebook.source import Keys
from service.workbench.mutation.mutant import Change, brief, number

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


class Conditions:
    """What can be changed in a condition, over one vocabulary and its site settings."""

    def __init__(self, items: Mapping[str, Item], settings: Mapping[str, Setting]) -> None:
        self.items = items
        self.settings = settings

    def of(self, data: Any, path: Keys = ()) -> Iterator[Change]:
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
                    yield below, "criterion dropped", f"{brief(inner[at])} → nothing", rest
            for at, part in enumerate(inner):
                yield from self.of(part, (*below, at))
        elif connective == "not":
            yield path, "negation", f"not ({brief(inner)}) → {brief(inner)}", inner
            yield from self.of(inner, below)
        elif connective in ("any_lesion", "every_lesion"):
            other = "every_lesion" if connective == "any_lesion" else "any_lesion"
            yield path, "quantifier", f"{connective} → {other}", {other: inner}
            yield from self.of(inner, below)
        elif connective == "count_lesions":
            operator, count = inner["is"].split()
            for kind, text in self.comparison("", operator, count):
                yield (*below, "is"), kind, f"{inner['is']} →{text}", text.strip()
            yield from self.of(inner["where"], (*below, "where"))

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
        yield from ((kind, text) for kind, text in self.comparison(term, operator, operand) if kind != "threshold")
        found = _OPERAND.match(operand)
        if found is None:
            setting = self.settings[operand.removeprefix("site.")]
            value, unit = setting.value, setting.unit if not term.startswith(("score.", "days_since")) else None
        else:
            value, unit = float(found["number"]), found["unit"]
        step = 1.0
        if term in self.items:
            item = self.items[term]
            value, unit, step = item.in_unit(value, unit), item.unit, item.step
        for other in (value - step, value + step):
            yield "threshold", f"{term} {operator} {number(other)}{f' {unit}' if unit else ''}"

    @staticmethod
    def comparison(term: str, operator: str, operand: str) -> Iterator[tuple[str, str]]:
        """Other operators; and of a count of lesions, which has neither unit nor step, other figures."""
        yield "strictness", f"{term} {_STRICTNESS[operator]} {operand}"
        yield "direction", f"{term} {_DIRECTION[operator]} {operand}"
        if not term:
            for value in (float(operand) - 1, float(operand) + 1):
                yield "threshold", f" {operator} {number(value)}"
