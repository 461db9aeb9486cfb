"""Every address, with every kind of credential that does not fit, and with the one that does."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from service.clients.callers import new_key
from service.web import ops
from service.web.access import gate
from service.web.access.gate import TABLE, Need, needed
from tests.web.access.conftest import FAR, ROLES, Send

HERE = "127.0.0.1"
#: rows of blueprints that do not stand yet
ELSEWHERE: set[str] = set()
ADDRESS = {
    "<version>": "0.1.0",
    "<service_id>": "indication-order-select",
    "<int:number>": "1",
    "<path:filename>": "nothing.css",
}
GOOD = {
    Need.EVALUATE: "evaluate",
    Need.READ_RECORD: "read_record",
    Need.ADMINISTER: "administer",
    Need.METRICS: "administer",
}


def address(rule: str) -> str:
    for given, filled in ADDRESS.items():
        rule = rule.replace(given, filled)
    return re.sub(r"<[^>]+>", "x", rule)


def everywhere(app: Flask) -> Iterator[tuple[str, str, Need]]:
    """Each method of each address, and what it needs."""
    for rule in app.url_map.iter_rules():
        need = needed(rule.endpoint)
        assert need is not None, f"{rule.endpoint} is in no row of service/web/access/gate.py"
        for method in sorted(rule.methods or ()):
            yield method, address(rule.rule), need


def asks(need: Need) -> bool:
    """Whether the gate asks for a key or a token here."""
    return need in (Need.KNOWN, *GOOD)


def test_every_endpoint_is_in_a_row_and_every_row_has_an_endpoint(guarded: Flask) -> None:
    endpoints = {rule.endpoint for rule in guarded.url_map.iter_rules()}
    assert [endpoint for endpoint in endpoints if needed(endpoint) is None] == []
    rows = {
        row for row in TABLE if row in endpoints or any(each.startswith(row.removesuffix("*")) for each in endpoints)
    }
    assert TABLE.keys() - rows <= ELSEWHERE


def test_what_is_public_is_listed_here_too(guarded: Flask) -> None:
    """Whoever opens an address to everybody says so twice."""
    public = {rule.endpoint for rule in guarded.url_map.iter_rules() if needed(rule.endpoint) is Need.PUBLIC}
    assert public == {
        "static",
        "docs.page",
        "docs.document",
        "ops.livez",
        "fhir.plan",
        "fhir.metadata",
        "fhir.elsewhere",
    }


def test_an_endpoint_in_no_row_is_refused(
    send: Send, guarded: Flask, monkeypatch: pytest.MonkeyPatch, keys: Any, reason: Any
) -> None:
    monkeypatch.delitem(gate.TABLE, "ops.version")
    response = send("/version", keys["administer"])
    assert (response.status_code, response.json["type"]) == (403, "/v1/docs#problem-forbidden")
    assert reason() == ("no-row", "-")


WRONG = (
    "nothing",
    "nobody's key",
    "wrong secret",
    "malformed",
    "expired",
    "EHR's token",
    "basic",
    "in a query",
    "in another header",
    "a user's name",
)


@pytest.mark.parametrize("shown", WRONG)
def test_what_does_not_fit_is_refused_everywhere(
    send: Send, guarded: Flask, keys: dict[str, str], sign_as_ehr: Callable[[str], str], shown: str, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    good = keys["administer"]
    wrong = {
        "nobody's key": keys["nobody"],
        "wrong secret": good[:-5] + ("AAAAA" if not good.endswith("AAAAA") else "BBBBB"),
        "malformed": good[:-1],
        "expired": keys["expired"],
    }.get(shown)
    headers = {
        "basic": {"Authorization": f"Basic {good}"},
        "in another header": {
            "X-Api-Key": good,
            "Cookie": f"Authorization={good}",
            "Proxy-Authorization": f"Bearer {good}",
        },
        "a user's name": {"X-Remote-User": "alice"},
    }.get(shown, {})
    bodies = set()
    for method, at, need in everywhere(guarded):
        credential = sign_as_ehr(f"https://indication.example{at}") if shown == "EHR's token" and asks(need) else wrong
        query = {"key": good, "access_token": good} if shown == "in a query" else {}
        response = send(at, credential, method, headers=headers, query_string=query)
        told = (method, at, response.status_code)
        if asks(need):
            assert response.status_code == 401, told
            assert response.headers["WWW-Authenticate"] == "Bearer", told
            assert response.headers["Cache-Control"] == "no-store", told
            assert response.content_type == "application/problem+json", told
            bodies.add(response.data if method != "HEAD" else b"")
        elif need in (Need.FORM, Need.RULEBOOK, Need.COMMITTEE):
            assert response.status_code == 403, told
            assert response.content_type == "text/html; charset=utf-8", told
            assert response.headers["Cache-Control"] == "no-store", told
        elif need is Need.EHR:
            # A browser asks with OPTIONS whether it may call, before it shows anything (service/web/cds/cors.py).
            assert response.status_code in ((200, 204) if method == "OPTIONS" else (401, 404, 405)), told
        elif need is Need.READY and credential is not None:
            assert response.status_code == 401, told
        else:
            assert response.status_code not in (401, 403), told
    assert len(bodies - {b""}) == 1, "every refusal is the same, to the byte"
    for secret in keys.values():
        assert secret[-43:] not in caplog.text
        assert secret[-43:-5] not in caplog.text


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_is_its_own_and_nothing_else(
    send: Send, guarded: Flask, keys: dict[str, str], role: str
) -> None:
    for method, at, need in everywhere(guarded):
        if not asks(need):
            continue
        response = send(at, keys[role], method)
        told = (method, at, response.status_code)
        if need is Need.KNOWN or GOOD[need] == role:
            assert response.status_code not in (401, 403, 429), told
        else:
            assert response.status_code == 403, told
            if method != "HEAD":
                assert response.json["type"].endswith("#problem-forbidden"), told


def test_an_ehr_s_token_opens_the_ehr_s_door_once_and_nothing_else(
    send: Send, sign_as_ehr: Callable[[str], str], keys: dict[str, str]
) -> None:
    discovery = "https://indication.example/cds-services"
    token = sign_as_ehr(discovery)
    assert [send("/cds-services", token).status_code for _ in range(2)] == [200, 401], "good for one call"
    assert send("/cds-services", keys["evaluate"]).status_code == 401
    assert send("/v1/rulebook", sign_as_ehr("https://indication.example/v1/rulebook")).status_code == 401


def test_the_door_of_fhir_speaks_fhir(send: Send, set_up: Callable[..., None]) -> None:
    assert send("/fhir/$recommend", method="POST", json={}).status_code == 401
    set_up(RATE=1, BURST=1)
    first, second = send("/fhir/metadata"), send("/fhir/metadata")
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.content_type == "application/fhir+json"
    assert second.json["issue"][0]["code"] == "throttled"
    assert int(second.headers["Retry-After"]) > 0


def test_the_log_has_the_reason_and_never_the_credential(
    send: Send, keys: dict[str, str], caplog: Any, reason: Any
) -> None:
    wrong = keys["evaluate"][:-4] + "____"
    assert send("/v1/rulebook", wrong).status_code == 401
    assert reason() == ("key", "evaluate")
    assert "call refused: key (client evaluate)" in caplog.text
    assert wrong not in caplog.text


def test_readyz_counts_refusals(send: Send) -> None:
    send("/v1/rulebook")
    told = send("/readyz", come_from=HERE).json["access"]
    assert told["refused"] == {"no-credentials": 1}
    assert (told["api"], told["form"], told["committee"], told["clients"]) == ("clients", "proxy", "proxy", 7)


@pytest.mark.parametrize("access", ["clients", "open"])
@pytest.mark.parametrize("elsewhere", [{}, {"come_from": HERE, "headers": {"X-Forwarded-For": FAR}}])
def test_readyz_tells_the_reasons_to_whoever_runs_the_service(
    send: Send, set_up: Callable[..., None], keys: dict[str, str], access: str, elsewhere: dict[str, Any]
) -> None:
    set_up(ACCESS_API=access, EXPOSED=True)
    no_more = {"status": "ready", "more": ops.MORE}
    assert "record" in send("/readyz", come_from=HERE).json
    assert send("/readyz", **elsewhere).json == no_more
    assert send("/readyz", keys["evaluate"], **elsewhere).json == no_more
    assert "record" in send("/readyz", keys["administer"], **elsewhere).json
    assert send("/readyz", keys["nobody"], **elsewhere).status_code == 401


def test_a_probe_with_a_login_of_another_kind_is_answered(send: Send) -> None:
    assert send("/readyz", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_an_unread_body_does_not_hide_the_refusal(send: Send) -> None:
    assert send("/v1/recommendations", method="POST", data=b"x" * 900_000).status_code == 401


def test_in_french(send: Send) -> None:
    response = send("/v1/rulebook", headers={"Accept-Language": "fr"})
    assert response.json["title"] == "Appelant inconnu"


# ---- the API open to whoever reaches it ------------------------------------------------------------------------------


def test_open_means_evaluate_and_no_more(
    send: Send, guarded: Flask, set_up: Callable[..., None], keys: dict[str, str]
) -> None:
    set_up(ACCESS_API="open")
    for method, at, need in everywhere(guarded):
        if asks(need):
            expected = need in (Need.KNOWN, Need.EVALUATE)
            assert (send(at, method=method).status_code not in (401, 403)) == expected, (method, at)
    assert send("/v1/rulebook", keys["read_record"]).status_code == 200


def test_where_nobody_is_asked_a_wrong_key_is_still_refused(
    send: Send, set_up: Callable[..., None], keys: dict[str, str]
) -> None:
    """Whoever shows a key means it: that it is wrong must not go unseen."""
    set_up(ACCESS_API="open")
    assert send("/v1/rulebook", keys["nobody"]).status_code == 401
    assert send("/v1/rulebook", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_a_mistaken_file_of_clients_lets_nobody_in(
    send: Send, known: Callable[..., None], keys: dict[str, str]
) -> None:
    known({"nme": "x"})
    response = send("/v1/rulebook", keys["evaluate"])
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert "/readyz" in response.json["detail"]
    assert send("/v1/rulebook").status_code == 401
    assert send("/livez").status_code == 200


def test_a_key_nobody_ever_had(send: Send) -> None:
    assert send("/v1/rulebook", new_key()[0]).status_code == 401
