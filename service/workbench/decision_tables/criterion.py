"""A condition as rows of a spreadsheet: one row for each criterion, a threshold in a cell of its own.

A row has a level (0 for the whole condition, one more for each step inwards) and says either how the rows below it
are joined, or one criterion in four cells: what is measured, the comparison, the value, the unit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.workbench.decision_tables.rewrite import plain_number

CONNECTIVES = ("all", "any", "not", "any_lesion", "every_lesion", "count_lesions")
#: the joints that hold a list of parts; the others hold one
LISTED = ("all", "any")

_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "equals", "!=": "≠"}
#: what may stand in the cell of the comparison -> as the rule language writes it
_WRITTEN = {**{shown: written for written, shown in _SIGNS.items()}, **{sign: sign for sign in _SIGNS}, "=": "=="}
_WORDED = ("is", "is not", "in", "not in", "includes", "includes any of")
#: every comparison that a cell may hold, as it is offered
OPERATORS = (
    "yes",
    "no",
    *_SIGNS.values(),
    *_WORDED,
    "not includes",
    "not includes any of",
    *(f"not {sign}" for sign in _SIGNS.values()),
    "not is",
    "not is not",
    "not not in",
)

_NAME = r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*"
_NOT = r"(?:(?P<negated>not)\s+)?"
_COMPARISON = re.compile(
    rf"{_NOT}(?P<subject>{_NAME}|(?:since|days_since)\s*\(\s*{_NAME}\s*\))\s*(?P<operator><=|>=|==|!=|<|>)\s*(?P<value>.+)"
)
_IS = re.compile(rf"{_NOT}(?P<subject>{_NAME})\s+(?P<operator>is(?:\s+not)?)\s+(?P<value>\w+)")
_IN = re.compile(rf"{_NOT}(?P<subject>{_NAME})\s+(?P<operator>(?:not\s+)?in)\s*\[(?P<value>.*)\]", re.DOTALL)
_ANY = re.compile(rf"{_NOT}(?P<subject>{_NAME})\s+(?P<operator>includes\s+any\s+of)\s*\[(?P<value>.*)\]", re.DOTALL)
_INCLUDES = re.compile(rf"{_NOT}(?P<subject>{_NAME})\s+(?P<operator>includes)\s+(?P<value>\w+)")
_FLAG = re.compile(rf"{_NOT}(?P<subject>{_NAME})")
_COUNT = re.compile(r"\s*(?P<operator><=|>=|==|!=|<|>)\s*(?P<value>.+?)\s*")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(.*)", re.DOTALL)

Value: TypeAlias = str | float | None


@dataclass(frozen=True, slots=True)
class Cells:
    """One criterion in four cells. A number is a number, so that it can be changed as one."""

    subject: str
    operator: str = ""
    value: Value = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a condition: a joint of the rows below it, or a criterion. `count_lesions` is both: its count."""

    level: int
    connective: str
    cells: Cells


def split(text: str) -> Cells:
    """A criterion as cells. Two spellings of one criterion have the same cells."""
    text = text.strip()
    if text == "always":
        return Cells("always")
    for form in (_ANY, _IN, _INCLUDES, _IS, _COMPARISON):
        if found := form.fullmatch(text):
            return _split(found)
    found = _FLAG.fullmatch(text)
    return Cells(found["subject"], "no" if found["negated"] else "yes") if found else Cells(text)


def _split(found: re.Match[str]) -> Cells:
    operator = " ".join(found["operator"].split())
    operator = ("not " if found["negated"] else "") + _SIGNS.get(operator, operator)
    subject = re.sub(r"\s", "", found["subject"])
    if found["operator"] in _SIGNS:
        return Cells(subject, operator, *_amount(found["value"]))
    return Cells(subject, operator, ", ".join(word.strip() for word in found["value"].split(",")))


def _amount(text: str) -> tuple[Value, str]:
    """`50 G/L` -> 50 and its unit; the name of a site setting stays as it is."""
    found = _NUMBER.fullmatch(text.strip())
    return (float(found[1]), found[2].strip()) if found else (text.strip(), "")


def join(cells: Cells) -> tuple[str, tuple[int, ...]]:
    """The criterion that the cells say, and where in it subject, operator, value and unit begin."""
    subject, operator = cells.subject, " ".join(cells.operator.split())
    value = plain_number(cells.value) if isinstance(cells.value, int | float) else str(cells.value or "").strip()
    if operator in ("", "yes") and not value:
        return subject, (0, 0, 0, 0)
    if operator == "no" and not value:
        return f"not {subject}", (4, 0, 0, 0)
    negated, bare = _negation(operator)
    before = "not " if negated else ""
    written = _WRITTEN.get(bare, bare)
    if bare in ("in", "not in", "includes any of"):
        value = "[" + ", ".join(word.strip() for word in value.strip("[] ").split(",")) + "]"
    head = f"{before}{subject} {written} "
    places = (len(before), len(before) + len(subject) + 1, len(head), len(head) + len(value) + 1)
    return (head + value + (f" {cells.unit}" if cells.unit else "")).rstrip(), places


def _negation(operator: str) -> tuple[bool, str]:
    """«not includes» is the negation of «includes»; «not in» is a comparison of its own."""
    if operator.startswith("not ") and operator != "not in":
        return True, operator.removeprefix("not ")
    return False, operator


def count(cells: Cells) -> str:
    """What `is` of `count_lesions` says: `> 3`."""
    value = plain_number(cells.value) if isinstance(cells.value, int | float) else str(cells.value or "").strip()
    return f"{_WRITTEN.get(cells.operator, cells.operator)} {value}"


def lines(condition: Any, level: int = 0) -> Iterator[Line]:
    """The rows of a condition as its file writes it."""
    if isinstance(condition, str):
        yield Line(level, "", split(condition))
        return
    ((connective, inner),) = condition.items()
    if connective == "count_lesions":
        found = _COUNT.fullmatch(inner["is"])
        shown = Cells("", _SIGNS[found["operator"]], *_amount(found["value"])) if found else Cells("", inner["is"])
        yield Line(level, connective, shown)
        inner = inner["where"]
    else:
        yield Line(level, connective, Cells(""))
    for part in inner if isinstance(inner, list) else [inner]:
        yield from lines(part, level + 1)


def criteria(condition: Any) -> Iterator[str]:
    """Every line of text in a condition, in the order of its rows."""
    if isinstance(condition, str):
        yield condition
        return
    ((connective, inner),) = condition.items()
    if connective == "count_lesions":
        yield inner["is"]
        inner = inner["where"]
    for part in inner if isinstance(inner, list) else [inner]:
        yield from criteria(part)


class Spellings:
    """How a rule spells its criteria today, so that one that did not change is not spelled anew."""

    def __init__(self, condition: Any) -> None:
        self._known: dict[tuple[bool, Cells], list[str]] = {}
        for line, text in zip(
            (line for line in lines(condition) if line.cells != Cells("")), criteria(condition), strict=True
        ):
            self._known.setdefault((bool(line.connective), line.cells), []).append(text)

    def of(self, cells: Cells, *, counting: bool = False) -> str | None:
        known = self._known.get((counting, cells), [])
        return known.pop(0) if len(known) > 1 else known[0] if known else None
