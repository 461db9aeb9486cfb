"""Any request at any door, those of the pages and of EHRs too: an answer of this application, never a failure."""

import copy
import io
import json
from typing import Any
from urllib.parse import quote, urlencode

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Rule

from service.web import create_app
from tests.fuzz.conftest import AUTHORIZED
from tests.fuzz.mutating import mutated
from tests.strategies import RULES, Sent, decider, examples, guided, seeded

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X")
TYPES = (
    "application/json", "application/fhir+json", "application/x-ndjson", "application/x-www-form-urlencoded", "text/plain", "",
    "multipart/form-data; boundary=x", "application/json; charset=latin-1", "*/*", "application/json; charset=\"", "x",
)  # fmt: skip
HEADERS = ("Accept", "Accept-Language", "Content-Encoding", "Origin", "Sec-Fetch-Site", "X-Request-Id", "Traceparent", "Range",
           "If-None-Match", "X-Forwarded-For", "X-Remote-User", "Cookie", "Expect", "Access-Control-Request-Method")  # fmt: skip
ODD = (
    "",
    "*",
    "fr;q=2",
    "en;q=",
    "gzip",
    "null",
    "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
    "a" * 300,
    "é",
    "\x01",
    "bytes=0-",
    ";;",
    "=,=",
)
NAMES = (
    "trace",
    "at",
    "language",
    "technique",
    "topic",
    "what",
    "do",
    "next",
    "id",
    "hook",
    "part",
    "draft",
    "q",
    "patient:blood.platelets:value",
)
PIECES = (
    "",
    "0",
    "..",
    "%00",
    "%2e%2e",
    "%ff",
    "a" * 300,
    "é",
    "0" * 32,
    "indication-order-select",
    "current",
    "index.html",
    "$x",
    "x.css",
)
RULES_OF_ADDRESSES: tuple[Rule, ...] = tuple(create_app({"RULES": RULES, "AUDIT_STORE": "off"}).url_map.iter_rules())
WORDS = st.sampled_from(ODD) | st.text(max_size=12)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    rule = draw(st.sampled_from(RULES_OF_ADDRESSES))
    parts = (draw(st.sampled_from(PIECES)) if dynamic else piece for dynamic, piece in rule._trace)
    address = "".join(part.lstrip("|") for part in parts)
    return address + draw(st.sampled_from(("", "", "", "/", "//", "/x", "%0d%0a")))


@given(
    method=st.sampled_from(METHODS),
    address=addresses(),
    query=st.lists(st.tuples(st.sampled_from(NAMES), WORDS), max_size=3),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(ODD), max_size=3),
    kind=st.sampled_from(TYPES),
    body=st.sampled_from((b"", b"", b"{}", b"[]", b"null", b"a=b&c", b"--x\r\n\r\n", b"\xff")) | st.binary(max_size=60),
    known=st.booleans(),
)
@examples(500)
def test_any_request_is_answered(
    method: str,
    address: str,
    query: Any,
    headers: dict[str, str],
    kind: str,
    body: bytes,
    known: bool,
    tester: FlaskClient,
) -> None:
    sent = {name: value for name, value in headers.items() if value.isprintable() and value.isascii()}
    response = tester.open(
        quote(address, safe="/%$"),
        method=method,
        query_string=urlencode(query, errors="surrogatepass"),
        headers=sent | (AUTHORIZED if known else {}),
        data=body,
        content_type=kind,
    )
    assert response.status_code < 500 or response.status_code == 503, response.text[:500]
    assert response.headers["Content-Security-Policy"]
    if not address.startswith("/static"):
        assert response.headers["Cache-Control"] == "no-store"
    assert "Traceback" not in response.text


@given(sent=guided(), seed=st.integers(0, 2**32), more=st.binary(max_size=4))
@examples(60)
def test_a_referral_of_which_bytes_went_wrong(sent: Sent, seed: int, more: bytes, tester: FlaskClient) -> None:
    body = mutated(json.dumps(sent.data, indent=1).encode(), seeded(seed)) + more
    response = tester.post(
        "/v1/recommendations",
        data=body,
        content_type="application/json",
        query_string={"at": sent.at.isoformat()},
        headers=AUTHORIZED,
    )
    assert response.status_code in (200, 400, 413, 422), response.text[:500]
    assert ("Indication-Record" in response.headers) == (response.status_code == 200)


#: what stands where something else is expected
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
JUNK = st.recursive(
    LEAVES | st.sampled_from(["2026-13-01", "\ud800", "<b>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "unit", "date", "items", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(sent=guided(), item=st.data())
@examples(150)
def test_a_referral_of_which_values_are_something_else(sent: Sent, item: st.DataObject, tester: FlaskClient) -> None:
    data = copy.deepcopy(sent.data)
    part = item.draw(st.sampled_from([data, data["patient"], *data["lesions"]]))
    names = st.sampled_from([*part, *decider().rulebook.vocabulary.items, "id", "x"])
    for _ in range(item.draw(st.integers(1, 3))):
        part[item.draw(names)] = item.draw(JUNK)
    response = tester.post(
        "/v1/recommendations", data=json.dumps(data), content_type="application/json", headers=AUTHORIZED
    )
    assert response.status_code in (200, 400, 422), response.text[:500]


@given(sents=st.lists(guided(), min_size=1, max_size=3), seed=st.integers(0, 2**32))
@examples(8)
def test_a_batch_of_which_bytes_went_wrong(sents: list[Sent], seed: int, tester: FlaskClient) -> None:
    """As many lines out as in, each of them JSON."""
    body = mutated(b"\n".join(json.dumps(sent.data).encode() for sent in sents), seeded(seed))
    response = tester.post(
        "/v1/recommendations/batch", data=body, content_type="application/x-ndjson", headers=AUTHORIZED
    )
    assert response.status_code == 200, response.text[:500]
    assert [type(json.loads(line)) for line in response.data.splitlines()] == [dict] * len(io.BytesIO(body).readlines())


OWNERS = ("patient", "lesion0", "lesion9", "what|patient", "")
ITEMS = ("blood.platelets", "lesion.site", "neuro.new_deficit", "medication.anticoagulants", "x")
FIELDS = st.tuples(
    st.sampled_from(OWNERS), st.sampled_from(ITEMS), st.sampled_from(("value", "on", "unit", "unknown", "x"))
).map(":".join) | st.sampled_from(("do", "language", "at", "recorded_at", "add:level:value", "target", "file", "text"))
TYPED = WORDS | st.sampled_from(("add", "remove.lesion0", "remove.x", "?", "yes", "1e400", "9" * 400))
PAGES = ("/", "/", "/trace", "/print", "/referral.json", "/import", "/committee/edit", "/committee/typed")


@given(address=st.sampled_from(PAGES), fields=st.lists(st.tuples(FIELDS, TYPED), max_size=6))
@examples(70)
def test_a_form_that_no_browser_would_send(address: str, fields: Any, tester: FlaskClient) -> None:
    body = urlencode(fields, errors="surrogatepass")
    response = tester.post(address, data=body, content_type="application/x-www-form-urlencoded", headers=AUTHORIZED)
    assert response.status_code < 500, response.text[:500]
