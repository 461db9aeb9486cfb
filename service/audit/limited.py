"""A connection to PostgreSQL that does not wait for ever: the server's own limits do not help when it is the server that hangs."""

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

#: for one answer of the server, in seconds: longer than what the server itself is told
ANSWER_SECONDS = 5.0


class LimitedConnection(psycopg.Connection[Any]):
    """Raises OperationalError and is closed when the server does not answer in time."""

    #: on time.monotonic(): the end of what is being done as a whole
    until: float | None = None
    #: for one answer
    answer_seconds: float = ANSWER_SECONDS

    def wait(self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = self.answer_seconds
        if self.until is not None:
            limit = min(limit, max(self.until - time.monotonic(), 0.0))
        try:
            return super().wait(gen, interval, limit if timeout is None else min(timeout, limit))
        except psycopg.OperationalError:
            # The server may still answer, later and to another question: this connection is of no more use.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise
