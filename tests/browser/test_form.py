"""The journeys of a clinician through the form, in a real browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.browsing import Pages, axe, pdf_pages

EXAMPLE = "/?example={}&lang={}"
STATES = {
    "empty": "/?lang={}",
    "deferral": EXAMPLE.replace("{}", "apixaban-yesterday", 1),
    "alert": EXAMPLE.replace("{}", "alert-cord-compression", 1),
    "incomplete": EXAMPLE.replace("{}", "medications-incomplete", 1),
    "refused": EXAMPLE.replace("{}", "platelets-implausible", 1),
    "several": EXAMPLE.replace("{}", "three-sites", 1),
    "examples": "/examples?lang={}",
}


def choose(page: Page, control: str, answer: str) -> None:
    """Presses one answer of a control."""
    page.locator(f'[id="f-{control}"]').get_by_label(answer, exact=True).check()


def result(page: Page) -> str:
    return page.locator("#result").inner_text()


def enter_l2_on_apixaban(page: Page) -> None:
    """The case of the README: a painful L2 under apixaban, as someone enters it who sees the page for the first time."""
    page.locator('.picture [data-level="L2"]').first.click()
    expect(page.locator("#lesion0-title")).to_contain_text("L2")
    page.locator('[id="f-lesion0-pain.nrs-v"]').fill("8")
    choose(page, "lesion0-pain.mechanical", "Oui")
    choose(page, "lesion0-lesion.matrix", "lytique")
    page.locator('[id="f-patient-medications"]').get_by_label("apixaban", exact=True).first.check()
    page.locator('[name="patient:last_dose.apixaban:day"]').fill(
        page.locator('[name="patient:recorded_at:day"]').input_value()
    )
    expect(page.locator("#result")).to_contain_text("Arrêter l’apixaban")


def test_a_painful_l2_on_apixaban_is_entered_and_understood(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")
    expect(page.locator("#result")).to_contain_text("Montrer la lésion")
    enter_l2_on_apixaban(page)
    first = page.locator("#result .r-card").first
    expect(first).to_contain_text("à différer")
    expect(page.locator("#legend")).to_contain_text("à différer")
    expect(page.locator("#status")).to_contain_text("L2")
    # The next questions come by themselves, and an answer leads to others.
    questions = page.locator('[data-zone="questions"] > .field')
    expect(questions.first).to_be_visible()
    before = questions.count()
    assert 0 < before <= 4
    asked = questions.first.get_attribute("id")
    questions.first.locator(".answers label").first.click()
    expect(page.locator(f'#asked [data-control="{asked}"]')).to_have_count(0)
    expect(page.locator(f'[data-zone="questions"] > [id="{asked}"]')).to_be_visible()
    assert questions.count() > 1
    assert axe(page) == []


@pytest.mark.parametrize(("width", "language", "unfolded"), [(360, "fr", True), (1440, "en", False)])
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible_and_fits_the_screen(
    page_at: Pages, state: str, width: int, language: str, unfolded: bool
) -> None:
    page = page_at(width, 900, locale="fr-FR" if language == "fr" else "en-GB")
    page.goto(STATES[state].format(language))
    if unfolded:
        # The menu is left folded: it covers what stands below it, and is opened by itself elsewhere.
        page.evaluate("document.querySelectorAll('details:not(.menu, .trace)').forEach(each => { each.open = true })")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_menu_and_the_trace_are_accessible(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto(EXAMPLE.format("three-sites", "fr"))
    page.get_by_text("Fichier").click()
    page.locator("#trace > summary").click()
    expect(page.locator("#trace-body code").first).to_be_attached()
    assert axe(page) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_plain_form_works_without_javascript(page_at: Pages, language: str) -> None:
    page = page_at(360, 800, javascript=False, locale="fr-FR" if language == "fr" else "en-GB")
    words = {
        "fr": ("Niveau", "Ajouter", "Voir la recommandation", "à différer"),
        "en": ("Level", "Add", "See the recommendation", "to be deferred"),
    }
    level, add, see, deferred = words[language]
    page.goto(f"/?lang={language}")
    page.get_by_label(level).first.select_option("L2")
    page.get_by_role("button", name=add, exact=True).click()
    page.locator('[name="lesion0:pain.nrs:value"]').fill("8")
    page.locator('[name="lesion0:pain.mechanical:value"][value=yes]').check()
    page.locator('[name="lesion0:lesion.matrix:value"][value=lytic]').check()
    page.locator('[name="patient:medications:present"][value=apixaban]').check()
    page.get_by_role("button", name=see).click()
    page.locator('[name="patient:last_dose.apixaban:day"]').fill(
        page.locator('[name="patient:recorded_at:day"]').input_value()
    )
    page.get_by_role("button", name=see).click()
    expect(page.locator("#result .r-card").first).to_contain_text(deferred)
    assert page.locator('[name="lesion0:pain.nrs:value"]').input_value() == "8"


def test_keyboard_alone(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached with the Tab key")

    def choose_here() -> None:
        """Space, as a person presses it: again if the answer that arrived just then swallowed it."""
        for _ in range(3):
            page.keyboard.press("Space")
            page.wait_for_timeout(150)
            if page.evaluate("document.activeElement.checked === true"):
                return
        raise AssertionError("the choice is not taken with the space bar")

    tab_to(".skip", 1)
    tab_to("#add-site")
    page.keyboard.type("vertèbre")
    tab_to("#add-level", 1)
    page.keyboard.type("L2")
    tab_to("#add", 2)
    page.keyboard.press("Enter")
    expect(page.locator("#lesion0-title")).to_be_focused()
    tab_to('[name="lesion0:pain.nrs:value"]')
    page.keyboard.type("8")
    tab_to('[name="lesion0:pain.mechanical:value"]')
    choose_here()
    expect(page.locator("#result .r-card").first).to_be_visible()
    tab_to('[name="lesion0:lesion.matrix:value"]')
    choose_here()
    expect(page.locator("#status")).to_contain_text("Vertébroplastie")
    # What is typed is not disturbed by the answer that arrives.
    assert page.evaluate("document.activeElement.name") == "lesion0:lesion.matrix:value"


def test_the_page_does_not_jump_while_one_types(page_at: Pages) -> None:
    page = page_at(1440, 700)
    page.goto(EXAMPLE.format("apixaban-yesterday", "fr"))
    field = page.locator('[id="f-patient-blood.platelets-v"]')
    field.scroll_into_view_if_needed()
    field.click()
    before = (page.evaluate("scrollY"), field.bounding_box())
    field.fill("40")
    expect(page.locator("#result")).to_contain_text(re.compile("plaquettes", re.IGNORECASE))
    assert (page.evaluate("scrollY"), field.bounding_box()) == before
    expect(field).to_be_focused()


def test_bad_input_is_told_beside_its_field_and_stays(page_at: Pages) -> None:
    page = page_at(1440, 900, locale="en-GB")
    page.goto(EXAMPLE.format("apixaban-yesterday", "en"))
    field = page.locator('[id="f-patient-blood.platelets"]')
    field.get_by_role("textbox").first.fill("150,000")
    expect(field).to_contain_text("can be read in two ways")
    expect(field.get_by_role("textbox").first).to_have_attribute("aria-invalid", "true")
    expect(field.get_by_role("textbox").first).to_have_value("150,000")
    expect(page.locator("#faults")).to_contain_text("Platelets")
    field.get_by_role("textbox").first.fill("150 000 /mm3")
    expect(page.locator("#faults")).to_be_empty()
    expect(field.locator(".fault")).to_be_empty()


def test_what_is_typed_while_an_answer_is_on_its_way_is_not_undone(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")

    def slowly(route: Route) -> None:
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/?lang=fr", slowly)
    page.locator('.picture [data-level="L2"]').first.click()
    expect(page.locator("#lesion0-title")).to_contain_text("L2")
    # A second lesion is asked for, and meanwhile the first is described.
    page.locator('.picture [data-site="scapula"]').first.click()
    page.locator('[id="f-lesion0-pain.nrs-v"]').fill("8")
    choose(page, "lesion0-lesion.matrix", "lytique")
    expect(page.locator("#lesion1-title")).to_contain_text("Scapula")
    expect(page.locator("#result .r-card").first).to_be_visible()
    page.wait_for_timeout(4000)
    assert page.locator('[id="f-lesion0-pain.nrs-v"]').input_value() == "8"
    assert page.locator('[name="lesion0:lesion.matrix:value"][value=lytic]').is_checked()


def test_two_clicks_on_the_drawing_and_a_removal_are_all_heard(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")

    def slowly(route: Route) -> None:
        # Long enough for one press to wait behind another: on a quick machine nothing would ever queue.
        page.wait_for_timeout(900)
        route.continue_()

    page.route("**/?lang=fr", slowly)
    page.locator('.picture [data-level="L2"]').first.click()
    page.locator('.picture [data-level="L4"]').first.click()
    expect(page.locator(".lesion")).to_have_count(2)
    page.locator('[id="f-lesion1-pain.nrs-v"]').fill("8")
    page.wait_for_timeout(450)
    page.locator("#lesion0").get_by_role("button", name="Retirer").click()
    page.locator('[id="f-patient-blood.platelets-v"]').fill("150")
    expect(page.locator(".lesion")).to_have_count(1)
    expect(page.locator("#lesion0-title")).to_contain_text("L4")
    expect(page.locator('[id="f-lesion0-pain.nrs-v"]')).to_have_value("8")


def test_not_known_and_a_value_exclude_each_other(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")
    platelets = page.locator('[id="f-patient-blood.platelets"]')
    platelets.get_by_label("Non connu").check()
    page.locator('[id="f-patient-blood.platelets-v"]').fill("61")
    expect(platelets.get_by_label("Non connu")).not_to_be_checked()
    platelets.get_by_label("Non connu").check()
    expect(page.locator('[id="f-patient-blood.platelets-v"]')).to_have_value("")


def test_an_example_does_not_take_the_place_of_what_the_tab_keeps(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")
    enter_l2_on_apixaban(page)
    page.wait_for_timeout(500)
    page.goto(EXAMPLE.format("alert-cord-compression", "fr"))
    expect(page.locator("#lesion0-title")).to_contain_text("T8")
    page.goto("/?lang=fr")
    expect(page.locator("#lesion0-title")).to_contain_text("L2")


def test_the_language_changes_and_what_was_typed_stays(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto(EXAMPLE.format("apixaban-yesterday", "fr"))
    page.locator('[id="f-patient-blood.platelets-v"]').fill("61")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator('[id="f-patient-blood.platelets-v"]')).to_have_value("61")
    expect(page.locator("#result .r-card").first).to_contain_text("Vertebroplasty")


def test_a_reload_loses_nothing_and_another_tab_knows_nothing(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")
    enter_l2_on_apixaban(page)
    page.wait_for_timeout(300)
    page.reload()
    expect(page.locator("#result .r-card").first).to_contain_text("à différer")
    expect(page.locator('[id="f-lesion0-pain.nrs-v"]')).to_have_value("8")
    page.goto("/v1/docs")
    page.go_back()
    expect(page.locator("#result .r-card").first).to_contain_text("à différer")
    other = page.context.new_page()
    other.goto("/?lang=fr")
    expect(other.locator("#result")).to_contain_text("Montrer la lésion")
    page.get_by_text("Fichier").click()
    page.get_by_role("link", name="Recommencer à vide").click()
    expect(page.locator("#result")).to_contain_text("Montrer la lésion")
    assert page.context.cookies() == []


def test_a_second_click_on_a_marked_bone_goes_to_its_lesion(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto("/?lang=fr")
    page.locator('.picture [data-level="L2"]').first.click()
    expect(page.locator("#lesion0-title")).to_be_focused()
    page.locator('.picture [data-site="femoral_neck"][data-side="left"]').first.click()
    expect(page.locator("#lesion1-title")).to_contain_text("Col fémoral, gauche")
    page.locator('.picture [data-level="L2"]').first.click()
    expect(page.locator("#lesion0-title")).to_be_focused()
    assert page.locator(".lesion").count() == 2
    expect(page.locator(".marks .mark").first).to_be_attached()
    # A question of the second lesion that is being asked must not outlive the first.
    expect(page.locator('[data-zone="questions"] [id^="f-lesion"]').first).to_be_visible()
    page.locator("#lesion0").get_by_role("button", name="Retirer").click()
    expect(page.locator(".lesion")).to_have_count(1)
    expect(page.locator("#lesion0-title")).to_contain_text("Col fémoral")
    assert page.locator('[id^="f-lesion1"]').count() == 0
    ids = page.locator(".field").evaluate_all("all => all.map(each => each.id)")
    assert len(ids) == len(set(ids))


def test_what_if(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto(EXAMPLE.format("apixaban-yesterday", "fr"))
    page.get_by_label("Valeur à changer").select_option("patient:last_dose.apixaban")
    day = page.locator('[name="what|patient:last_dose.apixaban:day"]')
    day.fill("2026-11-15")
    expect(page.locator("#sides")).to_contain_text("Vertébroplastie")
    expect(page.locator("#sides")).to_contain_text("à différer")
    expect(page.locator('[name="patient:last_dose.apixaban:day"]')).to_have_value("2026-11-22")
    assert axe(page) == []


@pytest.mark.parametrize(
    "name", ["apixaban-yesterday", "alert-cord-compression", "five-vertebrae", "three-sites", "medications-incomplete"]
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_sheet_for_the_meeting_is_one_page(page_at: Pages, name: str, language: str) -> None:
    page = page_at(1000, 1400, locale="fr-FR" if language == "fr" else "en-GB")
    page.goto(EXAMPLE.format(name, language))
    with page.context.expect_page() as opened:
        page.get_by_role("button", name=re.compile("RCP|MDT")).click()
    sheet = opened.value
    sheet.wait_for_load_state()
    assert pdf_pages(sheet.pdf(format="A4", prefer_css_page_size=True)) == 1
    assert re.search(r"[0-9a-f]{12}", sheet.inner_text("body"))
    assert axe(sheet) == []


def test_save_and_open_a_referral(page_at: Pages, tmp_path: Path) -> None:
    page = page_at(1440, 900)
    page.goto(EXAMPLE.format("two-lesions-one-unstable", "fr"))
    page.get_by_text("Fichier").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Enregistrer").click()
    file = tmp_path / "referral.json"
    saved.value.save_as(file)
    referral = json.loads(file.read_text(encoding="utf-8"))
    assert len(referral["lesions"]) == 2
    page.goto("/?lang=fr")
    page.goto("/examples?lang=fr")
    page.get_by_role("link", name="Formulaire vide").click()
    page.get_by_text("Fichier").click()
    page.get_by_label("Ouvrir un cas").set_input_files(file)
    page.get_by_role("button", name="Ouvrir", exact=True).click()
    expect(page.locator(".lesion")).to_have_count(2)


def test_the_trace_opens_with_values_dates_limits_and_sources(page_at: Pages) -> None:
    page = page_at(1440, 900, locale="en-GB")
    page.goto(EXAMPLE.format("apixaban-yesterday", "en"))
    page.locator("#trace > summary").click()
    trace = page.locator("#trace-body")
    expect(trace).to_contain_text("anticoagulant.apixaban-hold")
    expect(trace).to_contain_text("GIHP15")


def test_what_was_open_stays_open_when_the_answer_changes(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto(EXAMPLE.format("apixaban-yesterday", "fr"))
    details = page.locator("#result .r-card details[id]").first
    details.locator("summary").first.click()
    name = details.get_attribute("id")
    page.locator('[id="f-lesion0-pain.nrs-v"]').fill("7")
    expect(page.locator("#result")).not_to_have_class("htmx-swapping")
    page.wait_for_timeout(1500)
    assert page.locator(f'[id="{name}"]').get_attribute("open") is not None


def test_a_service_that_stops_is_told_and_nothing_is_lost(page_at: Pages) -> None:
    page = page_at(1440, 900, expected="htmx:|Failed to load")
    page.goto(EXAMPLE.format("apixaban-yesterday", "fr"))
    page.route("**/*", lambda route: route.abort())
    page.locator('[id="f-patient-blood.platelets-v"]').fill("61")
    expect(page.get_by_role("alert")).to_contain_text("Le service ne répond pas")
    expect(page.locator('[id="f-patient-blood.platelets-v"]')).to_have_value("61")
    page.unroute("**/*")
    page.locator('[id="f-patient-blood.platelets-v"]').fill("62")
    expect(page.locator("#result .r-card").first).to_be_visible()
