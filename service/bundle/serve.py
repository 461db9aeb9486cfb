"""Rules to serve: a folder of rule files, or a bundle; only signed bundles where trusted keys are named."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.bundle import bundle, keys
from service.bundle.bundle import Bundle
from service.bundle.errors import BundleError
from service.rulebook.load import load_folder
from service.rulebook.model import Rulebook


@dataclass(frozen=True, slots=True)
class Source:
    """A rulebook with the files it was read from and what they came in; `bundle` is None when they stood in a folder."""

    rulebook: Rulebook
    files: Mapping[str, bytes]
    bundle: Bundle | None


def look(path: Path, trusted: Path | None) -> Bundle | None:
    """What can be known of `path` without loading its rules; None when it is a folder. Raises BundleError.

    `trusted`: the public keys, a file or a folder. With them a folder of rules is refused: nobody signed it.
    """
    known = keys.load_trusted(trusted) if trusted is not None else None
    if path.is_file():
        return bundle.read(path, known)
    if known is not None:
        raise BundleError(
            f"{path}: not a bundle, and only bundles signed by a trusted key are served here (INDICATION_BUNDLE_KEYS); "
            "`flask rules publish --key` makes one"
        )
    return None


def load(path: Path, trusted: Path | None) -> Source:
    """The rulebook at `path`. Raises BundleError; RulebookError when a folder's rules do not load."""
    found = look(path, trusted)
    if found is None:
        return Source(*load_folder(path), None)
    try:
        return Source(bundle.rulebook_of(found), found.files, found)
    except BundleError as error:
        raise BundleError(f"{path}: {line}" for line in error.errors) from None
