"""Every patient at once: for each item of the vocabulary, whether it is known and what it may be, as unknowns of Z3.

What is not constrained here is possible. So a claim that is proved holds of every referral that can be sent, and of
some that cannot; a witness is therefore replayed with the reference meaning before anybody is shown it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import z3

from service.language.vocabulary import Item, Vocabulary
from service.prove.logic import number

#: hours by which a change to or from summer time may lengthen or shorten what lies between two clock times
SUMMER_TIME = 1
#: days: no moment of a patient lies further back
LONGEST_AGO = 45_000


@dataclass(frozen=True, slots=True)
class FlagUnknown:
    known: z3.BoolRef
    value: z3.BoolRef


@dataclass(frozen=True, slots=True)
class ChoiceUnknown:
    """A word, by its place among the item's choices."""

    known: z3.BoolRef
    value: z3.ArithRef
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberUnknown:
    known: z3.BoolRef
    value: z3.ArithRef


@dataclass(frozen=True, slots=True)
class SetUnknown:
    """A list. `known` says whether anything at all is known of it; words are made when they are asked for."""

    name: str
    complete: z3.BoolRef
    present: dict[str, z3.BoolRef] = field(default_factory=dict)
    absent: dict[str, z3.BoolRef] = field(default_factory=dict)

    def word(self, word: str) -> tuple[z3.BoolRef, z3.BoolRef]:
        """Whether the word is known to be in the list, and whether it is said not to be."""
        if word not in self.present:
            self.present[word] = z3.Bool(f"{self.name}:{word}:present")
            self.absent[word] = z3.Bool(f"{self.name}:{word}:absent")
        return self.present[word], self.absent[word]

    @property
    def known(self) -> z3.BoolRef:
        return z3.Or(self.complete, *self.present.values(), *self.absent.values())


@dataclass(frozen=True, slots=True)
class MomentUnknown:
    """A moment: so many calendar days ago, and, when `exact`, at such an hour of that day.

    `shift` is what a change to or from summer time adds to the hours between that day's beginning, or that hour, and the
    evaluation; `end_shift` the same for the end of the day, as the clock may change on the day itself.
    """

    known: z3.BoolRef
    days: z3.ArithRef
    exact: z3.BoolRef
    hour: z3.ArithRef
    shift: z3.ArithRef
    end_shift: z3.ArithRef


Unknown: TypeAlias = FlagUnknown | ChoiceUnknown | NumberUnknown | SetUnknown | MomentUnknown


def unknown(item: Item, prefix: str) -> Unknown:
    """The unknowns of one item. `prefix` tells one lesion, or one patient, from another."""
    name = f"{prefix}{item.id}"
    known = z3.Bool(f"{name}:known")
    match item.type:
        case "flag":
            return FlagUnknown(known, z3.Bool(name))
        case "choice":
            return ChoiceUnknown(known, z3.Int(name), tuple(item.choices))
        case "number":
            return NumberUnknown(known, z3.Real(name))
        case "set":
            return SetUnknown(name, z3.Bool(f"{name}:complete"))
        case "moment":
            days, hour = z3.Int(f"{name}:days"), z3.Real(f"{name}:hour")
            shift, end_shift = z3.Int(f"{name}:shift"), z3.Int(f"{name}:end-shift")
            return MomentUnknown(known, days, z3.Bool(f"{name}:exact"), hour, shift, end_shift)


def bounds(item: Item, of: Unknown, now: z3.ArithRef) -> list[z3.BoolRef]:
    """What the referral schema guarantees of a value."""
    match of:
        case FlagUnknown():
            return []
        case ChoiceUnknown(_, value, words):
            return [value >= 0, value < len(words)]
        case NumberUnknown(_, value):
            return [value >= number(item.low), value <= number(item.high)]
        case SetUnknown():
            return [z3.Not(z3.And(of.present[word], of.absent[word])) for word in of.present]
        case MomentUnknown():
            return [
                *(of.days >= 0, of.days <= LONGEST_AGO, of.hour >= 0, of.hour < 24),
                *(of.shift >= -SUMMER_TIME, of.shift <= SUMMER_TIME),
                *(of.end_shift >= -SUMMER_TIME, of.end_shift <= SUMMER_TIME),
                *(of.shift - of.end_shift >= -SUMMER_TIME, of.shift - of.end_shift <= SUMMER_TIME),
                # Nothing happened after the evaluation.
                24 * z3.ToReal(of.days) + now + z3.ToReal(of.shift) >= z3.If(of.exact, of.hour, z3.RealVal(0)),
            ]


class Patients:
    """One patient of all those possible, with the lesion that is judged and `others` more.

    Unknowns are made when a condition first asks for them, so that a question holds no more than it needs.
    """

    def __init__(self, vocabulary: Vocabulary, others: int = 0, prefix: str = "") -> None:
        self.vocabulary = vocabulary
        self.others = others
        self.now = z3.Real(f"{prefix}now:hour")
        self._prefix = prefix
        self._made: dict[tuple[int | None, str], Unknown] = {}
        self._there = [z3.Bool(f"{prefix}lesion{at}:there") for at in range(1, others + 1)]

    def of(self, item_id: str, lesion: int) -> Unknown:
        """The unknowns of an item: of the patient, or of the lesion at this place (0 is the one that is judged)."""
        item = self.vocabulary[item_id]
        place = lesion if item.scope == "lesion" else None
        made = self._made.get((place, item_id))
        if made is None:
            prefix = f"{self._prefix}{'' if place is None else f'lesion{place}.'}"
            made = self._made[place, item_id] = unknown(item, prefix)
        return made

    def there(self, lesion: int) -> z3.BoolRef:
        """Whether the patient has this lesion at all."""
        return self._there[lesion - 1] if lesion else z3.BoolVal(True)

    @property
    def made(self) -> Mapping[tuple[int | None, str], Unknown]:
        return self._made

    def bounds(self) -> list[z3.BoolRef]:
        """What holds of every value that was asked for so far."""
        result = [self.now >= 0, self.now < 24]
        # A patient has the second lesion before the third: the same patient is not looked at twice.
        result += [z3.Implies(later, earlier) for earlier, later in zip(self._there, self._there[1:], strict=False)]
        for (_, item_id), of in self._made.items():
            result += bounds(self.vocabulary[item_id], of, self.now)
        return result
