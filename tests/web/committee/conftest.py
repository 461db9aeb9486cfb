"""What tests of the committee's pages share: jobs over small commands, and an application whose computations are pretended."""

import json
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.web import create_app
from service.web.committee.jobs import Job, Jobs, Limits, State

FILE = "safety/bleeding.yaml"
RULE = "bleeding.platelets-low"
#: says how far it is, then waits to be ended
SLOW = """
    import json, time
    print(json.dumps({"progress": {"done": 3, "of": 12, "label": {"fr": "Calcul", "en": "Computing"}}}), flush=True)
    time.sleep(600)
"""


def command(body: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(body)]


def until(holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Waits until it holds, and says what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def ended(job: Job) -> State:
    """The state of a job once it has ended."""
    return until(lambda: (state := job.state()).how != "running" and state)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of the jobs, not yet there."""
    return tmp_path / "jobs"


@pytest.fixture
def jobs_of(home: Path) -> Iterator[Callable[..., Jobs]]:
    """Jobs over a small command. What still runs at the end of the test is ended."""
    made: list[Jobs] = []

    def make(body: str, **limits: float) -> Jobs:
        made.append(Jobs(command(body), Limits(**limits), home))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for folder in list(home.iterdir()) if home.exists() else []:
        if made and (job := made[0].find(folder.name)):
            job.cancel()


@pytest.fixture(scope="session")
def outcome() -> dict[str, Any]:
    """What a computation found: a fault with a patient, and a remark elsewhere."""
    vector = json.loads((Path(__file__).parents[3] / "service" / "selftest_referral.json").read_text(encoding="utf-8"))
    patient = {
        "name": {"fr": "Une <patiente>", "en": "A <patient>"},
        "referral": vector["referral"],
        "at": vector["at"],
        "expect": {"alerts": [], "lesions": {"L2": {"first": "vertebroplasty"}}},
    }
    fault = {
        "grade": "fault",
        "title": {"fr": "Ceci & cela", "en": "This & that"},
        "text": {"fr": "Parce que.", "en": "Because."},
        "file": FILE,
        "line": 43,
        "rules": [RULE],
        "lines": [{"fr": "une ligne", "en": "a line"}],
        "rows": [
            {"what": {"fr": "quoi", "en": "what"}, "before": {"fr": "a", "en": "a"}, "after": {"fr": "b", "en": "b"}}
        ],
        "patients": [patient],
    }
    return {
        "good": False,
        "headline": {"fr": "Un défaut", "en": "One fault"},
        "points": [fault],
        "left_out": 2,
        "columns": [{"fr": "Quoi", "en": "What"}, {"fr": "Avant", "en": "Before"}, {"fr": "Après", "en": "After"}],
        "picture": {
            "fr": "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "en": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        },
    }


@pytest.fixture(scope="session")
def bench(root: Path, tmp_path_factory: pytest.TempPathFactory, outcome: dict[str, Any]) -> Flask:
    """The application; a «prove» goes on until it is ended, every other computation gives `outcome` at once."""
    body = f"""
        import json, sys, time
        order = json.load(sys.stdin)
        if order["task"] == "prove":
            print(json.dumps({{"progress": {{"done": 3, "of": 12, "label": {{"fr": "Calcul", "en": "Computing"}}}}}}), flush=True)
            time.sleep(600)
        assert order["rules"] and order["cases"]
        print(json.dumps({{"result": json.loads({json.dumps(outcome)!r})}}))
    """
    return create_app(
        {
            "RULES": root / "rules",
            "TESTING": True,
            "COMMITTEE": "open",
            "COMMITTEE_COMMAND": command(body),
            "COMMITTEE_HOME": tmp_path_factory.mktemp("committee") / "jobs",
        }
    )


@pytest.fixture
def visitor(bench: Flask) -> FlaskClient:
    return bench.test_client()


@pytest.fixture(scope="session")
def text(root: Path) -> str:
    """The rule file that is changed in these tests."""
    return (root / "rules" / FILE).read_text(encoding="utf-8")


@pytest.fixture
def draft(text: str) -> dict[str, str]:
    """What the page sends: platelets 50 -> 45, with the line ends of a browser."""
    changed = text.replace("blood.platelets < 50 G/L", "blood.platelets < 45 G/L", 1)
    assert changed != text
    return {"file": FILE, "rule": RULE, "text": changed.replace("\n", "\r\n")}
