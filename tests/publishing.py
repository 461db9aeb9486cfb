"""Published rulebooks for tests: keys, and bundles of the project's own rules, changed or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.bundle import keys
from service.bundle.manifest import Edition, Grade
from service.language.vocabulary import Text
from service.workbench.publish.numbering import version
from service.workbench.publish.prepare import Details, Prepared, prepared

DAY = date(2026, 11, 25)
NAMES = ("A. First", "B. Second")


@dataclass(frozen=True)
class Signer:
    """A key pair in a folder of its own; `public` stands in a folder that holds nothing else."""

    private: Path
    public: Path
    id: str

    @property
    def key(self) -> Ed25519PrivateKey:
        return keys.load_private(self.private)

    @property
    def trusted(self) -> keys.Trusted:
        return keys.load_trusted(self.public)


def signer(folder: Path) -> Signer:
    pair = keys.generate()
    (folder / "trusted").mkdir(parents=True)
    private, public = folder / "private.pem", folder / "trusted" / "public.pem"
    private.write_bytes(pair.private)
    public.write_bytes(pair.public)
    return Signer(private, public, pair.id)


def changed(files: Mapping[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    """The same files, in one of which a text stands for another."""
    text = files[name].decode()
    assert old in text
    return {**files, name: text.replace(old, new, 1).encode()}


def published(
    files: Mapping[str, bytes],
    number: str = "1.0.0",
    key: Ed25519PrivateKey | None = None,
    *,
    grade: Grade = "first",
    follows: Edition | None = None,
) -> Prepared:
    """What publishing these rule files as this version writes."""
    found = version(number)
    assert found is not None
    details = Details(found, DAY, DAY, NAMES, Text("Ce qui change.", "What changes."), grade, follows)
    return prepared(files, details, key)
