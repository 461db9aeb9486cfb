"""Patients for the bench: the fixtures as they are, and generated ones of whom everything, or not everything, is known.

A generated patient is a fixture, completed and then partly redrawn among the values on either side of every limit that
the rules mention, so that rules hold and fail in equal earnest. Reproducible: the same seed gives the same patients.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from service.language.arithmetic import variables
from service.language.facts import Listing, Moment, Value
from service.language.meaning import situations
from service.language.tree import Compare, Leaf, Node, leaves
from service.language.vocabulary import Item
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook

PROJECT = Path(__file__).resolve().parent.parent
RULES = PROJECT / "rules"
FIXTURES = PROJECT / "fixtures" / "referrals"

#: the moment of evaluation of every generated patient
AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")

Known = dict[str, Value]


@dataclass(frozen=True)
class Fixture:
    name: str
    at: datetime
    referral: Any


def fixtures(rulebook: Rulebook) -> list[Fixture]:
    """The referrals of the fixtures, less those that are there to be refused."""
    reader, cases = ReferralReader(rulebook.vocabulary), CaseMaker(rulebook)
    found = []
    for path in sorted(FIXTURES.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        fixture = Fixture(path.stem, datetime.fromisoformat(data["at"]), data["referral"])
        try:
            cases.make(reader.read(fixture.referral), fixture.at)
        except ReferralError:
            continue
        found.append(fixture)
    return found


def known_of_fixtures(rulebook: Rulebook) -> list[Known]:
    """What the fixtures say, one entry for each lesion joined with its patient."""
    reader, cases = ReferralReader(rulebook.vocabulary), CaseMaker(rulebook)
    found: list[Known] = []
    for fixture in fixtures(rulebook):
        _, lesions = situations(cases.make(reader.read(fixture.referral), fixture.at))
        found += [dict(situation.known) for situation in lesions]
    return found


def conditions_of(rulebook: Rulebook) -> Iterator[Node]:
    """Every condition of the rules and of the scores."""
    for bound in rulebook.bound:
        yield bound.when
    for score in rulebook.scores.values():
        yield from score.conditions()


def limits_of(found: Iterator[Leaf]) -> dict[tuple[str, str], set[float]]:
    """(item, item/since/days_since) -> the numbers it is compared with."""
    limits: dict[tuple[str, str], set[float]] = {}
    for leaf in found:
        if isinstance(leaf, Compare) and leaf.term.quantity != "score":
            limits.setdefault((leaf.term.name, leaf.term.quantity), set()).add(leaf.value)
    return limits


def moment(at: datetime, instant: datetime) -> Moment:
    """A moment known to the instant, as the referral would give it at `at`."""
    elapsed = (at.timestamp() - instant.timestamp()) / 3600
    day = instant.astimezone(at.tzinfo).date()
    return Moment(day, (elapsed, elapsed), (at.date() - day).days, instant)


def to_the_day(at: datetime, value: Moment) -> Moment:
    """The same moment when only its day is known: any instant of that day."""
    start = datetime(value.day.year, value.day.month, value.day.day, tzinfo=at.tzinfo)
    longest = (at.timestamp() - start.timestamp()) / 3600
    return Moment(value.day, (max(0.0, longest - 24.0), longest), value.days)


class Drawer:
    """Draws values near the limits that the rules mention."""

    def __init__(self, rulebook: Rulebook, seed: int) -> None:
        self._vocabulary = rulebook.vocabulary
        self._random = random.Random(seed)
        nodes = list(conditions_of(rulebook))
        self._limits = limits_of(leaf for node in nodes for leaf in leaves(node))

    def value(self, item: Item) -> Value:
        draw = self._random
        match item.type:
            case "flag":
                return draw.random() < 0.5
            case "choice":
                return draw.choice(list(item.choices))
            case "set":
                words = draw.sample(list(item.choices), min(len(item.choices), draw.choice([0, 1, 1, 2])))
                return Listing(frozenset(words), frozenset(), complete=True)
            case "number":
                near = [
                    limit + shift * item.step
                    for limit in self._limits.get((item.id, "item"), ())
                    for shift in (-1, 0, 1)
                    if item.low <= limit + shift * item.step <= item.high
                ]
                return float(draw.choice(near)) if near and draw.random() < 0.8 else draw.uniform(item.low, item.high)
            case "moment":
                hours = [limit + shift for limit in self._limits.get((item.id, "since"), ()) for shift in (-1, 0, 1)]
                for days in self._limits.get((item.id, "days_since"), ()):
                    hours += [days * 24 + shift for shift in (-20, -3, 2, 20)]
                hours = [hour for hour in hours if hour > 0] or [6, 30, 100, 1000, 9000]
                return moment(AT, AT - timedelta(hours=draw.choice(hours)))

    def completed(self, known: Mapping[str, Value], redrawn: float) -> Known:
        """Every item known, to the instant and in complete lists; a share of those that were known is redrawn."""
        result: Known = {}
        for item in self._vocabulary:
            value = known.get(item.id)
            if value is None or self._random.random() < redrawn:
                value = self.value(item)
            if isinstance(value, Listing):
                value = Listing(value.present, frozenset(), complete=True)
            elif isinstance(value, Moment):
                value = moment(AT, value.instant or _noon(value.day))
            result[item.id] = value
        return result

    def withheld(self, known: Mapping[str, Value], share: float) -> Known:
        """The same with a share of the items absent."""
        return {name: value for name, value in known.items() if self._random.random() >= share}

    def blurred(self, known: Mapping[str, Value], share: float) -> Known:
        """The same with a share of the lists incomplete and of the moments known to the day only."""
        result: Known = {}
        for name, value in known.items():
            if isinstance(value, Listing) and self._random.random() < share:
                kept = frozenset(word for word in value.present if self._random.random() < 0.5)
                others = sorted(set(self._vocabulary[name].choices) - value.present)
                absent = frozenset(word for word in others if self._random.random() < 0.3)
                result[name] = Listing(kept, absent, complete=False)
            elif isinstance(value, Moment) and self._random.random() < share:
                result[name] = to_the_day(AT, value)
            else:
                result[name] = value
        return result


def _noon(day: date) -> datetime:
    return min(datetime(day.year, day.month, day.day, 12, tzinfo=AT.tzinfo), AT)


def complete_patients(rulebook: Rulebook, generated: int, seed: int = 1) -> list[Known]:
    """The fixtures, completed, then `generated` ones of which a third of the items is redrawn."""
    drawer = Drawer(rulebook, seed)
    given = known_of_fixtures(rulebook)
    return [
        *(drawer.completed(known, 0.0) for known in given),
        *(drawer.completed(given[at % len(given)], 0.35) for at in range(generated)),
    ]


def items_in_arithmetic(rulebook: Rulebook) -> frozenset[str]:
    """Items that a score computes with."""
    return frozenset(
        name for score in rulebook.scores.values() for sum_ in score.expressions() for name in variables(sum_)
    )
