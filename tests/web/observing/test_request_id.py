"""Every request has a name; a caller's own is taken only if it is a UUID."""

import re

import pytest

HEX = re.compile(r"[0-9a-f]{32}\Z")
GIVEN = "3f2b8c1e-94d1-4a5e-9a77-0c2f5b1d6e80"


@pytest.mark.parametrize("address", ["/livez", "/v1/recommendations", "/nowhere", "/static/docs.css", "/cds-services"])
def test_every_answer_tells_it(client, address):
    with client.get(address) as first, client.get(address) as second:
        ids = {first.headers["X-Request-Id"], second.headers["X-Request-Id"]}
    assert len(ids) == 2
    assert all(HEX.match(each) for each in ids)


@pytest.mark.parametrize("given", [GIVEN, GIVEN.upper(), GIVEN.replace("-", "")])
def test_a_uuid_is_taken(client, given):
    assert client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given.lower()


@pytest.mark.parametrize(
    "given", ["", "Martin-1948", GIVEN + "x", "x" + GIVEN, "{" + GIVEN + "}", GIVEN + "," + GIVEN, GIVEN[:-1] + "é"]
)
def test_anything_else_is_replaced(client, given):
    told = client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert HEX.match(told)
