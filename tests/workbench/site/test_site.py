"""The site as a whole: complete, linked, bilingual, well formed, the same every time."""

import posixpath
import re
from datetime import date
from urllib.parse import unquote

import pytest

from service.rulebook.model import Rulebook
from service.workbench.site.site import Site
from tests.workbench.site.conftest import TODAY
from tests.workbench.site.reading import Page

ENGLISH = re.compile(
    r"\b(the|and|of|with|is|are|not|when|rules?|which|from|unless|every|this|its?|never)\b", re.IGNORECASE
)
FRENCH = re.compile(r"\b(les|des|est|une|avec|dans|sont|quand|règles?|cette|aucune?)\b", re.IGNORECASE)


def test_every_link_resolves(pages: dict[str, Page], written: dict[str, bytes]) -> None:
    lost = []
    for path, page in pages.items():
        for link in {*page.links, *page.loaded}:
            target, _, anchor = link.partition("#")
            file = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(target))) if target else path
            if file not in written or (anchor and unquote(anchor) not in pages[file].ids):
                lost.append(f"{path}: {link}")
    assert lost == []


def test_every_page_can_be_reached_from_the_first(pages: dict[str, Page]) -> None:
    found, waiting = set(), ["index.html"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            here = posixpath.dirname(path)
            links = (link.partition("#")[0] for link in pages[path].links)
            waiting += [posixpath.normpath(posixpath.join(here, unquote(link))) for link in links if link]
    assert found == set(pages)


def test_pages_are_well_formed(pages: dict[str, Page]) -> None:
    faults = []
    for path, page in pages.items():
        faults += [f"{path}: {fault}" for fault in page.faults]
        faults += [f"{path}: inline {tag}" for tag in page.inline]
        if len(page.ids) != len(set(page.ids)):
            faults.append(f"{path}: an id is given twice")
        if page.headings.count(1) != 1 or page.headings[0] != 1:
            faults.append(f"{path}: one first heading is needed")
        if any(after - before > 1 for before, after in zip(page.headings, page.headings[1:], strict=False)):
            faults.append(f"{path}: a level of headings is skipped")
    assert faults == []


def test_nothing_comes_from_elsewhere(written: dict[str, bytes]) -> None:
    for path, content in written.items():
        if not path.endswith(".svg"):
            assert not re.search(rb'(src|href|url\()="?\'?(https?:)?//', content), path


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_part_of_the_rulebook_is_told(language: str, written: dict[str, bytes], book: Rulebook) -> None:
    everything = b"".join(content for path, content in written.items() if path.startswith(f"{language}/")).decode()
    names = [*book.rules, *book.vocabulary.items, *book.sources]
    names += [*(f"score.{name}" for name in book.scores), *(f"site.{name}" for name in book.settings)]
    names += [each.id for each in (*book.impossible, *book.invariants)]
    assert [name for name in names if f"<code>{name}</code>" not in everything] == []
    assert [
        name for name, rule in book.rules.items() if f"<code>{rule.file}:{rule.line}</code>" not in everything
    ] == []


@pytest.mark.parametrize(("language", "foreign"), [("fr", ENGLISH), ("en", FRENCH)])
def test_each_page_speaks_one_language(language: str, foreign: re.Pattern[str], pages: dict[str, Page]) -> None:
    found = []
    for path, page in pages.items():
        if path.startswith(f"{language}/"):
            assert page.language == language
            found += [
                f"{path}: …{page.text[max(0, m.start() - 30) : m.end() + 30]}…" for m in foreign.finditer(page.text)
            ]
    assert found == []


def test_the_root_is_french(pages: dict[str, Page]) -> None:
    assert pages["index.html"].language == "fr"
    assert "fr/techniques/index.html" in pages["index.html"].links
    assert "en/index.html" in pages["index.html"].links


def test_same_rules_and_day_same_bytes(book: Rulebook, written: dict[str, bytes]) -> None:
    again = Site(book, TODAY)
    for path in ("index.html", "fr/chain.html", "en/sources.html", "fr/rules/safety/bleeding.html"):
        assert again.content(path) == written[path]
    assert again.version == Site(book, TODAY).version != Site(book, date(2026, 11, 26)).version


def test_a_page_that_is_not_there_is_refused(site: Site) -> None:
    for path in ("fr/nothing.html", "../site.py", "assets/../site.py", ""):
        with pytest.raises(KeyError):
            site.content(path)
