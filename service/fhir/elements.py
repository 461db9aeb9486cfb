"""Parts of a resource, taken as EHRs really send them: whatever does not have the expected shape is not there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from service.referral.schema import parse_day

#: how systems call themselves -> how the vocabulary calls them
SYSTEMS: Mapping[str, str] = {
    "http://loinc.org": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "urn:oid:2.16.840.1.113883.6.90": "icd10",
    "https://smt.esante.gouv.fr/terminologie-cim-10": "icd10",
    "http://www.whocc.no/atc": "atc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "https://smt.esante.gouv.fr/terminologie-atc": "atc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
}
_FRACTION = re.compile(r"(\.\d{6})\d+")
_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]*)/([^/|#]+)(?:/_history/[^/]*)?$")
#: years whose end can be reckoned
_LAST_YEAR = 9000
_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?\Z")
_URN = re.compile(r"urn:(?:uuid|oid):(.+)$")


def entries(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; one object counts as a list of itself."""
    if isinstance(value, Mapping):
        return [value]
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def part(value: object, *path: str) -> Mapping[str, Any]:
    """The object under `path`, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


def present(value: object) -> bool:
    """Whether something is said: null and empty lists, objects and texts say nothing."""
    return value is not None and value != [] and value != {} and value != ""


def codings(concept: object) -> list[tuple[str, str]]:
    """(system as the vocabulary calls it, code) of each coding whose system is known."""
    found = []
    for coding in entries(part(concept).get("coding")):
        system, code = text(coding.get("system")), text(coding.get("code"))
        name = SYSTEMS.get((system or "").rstrip("/"))
        if name and code:
            found.append((name, code))
    return found


def words(status: object) -> frozenset[str]:
    """The codes of a status, which is a bare word or a CodeableConcept."""
    bare = text(status)
    if bare is not None:
        return frozenset({bare})
    codes = (text(coding.get("code")) for coding in entries(part(status).get("coding")))
    return frozenset(code for code in codes if code)


def unclear(*statuses: object) -> bool:
    """Whether a status is there and says no code."""
    return any(present(status) and not words(status) for status in statuses)


def reference(value: object) -> tuple[str | None, str] | None:
    """(type, id) that a reference points to; the type is not known of a urn. None when it says neither."""
    target = text(part(value).get("reference"))
    if target is None:
        return None
    if urn := _URN.match(target):
        return None, urn[1]
    found = _REFERENCE.search(target)
    return (found[1], found[2]) if found else None


def references(value: object) -> Iterator[tuple[str | None, str]]:
    for entry in entries(value):
        if (target := reference(entry)) is not None:
            yield target


@dataclass(frozen=True, slots=True)
class When:
    """A date as a referral takes it, and the first and last instant it may mean. No text: now, as the record stands."""

    text: str | None
    low: datetime
    high: datetime


def when(value: object, zone: ZoneInfo) -> When | None:
    """A day or an instant; None for anything less precise or malformed."""
    said = text(value)
    if said is None:
        return None
    said = _FRACTION.sub(r"\1", said)
    try:
        day = parse_day(said)
    except ValidationError:
        return None
    if isinstance(day, datetime):
        instant = day.replace(tzinfo=zone) if day.tzinfo is None else day.astimezone(zone)
        return When(said, instant, instant)
    return day_of(day, said, zone)


def latest(value: object, zone: ZoneInfo, now: datetime) -> When:
    """The last instant that a date may mean, however imprecise; now when nothing earlier is certain."""
    exact = when(value, zone)
    if exact is not None:
        return When(exact.text, exact.high, exact.high)
    found = _MONTH.match(text(value) or "")
    end = now
    if found and 1 <= int(found[1]) < _LAST_YEAR and 1 <= int(found[2] or 1) <= 12:
        year, month = int(found[1]), int(found[2] or 12)
        after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        end = min(now, after - timedelta(microseconds=1))
    return When(None, end, end)


def day_of(day: date, said: str, zone: ZoneInfo) -> When:
    start = datetime.combine(day, time(), zone)
    return When(said, start, start + timedelta(days=1) - timedelta(microseconds=1))
