"""Rows of sheets as technique files again; what cannot be read is told with its cell, everything at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeAlias

from service.language.errors import nearest
from service.rulebook.model import MODE_KINDS
from service.rulebook.source import Keys
from service.workbench.decision_tables.criterion import LISTED, Cells, Spellings, count, join
from service.workbench.decision_tables.layout import (
    CONDITION,
    EXCEPTIONS,
    RULE_SHEETS,
    SHEETS,
    Sheet,
)
from service.workbench.decision_tables.rows import CellValue

_YES, _NO = ("yes", "oui", "true", "vrai"), ("no", "non", "false", "faux")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet as read: `number` counts from 1, as spreadsheets do; `letters` names the column of each key."""

    sheet: Sheet
    number: int
    cells: Mapping[str, CellValue]
    letters: Mapping[str, str]

    def empty(self) -> bool:
        return all(value is None for key, value in self.cells.items() if not key.startswith("#"))


@dataclass(frozen=True, slots=True, order=True)
class CellMistake:
    """What is wrong with one cell, or with a sheet or workbook as a whole, and how to mend it."""

    sheet: str
    row: int
    column: str
    heading: str
    message: str

    def __str__(self) -> str:
        cell = (
            f", cell {self.column}{self.row}" if self.row and self.column else f", row {self.row}" if self.row else ""
        )
        heading = f" ({self.heading})" if self.heading else ""
        return f"sheet «{self.sheet}»{cell}{heading}: {self.message}" if self.sheet else self.message


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value came from: its row, and from which character on which column speaks."""

    row: Row
    columns: tuple[tuple[int, str], ...]

    def mistake(self, message: str, at: int = 0) -> CellMistake:
        key = max((begin, name) for begin, name in self.columns if begin <= max(at, 0))[1]
        heading = self.row.sheet.column(key).label.en
        return CellMistake(self.row.sheet.name, self.row.number, self.row.letters.get(key, ""), heading, message)


@dataclass(frozen=True, slots=True)
class Present:
    """A technique file as it stands today."""

    file: str
    digest: str
    data: Any


Rows: TypeAlias = Mapping[str, Sequence[Row]]


@dataclass
class Reading:
    """The technique files that a workbook asks for: `files` by name, and for every value the cell it came from."""

    rows: Rows
    present: Mapping[str, Present]
    files: dict[str, Any] = field(default_factory=dict)
    spots: dict[tuple[str, Keys], Spot] = field(default_factory=dict)
    mistakes: list[CellMistake] = field(default_factory=list)
    _file: str = ""

    def read(self) -> None:
        heads = self.heads()
        if self.mistakes:
            # Of another rulebook, or of an older one: nothing else in it can be judged.
            return
        for key, rows in self.rows.items():
            for row in rows if key != "techniques" else ():
                if row.cells.get("technique") not in heads:
                    known = ", ".join(heads)
                    self.complain(row, "technique", f"no technique of this workbook is called so (it has: {known})")
        for name, row in heads.items():
            self._file = self.present[name].file
            self.files[self._file] = self.technique(name, row, self.present[name].data)

    def heads(self) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for row in self.rows["techniques"]:
            name = str(row.cells.get("technique") or "")
            present = self.present.get(name)
            if present is None:
                near = nearest(name, self.present)
                hint = f"did you mean «{near}»?" if near else "a new technique begins as a file of its own"
                self.complain(row, "technique", f"the rules have no technique «{name}»; {hint}")
            elif name in found:
                self.complain(
                    row, "technique", f"«{name}» stands in row {found[name].number} already: keep one of them"
                )
            else:
                found[name] = row
                if str(row.cells.get("digest") or "") != present.digest:
                    message = (
                        f"{present.file} is not the file this workbook was made from: what was changed in it since would be "
                        "undone. Export it again and make your changes there, or name with --rules the folder it was made from"
                    )
                    self.complain(row, "digest", message)
        return found

    # ---- a technique ----

    def technique(self, name: str, row: Row, old: Any) -> dict[str, Any]:
        data: dict[str, Any] = {"technique": name}
        for key in ("label", "summary"):
            data[key] = self.both(row, key, (key,))
        data["traits"] = self.words(row, "traits", ("traits",))
        lists: dict[str, list[Any]] = {"parts": self.words(row, "parts", ("parts",))}
        data["duration"] = self.text(row, "duration", ("duration",))
        data["position"] = self.text(row, "position", ("position",))
        data["burden"] = self.number(row, "burden", ("burden",))
        for kind in MODE_KINDS:
            data[kind] = self.words(row, kind, (kind,))
        lists["sets_aside"] = self.set_aside(name)
        written: dict[str, list[str]] = {key: [] for key in RULE_SHEETS}
        for key in RULE_SHEETS:
            known = {rule["id"]: rule for rule in old.get(key, [])}
            lists[key] = []
            for rows in self.rules(name, key, written[key]):
                place: Keys = (key, len(lists[key]))
                lists[key].append(self.rule(rows, place, known.get(str(rows[0].cells.get("id"))), key))
        self.exceptions(name, {rule["id"]: rule for key in RULE_SHEETS for rule in lists[key]}, lists)
        lists["benefit"] = [self.benefit(entry, ("benefit", at)) for at, entry in enumerate(self.of(name, "benefit"))]
        # An empty list may be written or left out: it stays as it was.
        data |= {key: entries for key, entries in lists.items() if entries or old.get(key) == []}
        if (day := self.text(row, "review_by", ("review_by",))) is not None:
            data["review_by"] = day
        return data

    def of(self, technique: str, sheet: str) -> list[Row]:
        return [row for row in self.rows[sheet] if row.cells.get("technique") == technique]

    def benefit(self, row: Row, place: Keys) -> dict[str, Any]:
        data: dict[str, Any] = {"measure": self.text(row, "measure", (*place, "measure"))}
        for key in ("low", "high"):
            data[key] = self.number(row, key, (*place, key))
        for key in ("unit", "by", "lasts"):
            if (text := self.text(row, key, (*place, key))) is not None:
                data[key] = text
        data |= self.evidence(row, place)
        if (note := self.both(row, "note", (*place, "note"))) is not None:
            data["note"] = note
        return data

    # ---- rules ----

    def rules(self, technique: str, sheet: str, seen: list[str]) -> Iterator[list[Row]]:
        """The rows of each rule. The rows of one rule stand together."""
        for name, rows in groupby(self.of(technique, sheet), key=lambda row: row.cells.get("id")):
            found = list(rows)
            if not name:
                self.complain(found[0], "id", "say in this cell which rule the row belongs to, or delete the whole row")
            elif str(name) in seen:
                self.complain(found[0], "id", f"the rows of «{name}» stand apart: put them one below the other")
            else:
                seen.append(str(name))
                yield found

    def rule(self, rows: list[Row], place: Keys, old: Any, sheet: str) -> dict[str, Any]:
        first = rows[0]
        data: dict[str, Any] = {"id": self.text(first, "id", (*place, "id"))}
        for key in ("strength", "severity"):
            if key in first.letters and (word := self.text(first, key, (*place, key))) is not None:
                data[key] = word
        if sheet == "contraindications":
            data |= self.correctable(first, (*place, "correctable"))
            if (precaution := self.both(first, "precaution", (*place, "precaution"))) is not None:
                data["precaution"] = precaution
        data["because"] = self.both(first, "because", (*place, "because"))
        data["evidence"] = self.evidence(first, (*place, "evidence"))
        self.spots[self._file, place] = Spot(first, ((0, "id"),))
        self.spots[self._file, (*place, "evidence")] = Spot(first, ((0, "certainty"),))
        for row in rows[1:]:
            for key in row.cells:
                if (
                    row.cells[key] is not None
                    and key not in ("technique", "id", *CONDITION)
                    and not key.startswith("#")
                ):
                    message = f"only the first row of a rule says this (row {first.number}); empty this cell"
                    self.complain(row, key, message)
        spellings = Spellings(old["when"]) if old else None
        when = _Condition(self, rows, spellings).read((*place, "when"))
        # In the order in which rule files say it, should the rule be a new one.
        order = ("id", "strength", "severity", "when", "correctable", "precaution", "because", "evidence")
        data["when"] = when
        return {key: data[key] for key in order if key in data}

    def correctable(self, row: Row, place: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if (by := self.both(row, "correctable.by", (*place, "by"))) is not None:
            found["by"] = by
        for key in ("lead_time", "earliest", "recheck"):
            if (text := self.text(row, f"correctable.{key}", (*place, key))) is not None:
                found[key] = text
        self.spots[self._file, place] = Spot(row, ((0, "correctable.by.fr"),))
        return {"correctable": found} if found else {}

    def evidence(self, row: Row, place: Keys) -> dict[str, Any]:
        return {
            "certainty": self.text(row, "certainty", (*place, "certainty")),
            "sources": self.words(row, "sources", (*place, "sources")),
            "verified": self.yes_or_no(row, "verified", (*place, "verified")),
        }

    # ---- exceptions ----

    def set_aside(self, technique: str) -> list[Any]:
        rows = [row for row in self.of(technique, "exceptions") if row.cells.get("kind") == "sets_aside"]
        for row in rows:
            if row.cells.get("id") is not None:
                self.complain(row, "id", "«sets_aside» is said of the technique, not of a rule: empty this cell")
        return [self.exception(row, ("sets_aside", at)) for at, row in enumerate(rows)]

    def exceptions(self, technique: str, rules: Mapping[Any, Any], lists: Mapping[str, list[Any]]) -> None:
        places = {rule["id"]: (key, at) for key in RULE_SHEETS for at, rule in enumerate(lists[key])}
        for row in self.of(technique, "exceptions"):
            kind, name = row.cells.get("kind"), row.cells.get("id")
            if kind == "sets_aside":
                continue
            if kind not in ("overrides", "tolerates"):
                words = ", ".join(EXCEPTIONS.column("kind").words)
                self.complain(row, "kind", f"one of {words} is needed here, not «{kind or ''}»")
            elif name not in rules:
                near = nearest(str(name), map(str, rules))
                self.complain(
                    row,
                    "id",
                    f"«{technique}» has no rule «{name or ''}»" + (f"; did you mean «{near}»?" if near else ""),
                )
            else:
                listed = rules[name].setdefault(kind, [])
                listed.append(self.exception(row, (*places[name], str(kind), len(listed))))

    def exception(self, row: Row, place: Keys) -> dict[str, Any]:
        self.spots[self._file, place] = Spot(row, ((0, "rule"),))
        return {
            "rule": self.text(row, "rule", (*place, "rule")),
            "because": self.both(row, "because", (*place, "because")),
        }

    # ---- cells ----

    def complain(self, row: Row, key: str, message: str) -> None:
        self.mistakes.append(Spot(row, ((0, key),)).mistake(message))

    def text(self, row: Row, key: str, place: Keys) -> str | None:
        """A text, or None when the cell is empty. What a spreadsheet made a number of is its digits again."""
        value = row.cells.get(key)
        self.spots[self._file, place] = Spot(row, ((0, key),))
        if isinstance(value, bool):
            self.complain(
                row,
                key,
                f"the spreadsheet took this for true or false; write a text ({SHEETS[row.sheet.key].column(key).label.en})",
            )
            return None
        if isinstance(value, str) and "\n" in value:
            self.complain(row, key, "a line break stands in this cell; write it on one line")
        return None if value is None else join(Cells("", "", value))[0].strip() if isinstance(value, float) else value

    def both(self, row: Row, key: str, place: Keys) -> dict[str, str] | None:
        self.spots[self._file, place] = Spot(row, ((0, f"{key}.fr"),))
        texts = {language: self.text(row, f"{key}.{language}", (*place, language)) for language in ("fr", "en")}
        return {language: text for language, text in texts.items() if text is not None} or None

    def words(self, row: Row, key: str, place: Keys) -> list[str]:
        words = [word.strip() for word in (self.text(row, key, place) or "").split(",") if word.strip()]
        for at in range(len(words)):
            self.spots[self._file, (*place, at)] = Spot(row, ((0, key),))
        return words

    def number(self, row: Row, key: str, place: Keys) -> float | str | None:
        value = row.cells.get(key)
        self.spots[self._file, place] = Spot(row, ((0, key),))
        if isinstance(value, str) and not isinstance(as_number(value), float):
            self.complain(row, key, _not_a_number(value))
        return as_number(value) if not isinstance(value, bool) else str(value)

    def yes_or_no(self, row: Row, key: str, place: Keys) -> bool | None:
        value = row.cells.get(key)
        self.spots[self._file, place] = Spot(row, ((0, key),))
        if isinstance(value, bool):
            return value
        word = str(value or "").strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        self.complain(row, key, f"«yes» or «no» is needed here, not «{value or ''}»")
        return None


def as_number(value: CellValue) -> float | str | None:
    """A number, also when it is kept as a text; any other text as it is."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value.strip()) else value
    return None if value is None else float(value)


