"""The rulebook in a real browser: accessible, within its window, with and without JavaScript, and on paper."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import Pages, axe, pdf_pages

PAGES = (
    "fr/index.html",
    "fr/techniques/ablation_vertebroplasty.html",
    "fr/rules/safety/bleeding.html",
    "en/scores.html",
    "fr/chain.html",
)


@pytest.mark.parametrize("width", [360, 1440])
def test_pages_are_accessible_and_stay_in_their_window(page_at: Pages, width: int) -> None:
    page = page_at(width, 800)
    for address in PAGES:
        page.goto(f"/rulebook/{address}")
        assert axe(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_the_menu_opens_on_a_telephone_without_javascript(page_at: Pages) -> None:
    page = page_at(360, 740, javascript=False)
    page.goto("/rulebook?lang=fr")
    expect(page.locator("#menu")).to_be_hidden()
    page.get_by_role("button", name="Sommaire").click()
    page.locator("#menu").get_by_role("link", name="Scores").click()
    expect(page).to_have_url(re.compile(r"/rulebook/fr/scores\.html$"))
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(re.compile(r"/rulebook/en/scores\.html$"))


def test_rules_are_found_by_their_words(page_at: Pages) -> None:
    page = page_at(1280, 800)
    page.goto("/rulebook/fr/rules/index.html")
    everything = page.locator("[data-row]:visible").count()
    page.get_by_label("Chercher dans les règles").fill("plaquettes introuvables")
    expect(page.get_by_role("status")).to_have_text("rien")
    page.get_by_label("Chercher dans les règles").fill("Medullaire")
    found = page.locator("[data-row]:visible")
    expect(page.get_by_role("status")).to_have_text(f"{found.count()} / {everything}")
    assert 0 < found.count() < everything
    page.locator("[data-row]:visible a").first.click()
    expect(page.locator("article:target")).to_be_visible()


def test_it_prints(page_at: Pages) -> None:
    page = page_at(1280, 800)
    page.goto("/rulebook/fr/chain.html")
    assert pdf_pages(page.pdf(prefer_css_page_size=True)) <= 6
    page.emulate_media(media="print")
    expect(page.locator("#menu")).to_be_hidden()
    expect(page.locator("svg.chain")).to_be_visible()
