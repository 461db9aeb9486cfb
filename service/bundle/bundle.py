"""Making a bundle, and reading one: nothing of it is believed before it is verified."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.bundle import container, keys, manifest
from service.bundle.container import MAX_BUNDLE, MAX_FILES, Parts
from service.bundle.errors import BundleError
from service.bundle.keys import Trusted
from service.bundle.manifest import Edition, Grade, Manifest
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was opened: its rule files are those of its manifest.

    `signed_by` is the id of a trusted key whose signature was verified. None: it is not signed, or nobody said whom to
    trust; then `claims` names the key that it says it was signed with.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    signed_by: str | None
    claims: str | None


def make(
    files: Mapping[str, bytes],
    rulebook: Rulebook,
    *,
    date: str,
    grade: Grade,
    follows: Edition | None,
    key: Ed25519PrivateKey | None,
) -> bytes:
    """The bundle of these rule files, `rulebook` being what they load as. Deterministic, the signature included.

    Raises BundleError when such files cannot stand in a bundle, or the rules do not agree with what is said of them.
    """
    if len(files) > MAX_FILES - 2:
        raise BundleError(f"more than {MAX_FILES - 2} rule files")
    for name in sorted(files):
        if container.misnamed(name) or len(files[name]) > MAX_BYTES:
            raise BundleError(
                f"{name}: cannot stand in a bundle; rename it: letters, digits, «-», «_», at most {container.MAX_NAME} characters"
            )
    info = rulebook.info
    about = Manifest(
        name=info.name,
        version=info.version,
        digest=rulebook.digest,
        date=date,
        effective=info.effective,
        approved_by=info.approved_by,
        grade=grade,
        follows=follows,
        files=manifest.digests(files),
    )
    if faults := manifest.untrue(about, rulebook):
        raise BundleError(faults)
    written = about.written()
    manifest.read(written)
    packed = container.pack(Parts(written, keys.signed(written, key) if key else None, files))
    if len(packed) > MAX_BUNDLE:
        raise BundleError(f"these rules make a bundle larger than {MAX_BUNDLE} bytes")
    return packed


def opened(data: bytes, trusted: Trusted | None) -> Bundle:
    """A bundle whose form, signature and file digests are right. Raises BundleError.

    `trusted`: it must be signed by one of these keys. None: any is taken, signed or not. Its rules are not loaded yet.
    """
    parts = container.unpack(data)
    signed_by = claims = None
    if trusted is not None:
        if parts.signature is None:
            raise BundleError(
                "not signed, and only bundles signed by a trusted key are taken here; publish it with --key"
            )
        # Before anything that the manifest says is looked at.
        signed_by = keys.verify(parts.manifest, parts.signature, trusted)
    elif parts.signature is not None:
        claims = keys.claimed(parts.signature)
    about = manifest.read(parts.manifest)
    if faults := _other_files(about.files, parts.files):
        raise BundleError(faults)
    return Bundle(about, parts.files, signed_by, claims)


def _other_files(told: Mapping[str, str], files: Mapping[str, bytes]) -> list[str]:
    return [
        *(f"{name}: is missing, the manifest names it" for name in sorted(told.keys() - files.keys())),
        *(f"{name}: the manifest does not name it" for name in sorted(files.keys() - told.keys())),
        *(
            f"{name}: altered: its sha256 is not the one in the manifest"
            for name in sorted(files.keys() & told.keys())
            if hashlib.sha256(files[name]).hexdigest() != told[name]
        ),
    ]


def rulebook_of(bundle: Bundle) -> Rulebook:
    """The rulebook in a bundle. Raises BundleError when it is not the one of the manifest, or does not load."""
    try:
        rulebook = load_files(bundle.files)
    except RulebookError as error:
        raise BundleError(str(mistake) for mistake in error.mistakes) from None
    if faults := manifest.untrue(bundle.manifest, rulebook):
        raise BundleError(faults)
    return rulebook


def read(path: Path, trusted: Trusted | None) -> Bundle:
    """`opened` for a file; each error begins with its path. Raises BundleError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BUNDLE + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return opened(data, trusted)
    except BundleError as error:
        raise BundleError(f"{path}: {line}" for line in error.errors) from None
