"""The whole site of the project's own rules, rendered once; and small changes of these rules."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.site.site import Site
from tests.workbench.site.reading import Page

TODAY = date(2026, 11, 25)


@pytest.fixture(scope="session")
def files(root: Path) -> Mapping[str, bytes]:
    return rule_files(root / "rules")


@pytest.fixture(scope="session")
def book(files: Mapping[str, bytes]) -> Rulebook:
    return load_files(files)


@pytest.fixture(scope="session")
def site(book: Rulebook) -> Site:
    return Site(book, TODAY)


@pytest.fixture(scope="session")
def written(site: Site) -> dict[str, bytes]:
    return {path: site.content(path) for path in site.paths}


@pytest.fixture(scope="session")
def pages(written: dict[str, bytes]) -> dict[str, Page]:
    return {path: Page(content.decode()) for path, content in written.items() if path.endswith(".html")}


@pytest.fixture(scope="session")
def changed(files: Mapping[str, bytes]) -> Rulebook:
    """The rules with what they do not yet hold: days of review, releases, declared exceptions, a source cited by nothing."""

    def with_(file: str, old: str, new: str) -> bytes:
        text = files[file].decode()
        assert text.count(old) == 1, (file, old)
        return text.replace(old, new).encode()

    return load_files(
        {
            **files,
            "safety/bleeding.yaml": with_(
                "safety/bleeding.yaml", "\ntopic: bleeding\n", '\ntopic: bleeding\nreview_by: "2026-11-24"\n'
            ),
            "safety/allergy.yaml": with_(
                "safety/allergy.yaml", "topic: allergy\n", 'topic: allergy\nreview_by: "2026-11-25"\n'
            ),
            "safety/access.yaml": with_(
                "safety/access.yaml",
                "  - id: access.no-safe-path\n",
                "  - id: access.no-safe-path\n    overrides:\n      - rule: alert.sepsis\n"
                "        because: {fr: « Raison » française., en: An English reason.}\n",
            ),
            "changelog.yaml": (
                'releases:\n  - version: 0.1.0\n    date: "2026-11-20"\n    approved_by: [Membre A, Membre B]\n'
                "    changes: {fr: Première version., en: First version.}\n"
            ).encode(),
            "sources.yaml": files["sources.yaml"] + b'\nIDLE:\n  citation: "Cited <by> nothing"\n',
        }
    )


@pytest.fixture(scope="session")
def page_of(changed: Rulebook) -> Callable[[str], Page]:
    """A page of the changed rules."""
    site = Site(changed, TODAY)
    return lambda path: Page(site.content(path).decode())
