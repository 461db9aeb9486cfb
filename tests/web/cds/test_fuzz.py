"""Whatever an EHR sends, it gets cards or a refusal, never a failure, and a refusal never quotes it."""

import copy
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from service.web.cds import services
from tests.strategies import examples
from tests.web.cds.conftest import PATIENT, SELECT, SIGN, VIEW, bundle, call_body, condition, holds, service_request

MARK = "zq-secret-zq"
JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**6), 10**6),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([MARK, "", "\ud800", "Patient", "2026-02-30", "2026", "../..", "<b>", "a|b", "1e9", "#c1"]),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["resourceType", "id", "code", "coding", "system", "value", "entry", "resource", "link", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def observation(code: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/test-1"},
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        **value,
    }


WHOLE = {
    "patient": PATIENT,
    "conditions": bundle(
        condition(bodySite=[{"coding": [{"system": "http://snomed.info/sct", "code": "181822002"}], "text": "L2"}]),
        link=[{"relation": "self", "url": "x"}],
    ),
    "labs": bundle(
        observation("777-3", valueQuantity={"value": 231, "unit": "G/L", "code": "10*9/L"}),
        observation("6301-6", valueQuantity={"value": 2.4, "comparator": ">", "unit": "{INR}"}),
        observation("89247-1", valueInteger=2),
        observation("72514-3", dataAbsentReason={"coding": [{"code": "unknown"}]}),
    ),
    "medicationRequests": bundle(
        {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AF02"}]},
            "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2026-01-01"}}}}],
        }
    ),
    "allergies": bundle({"resourceType": "AllergyIntolerance", "id": "a1", "code": {"text": "iode"}}),
    "procedures": bundle(
        {"resourceType": "Procedure", "id": "p1", "status": "completed", "performedPeriod": {"end": "2026-03"}}
    ),
    "devices": bundle({"resourceType": "Device", "id": "d1", "type": {"text": "x"}}),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        found += places(each, (*path, key))
    return found


@st.composite
def broken(draw: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """A good call of which some parts are lost, doubled, or something else."""
    service = draw(st.sampled_from([SELECT, SIGN, VIEW]))
    body = copy.deepcopy(call_body(service, service_request(), prefetch=WHOLE))
    for _ in range(draw(st.integers(0, 4))):
        # What the envelope asks for is broken elsewhere: here the call should be read.
        ground = draw(
            st.sampled_from([("prefetch",), ("context", "draftOrders"), ()] if service != VIEW else [("prefetch",), ()])
        )
        holder: Any = body
        for key in ground:
            holder = holder.get(key) if isinstance(holder, dict) else None
        paths = places(holder)
        if not paths:
            continue
        *way, last = draw(st.sampled_from(paths))
        for key in way:
            holder = holder[key]
        match draw(st.sampled_from(["junk", "junk", "null", "list", "gone", "empty"])):
            case "junk":
                holder[last] = draw(JUNK)
            case "null":
                holder[last] = None
            case "list":
                holder[last] = [holder[last], holder[last]]
            case "empty":
                holder[last] = draw(st.sampled_from([[], {}, ""]))
            case "gone":
                del holder[last]
    return service, body


def judged(client: FlaskClient, service: str, data: bytes) -> int:
    response = client.post(f"/cds-services/{service}", data=data, content_type="application/json")
    assert response.status_code in (200, 400, 412, 422), response.get_data(as_text=True)[:400]
    told = json.loads(response.data)
    if response.status_code == 200:
        holds(told)
    else:
        assert told["resourceType"] == "OperationOutcome"
        assert MARK.encode() not in response.data
    return response.status_code


@given(call=broken())
@examples(60)
def test_a_broken_call_is_answered_or_refused(cds_app, call):
    service, body = call
    judged(cds_app.test_client(), service, json.dumps(body).encode())


@given(body=JUNK)
@examples(30)
def test_so_is_anything_else(cds_app, body):
    for path in (SELECT, f"{SELECT}/feedback"):
        response = cds_app.test_client().post(
            f"/cds-services/{path}", data=json.dumps(body), content_type="application/json"
        )
        assert response.status_code == 400


@given(prefetch=st.dictionaries(st.sampled_from([*WHOLE, "x"]), JUNK, max_size=4))
@examples(40)
def test_so_is_any_prefetch(cds_app, prefetch):
    body = call_body(SELECT, prefetch=prefetch)
    judged(cds_app.test_client(), SELECT, json.dumps(body).encode())


@given(data=st.binary(max_size=60))
@examples(30)
def test_so_is_no_json_at_all(cds_app, data):
    judged(cds_app.test_client(), SELECT, data)


def test_the_whole_call_is_answered(cds, at: datetime, monkeypatch):
    """What is broken above is a call that has an answer when it is not."""
    monkeypatch.setattr(services, "now", lambda: at)
    body = call_body(SELECT, prefetch=WHOLE)
    assert judged(cds, SELECT, json.dumps(body).encode()) == 200
    response = cds.post(f"/cds-services/{SELECT}", json=body, headers={"Accept-Language": "en"})
    (card,) = response.json["cards"]
    assert "data of 2026-11-20" in card["detail"]
