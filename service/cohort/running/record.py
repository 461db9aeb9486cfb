"""What a run writes down of itself: what it is of, which parts are done, and what came out. `run.json`, or a table."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

#: raised when a change makes older records unreadable
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is of. A run is gone on with only when all of it is the same."""

    #: how the source is called on the command line
    source: str
    #: file -> size and time of its last change, or table -> number of rows
    fingerprint: Mapping[str, str]
    rulebook: str
    rulebook_version: str
    rulebook_status: str
    rulebook_digest: str
    #: Indication's own version, and that of the engine that computes
    engine_version: str
    computed_by: str
    #: the one moment at which the whole cohort is judged, with its zone
    as_of: str
    #: parquet, csv, or table
    written_as: str
    synthetic: bool = False

    def differences(self, other: "Identity") -> Iterator[str]:
        """What differs between this recorded run and the one asked for now, in words."""
        for name, what in _TOLD.items():
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                yield f"{what}: then {mine}, now {theirs}"
        for name in sorted({*self.fingerprint, *other.fingerprint}):
            mine, theirs = self.fingerprint.get(name, "not there"), other.fingerprint.get(name, "not there")
            if mine != theirs:
                yield f"{name} in the source: then {mine}, now {theirs}"


#: the source's own name is left out: the same files may be reached by another path
_TOLD: Final = {
    "rulebook": "rulebook",
    "rulebook_version": "version of the rulebook",
    "rulebook_digest": "digest of the rulebook",
    "engine_version": "version of Indication",
    "computed_by": "engine",
    "as_of": "as-of moment",
    "written_as": "format of the result",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part that is done: how many it held, and how long it took."""

    number: int
    patients: int
    lesions: int
    options: int
    #: values and rows that could not be used
    problems: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """A run so far."""

    identity: Identity
    parts: int
    done: tuple[Part, ...] = ()
    #: items that no column of the source gives
    missing: tuple[str, ...] = ()
    complete: bool = False

    def open(self) -> Iterator[int]:
        """Numbers of the parts that are not done, from 1."""
        finished = {part.number for part in self.done}
        return (number for number in range(1, self.parts + 1) if number not in finished)

    def with_part(self, part: Part) -> "Record":
        return replace(self, done=(*(each for each in self.done if each.number != part.number), part))

    def total(self, what: str) -> int:
        """Patients, lesions, options or problems of all the parts that are done."""
        return sum(getattr(part, what) for part in self.done)

    def refused(self) -> dict[str, int]:
        """Patients refused, by reason, the most frequent first."""
        reasons: dict[str, int] = {}
        for part in self.done:
            for reason, number in part.refused.items():
                reasons[reason] = reasons.get(reason, 0) + number
        return dict(sorted(reasons.items(), key=lambda each: (-each[1], each[0])))

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.done)


def to_json(record: Record) -> str:
    """The record as text, the same for the same record."""
    identity = record.identity
    data = {
        "format": FORMAT,
        "complete": record.complete,
        "synthetic": identity.synthetic,
        "as_of": identity.as_of,
        "rulebook": {
            "name": identity.rulebook,
            "version": identity.rulebook_version,
            "status": identity.rulebook_status,
            "digest": identity.rulebook_digest,
        },
        "engine_version": identity.engine_version,
        "computed_by": identity.computed_by,
        "written_as": identity.written_as,
        "source": {"name": identity.source, "fingerprint": dict(identity.fingerprint)},
        "patients": record.total("patients"),
        "lesions": record.total("lesions"),
        "options": record.total("options"),
        "problems": record.total("problems"),
        "refused": record.refused(),
        "missing": list(record.missing),
        "parts": record.parts,
        "done": [
            {
                "part": part.number,
                "patients": part.patients,
                "lesions": part.lesions,
                "options": part.options,
                "problems": part.problems,
                "refused": dict(part.refused),
                "seconds": part.seconds,
            }
            for part in sorted(record.done, key=lambda each: each.number)
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def from_json(text: str) -> Record:
    """The record that `to_json` wrote. Raises ValueError when it is none."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data["format"] != FORMAT:
            raise ValueError(f"written in format {data['format']}, this version reads {FORMAT}")
        book, source = data["rulebook"], data["source"]
        identity = Identity(
            source["name"],
            source["fingerprint"],
            book["name"],
            book["version"],
            book["status"],
            book["digest"],
            data["engine_version"],
            data["computed_by"],
            data["as_of"],
            data["written_as"],
            data["synthetic"],
        )
        done = tuple(
            Part(
                each["part"],
                each["patients"],
                each["lesions"],
                each["options"],
                each["problems"],
                each["refused"],
                each["seconds"],
            )
            for each in data["done"]
        )
        return Record(identity, data["parts"], done, tuple(data["missing"]), data["complete"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no record of a run: {error}") from None
