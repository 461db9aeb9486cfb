"""What a version follows, and how it changed from that."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.bundle.manifest import Edition, Grade
from service.language.vocabulary import Text
from service.prove.prover import Prover
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.workbench import diff
from service.workbench.diff import Change
from service.workbench.publish import numbering
from service.workbench.publish.gates import Draft, Progress
from service.workbench.publish.numbering import Numbering
from service.workbench.publish.payloads import refusals
from service.workbench.publish.prepare import CannotPublish
from service.workbench.versions import NoSuchVersion, version

#: what publishing writes into rulebook.yaml
_WRITTEN = ("version", "effective", "status", "approved_by")


@dataclass(frozen=True, slots=True)
class Following:
    """How the rules changed since the version that they follow, and which number may come next."""

    grade: Grade
    numbering: Numbering
    #: none when nothing was published before
    changes: tuple[Change, ...] = ()

    @property
    def words(self) -> Text:
        """The changes in words, one line each, but for what publishing itself writes; what is said of several rules is said once."""
        told = [change for change in self.changes if not (change.kind == "rulebook" and change.of in _WRITTEN)]
        return Text(
            *("\n".join(dict.fromkeys(change.what.in_(language) for change in told)) for language in ("fr", "en"))
        )


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The version that the rules follow, and its files."""

    rulebook: Rulebook
    files: Mapping[str, bytes]


def predecessor(draft: Draft, previous: str | None) -> Predecessor | None:
    """What the draft follows, by its name: a folder, a bundle or a revision of git. Raises CannotPublish. None: nothing."""
    new = draft.rulebook
    if previous is None:
        if new.releases:
            raise CannotPublish(
                [
                    f"{draft.folder}/changelog.yaml: version {new.releases[0].version} was published before; "
                    "name it with --previous (its bundle, a folder, or a revision of git)"
                ]
            )
        return None
    try:
        files = version(previous, draft.folder).files
        old = load_files(files)
    except NoSuchVersion as error:
        raise CannotPublish(str(error).splitlines()) from None
    except RulebookError as error:
        told = [f"{previous}: {mistake}" for mistake in error.mistakes]
        raise CannotPublish([*told, f"{previous}: these rules do not load, so nothing can be compared"]) from None
    if old.info.name != new.info.name:
        raise CannotPublish([f"{previous}: is «{old.info.name}», not «{new.info.name}»; one does not follow the other"])
    if new.releases and new.releases[0].version != old.info.version:
        raise CannotPublish(
            [
                f"{previous}: is version {old.info.version}, but by {draft.folder}/changelog.yaml the last one published "
                f"is {new.releases[0].version}; name that one with --previous"
            ]
        )
    _refuse_unpublished(previous, old, draft)
    if old.digest == new.digest:
        raise CannotPublish([f"{draft.folder}: nothing has changed since {previous} (version {old.info.version})"])
    return Predecessor(old, files)


def _refuse_unpublished(previous: str, old: Rulebook, draft: Draft) -> None:
    """A draft, or another history, would make the step from it look smaller than the step from what hospitals have."""
    told, ours = ([release.version for release in book.releases] for book in (old, draft.rulebook))
    if old.info.status != "approved" or told[:1] != [old.info.version]:
        raise CannotPublish(
            [
                f"{previous}: was not published: it is not approved, or its changelog.yaml does not begin with version "
                f"{old.info.version}; name what was published (its bundle, or its tag in git)"
            ]
        )
    if ours != told:
        raise CannotPublish(
            [
                f"{draft.folder}/changelog.yaml: tells of {', '.join(ours) or 'no version'}, that of {previous} of "
                f"{', '.join(told)}; what was published stays told: put its entries back"
            ]
        )


def following(draft: Draft, before: Predecessor | None, progress: Progress | None = None) -> Following:
    """How the draft changed from what it follows."""
    new = draft.rulebook
    if before is None:
        own = numbering.version(new.info.version)
        assert own is not None, "a rulebook's version is checked when it loads"
        return Following("first", numbering.first(own))
    old = before.rulebook
    found = diff.compare(old, new, Prover, old_files=before.files, new_files=draft.files, progress=progress)
    follows = Edition(old.info.version, old.digest)
    return Following(found.overall, numbering.after(follows, found.overall, refusals(old, new)), found.changes)
