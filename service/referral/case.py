"""From a referral to the facts at one moment: what is fresh enough to be known, and what is not and why."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from service.language.facts import Case, Facts, Lesion, Listing, Moment, Note, Value
from service.language.kleene import YES
from service.language.meaning import Meaning, situations
from service.language.vocabulary import Item
from service.referral import complaints
from service.referral.complaints import Complaint, ReferralError, pointer
from service.referral.schema import Day, Given, GivenList, Referral
from service.referral.strict_json import canonical
from service.rulebook.model import Rulebook


class CaseMaker:
    """Makes cases under one rulebook. Built once per rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._vocabulary = rulebook.vocabulary
        self._zone = ZoneInfo(rulebook.info.timezone)
        meaning = Meaning(rulebook.vocabulary, rulebook.scores)
        self._impossible = [(entry, meaning.condition(entry.when)) for entry in rulebook.impossible]

    def localised(self, at: datetime) -> datetime:
        """A moment in the site's time zone; one without a zone is taken as being in it."""
        return at.replace(tzinfo=self._zone) if at.tzinfo is None else at.astimezone(self._zone)

    def make(self, referral: Referral, at: datetime) -> Case:
        """The case at `at`. Raises ReferralError when a date lies after it or the facts contradict one another."""
        at = self.localised(at)
        wrong: list[Complaint] = []
        if self._after(referral.recorded_at, at):
            wrong.append(_placed(self._future(referral.recorded_at, at), pointer("recorded_at")))
        patient = self._facts(referral.patient, referral.recorded_at, at, ("patient",), wrong)
        lesions = []
        for given in referral.lesions:
            facts = self._facts(given.values, referral.recorded_at, at, ("lesions", given.place), wrong)
            lesions.append(Lesion(given.id, facts))
        case = Case(at, patient, tuple(lesions))
        if not wrong:
            wrong += self._contradictions(case, [given.place for given in referral.lesions])
        if wrong:
            raise ReferralError(wrong)
        return case

    def _facts(
        self,
        values: Mapping[str, Given],
        recorded_at: Day,
        at: datetime,
        keys: tuple[str | int, ...],
        wrong: list[Complaint],
    ) -> Facts:
        known: dict[str, Value] = {}
        notes: dict[str, Note] = {}
        for name in sorted(values):
            given = values[name]
            on = given.on if given.on is not None else recorded_at
            # A referral recorded in the future is told once, not once for each of its values.
            wrong += [
                _placed(self._future(moment, at), pointer(*keys, name))
                for moment in (given.on, given.value)
                if isinstance(moment, date) and self._after(moment, at)
            ]
            item = self._vocabulary[name]
            stale = self._stale(item, on, at)
            notes[name] = Note(on.isoformat(), "stale" if stale else None)
            if not stale:
                known[name] = self._value(given.value, at)
        return Facts(known, notes)

    def _value(self, value: bool | str | float | Day | GivenList, at: datetime) -> Value:
        if isinstance(value, GivenList):
            return Listing(value.present, value.absent, value.complete)
        # Timestamps, because subtracting within one zone would ignore a change to or from summer time.
        if isinstance(value, datetime):
            instant = self.localised(value)
            elapsed = (at.timestamp() - instant.timestamp()) / 3600
            return Moment(instant.date(), (elapsed, elapsed), (at.date() - instant.date()).days, instant)
        if isinstance(value, date):
            start = datetime.combine(value, time(), self._zone)
            end = start + timedelta(days=1)
            longest = (at.timestamp() - start.timestamp()) / 3600
            shortest = max(0.0, (at.timestamp() - end.timestamp()) / 3600)
            return Moment(value, (shortest, longest), (at.date() - value).days)
        return value

    def _stale(self, item: Item, on: Day, at: datetime) -> bool:
        if item.fresh_for is None:
            return False
        if isinstance(on, datetime):
            return (at.timestamp() - self.localised(on).timestamp()) / 3600 > item.fresh_for
        # When only the day is known, calendar days are compared: blood taken a week ago today is a week old.
        return (at.date() - on).days * 24 > item.fresh_for

    def _after(self, moment: Day, at: datetime) -> bool:
        # Timestamps, as the hour that comes twice in autumn has no order on the clock.
        return (
            self.localised(moment).timestamp() > at.timestamp() if isinstance(moment, datetime) else moment > at.date()
        )

    def _future(self, moment: Day, at: datetime) -> Complaint:
        return complaints.in_the_future(moment.isoformat(), at.isoformat(timespec="seconds"))

    def _contradictions(self, case: Case, places: list[int]) -> list[Complaint]:
        patient, lesions = situations(case)
        found = []
        for entry, holds in self._impossible:
            if entry.scope == "patient":
                if holds(patient) == YES:
                    found.append(_placed(complaints.contradiction(entry.because, entry.id), pointer("patient")))
                continue
            for place, situation in zip(places, lesions, strict=True):
                if holds(situation) == YES:
                    found.append(_placed(complaints.contradiction(entry.because, entry.id), pointer("lesions", place)))
        return found


def _placed(complaint: Complaint, where: str) -> Complaint:
    return Complaint(complaint.code, complaint.text, where)


def canonical_input(referral: Referral) -> dict[str, Any]:
    """The referral in its one canonical form: numbers in the items' own units, lists and lesions in order."""
    return {
        "recorded_at": referral.recorded_at.isoformat(),
        "patient": _canonical_values(referral.patient),
        "lesions": [{"id": lesion.id, **_canonical_values(lesion.values)} for lesion in referral.lesions],
    }


def _canonical_values(values: Mapping[str, Given]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, given in sorted(values.items()):
        value: Any = given.value
        if isinstance(value, GivenList):
            entry: dict[str, Any] = {
                "items": sorted(value.present),
                "absent": sorted(value.absent),
                "complete": value.complete,
            }
        else:
            entry = {"value": value.isoformat() if isinstance(value, date) else value}
        if given.on is not None:
            entry["date"] = given.on.isoformat()
        result[name] = entry
    return result


def input_digest(referral: Referral) -> str:
    """sha256 of the canonical input, hexadecimal."""
    return hashlib.sha256(canonical(canonical_input(referral)).encode()).hexdigest()
