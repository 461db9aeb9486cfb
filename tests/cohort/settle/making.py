"""Raw rows over the real vocabulary with every kind of fault in them, and the facts that the run reading has of the same values.

A cell is what stands in the table and, unless it is faulty, the same value as a referral has it. What the run reading would
refuse a whole referral for is left out of the referral: it must be unknown in the cohort too.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from service.language.facts import Facts, Listing, Moment
from service.language.tree import AnyOf, Compare, Flag, Includes, Member, Node, Term, criteria, items_of
from service.language.vocabulary import Item, Scope
from service.query.columns import (
    FactColumns,
    column,
    days_column,
    high_column,
    low_column,
    word_column,
)
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from tests.strategies import number_of, rulebook, seeded

ZONE = ZoneInfo("Europe/Paris")
#: an ordinary day, and both days on which the clock changes
MOMENTS = tuple(
    datetime.fromisoformat(text).replace(tzinfo=ZONE)
    for text in ("2026-11-23T09:00:00", "2026-03-29T12:00:00", "2026-10-25T12:00:00.250000")
)
#: texts that are no date
BAD_DATES = (
    "2026-02-30",
    "2026-13-01",
    "2025-02-29",
    "1900-02-29",
    "23/11/2026",
    "2026-11-23T25:00",
    "yesterday",
    "2026-11",
)
#: in a typed column, years that no patient has
_BAD_YEARS = {"date": date(1, 1, 1), "instant": datetime(1500, 1, 1, tzinfo=UTC), "local": datetime(9000, 1, 1)}  # noqa: DTZ001  # a local time has none
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")

Row = dict[str, Any]


@cache
def _reading() -> tuple[ReferralReader, CaseMaker, FactColumns]:
    return ReferralReader(rulebook().vocabulary), CaseMaker(rulebook()), FactColumns(rulebook())


@cache
def asking_about(*items: str) -> Rulebook:
    """The project's vocabulary, under one rule that asks about these items alone: the fewer columns, the faster a test."""
    book, (_, _, facts) = rulebook(), _reading()
    asked = [item for item in facts.items if item.id in items]
    impossible = tuple(entry for entry in book.impossible if _asked_by(entry.when) <= set(items))
    rule = replace(book.bound[0], when=AnyOf(tuple(_question(item, facts) for item in asked)))
    return replace(book, bound=(rule,), rules={}, scores={}, impossible=impossible)


def _asked_by(node: Node) -> set[str]:
    return {item for leaf in criteria(node) for item in items_of(leaf)}


def _question(item: Item, facts: FactColumns) -> Node:
    match item.type:
        case "flag":
            return Flag(item.id)
        case "choice":
            return Member(item.id, tuple(item.choices))
        case "set":
            return Includes(item.id, facts.words(item.id))
        case "number":
            return Compare(Term("item", item.id), ">", 0.0)
        case "moment":
            return Compare(Term("since", item.id), ">", 0.0)


@dataclass(frozen=True)
class Cell:
    """What stands in the columns of an item, as text, and its value as sent (None: nothing usable)."""

    columns: Row
    sent: Any = None


@dataclass(frozen=True)
class Recorded:
    """`recorded_at` as it stands, and what the referral gets for it."""

    text: str | None
    sent: str
    known: bool = True
    future: bool = False


@dataclass
class Cohort:
    """Raw rows, and what comes of them: facts by (patient, lesion or None), and who is refused."""

    patients: list[Row] = field(default_factory=list)
    lesions: list[Row] = field(default_factory=list)
    facts: dict[tuple[str, str | None], Row] = field(default_factory=dict)
    contradictory: set[str] = field(default_factory=set)
    #: the items that are told of some
    items: tuple[str, ...] = ()
    #: column -> its type; None: text
    kinds: dict[str, str | None] = field(default_factory=dict)

    def table(self, rows: list[Row], first: tuple[str, ...]) -> pa.Table:
        """The rows as a table, its columns in any order."""
        names = dict.fromkeys((*first, *(name for row in rows for name in row)))
        return pa.table({name: _array([row.get(name) for row in rows], self.kinds.get(name)) for name in names})

    def tables(self) -> dict[str, pa.Table]:
        return {
            "patients": self.table(self.patients, ("patient", "recorded_at")),
            "lesions": self.table(self.lesions, ("patient", "lesion")),
        }


