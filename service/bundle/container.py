"""The file itself: a zip that any zip program opens, in the one form that its content can have.

Nothing is compressed, dates and rights are fixed, names are in order. So the same content gives the same bytes, a small
file cannot grow when it is read, and a file that differs from this form by one byte is refused.
"""

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from service.bundle.errors import BundleError
from service.rulebook.source import MAX_BYTES

SUFFIX = ".bundle"
MANIFEST, SIGNATURE, RULES = "manifest.json", "signature.json", "rules/"
#: far above any real rulebook, far below what would hurt
MAX_BUNDLE = 20_000_000
MAX_FILES = 1_000
MAX_NAME = 120
#: a name of a rule file within the rules folder: at most one folder deep, nothing that leads elsewhere
RULE_NAME = re.compile(r"(?:[a-z][a-z0-9_-]*/)?[A-Za-z0-9][A-Za-z0-9_-]*\.ya?ml\Z")

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o100644 << 16
_NOT_ONE = "not a bundle of rules, or damaged"
_OTHER_FORM = (
    "altered or damaged: it is not in the form that `flask rules publish` writes; take the bundle from its source again"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a bundle holds, as bytes. `files`: the rule files by their names within the rules folder."""

    manifest: bytes
    signature: bytes | None
    files: Mapping[str, bytes]


def pack(parts: Parts) -> bytes:
    """The bundle. The same parts give the same bytes."""
    entries = {MANIFEST: parts.manifest}
    if parts.signature is not None:
        entries[SIGNATURE] = parts.signature
    entries |= {RULES + name: parts.files[name] for name in sorted(parts.files)}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            # The same on every system that publishes.
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, content)
    return written.getvalue()


def unpack(data: bytes) -> Parts:
    """What a bundle holds; nothing of it is believed yet. Raises BundleError."""
    if len(data) > MAX_BUNDLE:
        raise BundleError(f"larger than {MAX_BUNDLE} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = _entries(archive, len(data))
    # What zipfile raises on files made to confuse it (NotImplementedError: a compression it does not know): it promises
    # no more than BadZipFile.
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
        OSError,
        EOFError,
        struct.error,
    ):
        raise BundleError(_NOT_ONE) from None
    if MANIFEST not in entries:
        raise BundleError(f"{_NOT_ONE}: it holds no {MANIFEST}")
    files = {name.removeprefix(RULES): content for name, content in entries.items() if name.startswith(RULES)}
    parts = Parts(entries[MANIFEST], entries.get(SIGNATURE), files)
    if pack(parts) != data:
        raise BundleError(_OTHER_FORM)
    return parts


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    listed = archive.infolist()
    if len(listed) > MAX_FILES:
        raise BundleError(f"holds more than {MAX_FILES} files")
    if len({entry.filename for entry in listed}) != len(listed):
        raise BundleError("holds two files of one name")
    for entry in listed:
        fault = _fault(entry)
        if fault:
            raise BundleError(f"{entry.filename[:MAX_NAME]!a}: {fault}")
    # Entries may be laid over one another: then a small file holds more than itself, and grows when it is read.
    if sum(entry.file_size for entry in listed) > size:
        raise BundleError(_NOT_ONE)
    return {entry.filename: archive.read(entry) for entry in listed}


def _fault(entry: zipfile.ZipInfo) -> str | None:
    name = entry.filename
    is_rule = name.startswith(RULES) and not misnamed(name.removeprefix(RULES))
    if not is_rule and name not in (MANIFEST, SIGNATURE):
        return "no such file belongs in a bundle"
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size or entry.flag_bits:
        return "compressed or encrypted, which no bundle is"
    return f"larger than {MAX_BYTES} bytes" if entry.file_size > MAX_BYTES else None


def misnamed(name: str) -> bool:
    """Whether a rule file of this name cannot stand in a bundle."""
    return len(name) > MAX_NAME or not RULE_NAME.match(name)
