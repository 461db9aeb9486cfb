"""The service under gunicorn, called by EHRs that behave as EHRs do. Nothing of ours is replaced, and all is on loopback."""

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.audit.store import Record
from tests.ehr.acting import (
    DISCOVERY,
    HOOKS,
    SELECT,
    SIGN,
    VIEW,
    Ehr,
    Reply,
    ask,
    request_for,
    selecting,
    signing,
    viewing,
)
from tests.ehr.conftest import APIXABAN, NO_LESION, PATIENTS, RADIOTHERAPY, TWO_BONES, WARFARIN, World

CONCERNED = (WARFARIN, APIXABAN, TWO_BONES, RADIOTHERAPY)
ADDRESSES = [
    (DISCOVERY, "GET"),
    *((f"{DISCOVERY}/{each}{more}", "POST") for each in HOOKS for more in ("", "/feedback")),
]


def patient(name: str) -> str:
    return f"{name}-test-p"


@pytest.fixture(scope="module")
def services(world: World) -> dict[str, dict[str, Any]]:
    return world.first.discovered()


def context(service: str, name: str, **draft: Any) -> dict[str, Any]:
    draft = request_for(patient(name), **draft)
    return {
        SELECT: lambda: selecting(patient(name), draft),
        SIGN: lambda: signing(patient(name), draft),
        VIEW: lambda: viewing(patient(name)),
    }[service]()


def cards(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200, reply.body[:500]
    assert reply.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = reply.json()["cards"]
    return found


def rows(card: dict[str, Any]) -> list[list[str]]:
    """The cells of the tables in a card, without their heads."""
    lines = [line for line in card["detail"].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [each for each in cells if each[0].isdigit()]


# ---- discovery -------------------------------------------------------------------------------------------------------


def test_each_ehr_discovers_what_it_may_use(world, services):
    assert {name: each["hook"] for name, each in services.items()} == HOOKS
    assert set(world.second.discovered()) == {SELECT, SIGN}


def test_discovery_needs_a_token(world):
    assert ask(world.server.port, "GET", DISCOVERY).status == 401


def test_the_templates_find_the_record(world, services):
    """The other FHIR server understands every query, and finds by them whatever is of these patients."""
    found = set()
    for name in PATIENTS:
        prefetch = world.first.prefetched(services[SELECT], viewing(patient(name)))
        assert prefetch["patient"]["id"] == patient(name)
        for value in prefetch.values():
            found |= {value["id"]} if "id" in value else {each["resource"]["id"] for each in value.get("entry", ())}
    missed = {each["id"] for each in world.resources} - found
    # A device of nobody, and the statement that says whose it is: no template asks for such statements.
    assert missed == {f"{NO_LESION}-d", f"{NO_LESION}-u"}


# ---- browsers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_browser_may_ask_first(world, path, method):
    reply = world.first.preflight(path, method, world.first.origin)
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == world.first.origin
    assert method in reply.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_browser_of_somebody_else_is_told_nothing(world, path, method):
    for origin in ("https://somebody.example", "null", None):
        reply = world.first.preflight(path, method, origin)
        assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_the_call_that_follows_can_be_read_by_the_browser(world):
    reply = world.first.call(DISCOVERY)
    assert reply.headers["access-control-allow-origin"] == world.first.origin
    assert "origin" in reply.headers["vary"].lower()
    # A refusal too: else the EHR's page would see a network error and not a 401.
    refused = world.first.call(DISCOVERY, token=world.first.token("/elsewhere"))
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == world.first.origin


# ---- hooks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONCERNED)
@pytest.mark.parametrize("service", [SELECT, VIEW])
def test_a_patient_with_a_lesion_gets_the_options(world, services, service, name):
    info = [
        each
        for each in cards(world.first.fire(services[service], context(service, name)))
        if each["indicator"] == "info"
    ]
    assert len(info) == 1
    assert rows(info[0])
    assert patient(name) not in info[0]["detail"] + info[0]["summary"]


@pytest.mark.parametrize("service", HOOKS)
def test_a_patient_without_a_lesion_gets_nothing(world, services, service):
    assert cards(world.first.fire(services[service], context(service, NO_LESION))) == []


def test_the_other_ehr_is_answered_too_and_may_not_do_more(world, services):
    found = cards(world.second.fire(services[SELECT], context(SELECT, WARFARIN)))
    assert found
    # It did not ask for the form.
    assert all("links" not in card for card in found)
    refused = world.second.fire(services[VIEW], context(VIEW, WARFARIN))
    assert refused.status == 403
    assert refused.json()["resourceType"] == "OperationOutcome"


def test_an_act_that_should_wait_is_told_on_signing(world, services):
    """The clinician picks an act from the table of order-select, one that is not to be booked yet, and signs it."""
    (options,) = cards(world.first.fire(services[SELECT], context(SELECT, WARFARIN)))
    waiting = [row[1] for row in rows(options) if row[2] in ("to be deferred", "to be settled")]
    assert waiting
    (told,) = cards(world.first.fire(services[SIGN], context(SIGN, WARFARIN, text=waiting[0])))
    assert waiting[0] in told["detail"]
    # An order that is none of our acts is signed without a word.
    assert cards(world.first.fire(services[SIGN], context(SIGN, WARFARIN))) == []


def test_without_prefetch_there_is_no_answer(world, services):
    for service in HOOKS:
        for prefetch in (None, {}, {"patient": None, "conditions": None}):
            reply = world.first.fire(services[service], context(service, WARFARIN), prefetch=prefetch)
            assert reply.status == 412
            assert {issue["expression"][0] for issue in reply.json()["issue"]} == {
                "prefetch.patient",
                "prefetch.conditions",
            }


# ---- the form --------------------------------------------------------------------------------------------------------


def test_the_form_opens_once(world, services):
    (card,) = cards(world.first.fire(services[SELECT], context(SELECT, WARFARIN)))
    (link,) = card["links"]
    assert link["url"].startswith(f"{world.first.base}/cds/form/")
    path = link["url"].removeprefix(world.first.base)
    page = ask(world.server.port, "GET", path)
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    checked = re.findall(rb'name="patient:medications:present" value="([^"]+)" checked', page.body)
    assert checked == [b"warfarin"]
    gone = ask(world.server.port, "GET", path)
    assert gone.status == 410
    assert b'value="warfarin" checked' not in gone.body


# ---- feedback --------------------------------------------------------------------------------------------------------


def test_feedback_sent_twice_is_kept_once(world, services):
    (card,) = cards(world.first.fire(services[SELECT], context(SELECT, WARFARIN)))
    entry = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": card["overrideReasons"][0], "userComment": "what only this site may read"},
        "outcomeTimestamp": datetime.now(UTC).isoformat(),
    }
    for _ in range(2):
        reply = world.first.call(f"{DISCOVERY}/{SELECT}/feedback", {"feedback": [entry]})
        assert reply.status == 200, reply.body[:300]
    record = Record.open(f"sqlite:///{os.environ['INDICATION_STATE']}/record.sqlite")
    (row,) = (each for each in record.find(kind="feedback") if card["uuid"] in each.recorded.line)
    assert json.loads(row.recorded.line)["client"] == world.first.name
    assert "only this site" not in str(row)
    record.close()


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_for_another_address_is_refused(world, services):
    ehr = world.first
    for token in (
        ehr.token(DISCOVERY),
        ehr.token(f"{DISCOVERY}/{SIGN}"),
        ehr.token(f"{DISCOVERY}/{SELECT}/"),
        ehr.token(f"{DISCOVERY}/{SELECT}", aud=f"{world.server.address}{DISCOVERY}/{SELECT}"),
        ehr.token(f"{DISCOVERY}/{SELECT}", aud=f"{world.second.base}{DISCOVERY}/{SELECT}"),
    ):
        reply = ehr.call(f"{DISCOVERY}/{SELECT}", {}, token)
        assert reply.status == 401
        assert reply.body == b""
        assert reply.headers["www-authenticate"].startswith("Bearer")


def test_one_ehr_cannot_speak_for_the_other(world):
    for one, other in ((world.first, world.second), (world.second, world.first)):
        reply = one.call(DISCOVERY, token=one.token(DISCOVERY, iss=other.issuer, aud=other.base + DISCOVERY))
        assert reply.status == 401


@pytest.fixture(params=["first", "second"])
def ehr(world: World, request: pytest.FixtureRequest) -> Ehr:
    found: Ehr = getattr(world, request.param)
    return found


def test_a_token_is_used_once_by_whichever_worker(world, services, ehr):
    """One worker has let the token in and waits for the rest of the body; the other is asked with the same token."""
    path = f"{DISCOVERY}/{SELECT}"
    token = ehr.token(path)
    head = [f"POST {path} HTTP/1.1", "Host: indication.example", "Content-Length: 2"]
    head += [f"{name}: {value}" for name, value in ehr.headers(path, token).items()]
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=20) as busy:
        busy.sendall(("\r\n".join(head) + "\r\n\r\n{").encode())
        # Until it is let in: nothing outside tells when.
        time.sleep(1)
        begun = time.monotonic()
        again = ehr.call(path, {}, token)
        answered_in = time.monotonic() - begun
        busy.sendall(b"}")
        with busy.makefile("rb") as answer:
            first = int(answer.readline().split()[1])
    # Let in, though what it sent is no call.
    assert first == 400
    assert again.status == 401
    # Not by the first worker, which was still waiting for its body.
    assert answered_in < 5


