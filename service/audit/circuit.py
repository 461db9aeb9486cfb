"""Spares each request the wait for a store that was down a moment ago."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

#: after a failure one request in so many seconds tries again; the others are answered at once
PAUSE_SECONDS = 2.0


class Circuit:
    """What one process knows of its store. Two threads that both try do no harm, so nothing is locked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: float | None = None
        #: why the store did not take the last one; None when it did
        self.reason: str | None = None

    def is_open(self) -> bool:
        """Whether not to try now. Whoever is told to try does so for all."""
        if self._until is None:
            return False
        now = self._clock()
        if now < self._until:
            return True
        self._until = now + PAUSE_SECONDS
        return False

    def failed(self, reason: str) -> None:
        """The store did not take it."""
        if self.reason is None:
            log.warning("the record takes no entries: %s", reason)
        self.reason = reason
        self._until = self._clock() + PAUSE_SECONDS

    def worked(self) -> None:
        """The store took it."""
        if self.reason is not None:
            log.warning("the record takes entries again")
        self.reason = self._until = None
