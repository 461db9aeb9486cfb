"""Changing a value in a YAML text changes that value and nothing else."""

import copy
from difflib import unified_diff
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rulebook.source import read_text, rule_files
from service.workbench.decision_tables.rewrite import RewriteError, rewrite
from tests.strategies import RULES, examples, seeded

TEXT = """\
# above
technique: trial   # beside
label: {fr: Essai, en: "Trial"}
traits: [a, b, c]
duration: 45 min

rules:
  # of the first
  - id: first
    when:
      all:
        - x >= 4   # why four
        # of the second criterion
        - y   # gone with it
        - any: [z, "w in [p, q]"]
    because:
      fr: "Une phrase."
      en: 'It''s one.'

  # of the second
  - id: second
    when: x
    verified: true
# the end
"""


def data() -> Any:
    return read_text(TEXT, "")[0].data


def changed_lines(after: str) -> list[str]:
    lines = unified_diff(TEXT.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and not line.startswith(("---", "+++"))]


def test_the_same_data_give_the_same_text() -> None:
    assert rewrite(TEXT, data()) == TEXT


def test_a_scalar_changes_in_its_own_style_and_its_comment_stays() -> None:
    new = data()
    new["rules"][0]["when"]["all"][0] = "x >= 5"
    new["rules"][0]["because"]["en"] = "It's two."
    new["rules"][1]["verified"] = False
    new["label"]["en"] = "Trial: new"
    assert changed_lines(rewrite(TEXT, new)) == [
        '-label: {fr: Essai, en: "Trial"}',
        '+label: {fr: Essai, en: "Trial: new"}',
        "-        - x >= 4   # why four",
        "+        - x >= 5   # why four",
        "-      en: 'It''s one.'",
        "+      en: 'It''s two.'",
        "-    verified: true",
        "+    verified: false",
    ]


def test_a_criterion_is_added_and_one_is_taken_out_with_its_comment() -> None:
    new = data()
    new["rules"][0]["when"]["all"] = ["x >= 4", {"any": ["z", "w in [p, q]", "v"]}, "u"]
    assert changed_lines(rewrite(TEXT, new)) == [
        "-        # of the second criterion",
        "-        - y   # gone with it",
        '-        - any: [z, "w in [p, q]"]',
        '+        - any: [z, "w in [p, q]", v]',
        "+        - u",
    ]


def test_a_joint_is_renamed_alone() -> None:
    new = data()
    new["rules"][0]["when"] = {"any": new["rules"][0]["when"]["all"]}
    assert changed_lines(rewrite(TEXT, new)) == ["-      all:", "+      any:"]


def test_a_line_becomes_a_condition_and_a_condition_a_line() -> None:
    new = data()
    new["rules"][0]["when"] = "y"
    new["rules"][1]["when"] = {"all": ["x", {"not": "y"}]}
    after = rewrite(TEXT, new)
    assert "    when: y\n" in after
    assert "    when:\n      all:\n        - x\n        - not: y\n    verified" in after


def test_rules_come_and_go_with_their_comments_and_the_empty_line_between_them() -> None:
    new = data()
    third = {
        "id": "third",
        "when": "z",
        "because": {"fr": "Trois.", "en": "Three."},
        "evidence": {"sources": ["A"], "verified": False},
    }
    new["rules"] = [new["rules"][1], third]
    after = rewrite(TEXT, new)
    assert after.endswith(
        "rules:\n  # of the first\n  - id: second\n    when: x\n    verified: true\n\n"
        '  - id: third\n    when: z\n    because:\n      fr: "Trois."\n      en: "Three."\n'
        "    evidence: {sources: [A], verified: false}\n# the end\n"
    )


def test_keys_come_and_go() -> None:
    new = data()
    del new["duration"]
    new["rules"][1] = {"id": "second", "when": "x", "note": {"fr": "a", "en": "b"}, "verified": True}
    new["label"]["de"] = "Versuch"
    assert changed_lines(rewrite(TEXT, new)) == [
        '-label: {fr: Essai, en: "Trial"}',
        '+label: {fr: Essai, en: "Trial", de: Versuch}',
        "-duration: 45 min",
        "+    note:",
        '+      fr: "a"',
        '+      en: "b"',
    ]


@pytest.mark.parametrize(
    "words",
    [
        "no",
        "true",
        "12",
        "1.5",
        "a: b",
        "a #b",
        "- a",
        "[a]",
        "",
        " a",
        "a\n b",
        "é\u2028\x85\ufeff",
        "'",
        '"',
        "*a",
        "&a",
        "!a",
        "~",
    ],
)
def test_any_text_stays_that_text(words: str) -> None:
    new = data()
    new["duration"] = words
    new["traits"] = ["a", words]
    new["rules"][0]["when"]["all"][1] = words
    new["rules"][0]["because"]["en"] = words
    assert read_text(rewrite(TEXT, new), "")[0].data == new


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(RewriteError):
        rewrite("a: &x 1\nb: *x\n", {"a": 1})


# ---- any change of any real file -------------------------------------------------------------------------------------

FILES = {name: text.decode() for name, text in rule_files(RULES / "techniques").items()}


def shaken(part: Any, random: Random) -> Any:
    """The same data with some of it changed, taken out, doubled or moved in."""
    if isinstance(part, dict):
        return {key: shaken(value, random) for key, value in part.items()}
    if isinstance(part, list) and part:
        parts = [shaken(value, random) for value in part]
        if random.random() < 0.15:
            at = random.randrange(len(parts))
            fresh = copy.deepcopy(parts[at])
            if isinstance(fresh, dict) and "id" in fresh:
                fresh["id"] = f"new.{random.randrange(10**6)}"
            parts.insert(random.randrange(len(parts) + 1), fresh)
        if len(parts) > 1 and random.random() < 0.15:
            del parts[random.randrange(len(parts))]
        return parts
    if random.random() < 0.1:
        return random.choice(["changed", "a: b", 12, 1.5, True, {"all": ["x", {"not": "y"}]}, ["p", "q"]])
    return part


@given(name=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32))
@examples(25)
def test_a_file_shaken_anyhow_says_what_was_asked_for(name: str, seed: int) -> None:
    before, _ = read_text(FILES[name], name)
    new = shaken(before.data, seeded(seed))
    after, mistakes = read_text(rewrite(FILES[name], new), name)
    assert mistakes == []
    assert after.data == new
