"""One patient among all those possible: the formulas of the prove reading, with everything known of a case filled in."""

from collections.abc import Iterator, Mapping

import z3

from service.language.facts import Case, Listing, Moment, Value
from service.prove.logic import number
from service.prove.options import Options
from service.prove.patients import (
    ChoiceUnknown,
    FlagUnknown,
    MomentUnknown,
    NumberUnknown,
    Patients,
    SetUnknown,
    Unknown,
)
from service.prove.world import World, lesions_needed
from service.rulebook.model import Rulebook


class Formulas:
    """Every rule and option of a rulebook as formulas, made once."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.world = World(rulebook, lesions_needed(rulebook))
        self.rules = [self.world.of(bound.when) for bound in rulebook.bound]
        options = Options(self.world)
        self.options = {name: options.of(name) for name in rulebook.dossiers}
        self.lesions = self.world.patients.others + 1

    def model(self, case: Case, judged: int) -> z3.ModelRef:
        """The one model in which the patient is this one, and the judged lesion the one at this place."""
        solver = z3.Solver()
        solver.add(*self.world.patients.bounds(), *_pinned(self.world.patients, case, judged))
        assert solver.check() == z3.sat, "the formulas allow no such patient"
        return solver.model()


def _pinned(patients: Patients, case: Case, judged: int) -> Iterator[z3.BoolRef]:
    now = case.at.hour + case.at.minute / 60 + case.at.second / 3600
    yield patients.now == number(now)
    order = [judged, *(place for place in range(len(case.lesions)) if place != judged)]
    for at in range(1, patients.others + 1):
        there = patients.there(at)
        yield there if at < len(order) else z3.Not(there)
    known: dict[int | None, Mapping[str, Value]] = {None: case.patient.known}
    known |= {at: case.lesions[place].facts.known for at, place in enumerate(order)}
    for (place, item), of in patients.made.items():
        yield from _value(of, known.get(place, {}).get(item), now)


def _value(of: Unknown, value: Value | None, now: float) -> Iterator[z3.BoolRef]:
    if isinstance(of, SetUnknown):
        yield from _listing(of, value if isinstance(value, Listing) else Listing(frozenset(), frozenset(), False))
        return
    yield of.known == (value is not None)
    if value is None:
        return
    match of:
        case FlagUnknown():
            yield of.value == z3.BoolVal(bool(value))
        case ChoiceUnknown():
            yield of.value == of.words.index(str(value))
        case NumberUnknown():
            assert isinstance(value, float)
            yield of.value == number(value)
        case MomentUnknown():
            assert isinstance(value, Moment)
            yield from _moment(of, value, now)


def _listing(of: SetUnknown, listing: Listing) -> Iterator[z3.BoolRef]:
    yield of.complete == listing.complete
    for word in of.present:
        yield of.present[word] == (word in listing.present)
        yield of.absent[word] == (word in listing.absent)


def _moment(of: MomentUnknown, moment: Moment, now: float) -> Iterator[z3.BoolRef]:
    yield of.days == moment.days
    yield of.exact == (moment.instant is not None)
    if moment.instant is None:
        yield of.shift == round(moment.since[1] - 24 * moment.days - now)
        if moment.since[0] > 0:
            yield of.end_shift == round(moment.since[0] - 24 * (moment.days - 1) - now)
        return
    local = moment.instant
    hour = local.hour + local.minute / 60 + (local.second + local.microsecond / 1e6) / 3600
    yield of.hour == number(hour)
    yield of.shift == round(moment.since[0] - 24 * moment.days - now + hour)
