"""What tests of the pages share: a real browser, pages that are watched, accessibility by axe-core, printed pages."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from pypdf import PdfReader

PATIENCE = 30_000  # milliseconds: the machine may be slow and busy
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # tests run as root in containers, and open no page but our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page asks of another machine is noticed here and never leaves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that script/setup sees to, without a window."""
    name = os.environ.get("CHROMIUM") or "chromium"
    path = shutil.which(name)
    assert path is not None, f"there is no {name} here: script/setup dev installs it"
    expect.set_options(timeout=PATIENCE)
    with TemporaryDirectory(ignore_cleanup_errors=True) as home, sync_playwright() as playwright:
        # Its crash reports and caches too leave no trace where somebody lives.
        elsewhere = {"XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        browser = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, env={**os.environ, **elsewhere}, timeout=2 * PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


class Pages:
    """Opens pages and notes what no page of ours may do: errors, breaches of its policy, requests to elsewhere."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.troubles: list[str] = []
        self._browser = browser
        self._address = address
        self._contexts: list[BrowserContext] = []

    def __call__(
        self,
        width: int,
        height: int,
        javascript: bool = True,
        locale: str = "fr-FR",
        *,
        expected: str | None = None,
        **settings: Any,
    ) -> Page:
        """A blank page in a window of this size, of a browser that remembers nothing; addresses may begin with «/».

        `expected` is a regular expression: troubles in which it is found are meant to happen («status of 422»).
        `settings` are those of a browser context: forced_colors="active", device_scale_factor=2 …
        """
        context = self._browser.new_context(
            base_url=self._address,
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            locale=locale,
            service_workers="block",
            **{"timezone_id": "Europe/Paris", "reduced_motion": "reduce"} | settings,
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)

        def note(trouble: str) -> None:
            if expected is None or not re.search(expected, trouble):
                self.troubles.append(trouble)

        def hear(message: ConsoleMessage) -> None:
            # A breach of the content security policy is told here too. The icon is the browser's own wish.
            source = message.location["url"]
            if message.type == "error" and urlsplit(source).path != "/favicon.ico":
                note(f"console: {message.text} ({source})")

        def see(request: Request) -> None:
            if not request.url.startswith(f"{self._address}/"):
                note(f"request to elsewhere: {request.url}")

        context.on("console", hear)
        context.on("weberror", lambda error: note(f"error: {error.error}"))
        context.on("request", see)
        return context.new_page()

    def close(self) -> None:
        for context in self._contexts:
            # A request that a test holds back may still be under way: it must not fail the test that comes next.
            for page in context.pages:
                page.unroute_all(behavior="wait")
            context.close()
        self._contexts.clear()


@contextmanager
def watched(browser: Browser, address: str) -> Iterator[Pages]:
    """Opens pages, closes them at the end, and fails if any of them had trouble."""
    pages = Pages(browser, address)
    try:
        yield pages
    finally:
        pages.close()
    assert not pages.troubles, "\n".join(pages.troubles)


def axe(page: Page) -> list[str]:
    """What axe-core holds against a page under WCAG 2.2, levels A and AA, a line for each place: rule, place, what is asked.

    The devtools protocol brings axe-core into the page, so that the page's policy stays in force.
    """
    assert page.evaluate("matchMedia('(scripting: enabled)').matches"), "axe-core needs a page with JavaScript"
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {violation['help']}"
        for violation in Axe().run(page, options=options).response["violations"]
        for node in violation["nodes"]
    ]


def pdf_pages(document: bytes) -> int:
    """How many pages a PDF has: `pdf_pages(page.pdf(format="A4"))`."""
    return len(PdfReader(BytesIO(document)).pages)
