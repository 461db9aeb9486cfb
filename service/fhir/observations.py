"""Measurements and coded answers. Only what is final, exact, dated and in an accepted unit."""

import math
import re
from collections.abc import Mapping
from typing import Any

from service.fhir.elements import When, codings, latest, part, present, text, when, words
from service.fhir.links import about_patient, lesions_meant
from service.fhir.work import Candidate, Source, Work, has_status
from service.language.vocabulary import Item

_FINAL = ("final", "amended", "corrected")
#: never a result: nothing older is put in doubt by it
_WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_ANNOTATION = re.compile(r"\{[^{}]*\}\Z")
_HIGHEST = 10**15


class _Unreadable(Exception):
    """A value that cannot be used, with the word that says why; `newer` when it still is a newer result than others."""

    def __init__(self, code: str, newer: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.newer = newer


def read_observation(source: Source, work: Work) -> None:
    named = work.codebook.find("Observation.value", codings(source.get("code")))
    items = {item for item, word in named if word is None}
    if not items:
        work.refuse(source.name, "no-code")
        return
    if len(items) > 1:
        work.refuse(source.name, "several-codes")
        return
    final = has_status(source, _FINAL)
    if not final:
        work.refuse(source.name, "status")
        if words(source.get("status")) & _WITHDRAWN:
            return
    if present(source.get("component")):
        work.refuse(source.name, "components")
    item = work.codebook.vocabulary[items.pop()]
    lesions = _whose(item, source, work)
    candidate = _read_value(item, source, work, final=final) if lesions else None
    if candidate is None:
        return
    for lesion in lesions:
        work.state(item.id, candidate, lesion)


def _whose(item: Item, source: Source, work: Work) -> list[str]:
    """The lesion that it is about, or "" for the patient; nothing when it is about neither for certain."""
    if item.scope == "lesion":
        lesions = lesions_meant(source, work)
        if not lesions:
            work.refuse(source.name, "which-lesion")
        return lesions
    if not about_patient(source, work):
        work.refuse(source.name, "other-patient")
        return []
    return [""]


def _read_value(item: Item, source: Source, work: Work, *, final: bool) -> Candidate | None:
    """What it states, be it only that there is something newer that cannot be used; None when it states nothing."""
    moment = taken_on(source, work)
    usable = final and not source.barred
    if final and moment is None and item.fresh_for is not None:
        work.refuse(source.name, "undated")
        usable = False
    if final and work.is_future(moment):
        work.refuse(source.name, "future")
        usable = False
    if not usable:
        # It may be newer than what can be read, which then is no longer known to hold.
        return Candidate(source.name, None, when=latest(_said_on(source), work.zone, work.at))
    try:
        return _candidate(item, source, moment, work)
    except _Unreadable as reason:
        work.refuse(source.name, reason.code)
        return Candidate(source.name, None, when=moment) if reason.newer else None


def taken_on(source: Source, work: Work) -> When | None:
    """When it was true: the instant of the measurement, or the end of its period; when it was issued, if nothing is said
    of either."""
    return when(_said_on(source), work.zone)


def _said_on(source: Source) -> object:
    said = [
        name for name, value in source.resource.items() if name.lstrip("_").startswith("effective") and present(value)
    ]
    if not said:
        return source.get("issued")
    exact = (
        source.get("effectiveDateTime"),
        source.get("effectiveInstant"),
        part(source.get("effectivePeriod")).get("end"),
    )
    return next((value for value in exact if present(value)), None)


def _candidate(item: Item, source: Source, moment: When | None, work: Work) -> Candidate:
    if present(source.get("dataAbsentReason")):
        raise _Unreadable("absent", newer=False)
    values = [name for name, value in source.resource.items() if name.startswith("value") and present(value)]
    if len(values) != 1:
        raise _Unreadable("value", newer=bool(values))
    value = source.get(values[0])
    match item.type, values[0]:
        case "number", "valueQuantity":
            return _quantity(item, part(value), source, moment, work)
        case "number", "valueInteger":
            number = _number(value)
            if item.unit is not None:
                raise _Unreadable("unit")
            return _in_range(item, number, None, source, moment)
        case "flag", "valueBoolean" if isinstance(value, bool):
            return Candidate(source.name, value, when=moment)
        case "flag", "valueCodeableConcept":
            return Candidate(source.name, _answer(item, value, work), when=moment)
    raise _Unreadable("value")


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable("value")
    if not abs(value) <= _HIGHEST or not math.isfinite(value):
        raise _Unreadable("range")
    return value


def _quantity(item: Item, quantity: Mapping[str, Any], source: Source, moment: When | None, work: Work) -> Candidate:
    if present(quantity.get("comparator")):
        raise _Unreadable("comparator")
    number = _number(quantity.get("value"))
    return _in_range(item, number, unit_of(item, quantity, work.codebook.units), source, moment)


def unit_of(item: Item, quantity: Mapping[str, Any], units: frozenset[str]) -> str | None:
    """The unit in the item's own spelling table; the code before the text, and never against it."""
    code, said = text(quantity.get("code")), text(quantity.get("unit"))
    if any(present(quantity.get(name)) and text(quantity.get(name)) is None for name in ("code", "unit")):
        raise _Unreadable("unit")
    if item.unit is None:
        leading = code or said
        if leading is not None and leading != "1" and not _ANNOTATION.match(leading):
            raise _Unreadable("unit")
        if said in units:
            raise _Unreadable("unit")
        return None
    leading = code or said
    if leading is None or leading not in item.units:
        raise _Unreadable("unit")
    if said is not None and said in units and item.units.get(said) != item.units[leading]:
        raise _Unreadable("unit")
    return leading


def _in_range(item: Item, number: int | float, unit: str | None, source: Source, moment: When | None) -> Candidate:
    measure = item.in_unit(float(number), unit)
    if not item.low <= measure <= item.high:
        raise _Unreadable("range")
    return Candidate(source.name, number, unit, measure, moment)


def _answer(item: Item, concept: object, work: Work) -> bool:
    table = work.codebook.answers.get(item.id)
    answers = {word for _, word in table.find(codings(concept))} if table else set()
    if answers == {"present"}:
        return True
    if answers == {"absent"}:
        return False
    raise _Unreadable("answer")
