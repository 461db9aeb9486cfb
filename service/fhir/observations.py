"""Measurements and coded answers. Only what is final, exact, dated and in an accepted unit."""

import math
import re
from collections.abc import Mapping
from typing import Any

from service.fhir.elements import When, codings, part, present, text, when
from service.fhir.links import lesions_meant
from service.fhir.work import Candidate, Source, Work, has_status
from service.language.vocabulary import Item

_FINAL = ("final", "amended", "corrected")
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
    if not has_status(source, _FINAL):
        work.refuse(source.name, "status")
        return
    if present(source.get("component")):
        work.refuse(source.name, "components")
    item = work.codebook.vocabulary[items.pop()]
    lesions = [""]
    if item.scope == "lesion":
        lesions = lesions_meant(source, work)
        if not lesions:
            work.refuse(source.name, "which-lesion")
            return
    moment = taken_on(source, work)
    if moment is None and item.fresh_for is not None:
        work.refuse(source.name, "undated")
        return
    if work.is_future(moment):
        work.refuse(source.name, "future")
        return
    try:
        candidate = _candidate(item, source, moment, work)
    except _Unreadable as reason:
        work.refuse(source.name, reason.code)
        if not reason.newer:
            return
        candidate = Candidate(source.name, None, when=moment)
    for lesion in lesions:
        work.state(item.id, candidate, lesion)


def taken_on(source: Source, work: Work) -> When | None:
    """When it was true: the instant of the measurement, else the end of its period, else when it was issued."""
    said = (
        source.get("effectiveDateTime"),
        source.get("effectiveInstant"),
        part(source.get("effectivePeriod")).get("end"),
        source.get("issued"),
    )
    for value in said:
        if present(value):
            return when(value, work.zone)
    return None


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
