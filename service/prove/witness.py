"""From a model of Z3 to a patient that a person can look at: as little known as possible, in plain values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import z3

from service.language.vocabulary import Item
from service.prove.logic import number
from service.prove.patients import (
    ChoiceUnknown,
    FlagUnknown,
    MomentUnknown,
    NumberUnknown,
    SetUnknown,
    Unknown,
)
from service.prove.world import World

#: the hour at which a witness is decided, when any will do
MORNING = 9
#: milliseconds for each question asked to make a witness smaller
PATIENCE = 400


@dataclass(frozen=True, slots=True)
class Witness:
    """A patient, as a referral in plain JSON data, decided at `at`."""

    referral: dict[str, Any]
    at: datetime


class Shrinking:
    """Takes from a model whatever the question does not need, then prefers plain values to odd ones."""

    def __init__(self, solver: z3.Solver, world: World) -> None:
        self._solver = solver
        self._world = world
        self._kept: list[z3.BoolRef] = []
        self.model = solver.model()
        solver.set("timeout", PATIENCE)

    def shrink(self) -> z3.ModelRef:
        """Greedy, so not always the very smallest, but nothing that is left can be left out alone."""
        patients = self._world.patients
        for at in range(patients.others, 0, -1):
            self._prefer(z3.Not(patients.there(at)))
        for (place, _), of in patients.made.items():
            if place is None or not place or self._is(patients.there(place)):
                self._without(of)
        for (place, item_id), of in patients.made.items():
            if (not place or self._is(patients.there(place))) and self._is(of.known):
                for wish in _plain(patients.vocabulary[item_id], of, self.model):
                    if self._prefer(wish):
                        break
        self._prefer(patients.now == MORNING)
        return self.model

    def _without(self, of: Unknown) -> None:
        if isinstance(of, SetUnknown):
            self._prefer(z3.Not(of.complete))
            for word in of.present:
                self._prefer(z3.Not(of.present[word]))
                self._prefer(z3.Not(of.absent[word]))
        else:
            self._prefer(z3.Not(of.known))

    def _is(self, formula: z3.BoolRef) -> bool:
        return bool(z3.is_true(self.model.eval(formula, model_completion=True)))

    def _prefer(self, wish: z3.BoolRef) -> bool:
        """Keeps to `wish` from now on if it can be had."""
        if not self._is(wish):
            if self._solver.check(*self._kept, wish) != z3.sat:
                return False
            self.model = self._solver.model()
        self._kept.append(wish)
        return True


def _plain(item: Item, of: Unknown, model: z3.ModelRef) -> Iterator[z3.BoolRef]:
    """Values that are easier to read, the plainest first."""
    match of:
        case FlagUnknown():
            yield z3.Not(of.value)
        case NumberUnknown():
            value = fraction(model.eval(of.value, model_completion=True))
            step = Fraction(repr(item.step))
            for places in (0, 1, -1):
                yield of.value == z3.RealVal(str((round(value / step) + places) * step))
            for share in (2, 10, 100):
                yield of.value == z3.RealVal(str(round(value / step * share) * step / share))
        case MomentUnknown():
            yield z3.And(z3.Not(of.exact), of.shift == 0, of.end_shift == 0)
            hour = fraction(model.eval(of.hour, model_completion=True))
            for places in (0, -1, 1):
                yield z3.And(of.shift == 0, of.hour == int(hour) + places)
            yield of.shift == 0
        case _:
            return


def fraction(value: z3.ArithRef) -> Fraction:
    """A number of a model. A root that is no fraction is given to ten decimals."""
    if z3.is_algebraic_value(value):
        value = value.approx(10)
    return Fraction(value.numerator_as_long(), value.denominator_as_long())


def witness(model: z3.ModelRef, world: World, today: date) -> Witness:
    """The patient of a model. Nothing but what the model says is known of them."""
    patients = world.patients
    zone = ZoneInfo(world.rulebook.info.timezone)

    def value_of(formula: z3.ExprRef) -> z3.ExprRef:
        return model.eval(formula, model_completion=True)

    minutes = int(fraction(value_of(patients.now)) * 60)
    at = datetime.combine(today, time(minutes // 60, minutes % 60), zone)
    patient: dict[str, Any] = {}
    lesions: dict[int, dict[str, Any]] = {
        place: {"id": f"lesion{place + 1}"}
        for place in range(patients.others + 1)
        if z3.is_true(value_of(patients.there(place)))
    }
    for (place, item_id), of in sorted(patients.made.items(), key=lambda entry: (entry[0][0] or 0, entry[0][1])):
        if z3.is_true(value_of(of.known)) and (place is None or place in lesions):
            holder = patient if place is None else lesions[place]
            holder[item_id] = _value(of, model, at)
    return Witness({"recorded_at": at.date().isoformat(), "patient": patient, "lesions": list(lesions.values())}, at)


def _value(of: Unknown, model: z3.ModelRef, at: datetime) -> Any:
    def value_of(formula: z3.ExprRef) -> z3.ExprRef:
        return model.eval(formula, model_completion=True)

    match of:
        case FlagUnknown():
            return z3.is_true(value_of(of.value))
        case ChoiceUnknown():
            return of.words[value_of(of.value).as_long()]
        case NumberUnknown():
            return float(round(fraction(value_of(of.value)), 9))
        case SetUnknown():
            words = {kind: [w for w, f in made.items() if z3.is_true(value_of(f))] for kind, made in of_words(of)}
            return {**words, "complete": z3.is_true(value_of(of.complete))}
        case MomentUnknown():
            day = at.date() - timedelta(days=value_of(of.days).as_long())
            if not z3.is_true(value_of(of.exact)):
                return day.isoformat()
            seconds = int(fraction(value_of(of.hour)) * 3600)
            moment = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
            return datetime.combine(day, moment, at.tzinfo).isoformat()


def of_words(of: SetUnknown) -> tuple[tuple[str, dict[str, z3.BoolRef]], ...]:
    return ("items", of.present), ("absent", of.absent)


def is_value(of: NumberUnknown, value: float) -> z3.BoolRef:
    """Whether a number is known and just this."""
    return z3.And(of.known, of.value == number(value))
