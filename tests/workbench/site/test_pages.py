"""What single pages say, on the project's own rules with a few things added to them."""

from collections.abc import Callable

import pytest

from service.rulebook.model import Rulebook
from tests.workbench.site.reading import Page

Open = Callable[[str], Page]


def test_home_says_what_this_is_and_what_remains(page_of: Open, changed: Rulebook) -> None:
    text = page_of("fr/index.html").text.replace("\xa0", " ")
    assert changed.info.notice.fr in text
    assert "Un fichier à relire a dépassé sa date." in text
    unchecked = sum(not rule.evidence.verified for rule in changed.rules.values())
    assert f"dont {unchecked} règles" in text


def test_a_review_is_overdue_the_day_after_its_day(page_of: Open) -> None:
    text = page_of("en/review.html").text
    overdue, _, ahead = text.partition("Reviews to come")
    page = page_of("en/review.html")
    assert "review due since 24" in overdue
    assert "by 25" in ahead.split("files without")[0]
    assert "../en/rules/safety/bleeding.html".removeprefix("../en/") in page.links


def test_releases_are_told(page_of: Open) -> None:
    text = page_of("fr/changelog.html").text
    assert "Première version." in text
    assert "Membre A, Membre B" in text


def test_no_release_is_said(pages: dict[str, Page], book: Rulebook) -> None:
    assert book.releases == ()
    assert "Aucune version n’a encore été publiée." in pages["fr/changelog.html"].text


def test_a_source_cited_by_nothing_is_listed_and_escaped(page_of: Open) -> None:
    page = page_of("en/sources.html")
    assert "IDLE" in page.ids
    assert "cited by nothing" in page.text


def test_a_declared_exception_is_told_on_both_sides(page_of: Open) -> None:
    one = page_of("fr/rules/safety/access.html")
    other = page_of("fr/rules/alerts/general.html")
    assert "contredit exprès" in one.text
    assert "../alerts/general.html#alert.sepsis" in one.links
    assert "est contredite exprès par" in other.text
    assert "../safety/access.html#access.no-safe-path" in other.links


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            (
                "plaquettes < 50 G/L",
                "différer, le temps de corriger : tout acte de type « risque hémorragique élevé »",
                "Délai : 24 h.",
                "consensus d’experts",
            ),
        ),
        (
            "en",
            (
                "platelets < 50 G/L",
                "defer until corrected: every act of type «high bleeding risk»",
                "Time needed: 24 h.",
                "expert consensus",
            ),
        ),
    ],
)
def test_a_rule_is_told_in_sentences(pages: dict[str, Page], language: str, said: tuple[str, ...]) -> None:
    text = pages[f"{language}/rules/safety/bleeding.html"].text.replace("\xa0", " ")
    for each in said:
        assert each in text


def test_a_negated_condition_is_told_without_a_not(pages: dict[str, Page]) -> None:
    """not: any: [INR <= 1.5, PT >= 60 %] reads as: all of INR > 1.5, PT < 60 %."""
    text = pages["fr/rules/safety/bleeding.html"].text.replace("\xa0", " ")
    assert "toutes ces conditions : INR > 1,5 taux de prothrombine (TP) < 60 %" in text


def test_a_decision_table_holds_every_rule_that_bears_on_the_technique(pages: dict[str, Page], book: Rulebook) -> None:
    for name, dossier in book.dossiers.items():
        page = pages[f"en/techniques/{name}.html"]
        modes = [arguments for of_kind in dossier.modes.values() for arguments in of_kind.values()]
        bearing = {book.bound[place].rule.id for arguments in (dossier.own, *modes) for place in arguments.all()}
        told = {link.partition("#")[2] for link in page.links if link.startswith("../rules/")}
        assert bearing <= told


def test_a_score_is_a_table_of_points(pages: dict[str, Page]) -> None:
    text = pages["en/scores.html"].text
    assert "(140 − age) × weight × 1.23 / " in text
    assert "13–18" in text


def test_a_criterion_that_the_technique_settles_says_so(pages: dict[str, Page]) -> None:
    assert "(ici : 45 min, donc non)" in pages["fr/techniques/vertebroplasty.html"].text.replace("\xa0", " ")
