"""What one process holds for the committee's pages: the rule files in use, read once, and the way to long computations."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import current_app

from service.bundle import serve
from service.rulebook.model import Rulebook
from service.rulebook.redraft import Redraft
from service.rulebook.source import rule_files
from service.tell.catalogue import Catalogue
from service.web.committee.jobs import Jobs
from service.web.committee.search import Index
from service.web.state import state

EXTENSION = "indication-committee"


@dataclass(frozen=True)
class Library:
    """The rules in use, as files and as a rulebook, whether they stand in a folder or in a bundle."""

    rulebook: Rulebook
    catalogue: Catalogue
    source: Path
    #: the public keys that whoever runs the service trusts
    trusted: Path | None

    @cached_property
    def redraft(self) -> Redraft:
        """Raises BundleError, OSError when the rules are no longer where they were."""
        bundle = serve.look(self.source, self.trusted)
        return Redraft(bundle.files if bundle else rule_files(self.source))

    @cached_property
    def index(self) -> Index:
        return Index(self.rulebook)

    def text(self, file: str) -> str:
        """A rule file as it stands. Raises KeyError."""
        return self.redraft.files[file].decode("utf-8")


class Workshop:
    """Made once per application; what it reads, it reads again when the rules in use have changed."""

    def __init__(self, jobs: Jobs, cases: Path) -> None:
        self.jobs = jobs
        self.cases = cases
        self._library: Library | None = None

    def library(self) -> Library:
        """The rules in use. Raises NotReady."""
        desk = state().desk()
        rulebook = desk.decider.rulebook
        if self._library is None or self._library.rulebook is not rulebook:
            self._library = Library(rulebook, desk.catalogue, state().rules, state().trusted)
        return self._library


def workshop() -> Workshop:
    found: Workshop = current_app.extensions[EXTENSION]
    return found