def cohort(
    number: int, at: datetime, seed: int, *, share: float = 1.0, typed: float = 0.0, all_dated: bool = False
) -> Cohort:
    """So many patients, with one to three lesions each, of a share of the items; a share of the columns has a type."""
    return _Maker(at, seed, share, typed, all_dated=all_dated).made(number)


# ---- types ----


def _array(texts: list[str | None], kind: str | None) -> pa.Array:
    match kind:
        case "number":
            # A text that is no number has no place in a column of numbers: what pandas writes there is NaN.
            values = [
                None if text is None else float(text) if _PLAIN.fullmatch(text.strip()) else float("nan")
                for text in texts
            ]
            return pa.array(values, pa.float64())
        case "flag":
            return pa.array(
                [{"true": True, "false": False}.get((text or "").strip().lower()) for text in texts], pa.bool_()
            )
        case "list":
            return pa.array([re.split("[ ,;]+", text) if text else None for text in texts], pa.list_(pa.string()))
        case "date":
            return pa.array([_typed_date(text, kind) for text in texts], pa.date32())
        case "instant":
            return pa.array([_typed_date(text, kind) for text in texts], pa.timestamp("us", tz="UTC"))
        case "local":
            return pa.array([_typed_date(text, kind) for text in texts], pa.timestamp("us"))
    return pa.array(texts, pa.string())


def _typed_date(text: str | None, kind: str) -> Any:
    if text is None:
        return None
    if text in BAD_DATES:
        return _BAD_YEARS[kind]
    return date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(as_sent(text))


def as_sent(text: str) -> str:
    """A date as the API takes it."""
    return text.strip().replace(" ", "T")


def plain(value: float) -> str:
    """A number without an exponent."""
    return f"{value:.20f}" if "e" in repr(float(value)) else repr(float(value))


# ---- cells ----


