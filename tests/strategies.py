"""Referrals for the properties, drawn from the vocabulary and the thresholds of the real rulebook.

Guided ones begin with a fixture and lose, age or change some of its values, so that every status is reached; free
ones are drawn item by item. A completion of a referral tells everything that it leaves unknown.

`SEARCH=20` searches twenty times as long, and elsewhere at every run; without it every run is the same.
"""

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from service.decision import Decider
from service.language.facts import Case, Facts, Listing, Moment
from service.language.tree import Compare, Includes, Node, criteria
from service.language.vocabulary import Item
from service.recommend.recommendation import Recommendation
from service.referral.complaints import ReferralError
from service.rulebook.load import load_rulebook
from service.rulebook.model import Rulebook

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "rules"
REFERRALS = ROOT / "fixtures" / "referrals"

SEARCH = int(os.environ.get("SEARCH", "0"))


def examples(count: int) -> Callable[[Any], Any]:
    """How many examples a property takes. Always the same ones, unless a longer search is asked for."""
    return settings(
        max_examples=count * max(SEARCH, 1),
        derandomize=not SEARCH,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def seeded(seed: int) -> Random:
    """Random choices that the seed alone decides."""
    return Random(seed)  # noqa: S311  # nothing is kept secret here


@cache
def rulebook() -> Rulebook:
    return load_rulebook(RULES)


@cache
def decider() -> Decider:
    return Decider(rulebook())


@dataclass(frozen=True)
class Sent:
    """A referral as sent, and when it is decided."""

    at: datetime
    data: dict[str, Any]

    def with_data(self) -> "Sent":
        """A copy whose data may be changed."""
        return Sent(self.at, copy.deepcopy(self.data))


FIXTURES = tuple(path.stem for path in sorted(REFERRALS.glob("*.yaml")))


@cache
def _fixture(name: str) -> Sent:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load((REFERRALS / f"{name}.yaml").read_text(encoding="utf-8"), loader)  # noqa: S506  # a safe loader
    return Sent(datetime.fromisoformat(data["at"]), data["referral"])


def fixture(name: str) -> Sent:
    return _fixture(name).with_data()


@cache
def usable_fixtures() -> tuple[str, ...]:
    """Fixtures that the service decides. The others are referrals that must be refused."""
    return tuple(name for name in FIXTURES if not refused(_fixture(name)))


def fixture_names() -> st.SearchStrategy[str]:
    return st.deferred(lambda: st.sampled_from(usable_fixtures()))


def refused(sent: Sent) -> bool:
    try:
        decider().recommend(sent.data, sent.at)
    except ReferralError:
        return True
    return False


def recommended(sent: Sent, by: Decider | None = None) -> Recommendation:
    """The recommendation. A contradictory referral is no patient: Hypothesis draws another one."""
    try:
        return (by or decider()).recommend(sent.data, sent.at)[0]
    except ReferralError as error:
        if all(complaint.code == "contradiction" for complaint in error.complaints):
            assume(False)
        raise


# ---- thresholds ------------------------------------------------------------------------------------------------------


def every_condition(book: Rulebook) -> Iterator[Node]:
    yield from (bound.when for bound in book.bound)
    yield from (entry.when for entry in book.impossible)
    for score in book.scores.values():
        yield from score.conditions()


@cache
def limits() -> dict[str, tuple[float, ...]]:
    """Item -> the numbers that rules compare it with; for moments, hours."""
    found: dict[str, set[float]] = {}
    for node in every_condition(rulebook()):
        for leaf in criteria(node):
            if isinstance(leaf, Compare) and leaf.term.quantity != "score":
                hours = 24 if leaf.term.quantity == "days_since" else 1
                found.setdefault(leaf.term.name, set()).add(leaf.value * hours)
    return {name: tuple(sorted(values)) for name, values in found.items()}


@cache
def told_words() -> dict[str, tuple[str, ...]]:
    """List -> the words that rules ask for."""
    found: dict[str, set[str]] = {}
    for node in every_condition(rulebook()):
        for leaf in criteria(node):
            if isinstance(leaf, Includes):
                found.setdefault(leaf.item, set()).update(leaf.words)
    return {name: tuple(sorted(words)) for name, words in found.items()}


# ---- values ----------------------------------------------------------------------------------------------------------


def number_of(item: Item, random: Random) -> float:
    """Often a threshold of the rules, or one step beside it; at times an end of the plausible range."""
    beside = [limit + step * item.step for limit in limits().get(item.id, ()) for step in (-1, 0, 1)]
    pool = [*beside, *beside, (item.low + item.high) / 2, item.low, item.high]
    return round(min(max(random.choice(pool), item.low), item.high), 6)


def written_number(item: Item, random: Random) -> Any:
    """The number bare, or in one of its accepted units."""
    value = number_of(item, random)
    unit = random.choice([None, None, *item.units])
    if unit is None:
        return value
    converted = round(value / item.units[unit], 6)
    inside = item.low <= item.in_unit(converted, unit) <= item.high
    return {"value": converted, "unit": unit} if inside and (converted >= 1e-4 or not converted) else value


def moment_of(item: Item, at: datetime, random: Random, *, exact: bool) -> str:
    beside = [limit + hours for limit in limits().get(item.id, ()) for hours in (-24, -1, 0, 1, 24)]
    hours = max(0.0, random.choice([*beside, *beside, 0.5, 30.0, 2000.0]))
    instant = at - timedelta(hours=hours)
    if exact or random.random() < 0.5:
        return (instant.astimezone(UTC) if random.random() < 0.3 else instant).isoformat()
    return instant.date().isoformat()


def list_of(item: Item, random: Random, *, exact: bool) -> dict[str, Any]:
    words = [*told_words().get(item.id, ()), *item.choices]
    present = sorted({random.choice(words) for _ in range(random.choice([0, 0, 1, 1, 2, 3]))})
    others = [word for word in item.choices if word not in present]
    value: dict[str, Any] = {"items": present, "complete": exact or random.random() < 0.5}
    if others and not exact and random.random() < 0.5:
        value["absent"] = sorted(random.sample(others, random.randint(1, len(others))))
    return value


def value_of(item: Item, at: datetime, random: Random, *, exact: bool = False) -> Any:
    """A value as it may be sent. `exact`: nothing about it is left open."""
    match item.type:
        case "flag":
            return random.random() < 0.5
        case "choice":
            return random.choice(list(item.choices))
        case "number":
            return written_number(item, random)
        case "moment":
            return moment_of(item, at, random, exact=exact)
        case "set":
            return list_of(item, random, exact=exact)
    raise AssertionError(item.type)


def dated(value: Any, on: str) -> Any:
    """The same value with the date at which it was true."""
    return {**value, "date": on} if isinstance(value, dict) else {"value": value, "date": on}


def _perhaps_stale(item: Item, value: Any, at: datetime, random: Random) -> Any:
    if item.fresh_for is None or random.random() < 0.5:
        return value
    hours = item.fresh_for + random.choice([-24, -1, 0, 1, 24])
    instant = at - timedelta(hours=max(0.0, hours))
    return dated(value, instant.isoformat() if random.random() < 0.5 else instant.date().isoformat())


# ---- referrals -------------------------------------------------------------------------------------------------------

#: when the free ones are decided: an ordinary day, and both days on which the clock changes
_MOMENTS = tuple(
    datetime.fromisoformat(text)
    for text in ("2026-11-23T09:00:00+01:00", "2026-03-29T12:00:00+02:00", "2026-10-25T12:00:00+01:00")
)


def _parts(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [data["patient"], *data["lesions"]]


def _change(data: dict[str, Any], at: datetime, random: Random, count: int) -> None:
    vocabulary = rulebook().vocabulary
    for _ in range(count):
        scope = random.choice(["patient", "lesion"])
        item = random.choice(list(vocabulary.of(scope).values()))
        part = data["patient"] if scope == "patient" else random.choice(data["lesions"])
        part[item.id] = _perhaps_stale(item, value_of(item, at, random), at, random)


def _lose(data: dict[str, Any], random: Random, share: float) -> None:
    for part in _parts(data):
        names = [name for name in part if name != "id"]
        for name in random.sample(names, round(share * len(names))):
            del part[name]


def _unverify(data: dict[str, Any], random: Random) -> None:
    """Some of what is verified just before the act is not yet known."""
    for name in random.sample(sorted(rulebook().checklist), random.randint(1, 6)):
        for part in _parts(data):
            part.pop(name, None)


@st.composite
def guided(draw: st.DrawFn, *, later: bool = True) -> Sent:
    """A fixture that has lost some values, has others changed, is decided later, or has lesions of other fixtures."""
    sent = fixture(draw(fixture_names()))
    data = sent.data
    random = seeded(draw(st.integers(0, 2**32)))
    for number in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        other = fixture(random.choice(usable_fixtures()))
        data["lesions"].append({**random.choice(other.data["lesions"]), "id": f"other-{number}"})
    del data["lesions"][3:]
    _change(data, sent.at, random, draw(st.sampled_from([0, 0, 1, 2, 4, 8])))
    _lose(data, random, draw(st.sampled_from([0, 0, 0.01, 0.02, 0.05, 0.1, 0.3, 0.7])))
    days = draw(st.sampled_from([0, 0, 0, 1, 6, 30])) if later else 0
    return Sent(sent.at + timedelta(days=days), data)


@st.composite
def to_be_verified(draw: st.DrawFn) -> Sent:
    """A fixture of which only some items of the pre-procedure checklist are unknown."""
    sent = fixture(draw(fixture_names()))
    _unverify(sent.data, seeded(draw(st.integers(0, 2**32))))
    return sent


@st.composite
def free(draw: st.DrawFn) -> Sent:
    """Values drawn item by item, from hardly anything known to nearly everything."""
    vocabulary = rulebook().vocabulary
    at = draw(st.sampled_from(_MOMENTS))
    random = seeded(draw(st.integers(0, 2**32)))
    share = draw(st.sampled_from([0.02, 0.2, 0.6, 0.95]))

    def some(items: dict[str, Item]) -> dict[str, Any]:
        return {
            name: _perhaps_stale(item, value_of(item, at, random), at, random)
            for name, item in items.items()
            if random.random() < share
        }

    lesions = [
        {"id": f"L{number}", **some(vocabulary.of("lesion"))} for number in range(draw(st.sampled_from([1, 1, 2, 3])))
    ]
    return Sent(
        at, {"recorded_at": at.date().isoformat(), "patient": some(vocabulary.of("patient")), "lesions": lesions}
    )


def referrals() -> st.SearchStrategy[Sent]:
    """Mostly guided ones."""
    return st.one_of(guided(), guided(), to_be_verified(), free())


# ---- completions -----------------------------------------------------------------------------------------------------


def completed(sent: Sent, case: Case, random: Random, *, share: float = 1.0) -> Sent:
    """The same referral with a share of what it leaves unknown told, all of it when `share` is 1.

    Only what is unknown changes: absent and stale items get a fresh value, lists become complete, and a moment known
    to the day becomes an instant of that day. `case` is what the service knows of `sent`.
    """
    vocabulary = rulebook().vocabulary
    result = sent.with_data()
    facts = {"": case.patient, **{lesion.id: lesion.facts for lesion in case.lesions}}
    for part, scope in [(result.data["patient"], "patient"), *((part, "lesion") for part in result.data["lesions"])]:
        known = facts[part.get("id", "")]
        for item in vocabulary.of(scope).values():
            if random.random() <= share:
                value = _told(item, known, sent.at, case.at, random, exact=share == 1.0)
                if value is not None:
                    part[item.id] = dated(value, case.at.date().isoformat())
    return result


def _told(item: Item, facts: Facts, at: datetime, local: datetime, random: Random, *, exact: bool) -> Any:
    """A value that tells more of an item than is known, or None when all is known."""
    known = facts.known.get(item.id)
    match known:
        case None:
            return value_of(item, at, random, exact=exact)
        case Listing() if not known.complete:
            unsettled = sorted(set(item.choices) - known.present - known.absent)
            added = random.sample(unsettled, min(len(unsettled), random.choice([0, 0, 1, 2])))
            return {"items": sorted({*known.present, *added}), "complete": True}
        case Moment(instant=None):
            return _instant_of(known.day, local, random).isoformat()
    return None


def _instant_of(day: date, local: datetime, random: Random) -> datetime:
    """An instant of that day in the site's time zone, not after the evaluation; often its very first or last."""
    start = datetime.combine(day, time(), local.tzinfo)
    end = datetime.combine(day + timedelta(days=1), time(), local.tzinfo)
    latest = min(end.timestamp() - 1, local.timestamp())
    chosen = random.choice([start.timestamp(), latest, random.uniform(start.timestamp(), latest)])
    return datetime.fromtimestamp(int(chosen), local.tzinfo)
