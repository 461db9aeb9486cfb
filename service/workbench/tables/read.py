"""Reads the case tables of `fixtures/thresholds/`. Their format is told in the README beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.meaning import Situation
from service.rulebook.model import Rulebook
from service.rulebook.source import Document, Keys, read
from service.workbench.tables.patients import Given, Patients, TableError

VERDICTS: dict[str, Verdict] = {"yes": YES, "no": NO, "unknown": UNKNOWN}
_SAYS = (
    *("indicates", "favours", "contraindicates", "preempts"),
    *("severity", "strength", "correctable", "within", "evidence"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """One patient and what the rule must say of him."""

    verdict: Verdict
    given: Given
    situation: Situation
    #: the technique being judged, for rules that speak of its duration or position
    duration: float
    position: str
    #: of a score: the component looked at, or None for the total
    component: str | None = None
    points: tuple[float, float] | None = None

    def told(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.given.items()) or "the usual patient"


@dataclass(frozen=True, slots=True)
class Table:
    """What is expected of one rule: what it claims, and its verdict on each patient."""

    id: str
    file: str
    line: int
    says: dict[str, Any]
    examples: tuple[Example, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.id}"


@dataclass(frozen=True)
class Tables:
    rules: dict[str, Table]
    impossible: dict[str, Table]
    scores: dict[str, Table]
    #: score -> its bands, as (from, to)
    bands: dict[str, list[tuple[float, float]]]
    #: site, checklist, ranking, session, techniques, vocabulary: as written
    plain: dict[str, Any] = field(default_factory=dict)


class TableReader:
    """Reads table files over one rulebook's vocabulary."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.patients = Patients(rulebook.vocabulary, rulebook.info.timezone)

    def table(self, document: Document, keys: Keys, name: str, data: Any) -> Table:
        """The table at `keys`. Raises TableError."""
        if not isinstance(data, dict):
            raise _misplaced(document, keys, f"{name}: a table has keys such as usual, yes and no")
        if unknown_keys := set(data) - {*_SAYS, "usual", *VERDICTS}:
            raise _misplaced(document, keys, f"{name}: unknown key {', '.join(sorted(unknown_keys))}")
        try:
            return self._table(document, keys, name, data)
        except (TableError, AttributeError, TypeError) as error:
            raise _misplaced(document, keys, f"{name}: {error}") from error

    def _table(self, document: Document, keys: Keys, name: str, data: Mapping[str, Any]) -> Table:
        says = {key: data[key] for key in _SAYS if key in data}
        usual = data.get("usual") or {}
        groups: list[tuple[str, Any]] = [("yes", {})]
        for word in VERDICTS:
            groups += [(word, entry) for entry in _entries(data.get(word, []))]
        written = _written([usual, *(entry for _, entry in groups)])
        examples = tuple(
            self.example(given, VERDICTS[word])
            for word, entry in groups
            for given in self.each({**usual, **entry}, written)
        )
        return Table(name, document.name, document.mistake(keys, "").line, says, examples)

    def example(
        self,
        given: Given,
        verdict: Verdict = YES,
        component: str | None = None,
        points: tuple[float, float] | None = None,
    ) -> Example:
        return Example(
            verdict,
            given,
            self.patients.situation(given),
            float(given.get("technique.duration", 0)),
            str(given.get("technique.position", "any")),
            component,
            points,
        )

    def each(self, given: Given, written: Mapping[str, set[str]]) -> Iterator[Given]:
        """One patient for each value of an item that is given several."""
        alternatives = [self.alternatives(name, value, written) for name, value in given.items()]
        for values in product(*alternatives):
            yield dict(zip(given, values, strict=True))

    def alternatives(self, name: str, value: Any, written: Mapping[str, set[str]]) -> list[Any]:
        if name == "lesions":
            lesions = [list(self.each(lesion, written)) for lesion in value]
            return [list(choice) for choice in product(*lesions)]
        if name == "count" or name.startswith("score."):
            return [value]
        if name.startswith("technique."):
            return value if isinstance(value, list) else [value]
        item = self.patients.item(name)
        others = [word for word in item.choices if word not in written.get(name, set())]
        if value == "others":
            # Each other word of a choice in turn; one list of all other words of a set.
            return others if item.type == "choice" else [others]
        if not isinstance(value, list):
            return [value]
        if item.type == "set":
            lists = value if any(isinstance(entry, list) for entry in value) else [value]
            return [[word for entry in held for word in (others if entry == "others" else [entry])] for held in lists]
        return [other for entry in value for other in (others if entry == "others" else [entry])]

    def score(self, document: Document, name: str, data: Mapping[str, Any]) -> Table:
        """`applies`, the points of each component and whole totals."""
        usual = data.get("usual") or {}
        found: list[Example] = []
        applies = {word: _entries(group) for word, group in (data.get("applies") or {}).items()}
        written = _written([usual, *(entry for group in applies.values() for entry in group)])
        for word, entries in applies.items():
            for entry in entries:
                found += [self.example(one, VERDICTS[word]) for one in self.each({**usual, **entry}, written)]
        for component, data_rows in (data.get("components") or {}).items():
            rows = {points: _entries(group) for points, group in data_rows.items()}
            written = _written([usual, *(entry for group in rows.values() for entry in group)])
            for points, entries in rows.items():
                for entry in entries:
                    for one in self.each({**usual, **entry}, written):
                        found.append(self.example(one, YES, component, _interval(points)))
        for entry in data.get("totals") or []:
            found.append(self.example({**usual, **entry["given"]}, YES, None, _interval(entry["points"])))
        return Table(name, document.name, document.places[("scores", name)][0], {}, tuple(found))


