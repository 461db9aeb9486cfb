"""Everything that a clinician reads in an answer, over all fixtures and in both languages: it reads well aloud."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from service.rulebook.model import STATUSES
from service.tell.terminal import render
from tests.fixtures.reading import accepted, answered, decider
from tests.tell.aloud import faults_of_sentence, faults_of_text

LANGUAGES = ("fr", "en")

#: texts that are whole sentences, by the key they stand under
SENTENCES = {"why", "why_here", "because", "precaution", "by_what", "action", "notice", "help"}
#: other texts that a person reads
PHRASES = {"plan", "label", "status_label", "provided_that", "anaesthesia_label", "within", "text", "from", "to"}
#: what is for machines alone
UNREAD = {"criterion", "sources", "source"}


def texts(told: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every text below."""
    if isinstance(told, str):
        yield key, told
    elif isinstance(told, dict):
        for name, inner in told.items():
            if name not in UNREAD:
                # "by" is a sentence in a correction and a delay in a benefit.
                renamed = "by_what" if name == "by" and "lead_time_hours" in told else name
                yield from texts(inner, key if name in ("fr", "en") else renamed)
    elif isinstance(told, list):
        for inner in told:
            yield from texts(inner, key)


@cache
def read(language: str) -> frozenset[tuple[str, str]]:
    """Every distinct text of every answer, with the key it stands under."""
    return frozenset(
        (key, text)
        for name in accepted()
        for detail in ("decisive", "full")
        for key, text in texts(answered(name, language, detail))
        if key in SENTENCES | PHRASES
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_clean(language: str) -> None:
    assert len(read(language)) > 1000
    faults = sorted(
        f"{key}: {fault}: {text}" for key, text in read(language) for fault in faults_of_text(text, language) if text
    )
    assert not faults, f"{len(faults)}\n" + "\n".join(faults[:40])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_its_capital_and_its_full_stop(language: str) -> None:
    faults = sorted(
        f"{key}: {fault}: {text}"
        for key, text in read(language)
        if key in SENTENCES and not re.match(r"[a-z]+[A-Z]", text)
        for fault in faults_of_sentence(text)
    )
    assert not faults, f"{len(faults)}\n" + "\n".join(faults[:40])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert sorted(key for key, text in read(language) if not text.strip()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_of_the_machine_is_read_to_a_person(language: str) -> None:
    """«lesion.matrix», «not_indicated» or «rule-id» in a sentence would be a word that nobody wrote for people."""
    rulebook = decider().rulebook
    names = {item for item in (*rulebook.vocabulary.items, *rulebook.rules) if "." in item or "_" in item}
    names |= {name for name in (*rulebook.techniques, *STATUSES) if "_" in name}
    named = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}(?![\w.])" for name in names))
    assert sorted(f"{key}: {text}" for key, text in read(language) if named.search(text)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_is_in_one_language(language: str) -> None:
    """Words that only the other language has, in any text."""
    other = (
        r"\b(the|with|and|before|of|is|not|to)\b"
        if language == "fr"
        else r"\b(le|la|les|des|avec|et|avant|est|une|du)\b"
    )
    allowed = re.compile(r"STOP|Mirels|SINS|de novo")
    found = sorted(
        f"{key}: {text}" for key, text in read(language) if re.search(other, text) and not allowed.search(text)
    )
    assert found == []


def options() -> Iterator[tuple[str, str, Any, Any]]:
    """Each option as told in French and in English."""
    for name in accepted():
        both = [answered(name, language, "full")["lesions"] for language in LANGUAGES]
        for french, english in zip(*both, strict=True):
            for one, other in zip(french["options"], english["options"], strict=True):
                yield name, french["id"], one, other


def test_both_languages_tell_the_same() -> None:
    """Same options, same order, same numbers; only the words differ."""
    for name, lesion, french, english in options():
        assert french["technique"] == english["technique"]
        for key, value in french.items():
            if key not in SENTENCES | PHRASES | {"precautions", "corrections", "benefits", "to_be_eligible"} | {
                "anaesthesia", "guidance", "stay", "questions", "to_verify", "may_call_for_precautions",
            }:  # fmt: skip
                assert value == english[key], (name, lesion, key)
        for key in ("precautions", "corrections", "benefits", "questions", "to_verify"):
            assert len(french[key]) == len(english[key]), (name, lesion, key)
        assert french["why"] != english["why"], (name, lesion, french["why"])


def test_the_reason_speaks_of_the_status() -> None:
    for name, _, french, english in options():
        status, why = french["status"], french["why"]
        if status == "undetermined":
            assert "condition" in why, (name, why)
            assert "provided that" in english["why"]
            assert french["provided_that"]
        if status == "deferred":
            assert french["corrections"], name
            for correction in french["corrections"]:
                assert correction["by"] in why, (name, why)
            assert "Possible à partir du" in why or "earliest" not in french
        if status == "cautioned":
            assert french["precautions"], name
            assert "Précaution" in why, (name, why)
            assert "Precaution" in english["why"]
        if status == "not_indicated":
            assert not french["arguments"]["indications"].keys() & {
                rule for rule, verdict in french["arguments"]["indications"].items() if verdict == "yes"
            }


def test_the_reason_of_an_open_or_planned_act_begins_with_its_indication() -> None:
    rules = decider().rulebook.rules
    for name, _, french, _ in options():
        holding = [rule for rule, verdict in french["arguments"].get("indications", {}).items() if verdict == "yes"]
        if french["status"] in ("eligible", "provisional", "cautioned", "deferred") and holding:
            reasons = [rules[rule.partition("@")[0]].because.fr for rule in holding]
            assert french["why"].startswith(tuple(reasons)), (name, french["why"])


# ---- in a terminal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", accepted())
def test_the_terminal_shows_the_answer_and_nothing_of_the_machine(name: str, language: str) -> None:
    answer = answered(name, language)
    text = render(answer, language)
    assert not re.search(r"None|\{|\}|\[\]|\(\)|'|\bnan\b|\binf\b|Traceback", text.replace("don't", "")), text
    assert "\t" not in text
    for line in text.splitlines():
        assert len(line) <= 100, line
        assert line == line.rstrip(), repr(line)
        assert not re.search(r"\S  +\S", line), line
    flowing = " ".join(text.split())
    for alert in answer["alerts"]:
        assert alert["label"] in flowing
    for lesion in answer["lesions"]:
        assert lesion["id"] in text
        for option in lesion["options"]:
            # A label inside an enumeration begins with a small letter; a line may end at a hyphen.
            assert "".join(option["label"].split()).casefold() in "".join(text.split()).casefold(), option["label"]
    assert answer["rulebook"]["digest"][:12] in text


def test_the_alert_is_the_first_line() -> None:
    for name in accepted():
        answer = answered(name, "fr")
        first = render(answer, "fr").splitlines()[0]
        assert first.startswith("!! ALERTE : " if answer["alerts"] else "== Lésion "), name


def test_the_shortlist_stands_before_the_rest_best_first() -> None:
    for name in accepted():
        for lesion in answered(name, "en")["lesions"]:
            ranks = [option["rank"] for option in lesion["options"]]
            assert ranks == list(range(1, len(ranks) + 1))
        text = render(answered(name, "en"), "en")
        shown = [int(found) for found in re.findall(r"^\s*(\d+)\. ", text.partition("== Lesion")[2], re.MULTILINE)]
        assert 1 in shown
