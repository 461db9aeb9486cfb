"""The link to the form: filled, once, and with nothing of the patient in its address."""

import re

from service.web.cds import prefill
from tests.web.cds.conftest import SELECT


def link(ehr) -> str:
    (card,) = ehr.cards(SELECT)
    (found,) = card["links"]
    assert re.fullmatch(r"http://localhost/cds/form/[\w-]{43}", found["url"])
    return found["url"].removeprefix("http://localhost")


def test_there_is_none_unless_the_client_wants_it(ehr, reads, seed):
    reads(seed)
    (card,) = ehr.cards(SELECT)
    assert "links" not in card


def test_it_opens_the_form_filled_once(ehr, reads, seed, known_as):
    seed["patient"]["patient.age"] = 77
    reads(seed)
    known_as(prefill=True, language="en")
    address = link(ehr)
    page = ehr.client.get(address)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    text = page.get_data(as_text=True)
    assert re.search(r'value="77"', text)
    assert "Filled in from the record" in text
    assert 'lang="en"' in text
    again = ehr.client.get(address)
    assert again.status_code == 410
    assert 'value="77"' not in again.get_data(as_text=True)


def test_what_looks_ahead_does_not_use_it_up(ehr, reads, seed, known_as):
    reads(seed)
    known_as(prefill=True)
    address = link(ehr)
    assert ehr.client.head(address).status_code == 204
    assert ehr.client.get(address, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert ehr.client.get(address).status_code == 200


def test_it_expires(ehr, reads, seed, known_as, monkeypatch):
    monkeypatch.setattr(prefill, "TTL_SECONDS", -1.0)
    reads(seed)
    known_as(prefill=True)
    page = ehr.client.get(link(ehr), headers={"Accept-Language": "fr"})
    assert page.status_code == 410
    assert "expiré" in page.get_data(as_text=True)


def test_the_address_is_the_one_that_the_client_knows(ehr, reads, seed, known_as):
    reads(seed)
    known_as(prefill=True, base="https://indication.example/ir")
    (card,) = ehr.cards(SELECT)
    assert card["links"][0]["url"].startswith("https://indication.example/ir/cds/form/")
    assert card["source"]["url"] == "https://indication.example/ir"


def test_a_card_does_not_wait_for_its_link(ehr, reads, seed, known_as, monkeypatch):
    monkeypatch.setattr("service.web.store.MOST_TICKETS", 0)
    reads(seed)
    known_as(prefill=True)
    (card,) = ehr.cards(SELECT)
    assert "links" not in card
