"""What every resource written shares: the addresses of our own codes, names that are the same each time, citations."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from service.language.vocabulary import Item, Text
from service.rulebook.model import Rulebook

Resource: TypeAlias = dict[str, Any]

#: the names that the vocabulary gives to code systems -> their addresses in FHIR
SYSTEMS: Mapping[str, str] = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd10": "http://hl7.org/fhir/sid/icd-10",
    "atc": "http://www.whocc.no/atc",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "indication.invalid")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_ILLEGAL_IN_ID = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Frame:
    """One act of writing: the rulebook, the language, and `module`, the address of the PlanDefinition."""

    rulebook: Rulebook
    language: str
    module: str
    #: what tells this answer from every other
    seed: str = ""

    @property
    def base(self) -> str:
        """The address of the FHIR door, to which our own code systems belong."""
        return self.module.rpartition("/PlanDefinition/")[0] or self.module

    @property
    def canonical(self) -> str:
        return f"{self.module}|{self.rulebook.info.version}"

    def system(self, name: str) -> str:
        return f"{self.base}/CodeSystem/{name}"

    def said(self, text: Text) -> str:
        return text.in_(self.language)

    def uuid(self, kind: str) -> str:
        """The name of one resource of this answer: the same answer gives the same names."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}|{kind}"))

    def moment(self, text: str) -> str:
        """A date, or a date and time, as FHIR wants it: a time has a zone, the site's own where none was sent."""
        if len(text) == len("2026-11-23"):
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(self.rulebook.info.timezone))
        return moment.isoformat()

    def citations(self, keys: Iterable[str]) -> list[Resource]:
        """Each source once, in order of its key."""
        found = []
        for key in sorted(set(keys)):
            source = self.rulebook.sources[key]
            citation = f"{source.citation} ({source.where})" if source.where else source.citation
            found.append({"type": "citation", "label": key, "citation": citation})
        return found

    def device(self, engine_version: str) -> Resource:
        """The service itself, to be contained under the id «device»."""
        names = ("rulebook", f"{self.rulebook.info.name} {self.rulebook.info.version}"), ("engine", engine_version)
        return {
            "resourceType": "Device",
            "id": "device",
            "deviceName": [{"name": "Indication", "type": "user-friendly-name"}],
            "version": [{"type": {"text": kind}, "value": value} for kind, value in names],
            "note": [{"text": f"sha256 {self.rulebook.digest}"}],
        }


def reference(text: str) -> Resource | None:
    """A relative reference such as «Observation/a1», or None when FHIR would refuse it."""
    return {"reference": text} if _REFERENCE.match(text) else None


def legal_id(name: str) -> str:
    return _ILLEGAL_IN_ID.sub("-", name)[:64] or "x"


def codings(item: Item) -> list[Resource]:
    """The codes by which records elsewhere know an item; of a list, also those of its words."""
    found: dict[tuple[str, str], None] = {}
    of_words = item.codes.get("choices", {})
    for codes in (item.codes, *(of_words.values() if isinstance(of_words, Mapping) else ())):
        for name, values in codes.items() if isinstance(codes, Mapping) else ():
            if name in SYSTEMS and isinstance(values, list | tuple):
                found |= dict.fromkeys((SYSTEMS[name], value) for value in values if isinstance(value, str))
    return [{"system": system, "code": code} for system, code in found]


def filled(value: Any) -> Any:
    """Without what FHIR forbids: null, empty texts, empty lists, empty objects."""
    if isinstance(value, dict):
        inner = {key: filled(part) for key, part in value.items()}
        return {key: part for key, part in inner.items() if not _empty(part)}
    if isinstance(value, list):
        return [part for part in map(filled, value) if not _empty(part)]
    return value


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value == [] or value == {}