def _misplaced(document: Document, keys: Keys, text: str) -> TableError:
    return TableError(str(document.mistake(keys, text)))


def _entries(group: list[Any]) -> list[Given]:
    """A bare name stands for the usual patient of whom that item is unknown."""
    return [{entry: "unknown"} if isinstance(entry, str) else entry for entry in group]


def _interval(points: Any) -> tuple[float, float]:
    """`3`, `0 to 3` or `[0, 3]`."""
    ends = [float(end) for end in points.split(" to ")] if isinstance(points, str) else points
    low, high = (
        ends if isinstance(ends, list) and len(ends) == 2 else [*(ends if isinstance(ends, list) else [ends])] * 2
    )
    return float(low), float(high)


def _written(entries: list[Given]) -> dict[str, set[str]]:
    """Every word that a table writes for an item: `others` means the rest."""
    words: dict[str, set[str]] = {}
    lesions = [lesion for entry in entries for lesion in entry.get("lesions", [])]
    for entry in [*entries, *lesions]:
        for name, value in entry.items():
            for one in value if isinstance(value, list) else [value]:
                for word in one if isinstance(one, list) else [one]:
                    if isinstance(word, str) and word not in ("others", "unknown", "incomplete"):
                        words.setdefault(name, set()).add(word)
    return words


def tables_in(directory: Path) -> Iterator[Document]:
    """Each table file. Raises TableError on one that cannot be read."""
    for path in sorted(directory.glob("*.yaml")):
        document, mistakes = read(path, path.name)
        if mistakes or not isinstance(document.data, dict):
            raise TableError(str(mistakes[0]) if mistakes else f"{path}: a table file has sections, such as rules")
        yield document


def read_tables(rulebook: Rulebook, directory: Path) -> Tables:
    """Every table below `directory`. Raises TableError on a table that is not well formed."""
    reader = TableReader(rulebook)
    tables = Tables({}, {}, {}, {})
    for document in tables_in(directory):
        for section, data in document.data.items():
            match section:
                case "rules" | "impossible":
                    held = tables.rules if section == "rules" else tables.impossible
                    for name, entry in data.items():
                        if name in held:
                            raise TableError(f"{document.name}: {name} has two tables")
                        held[name] = reader.table(document, (section, name), name, entry)
                case "scores":
                    for name, entry in data.items():
                        tables.scores[name] = reader.score(document, name, entry)
                        tables.bands[name] = [_interval(band) for band in entry.get("bands", [])]
                case _:
                    if section in tables.plain:
                        raise TableError(f"{document.name}: {section} is given twice")
                    tables.plain[section] = data
    return tables
