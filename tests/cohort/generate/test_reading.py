"""The project's file of distributions is whole, and every mistake in another one is told at once, with the way to mend it."""

import re

import pytest

from service.cohort.generate.design import DesignError
from tests.cohort.generate.made import changed, design, text
from tests.strategies import rulebook


def mistakes(content: str) -> list[str]:
    with pytest.raises(DesignError) as caught:
        design(content)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_every_item_of_the_vocabulary_is_drawn() -> None:
    assert design().left_out == ()
    assert {each.item.id for each in design().drawn} == set(rulebook().vocabulary.items)


def test_every_distribution_says_where_it_comes_from() -> None:
    sources = design().sources
    assert {f"items.{item}" for item in rulebook().vocabulary.items} <= set(sources)
    assumptions = [each for given in sources.values() for each in given if each.startswith("assumption: ")]
    published = {each for given in sources.values() for each in given} - set(assumptions)
    assert published <= set(rulebook().sources)
    # A reason is a few words, and most of the file is honest about having no source.
    assert all(len(each.split()) >= 2 for each in assumptions)
    assert len(assumptions) > len(rulebook().vocabulary.items) * 0.9


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "  patient.ecog:\n    values",
            "  patient.ecgo:\n    values",
            "unknown item «patient.ecgo»; did you mean «patient.ecog»?",
        ),
        (
            "words: {none: 52, unilateral: 33",
            "words: {none: 52, unilatral: 33",
            "not a word of lesion.posterolateral «unilatral»; did you mean «unilateral»?",
        ),
        (
            "when: patient.sex is female\n        words: {breast: 50",
            "when: patient.sex is femal\n        words: {breast: 50",
            "not a word of patient.sex «femal»; did you mean «female»?",
        ),
        (
            "{0: 5.1, 3: 7.8, 15: 9.6",
            "{0: 0.1, 3: 7.8, 15: 9.6",
            "outside the plausible range of blood.haemoglobin (1 to 30) «0.1»",
        ),
        ("{0: 5.1, 3: 7.8, 15: 9.6", "{0: 5.1, 3: 4.8, 15: 9.6", "the values must not fall while the percentages rise"),
        ("{0: 5.1, 3: 7.8, 15: 9.6", "{1: 5.1, 3: 7.8, 15: 9.6", "the percentages must rise from 0 to 100"),
        (
            "quantiles: {0: 5.1, 3: 7.8",
            "share: 3\n    quantiles: {0: 5.1, 3: 7.8",
            "a number is drawn by «quantiles» or «values»",
        ),
        ("source: [CIANFONI15,", "source: [CIANFONI51,", "did you mean «CIANFONI15»?"),
        ("ago: {0: 15 min, 20: 4 h", "ago: {0: 15 minutes, 20: 4 h", "unknown unit of time"),
        (
            "list: medications, word: dabigatran",
            "list: medications, word: dabigatrn",
            "not a word of medications «dabigatrn»; did you mean «dabigatran»?",
        ),
        (
            "{american: mg/dL, older: mg/L, metric: umol/L}",
            "{american: mg/dl3, older: mg/L, metric: umol/L}",
            "not a unit of blood.creatinine «mg/dl3»",
        ),
        (
            "{american: mg/dL, older: mg/L, metric: umol/L}",
            "{americain: mg/dL, older: mg/L}",
            "unknown kind of laboratory «americain»; did you mean «american»?",
        ),
        ("      blood: {whole: 9, each: 10}\n", "", "the section «blood» of the vocabulary is missing"),
        ("      devices: {complete: 60, forgotten: 8, denied: 20}\n", "", "the list «devices» is missing"),
        ("items: [body.weight]", "items: [blood.inr, body.weight]", "has a date already, in a group above «blood.inr»"),
        ("applies: lesion.site is acetabulum", "applies: score.sins > 3", "unknown score «score.sins»"),
        (
            "applies: lesion.site is acetabulum",
            "applies: technique.duration > 3 min",
            "no technique is chosen when a patient is drawn",
        ),
        ("    distinct: true\n", "    distinct: maybe\n", "true or false is needed"),
        (
            "      - {when: neuro.new_deficit, share: 55}",
            "      - {when: lesion.fracture, share: 55}",
            "ask about any_lesion or every_lesion of the patient «lesion.fracture»",
        ),
        (
            "when: thrombosis.recent, ago",
            "when: pain.improving, ago",
            "is drawn further below: draw it first «pain.improving»",
        ),
        ("one_of: {warfarin: 55,", "one_of: {warfarin: 95,", "more than 100 percent in all"),
        ("  lesion.side:\n    cases:", "  lesion.side:\n    case:", "unknown key «case»; did you mean «cases»?"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_way_to_mend_it(before: str, after: str, told: str) -> None:
    content = changed((before, after))
    found = mistakes(content)
    assert any(told in each for each in found), found
    line = content[: content.index(after)].count("\n") + 1
    lines = [int(re.match(r"distributions\.yaml:(\d+):\d+: ", each).group(1)) for each in found]  # type: ignore[union-attr]  # each has a place
    if after:
        assert any(abs(at - line) <= 6 for at in lines), found


def test_all_mistakes_are_told_at_once() -> None:
    content = changed(
        ("words: {none: 52, unilateral: 33", "words: {none: 52, unilatral: 33"),
        ("source: [CIANFONI15,", "source: [NOBODY,"),
        ("items: [body.weight]", "items: [body.wieght]"),
    )
    assert len(mistakes(content)) == 3


@pytest.mark.parametrize("content", ["", "items: {}", "- a list", "items: &anchor {}", "\x00"])
def test_what_is_no_such_file_is_told(content: str) -> None:
    assert mistakes(content)


def test_the_last_case_is_for_all_who_are_left() -> None:
    content = changed(
        (
            "      - {when: patient.age <= 45 y, share: 2}\n      - share: 0.1",
            "      - {when: patient.age <= 45 y, share: 2}",
        )
    )
    assert any("the last case is for all who are left" in each for each in mistakes(content))


def test_an_item_that_nobody_draws_is_told_and_no_mistake() -> None:
    block = text()[text().index("  pain.improving:") : text().index("  pain.nrs_in_position:")]
    assert design(changed((block, ""))).left_out == ("pain.improving",)
