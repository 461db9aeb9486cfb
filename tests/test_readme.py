"""The README says what is so: its answer is the service's own, its files exist, its commands are those of the project."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from service.decision import Decider
from service.rulebook.load import load_rulebook
from service.tell.terminal import render

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")


def test_answer_shown_is_the_answer_given() -> None:
    """When this fails after a change of rules, paste what it shows: script/readme does it."""
    referral = json.loads((ROOT / "docs/seed-patient.json").read_text(encoding="utf-8"))
    answer = Decider(load_rulebook(ROOT / "rules")).decide(referral, AT, "fr")
    shown = re.search(r"<!-- answer: fr -->\n```text\n(.*?)\n```", README, re.DOTALL)
    assert shown is not None
    assert shown.group(1) == render(answer, "fr"), "the answer has changed: run script/readme"


def test_patient_shown_is_the_seed_fixture() -> None:
    fixture = yaml.safe_load((ROOT / "fixtures/referrals/seed-typical-patient.yaml").read_text(encoding="utf-8"))[
        "referral"
    ]

    def known(values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value is not None}

    shown = json.loads((ROOT / "docs/seed-patient.json").read_text(encoding="utf-8"))
    assert shown["patient"] == known(fixture["patient"])
    assert shown["lesions"] == [known(lesion) for lesion in fixture["lesions"]]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("script", ["script/server", "script/test"])
def test_the_two_commands_are_there(script: str) -> None:
    assert script in README
    assert (ROOT / script).stat().st_mode & 0o111
