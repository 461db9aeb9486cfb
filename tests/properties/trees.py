"""Random conditions, scores and situations over a small vocabulary, so that criteria and values often meet."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random

from service.language.arithmetic import Constant, Expression, Operation, Variable
from service.language.facts import Listing, Moment, Value
from service.language.meaning import Situation
from service.language.scores import Component, Row, Score
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    Operator,
    Settled,
    Term,
)
from service.language.vocabulary import Item, ItemType, Scope, Text, Vocabulary

TEXT = Text("essai", "trial")
CHOICES = ("red", "green", "blue")
#: what numbers are, and what they are compared with
NUMBERS = (1.0, 2.0, 2.5, 3.0, 4.0)
HOURS = (12.0, 24.0, 36.0, 72.0)
DAYS = (0.0, 1.0, 2.0, 3.0)
OPERATORS: tuple[Operator, ...] = ("<", "<=", ">", ">=", "==", "!=")
TODAY = date(2026, 11, 23)
#: hours of the day at which situations are evaluated
NOON = 12.0


def _item(name: str, scope: Scope, kind: ItemType) -> Item:
    words = dict.fromkeys(CHOICES, TEXT) if kind in ("choice", "set") else {}
    return Item(name, "trial", scope, kind, TEXT, TEXT, words, low=0.5, high=5.0)


_KINDS: tuple[ItemType, ...] = ("flag", "flag", "choice", "number", "number", "set", "moment")


def _items(scope: Scope) -> list[Item]:
    return [_item(f"{scope}.{kind}{at}", scope, kind) for at, kind in enumerate(_KINDS)]


VOCABULARY = Vocabulary({item.id: item for scope in ("patient", "lesion") for item in _items(scope)}, {})


def readable(scope: Scope) -> list[Item]:
    """What a condition of this scope may read: one about a lesion may read the patient too."""
    return [item for item in VOCABULARY if scope == "lesion" or item.scope == "patient"]


class Trees:
    """Draws conditions that may read the given scores."""

    def __init__(self, random: Random, scores: Mapping[str, Score] | None = None) -> None:
        self.random = random
        self.scores = dict(scores or {})

    def words(self) -> tuple[str, ...]:
        return tuple(sorted(self.random.sample(CHOICES, self.random.choice([1, 1, 2, 3]))))

    def leaf(self, scope: Scope, *, count: bool = True) -> Leaf:
        random = self.random
        scores = [score.id for score in self.scores.values() if scope == "lesion" or score.scope == "patient"]
        kind = random.random()
        if count and kind < 0.08:
            where = self.tree("lesion", 2, count=False)
            return CountLesions(where, random.choice(OPERATORS), float(random.choice([0, 1, 2, 3])))
        if kind < 0.11:
            return random.choice([Always(), Settled(2, "x"), Settled(0, "x")])
        if scores and kind < 0.25:
            term = Term("score", random.choice(scores))
            return Compare(term, random.choice(OPERATORS), random.choice([0.0, 1.0, 2.0, 3.0, 5.0]))
        return self.of_item(random.choice(readable(scope)))

    def of_item(self, item: Item) -> Leaf:
        random = self.random
        match item.type:
            case "flag":
                return Flag(item.id)
            case "choice":
                return Member(item.id, self.words())
            case "set":
                return Includes(item.id, self.words())
            case "number":
                return Compare(Term("item", item.id), random.choice(OPERATORS), random.choice(NUMBERS))
            case "moment":
                if random.random() < 0.5:
                    return Compare(Term("since", item.id), random.choice(OPERATORS), random.choice(HOURS))
                return Compare(Term("days_since", item.id), random.choice(OPERATORS), random.choice(DAYS))

    def tree(self, scope: Scope, depth: int, *, count: bool = True) -> Node:
        kind = self.random.random()
        if depth == 0 or kind < 0.25:
            return self.leaf(scope, count=count)
        if kind < 0.4:
            return Not(self.tree(scope, depth - 1, count=count))
        parts = tuple(self.tree(scope, depth - 1, count=count) for _ in range(self.random.randint(1, 3)))
        return All(parts) if kind < 0.7 else AnyOf(parts)

    def read_once(self, scope: Scope, depth: int) -> Node:
        """A tree in which no item stands twice, and whose every criterion can come out either way."""
        items = readable(scope)
        self.random.shuffle(items)
        return self._read_once(items, depth)

    def _read_once(self, items: list[Item], depth: int) -> Node:
        if depth == 0 or len(items) < 2 or self.random.random() < 0.2:
            item = items[0]
            match item.type:
                case "choice" | "set":
                    kind = Member if item.type == "choice" else Includes
                    return kind(item.id, (self.random.choice(CHOICES),))
                case "number":
                    return Compare(Term("item", item.id), self.random.choice(("<", ">=")), 2.5)
                case _:
                    return self.of_item(item) if item.type == "flag" else Compare(Term("since", item.id), ">", 30.0)
        half = self.random.randint(1, len(items) - 1)
        left, right = self._read_once(items[:half], depth - 1), self._read_once(items[half:], depth - 1)
        joined: Node = All((left, right)) if self.random.random() < 0.5 else AnyOf((left, right))
        return Not(joined) if self.random.random() < 0.3 else joined

    def expression(self, scope: Scope, depth: int = 2) -> Expression:
        random = self.random
        numbers = [item.id for item in readable(scope) if item.type == "number"]
        if depth == 0 or random.random() < 0.4:
            return (
                Constant(float(random.choice([0, 1, 2, 3])))
                if random.random() < 0.6
                else Variable(random.choice(numbers))
            )
        operator = random.choice(("+", "-", "*", "/"))
        left = self.expression(scope, depth - 1)
        # A divisor whose range holds 0 is refused when the rulebook loads.
        right = Variable(random.choice(numbers)) if operator == "/" else self.expression(scope, depth - 1)
        return Operation(operator, left, right)

    def score(self, name: str, scope: Scope) -> Score:
        random = self.random
        components = tuple(
            Component(
                f"part{at}",
                TEXT,
                tuple(
                    Row(self.tree(scope, 1, count=False), self.expression(scope)) for _ in range(random.randint(0, 3))
                ),
                self.expression(scope),
            )
            for at in range(random.randint(1, 3))
        )
        applies = Always() if random.random() < 0.5 else self.tree(scope, 1, count=False)
        return Score(name, TEXT, scope, None, applies, components)


def scores(random: Random, count: int = 3) -> dict[str, Score]:
    """Scores of which later ones may read earlier ones."""
    found: dict[str, Score] = {}
    for at in range(count):
        name = f"s{at}"
        found[name] = Trees(random, found).score(name, random.choice(("patient", "lesion")))
    return found


# ---- situations ------------------------------------------------------------------------------------------------------

EVERY_WORD = frozenset(CHOICES)


def exact_value(item: Item, random: Random) -> Value:
    """A value of which nothing is open."""
    match item.type:
        case "flag":
            return random.random() < 0.5
        case "choice":
            return random.choice(CHOICES)
        case "number":
            return random.choice(NUMBERS)
        case "set":
            present = frozenset(word for word in CHOICES if random.random() < 0.4)
            return Listing(present, EVERY_WORD - present, True)
        case "moment":
            return moment(random.choice([0, 1, 2, 3, 4]), random.choice([0.0, 6.0, NOON]))


def moment(days: int, hour: float | None) -> Moment:
    """So many days ago, at an hour of that day; known to the day only when `hour` is None. Evaluated at noon."""
    earliest, latest = 24.0 * days + NOON, max(0.0, 24.0 * days + NOON - 24.0)
    if hour is None:
        return Moment(TODAY - timedelta(days=days), (latest, earliest), days)
    elapsed = earliest - hour
    return Moment(TODAY - timedelta(days=days), (elapsed, elapsed), days)


def value(item: Item, random: Random) -> Value:
    if item.type == "set" and random.random() < 0.6:
        present = frozenset(word for word in CHOICES if random.random() < 0.2)
        absent = frozenset(word for word in CHOICES if random.random() < 0.4) - present
        return Listing(present, absent, False)
    if item.type == "moment" and random.random() < 0.5:
        return moment(random.choice([0, 1, 2, 3]), None)
    return exact_value(item, random)


def known(scope: Scope, random: Random, share: float) -> dict[str, Value]:
    return {item.id: value(item, random) for item in VOCABULARY if item.scope == scope and random.random() < share}


def situations_of(
    patient: Mapping[str, Value], lesions: Sequence[Mapping[str, Value]]
) -> tuple[Situation, list[Situation]]:
    joined = [{**patient, **lesion} for lesion in lesions]
    return Situation(patient, joined), [Situation(values, joined) for values in joined]


def told(
    facts: Mapping[str, Value], scope: Scope, random: Random, only: frozenset[str] | None = None
) -> dict[str, Value]:
    """The same facts with nothing left open, or only of the items named."""
    result = dict(facts)
    for item in VOCABULARY:
        if item.scope != scope or (only is not None and item.id not in only):
            continue
        match facts.get(item.id):
            case None:
                result[item.id] = exact_value(item, random)
            case Listing(present, absent, False):
                added = frozenset(word for word in EVERY_WORD - present - absent if random.random() < 0.5)
                result[item.id] = Listing(present | added, EVERY_WORD - present - added, True)
            case Moment(since=(low, high), days=days) if low < high:
                hour = random.choice([0.0, 5.0, 11.0, NOON] if days == 0 else [0.0, 5.0, NOON, 18.0, 23.5])
                result[item.id] = moment(days, hour)
    return result
