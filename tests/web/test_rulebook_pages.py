"""/rulebook: the pages of `flask rules doc`, read-only, for the rules in use."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.rulebook.model import Rulebook
from service.web.rulebook.pages import SHELF, Shelf
from service.workbench.site.site import Site


@pytest.fixture
def shelf(app: Flask) -> Iterator[Shelf]:
    """An empty shelf, as after a start."""
    before = app.extensions[SHELF]
    app.extensions[SHELF] = Shelf()
    yield app.extensions[SHELF]
    app.extensions[SHELF] = before


@pytest.mark.parametrize(
    ("address", "header", "expected"),
    [
        ("/rulebook", None, "/rulebook/fr/index.html"),
        ("/rulebook/", "en-GB,en;q=0.9", "/rulebook/en/index.html"),
        ("/rulebook?lang=fr", "en", "/rulebook/fr/index.html"),
        ("/rulebook/fr/scores.html?lang=en", None, "/rulebook/en/scores.html"),
    ],
)
def test_each_language_has_its_address(client: FlaskClient, address: str, header: str | None, expected: str) -> None:
    response = client.get(address, headers={"Accept-Language": header} if header else {})
    assert response.status_code == 302
    assert response.headers["Location"] == expected


def test_pages_are_those_of_the_site(client: FlaskClient, rulebook: Rulebook) -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo(rulebook.info.timezone)).date()
    site = Site(rulebook, today, form="/")
    for path in ("fr/index.html", "en/rules/safety/bleeding.html", "assets/site.css", "assets/filter.js", "index.html"):
        response = client.get(f"/rulebook/{path}?lang=fr" if path == "index.html" else f"/rulebook/{path}")
        assert response.status_code == 200
        assert response.data == site.content(path)
        assert response.headers["Indication-Rulebook-Digest"] == rulebook.digest
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert client.get("/rulebook/assets/site.css").content_type == "text/css; charset=utf-8"
    assert client.get("/rulebook/en/index.html").headers["Content-Language"] == "en"


def test_the_form_and_the_rulebook_lead_to_each_other(client: FlaskClient) -> None:
    assert 'href="/rulebook?lang=fr"' in client.get("/?lang=fr").get_data(as_text=True)
    assert 'href="/?lang=en"' in client.get("/rulebook/en/index.html").get_data(as_text=True)


def test_a_page_that_has_not_changed_is_not_sent_again(client: FlaskClient, rulebook: Rulebook) -> None:
    first = client.get("/rulebook/fr/scores.html")
    assert first.headers["ETag"].startswith(f'W/"{rulebook.digest}')
    for encoding in ("identity", "br"):
        again = client.get(
            "/rulebook/fr/scores.html", headers={"If-None-Match": first.headers["ETag"], "Accept-Encoding": encoding}
        )
        assert (again.status_code, again.data) == (304, b"")
    assert client.get("/rulebook/fr/scores.html", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_page_is_rendered_once(client: FlaskClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []
    real = Site.content
    monkeypatch.setattr(Site, "content", lambda site, path: rendered.append(path) or real(site, path))
    for _ in range(3):
        client.get("/rulebook/fr/order.html")
    assert rendered == ["fr/order.html"]


def test_only_the_last_rulebooks_are_kept(shelf: Shelf, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr("service.web.rulebook.pages.Site", lambda book, today, form: made.append(book.digest))
    for digest in ("a", "b", "a", "c", "d", "a"):
        shelf.site(SimpleNamespace(digest=digest, info=rulebook.info))
    assert made == ["a", "b", "c", "d", "a"]


@pytest.mark.parametrize(
    "address",
    [
        "/rulebook/fr/nothing.html",
        "/rulebook/fr/",
        "/rulebook/../rules/site.yaml",
        "/rulebook/assets/../site.py",
        "/rulebook/fr/%3Cscript%3E",
    ],
)
def test_nothing_else_is_served(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert b"<script>" not in response.data


def test_a_refusal_is_a_page_that_names_the_nearest(client: FlaskClient) -> None:
    response = client.get("/rulebook/en/score.html", headers={"Accept-Language": "en"})
    assert response.status_code == 404
    assert response.content_type == "text/html; charset=utf-8"
    assert "did you mean «en/scores.html»?" in response.get_data(as_text=True)


def test_what_is_not_known_is_refused(client: FlaskClient) -> None:
    assert client.get("/rulebook/fr/index.html?lang=de").status_code == 400
    assert client.get("/rulebook?day=2026-01-01").status_code == 400
    assert client.post("/rulebook/fr/index.html").status_code == 405
