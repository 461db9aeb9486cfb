"""What watches the pages sees what it is there for."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browsing import Pages, axe, pdf_pages, watched
from tests.serving import Server

DOCS = "/v1/docs"


@pytest.mark.parametrize("width", [360, 1440])
def test_documentation_page_is_accessible(page_at: Pages, width: int) -> None:
    page = page_at(width, 900, locale="en-GB")
    page.goto(DOCS)
    assert axe(page) == []


def test_axe_sees_what_is_wrong(page_at: Pages) -> None:
    page = page_at(360, 640)
    page.set_content("<html lang='fr'><title>Une page</title><main><h1>Une page</h1><input id='age'></main></html>")
    (line,) = axe(page)
    assert line.startswith("label: #age: ")


def test_axe_refuses_a_page_that_cannot_run_it(page_at: Pages) -> None:
    page = page_at(360, 640, javascript=False)
    page.goto(DOCS)
    with pytest.raises(AssertionError, match="needs a page with JavaScript"):
        axe(page)


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("console.error('planted')", "console: planted"),
        ("new Promise(done => setTimeout(() => { done(); throw new Error('planted') }))", "error: planted"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "Content Security Policy"),
        ("void document.body.append(Object.assign(new Image(), {src: 'data:,'}))", "Content Security Policy"),
        ("void document.body.append(Object.assign(document.createElement('script'), {text: '1'}))", "Content Security"),
        ("fetch('/nowhere').then(() => null)", "status of 404"),
    ],
)
def test_troubles_of_a_page_fail_its_test(browser: Browser, server: Server, script: str, trouble: str) -> None:
    def visit() -> None:
        with watched(browser, server.address) as pages:
            page = pages(360, 640)
            page.goto(DOCS)
            page.evaluate(script)

    with pytest.raises(AssertionError, match=trouble):
        visit()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_request_to_elsewhere_fails_its_test(browser: Browser, server: Server, javascript: bool) -> None:
    def visit() -> None:
        with watched(browser, server.address) as pages:
            pages(360, 640, javascript).set_content("<img src='http://elsewhere.invalid/'>")

    with pytest.raises(AssertionError, match="request to elsewhere: http://elsewhere"):
        visit()


def test_a_trouble_that_is_meant_is_none(page_at: Pages) -> None:
    response = page_at(360, 640, expected="status of 404").goto("/nowhere")
    assert response is not None
    assert response.status == 404


@pytest.mark.parametrize(("javascript", "seen"), [(True, "on"), (False, "off")])
def test_javascript_can_be_taken_away(page_at: Pages, javascript: bool, seen: str) -> None:
    page = page_at(360, 640, javascript)
    page.set_content("<p>off</p><script>document.querySelector('p').textContent = 'on'</script>")
    expect(page.locator("p")).to_have_text(seen)


def test_pages_of_a_document_are_counted(page_at: Pages) -> None:
    page = page_at(360, 640)
    page.set_content("<p>one</p><p style='break-before: page'>two</p>")
    assert pdf_pages(page.pdf(format="A4")) == 2
