"""The committee's workbench in a real browser: a threshold is changed, checked, proved, tested, and taken away."""

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.browsing import Pages, axe

FILE = "safety/bleeding.yaml"
RULE = "bleeding.platelets-low"
EDIT = f"/committee/edit?rule={RULE}&lang={{}}"
#: a computation on a machine that others use
LONG = 280_000


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "rules" / FILE).read_text(encoding="utf-8")


@pytest.fixture
def loosened(text: str) -> str:
    return text.replace("blood.platelets < 50 G/L", "blood.platelets < 45 G/L", 1)


def write(page: Page, before: str, after: str) -> None:
    """Selects a part of the text as with a mouse, and types over it."""
    field = page.locator("#text")
    field.evaluate(
        """(field, before) => {
            const start = field.value.indexOf(before);
            if (start < 0) throw new Error(`${before} is not there`);
            field.focus();
            field.setSelectionRange(start, start + before.length);
        }""",
        before,
    )
    page.keyboard.type(after)


def press(page: Page, task: str) -> None:
    page.locator(f".c-run[value={task}]").click()


def fits(page: Page) -> bool:
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return wide <= page.viewport_size["width"]  # type: ignore[index]


def test_a_committee_changes_a_threshold(page_at: Pages, loosened: str, text: str, tmp_path: Path) -> None:
    page = page_at(1440, 900)
    # Found by words of its sentence.
    page.goto("/committee?lang=fr")
    page.get_by_label("Mots de la règle").fill("haut risque hémorragique 50 plaquettes")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Un acte à haut risque hémorragique demande au moins 50 G/L de plaquettes.").click()
    expect(page.locator("#reading")).to_contain_text("plaquettes < 50 G/L")
    expect(page.locator(".c-marks .c-own")).to_have_count(1)
    # The rule is in sight.
    assert page.locator("#text").evaluate("field => field.scrollTop") > 0

    # A slip is told as it is typed, with its line and the right word, and leads back to it.
    write(page, "blood.platelets < 50 G/L", "blod.platelets < 45 G/L")
    expect(page.locator(".c-mistakes")).to_contain_text("item inconnu « blod.platelets »")
    expect(page.locator(".c-mistakes")).to_contain_text("vouliez-vous dire « blood.platelets »")
    expect(page.locator("#say")).to_have_text("1 erreur, ligne 43")
    expect(page.locator(".c-gutter .c-wrong")).to_have_text("43")
    expect(page.locator("#text")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#reading")).to_contain_text("telle qu’elle est en service")
    assert axe(page) == []
    page.locator(".c-mistakes a").click()
    assert page.evaluate("getSelection().toString()") == "blod.platelets"

    # Mended; the rule reads as it is now.
    page.keyboard.type("blood.platelets")
    expect(page.locator("#state .c-say")).to_have_text("Se lit sans erreur · 1 ligne modifiée")
    expect(page.locator("#reading .c-now")).to_have_text("plaquettes < 45 G/L")
    expect(page.locator("#reading .c-gone")).to_have_text("plaquettes < 50 G/L")
    expect(page.locator(".c-gutter .c-changed")).to_have_text("43")

    # Check: the sentence still says 50.
    press(page, "check")
    expect(page.locator("#job progress")).to_be_visible()
    expect(page.locator("#job .c-headline")).to_contain_text("à relire", timeout=LONG)
    expect(page.locator("#job .c-point").first).to_contain_text("45 G/L")
    page.locator("#job a.goto").first.click()
    expect(page.locator("#text")).to_be_focused()

    # Test: the table of limits wants 49 G/L to defer.
    press(page, "test")
    expect(page.locator("#job-label")).to_contain_text("Cas décidés", timeout=LONG)
    expect(page.locator("#job .c-headline")).to_contain_text("table de seuils", timeout=LONG)
    expect(page.locator("#job .c-said").first).to_contain_text("plaquettes : 49 G/L")
    expect(page.locator("#say")).to_contain_text("table de seuils")
    assert axe(page) == []

    # Impact: in words, by proof, with a picture and patients.
    press(page, "impact")
    expect(page.locator("#job .c-headline")).to_contain_text("plus permissif", timeout=LONG)
    expect(page.locator("#job .c-point").first).to_contain_text("50 → 45 G/L")
    expect(page.locator("#job img.c-picture")).to_be_visible()
    assert page.locator("#job img.c-picture").evaluate("image => image.complete && image.naturalWidth > 0")
    assert axe(page) == []
    with page.expect_popup() as opened:
        page.locator("#job").get_by_role("link", name="Ouvrir dans le formulaire").last.click()
    form = opened.value
    expect(form.locator(".notice").first).to_contain_text("règles en service, pas du brouillon")
    expect(form.locator("#result .r-card").first).to_be_visible()
    form.close()
    with page.expect_download() as saved:
        page.locator("#job").get_by_role("link", name="Enregistrer comme cas").last.click()
    assert "personne ne l’a approuvée" in Path(saved.value.path()).read_text(encoding="utf-8")

    # Prove, and think better of it.
    press(page, "prove")
    expect(page.locator("#job-title")).to_have_text("Preuve")
    expect(page.locator("#job progress")).to_be_visible()
    page.get_by_role("button", name="Annuler le calcul").click()
    expect(page.locator("#job")).to_contain_text("Calcul annulé. Le brouillon est intact.")
    expect(page.locator(".c-run[value=prove]")).to_have_attribute("aria-disabled", "false")

    # Taken away.
    with page.expect_download() as saved:
        page.get_by_role("button", name="Télécharger le fichier").click()
    assert saved.value.suggested_filename == "bleeding.yaml"
    assert Path(saved.value.path()).read_text(encoding="utf-8") == loosened
    with page.expect_download() as saved:
        page.get_by_role("button", name="Télécharger les différences").click()
    assert "+    when: blood.platelets < 45 G/L" in Path(saved.value.path()).read_text(encoding="utf-8")
    assert page.locator("#text").input_value() == loosened != text


def test_what_is_typed_is_never_lost(page_at: Pages, loosened: str, text: str) -> None:
    page = page_at(1440, 900)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.goto(EDIT.format("fr"))
    write(page, "blood.platelets < 50", "blood.platelets < 45")
    expect(page.locator("#state .c-say")).to_contain_text("1 ligne modifiée")
    # A reload leaves the page: the browser warns, and the tab has kept the draft.
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.locator("#text")).to_have_value(loosened)
    expect(page.locator("#restored")).to_contain_text("a été repris")
    expect(page.locator("#state .c-say")).to_contain_text("1 ligne modifiée")
    # Within the service nothing is lost, so nothing is asked.
    page.get_by_role("link", name="Toutes les règles").click()
    page.goto(EDIT.format("fr"))
    expect(page.locator("#text")).to_have_value(loosened)
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#text")).to_have_value(loosened)
    expect(page.locator("#state .c-say")).to_contain_text("1 line changed")
    # Another rule of the same file is read in the same draft.
    page.get_by_label("Rule", exact=True).select_option("bleeding.platelets-very-low")
    expect(page.locator("#reading")).to_contain_text("platelets < 20 G/L")
    assert "bleeding.platelets-very-low" in page.url
    assert page.locator("#text").input_value() == loosened
    # Given up only when asked to.
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="Back to the text in use").click()
    expect(page.locator("#text")).to_have_value(text)
    assert asked == ["beforeunload", "confirm"]
    expect(page.locator("#state .c-say")).to_contain_text("nothing is changed")


