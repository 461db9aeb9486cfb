"""First pass: each line to the bucket of its patient. Nothing of what a resource says is weighed here, only whose it is."""

import json
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from service.cohort.bulk import store
from service.cohort.bulk.kinds import KINDS, PERSON, SHARED, identifier, owner_of, referred, updated, writable
from service.cohort.bulk.lines import Broken, Stretch, lines, resource_of
from service.fhir.bundle import resources_of
from service.fhir.elements import entries, part, present, reference, text

#: bytes of text held for all buckets before they are written
_MOST_HELD: Final = 64_000_000
#: broken lines that are told one by one, of each stretch
MOST_TOLD: Final = 100
#: kinds of resources counted by their names; further ones are counted together
_MOST_KINDS: Final = 300
_FURTHER: Final = "Resource"
#: references to shared resources remembered, to write each once
_MOST_WANTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Gathering:
    """What all tasks of the first pass have in common."""

    source: Path
    folder: Path
    buckets: int


@dataclass(frozen=True, slots=True)
class Task:
    """Some stretches that are gathered together, into a folder of their own."""

    number: int
    stretches: tuple[Stretch, ...]


@dataclass(slots=True)
class _Seen:
    """What one stretch held."""

    stretch: Stretch
    lines: int = 0
    kinds: set[str] = field(default_factory=set)
    #: (line within the stretch, why)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "file": self.stretch.name,
            "start": self.stretch.start,
            "lines": self.lines,
            "kinds": sorted(self.kinds),
            "broken": self.broken,
        }


def done(folder: Path, number: int) -> Path:
    """Where the result of a task stands once it is whole."""
    return folder / f"{number:05}"


def bucket_of(patient: str, buckets: int) -> int:
    return zlib.crc32(patient.encode()) % buckets


