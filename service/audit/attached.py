"""Feedback is a record of its own, later than the decision it is about: they meet by the names of the cards."""

import json
from collections.abc import Iterable, Iterator

from service.audit.record import Row
from service.audit.store import Record


def feedback_on(record: Record, decisions: Iterable[Row]) -> Iterator[Row]:
    """The feedback on the cards of these decisions, in its order; none on one whose content was erased."""
    told = [row for row in decisions if row.content is not None]
    cards = {card for row in told if row.content for card in json.loads(row.content.body).get("cards", ())}
    if cards:
        first = min(row.recorded.seq for row in told)
        found = record.find(kind="feedback", first=first)
        yield from (row for row in found if json.loads(row.recorded.line)["card"] in cards)
