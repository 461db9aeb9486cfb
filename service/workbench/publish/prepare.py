"""Everything that publishing writes, made and verified before anything is written."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.bundle import bundle
from service.bundle.errors import BundleError
from service.bundle.keys import key_id
from service.bundle.manifest import Edition, Grade
from service.language.vocabulary import Text
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.workbench.publish.editing import CannotEdit, with_release, with_values
from service.workbench.publish.numbering import Version

RULEBOOK, CHANGELOG = "rulebook.yaml", "changelog.yaml"
#: characters in one name, and in the words of one release in one language
MAX_NAME = 200
MAX_CHANGES = 20_000


class CannotPublish(Exception):
    """Nothing was written. `errors` says why, one line each."""

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(errors))


@dataclass(frozen=True, slots=True)
class Details:
    """What a committee says of a version that it publishes."""

    version: Version
    published: date
    #: the day from which it holds
    effective: date
    approved_by: tuple[str, ...]
    changes: Text
    grade: Grade
    follows: Edition | None
    #: the sentence that every answer carries, if it is to change
    notice: Text | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rule files that change, the bundle, and the rulebook in it."""

    files: Mapping[str, bytes]
    bundle: bytes
    rulebook: Rulebook
    #: the id of the key that signed it; None when it is not signed
    key: str | None


def faults_of_names(names: Sequence[str], approvals: int) -> list[str]:
    """What is wrong with those who approve; empty when they are enough."""
    faults = [
        f"«{name[:40]}»: cannot be taken for a name" for name in names if not _sound(name, MAX_NAME) or "\n" in name
    ]
    # The same letters may be typed in several ways: an accent of its own, a wide space.
    distinct = {" ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in names}
    if len(distinct) < len(names):
        faults.append("an approver is named twice; each approves once")
    if len(distinct) < approvals:
        faults.append(
            f"approved by {len(distinct)}, and {approvals} must approve; name each, with --approved-by or at the prompt"
        )
    return faults


def faults_of_changes(changes: Text) -> list[str]:
    """What is wrong with the words of the changelog; empty when they can stand in it."""
    return [
        f"the changes ({language}) are empty, longer than {MAX_CHANGES} characters, or hold tabs or control characters"
        for language in ("fr", "en")
        if not _sound(changes.in_(language), MAX_CHANGES)
    ]


def _sound(text: str, most: int) -> bool:
    """Whether a text can stand in a rule file as it was typed: letters and spaces of any script, no control characters."""
    lines = text.split("\n")
    return text == text.strip() != "" and len(text) <= most and not any(map(_control, "".join(lines)))


def _control(character: str) -> bool:
    # Cc, Cf, Cs …: control, format, half of a pair; Zl and Zp: breaks of lines that nobody sees.
    category = unicodedata.category(character)
    return category.startswith("C") or category in ("Zl", "Zp")


def prepared(files: Mapping[str, bytes], details: Details, key: Ed25519PrivateKey | None) -> Prepared:
    """The version as it would be published. Raises CannotPublish."""
    try:
        changed = _edited(files, details)
        published = {**files, **changed}
        rulebook = load_files(published)
        packed = bundle.make(
            published,
            rulebook,
            date=details.published.isoformat(),
            grade=details.grade,
            follows=details.follows,
            key=key,
        )
        # What a service will do with it, done here first.
        trusted = {key_id(key.public_key()): key.public_key()} if key else None
        opened = bundle.opened(packed, trusted)
    except CannotEdit as error:
        raise CannotPublish([str(error)]) from None
    except RulebookError as error:
        raise CannotPublish([str(mistake) for mistake in error.mistakes]) from None
    except BundleError as error:
        raise CannotPublish(error.errors) from None
    return Prepared(changed, packed, rulebook, opened.signed_by)


def _edited(files: Mapping[str, bytes], details: Details) -> dict[str, bytes]:
    values: dict[tuple[str, ...], str | Sequence[str]] = {
        ("version",): str(details.version),
        ("effective",): details.effective.isoformat(),
        ("status",): "approved",
        ("approved_by",): details.approved_by,
    }
    if details.notice is not None:
        values |= {("notice", "fr"): details.notice.fr, ("notice", "en"): details.notice.en}
    book = with_values(files[RULEBOOK].decode(), RULEBOOK, values, plain=frozenset({("version",), ("status",)}))
    log = with_release(
        files[CHANGELOG].decode(),
        CHANGELOG,
        str(details.version),
        details.published,
        details.approved_by,
        details.changes,
    )
    return {RULEBOOK: book.encode(), CHANGELOG: log.encode()}
