"""The service, a browser, and pages that must behave: once per process of the tests, pages anew for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.browsing import Pages, chromium, watched
from tests.serving import Server, serving


@pytest.fixture(scope="session")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service, as script/server runs it, with one worker."""
    with serving(root, root / "rules", tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page_at(server: Server, browser: Browser) -> Iterator[Pages]:
    """Opens pages of the service: `page_at(360, 800).goto("/")`. Any trouble of theirs fails the test."""
    with watched(browser, server.address) as pages:
        yield pages
