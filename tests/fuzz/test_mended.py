"""What fuzzing found, each pinned by the smallest case."""

import pytest

from service.rulebook.load import RulebookError, load_files


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
