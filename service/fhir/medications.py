"""Current drugs, by ATC code or RxNorm ingredient. A list from a record is never taken as complete."""

from collections.abc import Iterator
from typing import Any

from service.fhir.elements import codings, entries, part, present, reference, text, when
from service.fhir.work import Source, Work, has_status

_CURRENT = ("active", "on-hold")
_NOT_ORDERS = ("proposal", "option")


def read_medication(source: Source, work: Work) -> None:
    if not has_status(source, _CURRENT):
        work.refuse(source.name, "status")
        return
    if source.get("doNotPerform") is True:
        work.refuse(source.name, "do-not-perform")
        return
    if source.get("intent") in _NOT_ORDERS:
        work.refuse(source.name, "intent")
        return
    ended = when(part(source.get("effectivePeriod")).get("end"), work.zone)
    if ended is not None and ended.high < work.at:
        work.refuse(source.name, "ended")
        return
    concepts = list(_concepts(source, work))
    if not concepts:
        work.refuse(source.name, "no-medication")
        return
    named = work.codebook.find("Medication.code", [coding for concept in concepts for coding in codings(concept)])
    for item, word in sorted(named, key=str):
        if word is not None:
            work.list_word(item, word, source.name)
    if not named:
        work.refuse(source.name, "unmatched-drug")


def _concepts(source: Source, work: Work) -> Iterator[Any]:
    """The codes of the product and of its ingredients, wherever they stand."""
    if present(source.get("medicationCodeableConcept")):
        yield source.get("medicationCodeableConcept")
    target = source.get("medicationReference")
    product = _contained(source, text(part(target).get("reference")))
    if product is None:
        sent = work.resource("Medication", reference(target))
        product = sent.resource if sent else None
    if product is None or product.get("status") == "entered-in-error":
        return
    yield product.get("code")
    for ingredient in entries(product.get("ingredient")):
        yield ingredient.get("itemCodeableConcept")


def _contained(source: Source, target: str | None) -> Any:
    if target is None or not target.startswith("#"):
        return None
    inside = entries(source.get("contained"))
    return next(
        (one for one in inside if one.get("resourceType") == "Medication" and one.get("id") == target[1:]),
        None,
    )
