"""Browsers: what they are told before and with their call."""

import pytest

ORIGIN = "https://ehr.example"
ADDRESSES = ["/cds-services", "/cds-services/one", "/cds-services/one/feedback"]


def preflight(door, origin, address):
    return door.options(
        address,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


def shared(response):
    return sorted(name.lower() for name, _ in response.headers if name.lower().startswith("access-control"))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:8080"])
def test_preflight_without_token(door, address, origin):
    response = preflight(door(), origin, address)
    assert (response.status_code, response.data) == (204, b"")
    headers = response.headers
    assert headers["Access-Control-Allow-Origin"] == origin
    assert {"authorization", "content-type"} <= set(headers["Access-Control-Allow-Headers"].split(", "))
    assert {"GET", "POST"} <= set(headers["Access-Control-Allow-Methods"].split(", "))
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in response.vary


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://ehr.example.evil.example",
        "null",
        "*",
        "http://ehr.example",
        ORIGIN + "/",
        ORIGIN.upper(),
    ],
)
def test_preflight_of_another_origin(door, origin):
    response = preflight(door(), origin, "/cds-services/one")
    assert response.status_code == 204
    assert shared(response) == []
    assert "Origin" in response.vary


def test_the_call_itself(door, sign, call):
    opened = door()
    told = call(opened, sign(), Origin=ORIGIN)
    assert (told.status_code, shared(told)) == (200, ["access-control-allow-origin"])
    foreign = call(opened, sign(), Origin="https://evil.example")
    assert (foreign.status_code, shared(foreign)) == (200, [])
    plain = call(opened, sign())
    assert (plain.status_code, shared(plain)) == (200, [])
    assert all("Origin" in response.vary for response in (told, foreign, plain))


def test_a_refusal_can_be_read_by_the_browser(door, call):
    response = call(door(), None, Origin=ORIGIN)
    assert (response.status_code, shared(response)) == (401, ["access-control-allow-origin"])


def test_nothing_without_origins(door, entry):
    entry.pop("origins")
    assert shared(preflight(door(entry), ORIGIN, "/cds-services")) == []


@pytest.mark.parametrize("address", ["/", "/cds-services-x", "/v1/recommendations"])
def test_nothing_elsewhere(door, address):
    response = preflight(door(), ORIGIN, address)
    assert shared(response) == []
    assert "Origin" not in response.vary
