"""«Why this before that» for every two neighbours of every fixture: one true sentence."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from service.language.vocabulary import Text
from service.recommend.ranking import Ranked, first_difference
from service.recommend.recommendation import Recommendation
from service.referral.complaints import ReferralError
from service.tell.why import NotAnOption, why_before
from service.tell.words import STANDING, lower_first
from tests.fixtures.reading import accepted, answered, recommendations, recommended
from tests.tell.aloud import faults_of_sentence, faults_of_text

LANGUAGES = ("fr", "en")


@cache
def neighbours() -> list[tuple[Recommendation, str, Ranked, Ranked]]:
    return [
        (recommendation, lesion.judgement.lesion, ahead, behind)
        for _, recommendation in recommendations()
        for lesion in recommendation.lesions
        for ahead, behind in pairwise(lesion.ranked)
    ]


def told(recommendation: Recommendation, lesion: str, ahead: Ranked, behind: Ranked, language: str) -> str:
    return why_before(recommendation, lesion, ahead.option.technique.id, behind.option.technique.id, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_two_neighbours_are_told_apart_in_one_good_sentence(language: str) -> None:
    assert len(neighbours()) > 1500
    for recommendation, lesion, ahead, behind in neighbours():
        text = told(recommendation, lesion, ahead, behind, language)
        first, second = (each.option.technique.label.in_(language) for each in (ahead, behind))
        before = "before" if language == "en" else "avant"
        assert text.startswith(f"{first} {before} {lower_first(second)} — "), text
        assert list(faults_of_text(text, language)) == [], text
        assert list(faults_of_sentence(text)) == [], text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_key_that_is_named_is_the_first_that_differs_and_its_values_differ(language: str) -> None:
    versus = " against " if language == "en" else " contre "
    colon = ": " if language == "en" else " : "
    named = set()
    for recommendation, lesion, ahead, behind in neighbours():
        text = told(recommendation, lesion, ahead, behind, language)
        difference = first_difference(ahead, behind)
        if difference is None:
            assert ("alphabetical" if language == "en" else "alphabétique") in text
            assert ahead.option.technique.id < behind.option.technique.id
            continue
        name, better, worse = difference
        assert better < worse
        labels: dict[str, Text] = {key.name: key.label for key in recommendation.rulebook.ranking.keys}
        key, _, values = text.partition(" — ")[2].removesuffix(".").partition(colon)
        assert key == {**labels, "standing": STANDING}[name].in_(language)
        x, _, y = values.partition(versus)
        assert x
        assert y
        assert x != y, text
        named.add(name)
    assert {"standing", "strength", "status"} <= named


def test_it_does_not_matter_which_of_the_two_is_asked_about_first() -> None:
    for recommendation, lesion, ahead, behind in neighbours()[:200]:
        assert told(recommendation, lesion, ahead, behind, "fr") == told(recommendation, lesion, behind, ahead, "fr")


def test_any_two_options_can_be_asked_about() -> None:
    for recommendation, lesion, ranked in _lesions():
        first, last = ranked[0], ranked[-1]
        assert " — " in told(recommendation, lesion, first, last, "fr")
        break


def _lesions() -> Iterator[tuple[Recommendation, str, tuple[Ranked, ...]]]:
    for _, recommendation in recommendations():
        for lesion in recommendation.lesions:
            yield recommendation, lesion.judgement.lesion, lesion.ranked


def test_the_answer_says_the_same_of_each_place() -> None:
    for name in accepted():
        found = recommended(name)
        assert not isinstance(found, ReferralError)
        for lesion in answered(name, "fr")["lesions"]:
            options = lesion["options"]
            assert "why_here" not in options[0]
            for ahead, behind in pairwise(options):
                expected = why_before(found[0], lesion["id"], ahead["technique"], behind["technique"], "fr")
                assert behind["why_here"] == expected


def test_what_is_no_option_is_refused_with_those_that_are() -> None:
    recommendation, lesion, ranked = next(_lesions())
    with pytest.raises(NotAnOption) as refused:
        why_before(recommendation, lesion, "vertebroplasty", "vertebroplastie", "fr")
    assert refused.value.technique == "vertebroplastie"
    assert set(refused.value.known) == {each.option.technique.id for each in ranked}
