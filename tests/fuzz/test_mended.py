"""What fuzzing found, each pinned by the smallest case."""

import re

import pytest

from service.rulebook.load import RulebookError, load_files
from service.rulebook.source import rule_files
from tests.strategies import RULES


def mistakes(name: str, text: str) -> str:
    with pytest.raises(RulebookError) as error:
        load_files({name: text.encode()})
    return str(error.value)


def test_a_mode_of_which_a_text_is_no_text_is_refused() -> None:
    told = mistakes("guidance/x.yaml", "guidance: x\nlabel: {fr: a, en: b}\nsummary:\n  c\n")
    assert "guidance/x.yaml:4:3: a mapping (key: value) is needed «c»" in told


def test_a_mistake_shows_no_whole_file() -> None:
    told = mistakes(
        "guidance/x.yaml", f"guidance: x\n{'X' * 900}: 1\nlabel: {{fr: a, en: b}}\nsummary: {{fr: a, en: b}}\n"
    )
    assert "…" in told
    assert "X" * 200 not in told


def test_rules_that_stand_in_a_mapping_are_refused() -> None:
    head = "guidance: x\nlabel: {fr: a, en: b}\nsummary: {fr: a, en: b}\n"
    told = mistakes("guidance/x.yaml", f"{head}favours:\n  id: a.b\n  severity: relative\n")
    assert "guidance/x.yaml:5:3: a list is needed" in told


def test_a_technique_of_which_a_list_is_none_is_refused() -> None:
    text = (RULES / "techniques" / "cementoplasty.yaml").read_text(encoding="utf-8")
    for key in ("guidance", "parts"):
        changed = re.sub(rf"(?m)^{key}: .*\n", "", text) + f"{key}: 7\n"
        assert re.search(
            r"techniques/cementoplasty.yaml:\d+:\d+: a list is needed",
            mistakes("techniques/cementoplasty.yaml", changed),
        )


@pytest.mark.parametrize("zone", ["Europe", "x" * 400, "../etc", "Nowhere/At_All"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    text = rule_files(RULES)["rulebook.yaml"].decode()
    changed = re.sub(r"(?m)^timezone: .*$", f"timezone: {zone}", text)
    assert changed != text
    assert "not a time zone" in mistakes("rulebook.yaml", changed)