# ---- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_says_who_was_refused_why_and_nothing_of_anybody(world, services):
    ehr = world.first
    tokens = [ehr.token(f"{DISCOVERY}/{SELECT}") for _ in range(2)]
    body = {
        "hook": HOOKS[SELECT],
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context(SELECT, WARFARIN),
        "prefetch": ehr.prefetched(services[SELECT], viewing(patient(WARFARIN))),
    }
    assert ehr.call(f"{DISCOVERY}/{SELECT}", body, tokens[0]).status == 200
    assert ehr.call(f"{DISCOVERY}/{SIGN}", body, tokens[1]).status == 401
    assert ehr.call(f"{DISCOVERY}/{SELECT}", {**body, "context": {}}).status == 400
    log = world.server.log.read_text(encoding="utf-8", errors="replace")
    assert f'"method":"POST","route":"{DISCOVERY}/<service_id>","status":200' in log
    assert f"call refused: audience (client {ehr.name})" in log
    for token in tokens:
        assert all(part not in log for part in token.split("."))
    # The beginning of any token: {" in base64.
    assert "eyJ" not in log
    assert "Bearer" not in log
    found = [(what, text) for what, text in _telling(world.resources) if text in log]
    assert found == []


def _telling(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """What would tell of a patient: ids, dates, references, codes long enough not to occur by chance."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not (name == "coding" and "terminology.hl7.org" in str(inner)):
                yield from _telling(inner, name)
    elif isinstance(value, list):
        for each in value:
            yield from _telling(each, key)
    elif (
        isinstance(value, str) and key in ("id", "birthDate", "reference", "code", "display", "text") and len(value) > 4
    ):
        yield key, value


def test_what_would_tell_is_known():
    """The test above looks for something."""
    told = dict(_telling({"birthDate": "1965-03-02", "code": {"coding": [{"system": "x", "code": "94222008"}]}}))
    assert told == {"birthDate": "1965-03-02", "code": "94222008"}