def gather(common: Gathering, task: Task) -> None:
    """Writes the folder of the task: `b*.parquet` for each bucket, the tables about all, and `gathered.json`."""
    final = done(common.folder, task.number)
    unfinished = final.with_name(f"{final.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    gatherer = _Gatherer(unfinished, common.buckets)
    seen = [gatherer.stretch(common.source, stretch) for stretch in task.stretches]
    gatherer.close()
    told = {
        "counts": dict(gatherer.counts),
        "incomplete": sorted(gatherer.incomplete),
        "stretches": [one.plain() for one in seen],
    }
    store.write_json(unfinished / "gathered.json", told)
    unfinished.rename(final)


class _Gatherer:
    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder = folder
        self._buckets = buckets
        self._sheets: dict[int, store.Sheet] = {}
        self._claims = store.Sheet(folder / "claims.parquet", store.CLAIMS)
        self._referred = store.Sheet(folder / "referred.parquet", store.REFERRED)
        self._shared = store.Sheet(folder / "shared.parquet", store.SHARED)
        self._deleted = store.Sheet(folder / "deleted.parquet", store.DELETED)
        self._wanted: set[tuple[int, str, str]] = set()
        self._held = 0
        self.counts: Counter[str] = Counter()
        #: kinds of which something exists that cannot be read, or that may be anybody's
        self.incomplete: set[str] = set()

    def stretch(self, source: Path, stretch: Stretch) -> _Seen:
        seen = _Seen(stretch)
        for line in lines(source, stretch):
            seen.lines += 1
            try:
                if isinstance(line, Broken):
                    raise line
                if line.strip():
                    self._line(*resource_of(line), seen)
            except Broken as broken:
                self.counts[f"broken/{broken.code}"] += 1
                if len(seen.broken) < MOST_TOLD:
                    seen.broken.append((seen.lines, broken.code))
        self.counts["lines"] += seen.lines
        return seen

    def close(self) -> None:
        for sheet in (*self._sheets.values(), self._claims, self._referred, self._shared, self._deleted):
            sheet.close()

    def _line(self, payload: dict[str, Any], said: str, seen: _Seen) -> None:
        kind = payload["resourceType"]
        seen.kinds.add(kind if len(seen.kinds) < _MOST_KINDS else _FURTHER)
        if kind == "Bundle":
            self._bundle(payload)
        elif kind == "OperationOutcome":
            self._count("not-read", kind)
            # Whether the server says that the export is not whole is read where bundles are.
            self.incomplete |= resources_of({"resourceType": "Bundle", "entry": [{"resource": payload}]}).partial
        else:
            self._resource(payload, said, {})

    def _bundle(self, bundle: dict[str, Any]) -> None:
        """A bundle as one line: of several patients perhaps, or the list of what was deleted since."""
        contents = resources_of(bundle)
        deletions = list(_deletions(bundle))
        self.incomplete |= contents.partial
        self.counts["broken-entries"] += len(contents.faults) - len(deletions)
        for kind, name in deletions:
            self.counts["deletions"] += 1
            self._deleted.add((bucket_of(name, self._buckets) if kind == PERSON else -1, kind, name))
        aliases = dict(_aliases(bundle))
        for resource in contents.resources:
            self._resource(dict(resource), json.dumps(resource), aliases)

    def _resource(self, resource: dict[str, Any], said: str, aliases: Mapping[str, str]) -> None:
        kind = resource["resourceType"]
        if kind not in KINDS:
            self._count("not-read", kind)
            return
        self._count("resources", kind)
        if kind in SHARED and not present(resource.get("patient")):
            name = identifier(resource)
            if name is not None:
                self._shared.add((kind, name, updated(resource), said), len(said))
            return
        owner = owner_of(resource, aliases)
        if owner.patient is None:
            self._count("nobody", kind)
            if not owner.other:
                self.incomplete.add(kind)
            return
        name, when = identifier(resource), updated(resource)
        bucket = bucket_of(owner.patient, self._buckets)
        self._sheet(bucket).add((owner.patient, kind, name, when, owner.server, said), len(said))
        if kind != PERSON and name is not None:
            self._claims.add((bucket, owner.patient, kind, name, when))
        for key in referred(resource):
            self._refer(bucket, *key)
        self._held += len(said)
        if self._held >= _MOST_HELD:
            for sheet in self._sheets.values():
                sheet.flush()
            self._held = 0

    def _sheet(self, bucket: int) -> store.Sheet:
        if bucket not in self._sheets:
            self._sheets[bucket] = store.Sheet(self._folder / f"b{bucket:05}.parquet", store.RESOURCES)
        return self._sheets[bucket]

    def _refer(self, bucket: int, kind: str, name: str) -> None:
        """Once each, as far as that is cheap to know: the table may hold one several times."""
        entry = (bucket, kind, name)
        if entry not in self._wanted:
            if len(self._wanted) >= _MOST_WANTED:
                self._wanted.clear()
            self._wanted.add(entry)
            self._referred.add(entry)

    def _count(self, what: str, kind: str) -> None:
        name = f"{what}/{kind}"
        if name not in self.counts and len(self.counts) >= _MOST_KINDS:
            name = f"{what}/{_FURTHER}"
        self.counts[name] += 1


def _aliases(bundle: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The address of each patient's entry, with the patient's own id."""
    for entry in entries(bundle.get("entry")):
        resource, address = part(entry.get("resource")), text(entry.get("fullUrl"))
        if resource.get("resourceType") == "Bundle":
            yield from _aliases(resource)
        elif resource.get("resourceType") == PERSON and address and (name := identifier(resource)):
            yield address, name


def _deletions(bundle: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and id of what the server says no longer exists."""
    for entry in entries(bundle.get("entry")):
        request = part(entry.get("request"))
        if not present(entry.get("resource")) and request.get("method") == "DELETE":
            target = reference({"reference": request.get("url")})
            if target is not None and target[0] is not None and writable(target[1]):
                yield target[0], target[1]