def test_a_dead_service_loses_nothing(page_at: Pages, loosened: str) -> None:
    page = page_at(1440, 900, expected="Failed to load resource|net::ERR")
    page.goto(EDIT.format("fr"))
    page.route("**/committee/typed*", lambda route: route.abort())
    write(page, "blood.platelets < 50", "blood.platelets < 45")
    expect(page.locator("#state .c-summary")).to_contain_text("Le service ne répond pas")
    page.unroute("**/committee/typed*")
    page.keyboard.press("End")
    page.keyboard.type(" ")
    expect(page.locator("#state .c-say")).to_contain_text("1 ligne modifiée")
    page.keyboard.press("Backspace")
    expect(page.locator("#text")).to_have_value(loosened)


def test_a_second_computation_waits_its_turn_and_says_so(page_at: Pages) -> None:
    first, second = page_at(1440, 900), page_at(1440, 900, expected="status of 409")
    for page in (first, second):
        page.goto(EDIT.format("fr"))
    press(first, "prove")
    expect(first.locator("#job progress")).to_be_visible()
    press(second, "check")
    expect(second.locator("#waiting")).to_contain_text("Le service calcule déjà autre chose (preuve, depuis")
    expect(second.locator("#waiting")).to_contain_text("attend son tour")
    assert axe(second) == []
    first.get_by_role("button", name="Annuler le calcul").click()
    expect(second.locator("#job .c-headline")).to_contain_text("Aucune erreur", timeout=LONG)
    expect(second.locator("#waiting")).to_be_hidden()


