"""The documentation page: complete, and needing nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pytest


class Page(HTMLParser):
    """Collects what a browser would load, run or jump to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.headings: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.targets.append(values["href"])
        if tag in ("link", "img", "script", "iframe"):
            self.loaded.append(values.get("href") or values.get("src") or "inline")
        if tag in ("style", "script") or any(name == "style" or name.startswith("on") for name in values):
            self.inline.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.fixture
def text(client):
    response = client.get("/v1/docs")
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    return response.get_data(as_text=True)


def test_everything_is_on_it(text, app, rulebook):
    for rule in app.url_map.iter_rules():
        # FHIR and CDS Hooks are described by what they publish themselves.
        if rule.endpoint != "static" and not rule.endpoint.startswith(
            ("form.", "fhir.", "cds.", "rulebook.", "committee.")
        ):
            assert re.sub(r"<\w+>", "{id}", rule.rule) in text
    for item in rulebook.vocabulary:
        assert f"<code>{item.id}</code>" in text


def test_it_needs_nothing_from_elsewhere(text, client):
    page = Page(text)
    assert not page.inline
    for address in page.loaded:
        with client.get(address) as response:
            assert response.status_code == 200
            style = response.get_data(as_text=True)
        assert "url(" not in style
        assert "@import" not in style


def test_it_can_be_walked(text, client):
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for target in page.targets:
        assert target[1:] in page.ids if target.startswith("#") else client.get(target).status_code == 200
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert '<html lang="en">' in text


def test_every_kind_of_problem_is_explained(text, client):
    ids = Page(text).ids
    for response in (
        client.get("/nowhere"),
        client.put("/livez"),
        client.get("/livez?x=1"),
        client.post("/v1/recommendations"),
    ):
        assert response.json["type"].removeprefix("/v1/docs#") in ids


def test_its_example_works(text, client, referral):
    command = re.search(r"curl (.|\n)*?</code>", text)[0]
    assert "@referral.json" in command
    assert client.post("/v1/recommendations", json=referral).status_code == 200