def _not_a_number(text: str) -> str:
    if _DECIMAL_COMMA.fullmatch(text.strip()):
        return f"«{text}» is a text with a comma, which could mean two things; write the decimals after a point"
    return f"a number is needed here, not «{text}»"


@dataclass
class _Condition:
    """The rows of one rule as the condition that they say."""

    reading: Reading
    rows: list[Row]
    spellings: Spellings | None
    at: int = 0

    def read(self, place: Keys) -> Any:
        levels = [self.level(row) for row in self.rows]
        if None in levels:
            return "always"
        if levels[0] != 0:
            self.complain("level", "the first row of a rule is at level 0")
            return "always"
        condition = self.part(levels, place)
        if self.at < len(self.rows):
            # The rows that follow begin anew, or step out of the condition.
            self.complain(
                "level", "a rule has one row at level 0; put «all» or «any» there and these rows below it at 1"
            )
        return condition

    def level(self, row: Row) -> int | None:
        value = as_number(row.cells.get("level"))
        if isinstance(value, float) and value.is_integer() and value >= 0:
            return int(value)
        self.reading.complain(row, "level", "a whole number is needed here: 0, or one more than the row it belongs to")
        return None

    def complain(self, key: str, message: str) -> None:
        self.reading.complain(self.rows[self.at], key, message)

    def part(self, levels: Sequence[int | None], place: Keys) -> Any:
        """The condition that begins at the present row, with all the rows below it."""
        row, level = self.rows[self.at], levels[self.at] or 0
        connective = str(row.cells.get("connective") or "")
        cells = self.cells(row)
        if not connective:
            text = self.criterion(row, cells, place)
            self.at += 1
            self.nothing_below(levels, level)
            return text
        self.reading.spots[self.reading._file, place] = Spot(row, ((0, "connective"),))
        if cells != Cells("") and connective != "count_lesions":
            self.complain(
                "connective", "a row says either how the rows below it are joined, or a criterion: empty one of them"
            )
        if connective == "count_lesions":
            self.reading.spots[self.reading._file, (*place, connective, "is")] = Spot(row, ((0, "value"),))
        below = (*place, connective, *(["where"] if connective == "count_lesions" else []))
        self.at += 1
        parts: list[Any] = []
        while self.at < len(self.rows) and (levels[self.at] or 0) > level:
            if (levels[self.at] or 0) > level + 1:
                self.complain("level", f"one step inwards is level {level + 1}")
            parts.append(self.part(levels, (*below, len(parts)) if connective in LISTED else below))
        return self.joined(row, connective, cells, parts)

    def joined(self, row: Row, connective: str, cells: Cells, parts: list[Any]) -> Any:
        if not parts:
            self.reading.complain(row, "connective", f"«{connective}» needs rows below it, one level further in")
            return "always"
        if connective in LISTED:
            return {connective: parts}
        if len(parts) > 1:
            self.reading.complain(
                row, "connective", f"«{connective}» takes one row below it; join several with «all» or «any»"
            )
        if connective == "count_lesions":
            known = self.spellings.of(cells, counting=True) if self.spellings else None
            return {connective: {"where": parts[0], "is": known or count(cells)}}
        return {connective: parts[0]}

    def nothing_below(self, levels: Sequence[int | None], level: int) -> None:
        while self.at < len(levels) and (levels[self.at] or 0) > level:
            self.complain("level", "nothing stands below a criterion: give this row the level of the row above")
            self.at += 1

    def cells(self, row: Row) -> Cells:
        for key in ("subject", "operator", "value", "unit"):
            value = row.cells.get(key)
            if isinstance(value, bool):
                self.complain(
                    key, "the spreadsheet took this for true or false; for a flag write «yes» or «no» as the comparison"
                )
            elif isinstance(value, str) and "\n" in value:
                self.complain(key, "a line break stands in this cell; write it on one line")
        texts = {key: str(row.cells.get(key) or "").strip() for key in ("subject", "operator", "unit")}
        value = as_number(row.cells.get("value"))
        if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()):
            self.complain("value", _not_a_number(value))
        return Cells(texts["subject"], texts["operator"], value, texts["unit"])

    def criterion(self, row: Row, cells: Cells, place: Keys) -> str:
        if not cells.subject:
            self.complain(
                "subject", "this row says nothing: name what is looked at or a joint, or delete the whole row"
            )
            return "always"
        text, begins = join(cells)
        columns = zip(begins, ("subject", "operator", "value", "unit"), strict=True)
        spot = Spot(row, tuple((begin, key) for begin, key in columns if begin or key == "subject"))
        self.reading.spots[self.reading._file, place] = spot
        known = self.spellings.of(cells) if self.spellings else None
        return known or text
