"""Faults of the committee's pages that were found and mended, each pinned."""

import os
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from service.web.committee.jobs import Jobs
from service.web.committee.pages import MOST_BYTES, MOST_TEXT
from tests.web.committee.conftest import ended, until
from tests.web.committee.test_jobs import ORDER, child_of, gone, keeper_of

Draft = dict[str, str]


@pytest.mark.parametrize("address", ["typed", "edit"])
@pytest.mark.parametrize("broken", ["a: " + "[" * 90_000, "a: " + "9" * 5_000])
def test_a_draft_made_to_break_the_reader_is_told_as_a_mistake(
    visitor: FlaskClient, draft: Draft, address: str, broken: str
) -> None:
    """The first ended the worker, the second was an error of the server's."""
    response = visitor.post(f"/committee/{address}?lang=en", data=draft | {"text": broken})
    assert response.status_code == 200
    assert "mistake" in response.get_data(as_text=True)


@pytest.mark.parametrize("address", ["typed", "edit", "download", "diff", "jobs"])
def test_a_text_is_not_longer_than_can_be_read_while_a_clinician_waits(
    visitor: FlaskClient, draft: Draft, address: str
) -> None:
    # Each word is unknown, and the nearest right one is looked for.
    text = "rules:\n" + "- x\n" * (MOST_TEXT // 4)
    assert visitor.post(f"/committee/{address}", data=draft | {"text": text}).status_code == 413


def test_a_body_of_unsaid_length_is_refused_and_not_cut(visitor: FlaskClient, draft: Draft) -> None:
    body = urlencode(draft | {"text": draft["text"] + "\n" * (MOST_BYTES // 2)}).encode()
    assert len(body) > MOST_BYTES
    response = visitor.post(
        "/committee/download",
        input_stream=BytesIO(body),
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 413


def test_without_its_keeper_a_computation_ends_by_itself(jobs_of: Callable[..., Jobs], home: Path) -> None:
    jobs = jobs_of(
        """
        import json, os
        print(json.dumps({"progress": {"pid": os.getpid()}}), flush=True)
        while True: pass
        """,
        longest=1.0,
    )
    job = jobs.start(ORDER, {})
    pid = child_of(job)
    os.kill(keeper_of(home), signal.SIGKILL)
    assert ended(job).how == "failed"
    assert not gone(pid)
    until(lambda: gone(pid), 30)


def test_without_memory_the_computation_ends_and_not_the_service(jobs_of: Callable[..., Jobs]) -> None:
    jobs = jobs_of("""
        import json
        from pathlib import Path
        print(json.dumps({"result": {"first": int(Path("/proc/self/oom_score_adj").read_text())}}))
    """)
    assert ended(jobs.start(ORDER, {})).result == {"first": 1000}