def test_keyboard_alone(page_at: Pages) -> None:
    page = page_at(1440, 900)
    page.goto(f"/committee?q={RULE}&lang=en")

    def tab_to(selector: str, most: int = 40) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached with the Tab key")

    tab_to(".skip", 1)
    tab_to(f'.c-topic a[href*="{RULE}"]')
    page.keyboard.press("Enter")
    expect(page.locator("#reading")).to_contain_text("platelets < 50 G/L")
    tab_to(".skip", 1)
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    # To the end of the file, where a stray word is a mistake.
    page.keyboard.press("Control+End")
    page.keyboard.type("stray")
    expect(page.locator("#say")).to_contain_text("mistake")
    tab_to(".c-mistakes a")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Control+End")
    for _ in "stray":
        page.keyboard.press("Backspace")
    expect(page.locator("#state .c-say")).to_contain_text("nothing is changed")
    tab_to(".c-run[value=prove]")
    page.keyboard.press("Enter")
    tab_to(".c-cancel button")
    # Progress does not take the button away from under the fingers.
    page.wait_for_timeout(2000)
    page.keyboard.press("Enter")
    expect(page.locator("#job")).to_contain_text("Computation cancelled")
    expect(page.locator("#job-title")).to_be_focused()


@pytest.mark.parametrize(("width", "language"), [(360, "fr"), (1440, "en")])
def test_without_javascript(page_at: Pages, loosened: str, width: int, language: str) -> None:
    words = {
        "fr": (
            "Contrôler",
            "Prouver",
            "Annuler le calcul",
            "Calcul annulé",
            "à relire",
            "erreur",
            "Télécharger le fichier",
        ),
        "en": ("Check", "Prove", "Cancel the computation", "cancelled", "to read", "mistake", "Download the file"),
    }[language]
    check, prove, cancel, cancelled, remarks, mistake, download = words
    page = page_at(width, 900, javascript=False, locale="fr-FR" if language == "fr" else "en-GB")
    page.goto(EDIT.format(language))
    field = page.locator("#text")
    field.fill(loosened.replace("blood.platelets < 45", "blod.platelets < 45"))
    page.get_by_role("button", name=check).click()
    # The page comes back by itself until the computation has ended.
    expect(page.locator("#job .c-summary")).to_contain_text(mistake, timeout=LONG)
    expect(page.locator(".c-mistakes")).to_contain_text("blood.platelets")
    field.fill(loosened)
    page.get_by_role("button", name=check).click()
    expect(page.locator("#job .c-headline")).to_contain_text(remarks, timeout=LONG)
    assert field.input_value() == loosened
    page.get_by_role("button", name=prove).click()
    expect(page.locator("#job progress")).to_be_visible()
    page.get_by_role("button", name=cancel).click()
    expect(page.locator("#job")).to_contain_text(cancelled)
    assert field.input_value() == loosened
    with page.expect_download() as saved:
        page.get_by_role("button", name=download).click()
    assert Path(saved.value.path()).read_text(encoding="utf-8") == loosened
    assert fits(page)


@pytest.mark.parametrize(("width", "language"), [(360, "fr"), (1440, "en")])
def test_every_page_is_accessible_and_fits_the_screen(page_at: Pages, width: int, language: str) -> None:
    page = page_at(width, 900, locale="fr-FR" if language == "fr" else "en-GB")
    for address in (
        "/committee?lang={}",
        "/committee?q=plaquettes&lang={}",
        "/committee?q=nowhere&lang={}",
        "/committee/edit?file=site.yaml&lang={}",
        EDIT,
    ):
        page.goto(address.format(language))
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert axe(page) == [], address
        assert fits(page), address
    write(page, "blood.platelets < 50", "blod.platelets < 45")
    expect(page.locator(".c-mistakes")).to_be_visible()
    assert axe(page) == []
    assert fits(page)


def test_line_numbers_follow_the_text(page_at: Pages, text: str) -> None:
    page = page_at(1440, 900)
    page.goto(EDIT.format("fr"))
    expect(page.locator(".c-gutter span")).to_have_count(text.count("\n") + 1)
    write(page, "topic: bleeding", "topic: bleeding\n\n")
    expect(page.locator(".c-gutter span")).to_have_count(text.count("\n") + 3)
    # The number of a line stands beside it, wherever the text is scrolled.
    page.locator("#text").evaluate("field => { field.scrollTop = 400 }")
    page.wait_for_timeout(100)
    gutter, marks = (
        page.locator(selector).evaluate("it => it.style.transform") for selector in (".c-gutter > div", ".c-marks")
    )
    assert gutter == marks == "translateY(-400px)"
