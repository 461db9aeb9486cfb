"""What one process holds to serve: the rules it decides with, built once, on first use."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import current_app

from service.bundle import serve
from service.bundle.bundle import Bundle
from service.bundle.errors import BundleError
from service.decision import Decider
from service.rulebook.load import RulebookError
from service.selftest import SelfTestError, check, fit
from service.tell.catalogue import Catalogue
from service.web.openapi import openapi

EXTENSION = "indication"
#: after a failure, so that a broken rulebook does not cost every request the time of loading it
RETRY_SECONDS = 5.0
#: for how long a self-test that went well is believed
TESTED_SECONDS = 2.0

log = logging.getLogger(__name__)


class NotReady(Exception):
    """No rules to decide with. `errors` says why; it speaks of rules only."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        self.errors = errors
        super().__init__("; ".join(errors))


@dataclass
class Desk:
    """One rulebook, ready to decide and to be read."""

    decider: Decider
    catalogue: Catalogue
    #: the rule files as they were read
    files: Mapping[str, bytes] = field(default_factory=dict)
    #: what its rules came in, and who signed it; None when they stood in a folder
    published: dict[str, Any] | None = None

    @cached_property
    def openapi(self) -> dict[str, Any]:
        return openapi(self.catalogue)


class State:
    """The desk of this process. A process that was forked after it was built builds its own: it holds a C engine."""

    def __init__(self, rules: Path, trusted: Path | None = None, retry: float = RETRY_SECONDS) -> None:
        self.rules = rules
        self.trusted = trusted
        self._retry = retry
        #: answers that were not given because the two engines differed or one failed, by kind
        self.withheld: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._owner = 0
        self._desk: Desk | None = None
        self._errors: tuple[str, ...] = ()
        self._tried = 0.0
        self._tested: tuple[Desk, float] | None = None

    def desk(self) -> Desk:
        """The desk, built if need be. Raises NotReady."""
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._desk, self._errors = os.getpid(), None, ()
            if self._desk is None:
                if self._errors and time.monotonic() - self._tried < self._retry:
                    raise NotReady(self._errors)
                self._desk = self._build()
            return self._desk

    def tested(self) -> Desk:
        """The desk, once it has decided the self-test referral within the last seconds: a probe must not cost what a
        decision does, however often it comes. Raises NotReady, SelfTestError."""
        desk = self.desk()
        now = time.monotonic()
        if self._tested is None or self._tested[0] is not desk or now - self._tested[1] > TESTED_SECONDS:
            self._tested = None
            check(desk.decider)
            self._tested = (desk, now)
        return desk

    @property
    def errors(self) -> tuple[str, ...]:
        """Why there is no desk, when it was last tried to build one."""
        return self._errors

    def _build(self) -> Desk:
        self._tried = time.monotonic()
        try:
            source = serve.load(self.rules, self.trusted)
            decider = fit(source.rulebook)
        except RulebookError as error:
            self._errors = tuple(map(str, error.mistakes))
        except (BundleError, SelfTestError) as error:
            self._errors = error.errors
        except Exception as error:
            # A fault of ours must not keep the other workers from starting.
            log.exception("the rules in %s cannot be used", self.rules)
            self._errors = (f"the rules cannot be used ({type(error).__name__}; see the log)",)
        else:
            self._errors = ()
            about = published(source.bundle) if source.bundle else None
            return Desk(decider, Catalogue(decider.rulebook), source.files, about)
        log.error("the rules in %s cannot serve: %s", self.rules, "; ".join(self._errors))
        raise NotReady(self._errors)

    def warm(self) -> None:
        """Builds the desk now. A failure is told by /readyz and by every answer, and stops nothing."""
        try:
            self.desk()
        except NotReady:
            log.error("this worker starts without rules")  # noqa: TRY400 - the reason is logged where it was found


def published(bundle: Bundle) -> dict[str, Any]:
    """A bundle as it is told: when it was published, what it follows, and whose signature was verified.

    `signature`: `verified` by the trusted key `key`; `unverified` when nobody said whom to trust; or `unsigned`.
    """
    about = bundle.manifest
    return {
        "date": about.date,
        "grade": about.grade,
        "follows": about.follows.version if about.follows else None,
        "signature": "verified" if bundle.signed_by else "unverified" if bundle.claims else "unsigned",
        "key": bundle.signed_by,
    }


def state() -> State:
    """The state of the current application."""
    found: State = current_app.extensions[EXTENSION]
    return found
