"""The manifest: what a bundle says that it is. It is what is signed; everything else is held against it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from jsonschema import Draft202012Validator

from service.bundle.errors import BundleError
from service.rulebook.model import Rulebook

FORMAT = "indication-rulebook/1"
#: how the rules changed since the version that it follows, as `flask rules diff` grades it; `first` follows none
Grade: TypeAlias = Literal["first", "wording", "evidence", "tightening", "mixed", "loosening"]
GRADES: tuple[Grade, ...] = ("first", "wording", "evidence", "tightening", "mixed", "loosening")

_SHA256 = {"type": "string", "pattern": r"^[0-9a-f]{64}\Z"}
_VERSION = {"type": "string", "pattern": r"^\d{1,9}\.\d{1,9}\.\d{1,9}\Z"}
_DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}\Z"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_EDITION = {
    "type": "object",
    "properties": {"version": _VERSION, "digest": _SHA256},
    "required": ["version", "digest"],
    "additionalProperties": False,
}
_FIELDS: Mapping[str, Any] = {
    "format": {"const": FORMAT},
    "name": _TEXT,
    "version": _VERSION,
    "digest": _SHA256,
    "date": _DAY,
    "effective": _DAY,
    "approved_by": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 100},
    "grade": {"enum": GRADES},
    "follows": {"anyOf": [_EDITION, {"type": "null"}]},
    "files": {"type": "object", "additionalProperties": _SHA256, "minProperties": 1},
}
_SHAPE = Draft202012Validator(
    {"type": "object", "properties": _FIELDS, "required": list(_FIELDS), "additionalProperties": False}
)


@dataclass(frozen=True, slots=True)
class Edition:
    """One published version, by what identifies it."""

    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    version: str
    #: of the rulebook: sha256 of its canonical content
    digest: str
    #: the day it was published, YYYY-MM-DD
    date: str
    #: the day from which it holds, YYYY-MM-DD
    effective: str
    approved_by: tuple[str, ...]
    grade: Grade
    #: the version that it replaces; None for the first
    follows: Edition | None
    #: rule file -> sha256 of its bytes
    files: Mapping[str, str]

    def written(self) -> bytes:
        """As it stands in the bundle. The same manifest gives the same bytes."""
        told = {"format": FORMAT, **asdict(self), "files": dict(sorted(self.files.items()))}
        return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """sha256 of each file's bytes."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def read(content: bytes) -> Manifest:
    """The manifest of a bundle, in shape; whether it is true is not known yet. Raises BundleError."""
    try:
        told = json.loads(content.decode())
        fault = next(iter(_SHAPE.iter_errors(told)), None)
        if fault is None:
            manifest = _manifest(told)
            if manifest.written() == content:
                return manifest
    except (ValueError, RecursionError):
        fault = None
    where = "/".join(map(str, fault.absolute_path))[:100] if fault else ""
    raise BundleError(
        f"the manifest is not in the form {FORMAT}{f' (at {where})' if where else ''}; "
        "it was altered, or written by another version of this software"
    )


def _manifest(told: Mapping[str, Any]) -> Manifest:
    for day in ("date", "effective"):
        date.fromisoformat(told[day])
    follows = Edition(**told["follows"]) if told["follows"] else None
    rest = {key: told[key] for key in ("name", "version", "digest", "date", "effective", "grade", "files")}
    return Manifest(**rest, approved_by=tuple(told["approved_by"]), follows=follows)


def untrue(manifest: Manifest, rulebook: Rulebook) -> list[str]:
    """Where the manifest says something else than the rules that it came with; empty when they agree."""
    info = rulebook.info
    newest = rulebook.releases[0] if rulebook.releases else None
    told: dict[str, tuple[Any, Any]] = {
        "digest": (manifest.digest, rulebook.digest),
        "name": (manifest.name, info.name),
        "version": (manifest.version, info.version),
        "effective": (manifest.effective, info.effective),
        "approved_by": (manifest.approved_by, info.approved_by),
    }
    faults = [
        f"the manifest says {key} {_shown(here)}, the rules say {_shown(there)}"
        for key, (here, there) in told.items()
        if here != there
    ]
    if info.status != "approved":
        faults.append(f"rulebook.yaml says status {info.status}; what is published is approved")
    entry = (manifest.version, manifest.date, manifest.approved_by)
    if newest is None or (newest.version, newest.date, newest.approved_by) != entry:
        faults.append(f"changelog.yaml does not begin with version {manifest.version} of {manifest.date}")
    return faults


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else re.sub(r"^([0-9a-f]{12})[0-9a-f]{52}$", r"\1…", str(value))
