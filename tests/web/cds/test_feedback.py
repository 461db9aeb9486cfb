"""Feedback: kept once, in the order in which it came, without anybody's words."""

import hashlib
import json
from typing import Any

import pytest

from service.audit.errors import NotRecorded
from service.audit.record import canonical
from service.web.cds.feedback import MOST_ENTRIES
from tests.web.cds.conftest import SELECT, SIGN, outcome

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
AT = "2026-11-23T04:02:07.343Z"
ACCEPTED = {"card": CARD, "outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}], "outcomeTimestamp": AT}
OVERRIDDEN = {
    "card": CARD,
    "outcome": "overridden",
    "overrideReason": {"reason": {"code": "patient-refuses", "system": "urn:x"}, "userComment": "test-secret"},
    "outcomeTimestamp": AT,
}


def test_it_is_taken_and_answered_with_nothing(ehr, kept):
    response = ehr.feedback(SELECT, ACCEPTED, OVERRIDDEN)
    assert (response.status_code, response.data, response.content_type) == (200, b"{}", "application/json")
    assert [each["outcome"] for each in kept.feedback_kept()] == ["accepted", "overridden"]
    assert kept.feedback_kept()[0]["service"] == SELECT


def test_the_same_again_changes_nothing(ehr, kept):
    for _ in range(3):
        assert ehr.feedback(SELECT, ACCEPTED, OVERRIDDEN).status_code == 200
    assert len(kept.feedback_kept()) == 2
    ehr.feedback(SIGN, ACCEPTED)
    ehr.feedback(SELECT, ACCEPTED | {"outcomeTimestamp": "2026-11-23T04:03:00Z"})
    assert len(kept.feedback_kept()) == 4


def test_what_is_kept_is_never_changed(ehr, kept):
    ehr.feedback(SELECT, ACCEPTED, OVERRIDDEN)
    before = kept.feedback_kept()
    ehr.feedback(SELECT, ACCEPTED | {"outcome": "overridden"})
    # A repeat does not move to the end either: what stands first came first.
    ehr.feedback(SELECT, ACCEPTED)
    assert kept.feedback_kept()[:2] == before


def test_a_card_that_nobody_knows_is_no_error(ehr):
    assert ehr.feedback(SELECT, ACCEPTED | {"card": "00000000-0000-4000-8000-000000000000"}).status_code == 200


def test_words_are_dropped_unless_the_client_wants_them_kept(ehr, kept, known_as, tmp_path):
    ehr.feedback(SELECT, OVERRIDDEN)
    assert "test-secret" not in json.dumps(kept.feedback_kept())
    assert not [path for path in tmp_path.rglob("*.sqlite*") if b"test-secret" in path.read_bytes()]
    known_as(name="site", keep_comments=True)
    ehr.feedback(SELECT, OVERRIDDEN)
    assert kept.feedback_kept()[-1]["overrideReason"]["userComment"] == "test-secret"


@pytest.mark.parametrize(
    "entry",
    [
        OVERRIDDEN | {"overrideReason": {}},
        OVERRIDDEN | {"overrideReason": None},
        OVERRIDDEN | {"overrideReason": {"userComment": ""}},
        OVERRIDDEN | {"overrideReason": {"reason": {"code": "x"}}},
        ACCEPTED | {"later": 1, "extension": {}},
        ACCEPTED | {"outcomeTimestamp": "2026-11-23T05:02:07+01:00"},
        ACCEPTED | {"outcomeTimestamp": "2026-11-23T05:02:07.123456789Z"},
    ],
)
def test_shapes_that_are_taken(ehr, entry):
    assert ehr.feedback(SELECT, entry).status_code == 200


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        (7, "feedback[0]"),
        (ACCEPTED | {"card": ""}, "feedback[0].card"),
        (ACCEPTED | {"card": "x" * 300}, "feedback[0].card"),
        (ACCEPTED | {"card": "somebody, born somewhere"}, "feedback[0].card"),
        (ACCEPTED | {"outcome": "ignored"}, "feedback[0].outcome"),
        (ACCEPTED | {"outcome": []}, "feedback[0].outcome"),
        (ACCEPTED | {"outcomeTimestamp": "yesterday"}, "feedback[0].outcomeTimestamp"),
        (ACCEPTED | {"outcomeTimestamp": "2026-13-23T04:02:07Z"}, "feedback[0].outcomeTimestamp"),
        (ACCEPTED | {"acceptedSuggestions": []}, "feedback[0].acceptedSuggestions"),
        (ACCEPTED | {"acceptedSuggestions": [{}]}, "feedback[0].acceptedSuggestions"),
        (OVERRIDDEN | {"overrideReason": 7}, "feedback[0].overrideReason"),
        (OVERRIDDEN | {"overrideReason": {"reason": {"code": 7}}}, "feedback[0].overrideReason.reason"),
        (OVERRIDDEN | {"overrideReason": {"userComment": 7}}, "feedback[0].overrideReason.userComment"),
    ],
)
def test_shapes_that_are_refused(ehr, kept, entry, where):
    told = outcome(ehr.feedback(SELECT, entry), 400)
    assert where in {issue["expression"][0] for issue in told["issue"]}
    assert kept.feedback_kept() == []


@pytest.mark.parametrize(
    "body", [{}, [], 7, {"feedback": {}}, {"feedback": []}, {"feedback": [ACCEPTED] * (MOST_ENTRIES + 1)}]
)
def test_what_is_no_feedback(ehr, body):
    outcome(ehr.client.post(f"/cds-services/{SELECT}/feedback", json=body), 400)


def test_one_bad_entry_keeps_the_whole_batch_out(ehr, kept):
    outcome(ehr.feedback(SELECT, ACCEPTED, {}), 400)
    assert kept.feedback_kept() == []


def test_when_it_cannot_be_recorded_it_is_said(ehr, kept, monkeypatch):
    def fail(*_: Any) -> None:
        raise NotRecorded("the disk is full")

    monkeypatch.setattr(kept.record, "append_many", fail)
    response = ehr.feedback(SELECT, OVERRIDDEN)
    outcome(response, 503)
    assert "Retry-After" in response.headers


def test_once_erased_nothing_of_it_can_be_guessed_back(ehr, kept):
    """The id must not rest on what is erased: whoever has it could try every reason."""
    ehr.feedback(SELECT, OVERRIDDEN)
    ehr.feedback(SIGN, OVERRIDDEN | {"overrideReason": {"reason": {"code": "other"}}})
    first, second = kept.record.rows()
    line = json.loads(first.recorded.line) | {"service": SIGN}
    assert json.loads(second.recorded.line) == line
    assert "overrideReason" not in line
    expected = hashlib.sha256(canonical(line).encode()).hexdigest()[:32]
    assert second.recorded.id == expected
