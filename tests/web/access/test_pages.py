"""The pages: open, behind the proxy's login, or not there; and the header that says who it is, believed from one place alone."""

from collections.abc import Callable
from typing import Any

import pytest

from service.web.access import caller, gate
from service.web.access.proxy import among
from tests.web.access.conftest import FAR, Send

PAGES = ("/", "/examples", "/rulebook", "/committee")
HERE = "127.0.0.1"


def status(send: Send, address: str, come_from: str = HERE, **headers: str) -> int:
    return send(address, come_from=come_from, headers=headers).status_code


@pytest.mark.parametrize("page", PAGES)
def test_whoever_logged_in_at_the_proxy_comes_in(send: Send, page: str) -> None:
    assert status(send, page, **{"X-Remote-User": "alice"}) in (200, 302)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", [None, "", " ", "alice, bob", "x" * 201, "al\tice"])
def test_nobody_else_does(send: Send, page: str, user: str | None, reason: Callable[[], Any]) -> None:
    assert status(send, page, **({} if user is None else {"X-Remote-User": user})) == 403
    assert reason() == ("no-user", "-")


@pytest.mark.parametrize("come_from", [FAR, "::ffff:192.0.2.7", "2001:db8::1", "10.0.0.7"])
def test_the_header_is_believed_from_the_proxy_alone(send: Send, come_from: str, reason: Callable[[], Any]) -> None:
    assert status(send, "/", come_from, **{"X-Remote-User": "alice", "X-Forwarded-For": HERE}) == 403
    assert reason() == ("not-proxy", "-")


@pytest.mark.parametrize("come_from", [HERE, "::1", "::ffff:127.0.0.1", "", "127.8.8.8"])
def test_loopback_and_a_unix_socket_are_this_machine(send: Send, come_from: str) -> None:
    assert status(send, "/", come_from, **{"X-Remote-User": "alice"}) == 200


def test_a_proxy_elsewhere(send: Send, set_up: Callable[..., None]) -> None:
    set_up(PROXIES=("10.1.0.0/16", "192.0.2.7/32"), USER_HEADER="X-Forwarded-User")
    assert status(send, "/", FAR, **{"X-Forwarded-User": "alice"}) == 200
    assert status(send, "/", FAR, **{"X-Remote-User": "alice"}) == 403
    assert status(send, "/", HERE, **{"X-Forwarded-User": "alice"}) == 403


@pytest.mark.parametrize(
    "value", ["indication-administer", "administer", "other,indication-administer", "other indication-administer"]
)
def test_the_committee_needs_a_role_where_the_proxy_tells_roles(
    send: Send, set_up: Callable[..., None], value: str
) -> None:
    set_up(ROLES_HEADER="X-Forwarded-Groups")
    user = {"X-Remote-User": "alice"}
    assert status(send, "/committee", **user, **{"X-Forwarded-Groups": value}) == 200
    assert status(send, "/", **user, **{"X-Forwarded-Groups": value}) == 403, "the form needs evaluate"
    assert status(send, "/", **user, **{"X-Forwarded-Groups": "indication-evaluate"}) == 200
    assert status(send, "/committee", **user, **{"X-Forwarded-Groups": "indication-evaluate"}) == 403
    assert status(send, "/committee", **user) == 403
    assert status(send, "/rulebook/fr/index.html", **user) == 200, "the rules are for whoever is logged in"


def test_who_it_is(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[caller.Caller] = []
    whole = caller.remember
    monkeypatch.setattr(gate.callers, "remember", lambda found: seen.append(found) or whole(found))
    status(send, "/", **{"X-Remote-User": "alice"})
    (found,) = seen
    assert (found.name, found.how, found.subject) == ("proxy", "proxy", "alice")
    assert "read_record" not in found.roles


def test_a_user_of_the_proxy_is_nobody_at_the_api(send: Send) -> None:
    assert status(send, "/v1/rulebook", **{"X-Remote-User": "alice"}) == 401


@pytest.mark.parametrize("mode", ["open", "off"])
def test_open_and_off(send: Send, set_up: Callable[..., None], mode: str) -> None:
    set_up(FORM=mode, COMMITTEE=mode)
    for page in PAGES:
        assert (status(send, page, FAR) in (200, 302)) == (mode == "open"), page
        assert status(send, page, FAR) != 403
    assert send("/cds/form/x", come_from=FAR).status_code == (410 if mode == "open" else 404)


def test_the_rules_to_read_go_with_the_committee_where_there_is_no_form(
    send: Send, set_up: Callable[..., None]
) -> None:
    set_up(FORM="off", COMMITTEE="proxy")
    assert status(send, "/rulebook") == 403
    assert status(send, "/rulebook", **{"X-Remote-User": "alice"}) == 302
    set_up(COMMITTEE="off")
    assert status(send, "/rulebook", **{"X-Remote-User": "alice"}) == 404


def test_the_refusal_is_a_page_in_the_language_asked_for(send: Send) -> None:
    told = send("/", come_from=FAR, headers={"Accept-Language": "fr"})
    assert told.content_type == "text/html; charset=utf-8"
    assert "Accès refusé" in told.get_data(as_text=True)
    assert "WWW-Authenticate" not in told.headers


def test_another_site_cannot_post_in_the_name_of_whoever_is_logged_in(send: Send) -> None:
    headers = {"X-Remote-User": "alice", "Sec-Fetch-Site": "cross-site"}
    assert send("/", method="POST", come_from=HERE, headers=headers).status_code == 403


def test_metrics_are_for_this_machine_or_whoever_administers(send: Send, keys: dict[str, str]) -> None:
    assert status(send, "/metrics", HERE) not in (401, 403)
    assert status(send, "/metrics", FAR) == 401
    assert send("/metrics", keys["administer"]).status_code not in (401, 403)
    assert send("/metrics", keys["evaluate"]).status_code == 403
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert status(send, "/metrics", HERE, **{header: FAR}) == 401, "passed on by a proxy for somebody else"


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("10.0.0.7", ("10.0.0.7/32",), True),
        ("10.0.0.8", ("10.0.0.7/32",), False),
        ("::ffff:10.0.0.7", ("10.0.0.0/8",), True),
        ("fe80::1%eth0", ("fe80::/10",), True),
        ("", ("unix",), True),
        (None, ("unix",), True),
        ("", ("127.0.0.0/8",), False),
        ("unix", ("unix",), False),
        ("x", ("0.0.0.0/0", "::/0"), False),
        ("10.0.0.7", (), False),
    ],
)
def test_addresses(address: str | None, networks: tuple[str, ...], inside: bool) -> None:
    assert among(address, networks) is inside
