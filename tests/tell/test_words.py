"""The service's own words: all there in both languages, numbers, dates and durations as each language writes them."""

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES, MODE_KINDS, STATUSES, STRENGTHS
from service.rulebook.schema import MEASURES
from service.tell import answer, change, phrases, sentences, terminal, trace, values, why, words
from tests.fixtures.reading import ROOT
from tests.tell.aloud import faults_of_text

MODULES: tuple[ModuleType, ...] = (answer, change, phrases, sentences, terminal, trace, values, why, words)
#: the same word in both languages
ALIKE = {"indication", "indications"}


def texts_of(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_of(inner)


def all_texts() -> list[Text]:
    return [
        text
        for module in MODULES
        for name, value in vars(module).items()
        if name[:2] != "__"
        for text in texts_of(value)
    ]


def test_every_word_is_there_in_both_languages_and_translated() -> None:
    found = all_texts()
    assert len(found) >= 40
    for text in found:
        assert text.fr.strip(), text
        assert text.en.strip(), text
        assert text.fr != text.en or text.fr in ALIKE | {"maximum"}, text
        assert list(faults_of_text(text.fr, "fr")) == [], text
        assert list(faults_of_text(text.en, "en")) == [], text


def pairs_in_code(path: Path) -> Iterator[tuple[int, str, str]]:
    """Every `Text(fr, en)` and `self.of(fr, en)` written in code, its inserted parts left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and len(node.args) == 2:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("Text", "of", "wrong_type"):
                both = [_written(argument) for argument in node.args]
                if None not in both:
                    yield node.lineno, str(both[0]), str(both[1])


def _written(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


@pytest.mark.parametrize("folder", ["tell", "referral", "web", "cli"])
def test_every_pair_written_in_code_is_filled_on_both_sides(folder: str) -> None:
    found = [
        (f"{path.name}:{line}", fr, en)
        for path in sorted((ROOT / "service" / folder).rglob("*.py"))
        for line, fr, en in pairs_in_code(path)
    ]
    if folder in ("tell", "referral"):
        assert len(found) >= 10
    for place, french, english in found:
        # Examples of JSON keep their own punctuation.
        fr, en = (re.sub(r"\{.*\}", "", text) for text in (french, english))
        assert fr.strip(), place
        assert en.strip(), place
        inserted = re.compile("…")
        assert len(inserted.findall(fr)) == len(inserted.findall(en)), f"{place}: not the same parts on both sides"
        assert not re.search(r"[^\s\d…:][:;?!](\s|$)", fr), f"{place}: {fr}"
        assert not re.search(r"\w\s[:;?!](\s|$)", en), f"{place}: {en}"


def test_every_word_that_can_come_up_has_its_text() -> None:
    assert set(words.STATUS) == set(STATUSES)
    assert len(words.STRENGTH) == len(STRENGTHS) + 1
    assert len(words.CERTAINTY) == len(CERTAINTIES) + 1
    assert set(words.VERDICT) == {"yes", "no", "unknown"}
    assert set(words.KIND) == set(MODE_KINDS)
    assert set(words.MEASURE) == set(MEASURES)
    for texts in (words.STATUS, words.KIND, words.MEASURE):
        for language in ("fr", "en"):
            told = [text.in_(language) for text in texts.values()]
            assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("value", "fr", "en"),
    [(50.0, "50", "50"), (1.5, "1,5", "1.5"), (0.0, "0", "0"), (0.25, "0,25", "0.25"), (-2.5, "-2,5", "-2.5"), (1000.0, "1000", "1000")],
)  # fmt: skip
def test_numbers(value: float, fr: str, en: str) -> None:
    assert (words.number(value, "fr"), words.number(value, "en")) == (fr, en)


@pytest.mark.parametrize(
    ("hours", "fr", "en"),
    [
        (0.5, "30 min", "30 min"),
        (1, "1 h", "1 h"),
        (1.5, "1,5 h", "1.5 h"),
        (24, "24 h", "24 h"),
        (36, "36 h", "36 h"),
        (48, "2 jours", "2 days"),
        (72, "3 jours", "3 days"),
        (168, "1 semaine", "1 week"),
        (336, "2 semaines", "2 weeks"),
        (720, "1 mois", "1 month"),
        (2160, "3 mois", "3 months"),
        (8760, "1 an", "1 year"),
        (17520, "2 ans", "2 years"),
    ],
)
def test_durations(hours: float, fr: str, en: str) -> None:
    assert (words.duration(hours, "fr"), words.duration(hours, "en")) == (fr, en)


def test_dates() -> None:
    assert words.day(date(2026, 8, 1), "fr") == "1er août 2026"
    assert words.day(date(2026, 8, 1), "en") == "1 August 2026"
    assert words.day(date(2026, 12, 25), "fr") == "25 décembre 2026"
    assert words.day(datetime(2026, 2, 3, 7, 5), "fr") == "3 février 2026 à 07:05"  # noqa: DTZ001
    assert words.day(datetime(2026, 2, 3, 7, 5), "en") == "3 February 2026 at 07:05"  # noqa: DTZ001
    for language in ("fr", "en"):
        assert len({words.day(date(2026, month, 2), language) for month in range(1, 13)}) == 12


def test_lists_and_sentences() -> None:
    assert words.listed([], "fr") == ""
    assert words.listed(["a"], "fr") == "a"
    assert words.listed(["a", "b"], "fr") == "a et b"
    assert words.listed(["a", "b", "c"], "en") == "a, b and c"
    assert words.listed(["a", "b", "c"], "fr", Text("ou", "or")) == "a, b ou c"
    assert words.lower_first("Sacroplastie") == "sacroplastie"
    assert words.lower_first("INR") == "INR"
    assert words.lower_first("") == ""
    assert words.sentence("une phrase") == "Une phrase."
    assert words.sentence("Une phrase. ") == "Une phrase."
