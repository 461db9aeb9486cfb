"""Determinism: the same referral, rulebook and moment give the same bytes, in whatever order things stand, on any worker.

Replay: a recorded decision gives the same bytes with its rulebook loaded again, from its files or from its own content.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.decision import Decider, Detail, Language
from service.referral.strict_json import canonical
from service.rulebook.load import load_rulebook
from tests.strategies import (
    ROOT,
    RULES,
    Sent,
    decider,
    examples,
    fixture,
    recommended,
    referrals,
    rulebook,
    seeded,
    usable_fixtures,
)


def answered(sent: Sent, by: Decider | None = None, language: Language = "fr", detail: Detail = "full") -> str:
    """The bytes that leave the service, but for their encoding."""
    return canonical((by or decider()).decide(sent.data, sent.at, language, detail))


def shuffled(value: Any, random: Random, inside: str = "") -> Any:
    """The same data with keys, lesions and the words of lists in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random, key) for key in keys}
    if isinstance(value, list):
        items = [shuffled(item, random) for item in value]
        random.shuffle(items)
        return items
    return value


@examples(20)
@given(referrals(), st.integers(0, 2**32), st.sampled_from(["full", "decisive"]))
def test_the_order_of_keys_lesions_and_words_does_not_matter(sent: Sent, seed: int, detail: Detail) -> None:
    recommended(sent)
    other = replace(sent, data=shuffled(sent.data, seeded(seed)))
    assert answered(other, detail=detail) == answered(sent, detail=detail)


@examples(8)
@given(referrals(), referrals())
def test_an_answer_does_not_depend_on_the_one_before(sent: Sent, before: Sent) -> None:
    recommended(sent)
    first = answered(sent)
    recommended(before)
    assert answered(sent) == first


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_language_says_the_same(language: Language) -> None:
    def decisions(answer: Any) -> Any:
        return [
            (option["technique"], option["status"], option["keys"], option["possible"])
            for lesion in answer["lesions"]
            for option in lesion["options"]
        ]

    for name in usable_fixtures()[::9]:
        sent = fixture(name)
        french = decider().decide(sent.data, sent.at, "fr")
        assert decisions(decider().decide(sent.data, sent.at, language)) == decisions(french)


def copied_backwards(target: Path) -> Path:
    """The rule files, written in the contrary order, so that a folder lists them differently."""
    for path in sorted(RULES.rglob("*.yaml"), reverse=True):
        copy = target / path.relative_to(RULES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def from_content(content: str, target: Path) -> Path:
    """The rule files again, from nothing but the recorded content of a rulebook."""
    for name, data in json.loads(content).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    return target


SOME = slice(None, None, 9)


def test_a_decision_is_replayed_from_a_copy_of_the_rules(tmp_path: Path) -> None:
    again = Decider(load_rulebook(copied_backwards(tmp_path)))
    assert again.rulebook.digest == rulebook().digest
    for name in usable_fixtures()[SOME]:
        assert answered(fixture(name), again) == answered(fixture(name)), name


def test_a_decision_is_replayed_from_the_recorded_content_of_the_rulebook(tmp_path: Path) -> None:
    again = Decider(load_rulebook(from_content(rulebook().content, tmp_path)))
    assert again.rulebook.digest == rulebook().digest
    for name in usable_fixtures()[SOME]:
        assert answered(fixture(name), again) == answered(fixture(name)), name


def _lists_of_rules(data: Any) -> Iterator[list[Any]]:
    if isinstance(data, dict):
        yield from (data[name] for name in ("rules", "indications", "favours", "contraindications") if data.get(name))


def test_the_order_of_rules_within_their_files_does_not_matter(tmp_path: Path) -> None:
    random = seeded(7)
    contents = json.loads(rulebook().content)
    for data in contents.values():
        for rules in _lists_of_rules(data):
            random.shuffle(rules)
    again = Decider(load_rulebook(from_content(json.dumps(contents), tmp_path)))

    def but_for_the_digest(answer: str) -> str:
        return answer.replace(again.rulebook.digest, "").replace(rulebook().digest, "")

    for name in usable_fixtures()[SOME]:
        assert but_for_the_digest(answered(fixture(name), again)) == but_for_the_digest(answered(fixture(name))), name


@pytest.mark.parametrize("seed", ["0", "4211"])
def test_a_fresh_process_gives_the_same_bytes(seed: str, tmp_path: Path) -> None:
    names = usable_fixtures()[SOME]
    rules = copied_backwards(tmp_path)
    here = {name: hashlib.sha256(answered(fixture(name)).encode()).hexdigest() for name in names}
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("fresh_process.py"), rules],
        input="\n".join(names),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "TZ": "Pacific/Auckland"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert dict(line.split() for line in run.stdout.splitlines()) == here


def test_yaml_files_and_their_content_hold_the_same_data() -> None:
    """What is recorded is what the committee wrote: compared with a reader of our own."""
    recorded = json.loads(rulebook().content)
    assert sorted(recorded) == sorted(path.relative_to(RULES).as_posix() for path in RULES.rglob("*.yaml"))
    ranking = yaml.safe_load((RULES / "ranking.yaml").read_text(encoding="utf-8"))
    assert recorded["ranking.yaml"]["mode_keys"] == ranking["mode_keys"]
