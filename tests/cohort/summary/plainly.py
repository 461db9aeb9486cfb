"""The figures of a cohort counted once more, row by row in Python: slow, and nothing of it shared with the queries."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from service.rulebook.model import Rulebook

Row = dict[str, Any]
Counts = dict[Any, tuple[int, int]]

OPEN = ("eligible", "provisional", "cautioned")
OFFERED = (*OPEN, "undetermined", "deferred")


class Tally:
    """Patients and lesions under each heading."""

    def __init__(self) -> None:
        self._patients: dict[Any, set[str]] = defaultdict(set)
        self._lesions: dict[Any, set[tuple[str, str]]] = defaultdict(set)

    def add(self, heading: Any, row: Row) -> None:
        self._patients[heading].add(row["patient"])
        self._lesions[heading].add((row["patient"], row["lesion"]))

    def counts(self) -> Counts:
        return {name: (len(self._patients[name]), len(self._lesions[name])) for name in self._lesions}


def by_status(rows: Iterable[Row]) -> Counts:
    tally = Tally()
    for row in rows:
        tally.add((row["technique"], row["status"]), row)
    return tally.counts()


def indicated_and_blocked(rows: Iterable[Row], book: Rulebook) -> Counts:
    tally = Tally()
    for row in _blocked(rows, book):
        tally.add((row["technique"], row["status"]), row)
    return tally.counts()


def obstacles(rows: Iterable[Row], book: Rulebook) -> Counts:
    tally = Tally()
    for row in _blocked(rows, book):
        for name in row["reasons"].split():
            rule = book.rules[name]
            of_stay = rule.target.mode is not None and rule.target.mode[0] == "stay"
            if not of_stay and (rule.claim == "preempts" or (rule.claim == "contraindicates" and rule.absolute)):
                tally.add(name, row)
    return tally.counts()


def missing(rows: Iterable[Row]) -> tuple[Counts, Counts, dict[str, int], dict[str, int]]:
    """Those for whom an item is missing, for whom it alone is; options that it holds up, and alone."""
    held, alone = Tally(), Tally()
    options: dict[str, int] = defaultdict(int)
    options_alone: dict[str, int] = defaultdict(int)
    for row in rows:
        items = (row["questions"] or "").split() if row["status"] == "undetermined" else []
        for item in items:
            held.add(item, row)
            options[item] += 1
            if len(items) == 1:
                alone.add(item, row)
                options_alone[item] += 1
    return held.counts(), alone.counts(), options, options_alone


def first(rows: Iterable[Row]) -> tuple[Counts, Counts]:
    """By technique; by technique and anaesthesia."""
    techniques, modes = Tally(), Tally()
    for row in rows:
        if row["rank"] == 1 and row["status"] in OFFERED:
            techniques.add(row["technique"], row)
            modes.add((row["technique"], row["anaesthesia"] or ""), row)
    return techniques.counts(), modes.counts()


def ways(rows: Iterable[Row], book: Rulebook) -> dict[str, tuple[int, int]]:
    order = ("now", "later", "questions", "suspended", "ruled_out", "not_indicated")
    lesions: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["patient"], row["lesion"]
        lesions[key] = min(lesions.get(key, len(order) - 1), order.index(_way(row, book)))
    patients: dict[str, int] = {}
    for (patient, _), way in lesions.items():
        patients[patient] = min(patients.get(patient, len(order)), way)
    return {
        name: (sum(way == at for way in patients.values()), sum(way == at for way in lesions.values()))
        for at, name in enumerate(order)
    }


def _way(row: Row, book: Rulebook) -> str:
    if "percutaneous" not in book.techniques[row["technique"]].traits:
        return "not_indicated"
    if row["status"] in OPEN:
        return "now"
    indicated = _indicated(row, book)
    match row["status"]:
        case "deferred":
            return "later" if indicated else "questions"
        case "undetermined":
            return "questions"
        case "preempted" if indicated:
            return "suspended"
        case "excluded" if indicated:
            return "ruled_out"
    return "not_indicated"


def _blocked(rows: Iterable[Row], book: Rulebook) -> Iterable[Row]:
    return (row for row in rows if row["status"] in ("deferred", "excluded", "preempted") and _indicated(row, book))


def _indicated(row: Row, book: Rulebook) -> bool:
    return any(book.rules[name].claim == "indicates" for name in row["reasons"].split())
