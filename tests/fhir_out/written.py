"""What the tests of FHIR out share: readings without a record behind them, bundles written, and their parts."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.fhir.write import guidance_bundle
from service.language.vocabulary import Text
from tests.fixtures.reading import answered, decider

MODULE = "https://indication.example/fhir/PlanDefinition/indication-bone-metastases"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unused:
    resource: str
    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Reading:
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    unused: tuple[Unused, ...] = ()


UNUSED = (
    Unused("Observation/test-u1", "unit", Text("unité « G » refusée", "unit «G» refused")),
    Unused("MedicationStatement/test-u2", "unmatched-drug", Text("médicament inconnu", "unknown drug")),
)


def decided(name: str, language: str = "en") -> dict[str, Any]:
    """The answer to a referral of fixtures/referrals, to be changed at will."""
    return copy.deepcopy(answered(name, language))


def written(name: str, language: str = "en", reading: Reading | None = None, subject: str | None = None) -> Resource:
    return bundle_of(decided(name, language), language, reading, subject)


def bundle_of(
    answer: dict[str, Any], language: str = "en", reading: Reading | None = None, subject: str | None = None
) -> Resource:
    return guidance_bundle(
        answer,
        reading or Reading(),
        subject,
        rulebook=decider().rulebook,
        module_url=MODULE,
        language=language,
    )


def part(bundle: Resource, kind: str) -> Resource:
    """The one resource of a type in a bundle."""
    (found,) = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]
    return found


def every(value: Any) -> Iterator[Any]:
    """A value and everything inside it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from every(inner)


def named(parts: list[Resource], name: str) -> list[Resource]:
    return [entry for entry in parts if entry["name"] == name]


def said(parameter: Resource, name: str) -> Any:
    """The value of the one part of this name, or None."""
    for entry in parameter["part"]:
        if entry["name"] == name:
            return next((value for key, value in entry.items() if key.startswith("value")), None)
    return None


def criteria(parts: list[Resource]) -> Iterator[Resource]:
    for entry in parts:
        if entry["name"] == "criterion":
            yield entry
        yield from criteria(entry.get("part", []))
