"""Nothing leaves that is not recorded: every decision of a request stands in the record before its answer is sent.

What `decisions.decide` made waits; once the response is there and before it leaves, all of it is
appended. When it cannot be, the answer is withheld: 503, or, where the settings say so, kept in a local queue.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, current_app, g

from service.audit.errors import NotRecorded
from service.audit.record import Entry, canonical
from service.audit.store import Record
from service.bundle.kept import packed
from service.replay import digest_of, summary_of
from service.settings.kinds import NO_RECORD
from service.settings.record import opened
from service.web import tracing
from service.web.decisions import Made, waiting, withdraw
from service.web.metrics import counting
from service.web.state import Desk

log = logging.getLogger(__name__)

EXTENSION = "indication-record"
#: of a feedback, what is never personal: our own name of the card, one of two words, a moment
_FEEDBACK_LINE = ("card", "outcome", "outcomeTimestamp")
HEADER = "Indication-Record"


class Recorder:
    """The record as this process writes it; None stands for a service that records nothing (`audit.store: off`)."""

    def __init__(self, record: Record | None, *, keep_input: bool) -> None:
        self.record = record
        self._keep_input = keep_input
        self._kept: set[str] = set()

    def append(self, made: Sequence[Made], client: str, request: str) -> list[str]:
        """Records all of `made`, in order, all or none. Returns their ids. Raises NotRecorded."""
        if self.record is None:
            return []
        entries = [self._entry(each, client, request) for each in made]
        self.record.append_many(entries)
        return [entry.id for entry in entries]

    def feedback(self, client: str, service: str, given: Iterable[Mapping[str, Any]]) -> None:
        """Records what became of cards; said twice, it is recorded once. Raises NotRecorded.

        The id stays for ever, so it is made of nothing that an erasure must take away.
        """
        if self.record is None:
            return
        entries = []
        for said in given:
            line = {"client": client, "service": service, **{name: said[name] for name in _FEEDBACK_LINE}}
            name = hashlib.sha256(canonical(line).encode()).hexdigest()[:32]
            entries.append(Entry(name, "feedback", _now(), line, said))
        self.record.append_many(entries)

    def waiting(self) -> int:
        """How many records wait in the queue on disk. Raises NotRecorded."""
        return 0 if self.record is None else self.record.waiting()

    def keep(self, desk: Desk) -> None:
        """Keeps the rulebook of a desk, once. Raises NotRecorded."""
        digest = desk.decider.rulebook.digest
        if self.record is None or digest in self._kept:
            return
        self.record.keep_rulebook(digest, packed(desk.files))
        self._kept.add(digest)

    def _entry(self, made: Made, client: str, request: str) -> Entry:
        line = {
            "door": made.door,
            "client": client,
            "rulebook": made.stamp.rulebook_digest,
            "version": made.stamp.rulebook_version,
            "engine": made.stamp.engine_version,
            "evaluated_at": made.stamp.evaluated_at,
            "language": made.language,
            "detail": made.detail,
            "request": request,
        }
        content = {
            "input_digest": made.stamp.input_digest,
            "answer_digest": digest_of(made.answer),
            **summary_of(made.answer),
            **({"input": dict(made.referral)} if self._keep_input else {}),
            **made.beside,
        }
        return Entry(made.id, "decision", _now(), line, content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def register(app: Flask) -> None:
    """Must come after whatever adds headers to every response: a response that takes an answer's place gets them too."""
    app.extensions[EXTENSION] = None
    app.after_request(_before_it_leaves)
    counting.watch_spool(app, lambda: current().waiting())


def current() -> Recorder:
    """The recorder of the current application, made on first use (nothing is opened before something is recorded).

    Raises NotRecorded when there is no place to record to, nor to let records wait.
    """
    found: Recorder | None = current_app.extensions[EXTENSION]
    if found is None:
        config = current_app.config
        try:
            record = opened(config)
        except OSError as error:  # on a disk that is full or read-only: it may be back for the next request
            reason = error.strerror or error
            raise NotRecorded(f"the folder of all that the service keeps cannot be used: {reason}") from None
        found = current_app.extensions[EXTENSION] = Recorder(record, keep_input=config["AUDIT_KEEP"] == "full")
    return found


def told() -> tuple[dict[str, Any], list[str]]:
    """The state of the record for /readyz, and why nothing can be answered for its sake."""
    policy = current_app.config["AUDIT_WHEN_DOWN"]
    record = None
    try:
        record = current().record
        if record is None:
            return {"store": NO_RECORD}, []
        # Whoever decides empties the queue; on a quiet night only probes come.
        record.drain()
        # It may be read and yet not written to: a disk that is full, a server that follows another.
        if refused := record.refuses():
            raise NotRecorded(refused)
        state: dict[str, Any] = {
            "store": "postgresql" if record.database.file is None else "sqlite",
            "when_down": policy,
            "waiting": record.waiting(),
        }
        return {**state, "head": record.head().seq}, []
    except (NotRecorded, OSError) as error:
        down = {"store": "down", "when_down": policy}
        reasons = [f"decisions cannot be recorded: {error}"]
        if record is None or policy != "spool":
            return down, reasons
        try:
            record.may_wait()
            return {**down, "waiting": record.waiting(), "errors": reasons}, []
        except NotRecorded as worse:
            return down, [*reasons, f"nor can they wait: {worse}"]


def now() -> list[str]:
    """Records what waits, for answers that are sent piece by piece. Returns ids. Raises NotRecorded."""
    made = waiting()
    if not made:
        return []
    try:
        recorder = current()
        with tracing.span("record"):
            for desk in {id(each.desk): each.desk for each in made}.values():
                recorder.keep(desk)
            ids = recorder.append(made, client(), g.get("request_id", ""))
    except NotRecorded:
        counting.recorded("refused", len(made))
        raise
    if ids:
        counting.recorded(_outcome(recorder), len(ids))
    return ids


def _outcome(recorder: Recorder) -> counting.Recorded:
    """For counting only, so it raises nothing. What was appended last waits as long as anything does."""
    try:
        return "spooled" if recorder.waiting() else "recorded"
    except (NotRecorded, OSError):
        return "spooled"


def client() -> str:
    """The name of who calls, as the gate knows it."""
    caller = g.get("caller")
    return caller.name if caller is not None else "anonymous"


def _before_it_leaves(response: Response) -> Response:
    if response.status_code >= 400:
        withdraw()  # its door failed after deciding: nothing of the decision is told
        return response
    try:
        found = now()
    except NotRecorded as error:
        # As text: of an exception the log tells the type alone, and this one's message holds nothing of the patient.
        log.error("answer withheld: it cannot be recorded (%s)", str(error))  # noqa: TRY400 - the message says all
        told: Response = current_app.make_response(current_app.handle_user_exception(error))
        return told
    if found:
        response.headers[HEADER] = ", ".join(found)
    return response