class _Maker:
    def __init__(self, at: datetime, seed: int, share: float, typed: float, *, all_dated: bool) -> None:
        self.at, self.typed, self.all_dated = at, typed, all_dated
        self.random = seeded(seed)
        self.result = Cohort()
        vocabulary = list(rulebook().vocabulary)
        self.items = self.random.sample(vocabulary, round(share * len(vocabulary)))
        self.result.items = tuple(item.id for item in self.items)

    def made(self, number: int) -> Cohort:
        for count in range(number):
            self.add(f"P{count:05d}")
        return self.result

    # ---- dates ----

    def form(self, name: str) -> str | None:
        """The type of a column of dates."""
        return self.kind(name, self.random.choice(["date", "instant", "local"]))

    def kind(self, name: str, kind: str) -> str | None:
        """The type of a column: drawn once, this one or text."""
        return self.result.kinds.setdefault(name, kind if self.random.random() < self.typed else None)

    def date(self, name: str, hours: float) -> str:
        """So many hours before the evaluation: a day, an instant, or a local time; of the type of the column."""
        random = self.random
        instant = (self.at - timedelta(hours=hours)).astimezone(UTC).astimezone(ZONE)
        if random.random() < 0.3:
            instant = instant.replace(microsecond=random.choice([1, 250_000, 999_999]))
        match self.form(name) or random.choice(["date", "instant", "local"]):
            case "date":
                return instant.date().isoformat()
            case "instant":
                zone = random.choice([ZONE, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")])
                text = instant.astimezone(zone).isoformat(sep=random.choice("T "))
                return text.replace("+00:00", "Z") if random.random() < 0.5 else text
        local = instant.replace(tzinfo=None)
        return random.choice([local.isoformat(), local.isoformat(sep=" "), local.isoformat(timespec="minutes")])

    def future(self, text: str) -> bool:
        if len(text) == 10:
            return date.fromisoformat(text) > self.at.date()
        moment = datetime.fromisoformat(as_sent(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).timestamp() > self.at.timestamp()

    # ---- values ----

    def number(self, item: Item) -> Cell:
        name, random = column(item.id), self.random
        match random.choice(["plain"] * 6 + ["unit"] * 4 + ["decimals", "refused", "range", "wrong", "huge", "spelt"]):
            case "plain":
                value = number_of(item, random)
                return Cell({name: plain(value)}, value)
            case "decimals":
                value = round(random.uniform(item.low, item.high), 12)
                return Cell({name: plain(value)}, value)
            case "unit" if item.units:
                unit = random.choice(list(item.units))
                value = round(random.uniform(item.low, item.high) / item.units[unit], random.choice([0, 1, 2, 5, 9]))
                fits = item.low <= item.in_unit(value, unit) <= item.high
                return Cell(
                    {name: plain(value), f"{name}__unit": unit}, {"value": value, "unit": unit} if fits else None
                )
            case "spelt":
                value = number_of(item, random)
                return Cell({name: f" {plain(value)} ", f"{name}__unit": ""}, value)
            case "refused":
                return Cell({name: "10", f"{name}__unit": "furlongs"})
            case "range":
                return Cell({name: plain(random.choice([item.high + 1, item.low - 1]))})
            case "huge":
                return Cell({name: random.choice(["9" * 40, "9" * 400, "-" + "9" * 20, "9007199254740993"])})
            case _:
                wrong = ("abc", "1e3", "12,5", "NaN", "Infinity", "1.", ".5", "+1", "1 2", "0x1")
                return Cell({name: random.choice(wrong)})

    def flag(self, item: Item) -> Cell:
        value = self.random.random() < 0.5
        text = self.random.choice([str(value), str(value).lower(), f" {str(value).upper()}"])
        return self.random.choice([Cell({column(item.id): text}, value)] * 6 + [Cell({column(item.id): "oui"})])

    def choice(self, item: Item) -> Cell:
        word = self.random.choice(list(item.choices))
        return self.random.choice([Cell({column(item.id): word}, word)] * 6 + [Cell({column(item.id): word + "x"})])

    def words(self, item: Item) -> Cell:
        name, words, random = column(item.id), list(item.choices), self.random
        present = random.sample(words, random.choice([0, 0, 1, 2, 3]))
        absent = random.sample([word for word in words if word not in present], random.choice([0, 0, 1, 2]))
        complete = random.choice([None, False, True])
        self.kind(f"{name}__absent", "list")
        columns: Row = {name: self.joined(present), f"{name}__absent": self.joined(absent)}
        columns[f"{name}__complete"] = None if complete is None else str(complete).lower()
        match random.choice([""] * 6 + ["word", "both", "complete"]):
            case "word":
                return Cell({**columns, name: "aspirinn"})
            case "both":
                return Cell({**columns, name: words[0], f"{name}__absent": f"{words[1]} {words[0]}"})
            case "complete":
                return Cell({**columns, f"{name}__complete": "perhaps"})
        return Cell(columns, {"items": present, "absent": absent, "complete": bool(complete)})

    def joined(self, words: list[str]) -> str | None:
        return self.random.choice([" ", ",", ", ", ";", " ; "]).join(words) or None

    def moment(self, item: Item) -> Cell:
        name, random = column(item.id), self.random
        match random.choice(["good"] * 8 + ["bad", "future"]):
            case "bad":
                self.form(name)
                return Cell({name: random.choice(BAD_DATES)})
            case "future":
                return Cell({name: self.date(name, -30.0)})
        text = self.date(name, random.choice([0.0, 0.5, 9.5, 10.0, 30.0, 100.0, 700.0, 5000.0, 300_000.0]))
        return Cell({name: text}, None if self.future(text) else as_sent(text))

    def value(self, item: Item) -> Cell:
        made = {
            "number": self.number,
            "flag": self.flag,
            "choice": self.choice,
            "set": self.words,
            "moment": self.moment,
        }
        if item.type != "moment":
            self.kind(column(item.id), {"set": "list"}.get(item.type, item.type))
        return made[item.type](item)

    def dated(self, item: Item, recorded: Recorded) -> Cell:
        """A value with a date of its own, or without one."""
        cell, random = self.value(item), self.random
        name = f"{column(item.id)}__date"
        match random.choice([*([] if self.all_dated else ["none"] * 5), *["own"] * 5, "bad", "future"]):
            case "own":
                limits = [item.fresh_for + more for more in (-24, -1, 0, 1, 24)] if item.fresh_for else []
                text = self.date(name, max(0.0, random.choice([0.0, 1.0, 30.0, *limits])))
                usable = cell.sent is not None and not self.future(text)
                return Cell({**cell.columns, name: text}, self.with_date(cell.sent, text) if usable else None)
            case "bad":
                self.form(name)
                return Cell({**cell.columns, name: random.choice(BAD_DATES)})
            case "future":
                return Cell({**cell.columns, name: self.date(name, -30.0)})
        usable = not recorded.future and (item.fresh_for is None or recorded.known)
        return Cell(cell.columns, cell.sent if usable else None)

    def with_date(self, sent: Any, text: str) -> Any:
        return {**(sent if isinstance(sent, dict) else {"value": sent}), "date": as_sent(text)}

    # ---- patients ----

    def recorded(self) -> Recorded:
        random, now = self.random, self.at.isoformat()
        match random.choice(["told", "told", "told", "none", "bad", "future"]):
            case "none":
                return Recorded(None, now, known=False)
            case "bad":
                self.form("recorded_at")
                return Recorded(random.choice(BAD_DATES), now, known=False)
            case "future":
                return Recorded(self.date("recorded_at", -48.0), now, future=True)
        text = self.date("recorded_at", random.choice([1.0, 24.0, 100.0, 168.0, 800.0]))
        return Recorded(text, as_sent(text))

    def add(self, patient: str) -> None:
        recorded, random = self.recorded(), self.random
        share = random.choice([0.05, 0.3, 0.9])
        columns, sent = self.part("patient", recorded, share)
        self.result.patients.append({"patient": patient, "recorded_at": recorded.text, **columns})
        lesions = []
        for number in range(random.choice([1, 1, 2, 3])):
            of_lesion, values = self.part("lesion", recorded, share)
            self.result.lesions.append({"patient": patient, "lesion": f"L{number}", **of_lesion})
            lesions.append({"id": f"L{number}", **values})
        self.read(patient, {"recorded_at": recorded.sent, "patient": sent, "lesions": lesions})

    def part(self, scope: Scope, recorded: Recorded, share: float) -> tuple[Row, Row]:
        columns: Row = {}
        sent: Row = {}
        for item in self.items:
            if item.scope == scope and self.random.random() < share:
                cell = self.dated(item, recorded)
                columns |= cell.columns
                if cell.sent is not None:
                    sent[item.id] = cell.sent
        return columns, sent

    def read(self, patient: str, referral: Row) -> None:
        reader, maker, facts = _reading()
        try:
            case = maker.make(reader.read(referral), self.at)
        except ReferralError as error:
            if {complaint.code for complaint in error.complaints} != {"contradiction"}:
                raise
            self.result.contradictory.add(patient)
            return
        self.result.facts[patient, None] = fact_row(facts, "patient", case.patient)
        for lesion in case.lesions:
            self.result.facts[patient, lesion.id] = fact_row(facts, "lesion", lesion.facts)


def fact_row(facts: FactColumns, scope: Scope, known: Facts) -> Row:
    """The fact columns of what the run reading knows."""
    row: Row = {}
    for item in facts.items:
        if item.scope != scope:
            continue
        value = known.known.get(item.id)
        if item.type == "set":
            for word in facts.words(item.id):
                row[word_column(item.id, word)] = value.holds(word) if isinstance(value, Listing) else None
        elif item.type == "moment":
            low, high, days = (*value.since, value.days) if isinstance(value, Moment) else (None, None, None)
            row |= {low_column(item.id): low, high_column(item.id): high, days_column(item.id): days}
        else:
            row[column(item.id)] = value
    return row
