"""What was sent stands in no log line, no metric, no header of an answer: through every door, in good requests and bad.

A real server, its log at `debug`; marks that can be recognised in every field that a sender can fill. The bodies of
refusals quote to their own sender what is wrong, on purpose; where they do is listed here.
"""

import http.client
import json
import re
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest
import yaml

from service.language.vocabulary import Item
from service.rulebook.model import Rulebook
from service.web.form.entries import typed_from
from tests.serving import Server, serving

#: a word, a day and digits of a fraction that occur nowhere else
WORD, DAY, DIGITS = "zqplanted", "1948-07-03", "73519"
MARKS = re.compile(f"{WORD}|{DAY}|{DIGITS}", re.IGNORECASE)
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
TYPED = {"Content-Type": "application/x-www-form-urlencoded"}
#: headers that a client may send, each with a mark
HEADERS = {
    "X-Request-Id": WORD,
    "User-Agent": WORD,
    "Referer": f"http://{WORD}.example/{WORD}?{WORD}",
    "Cookie": f"a={WORD}",
    "Authorization": f"Bearer {WORD}",
    "Accept-Language": f"en, {WORD};q=0.1",
    "Forwarded": f"for={WORD}",
    "traceparent": WORD,
    "tracestate": f"a={WORD}",
    "baggage": f"a={WORD}",
    "If-None-Match": WORD,
}
#: where a refusal quotes what its sender wrote, so that it can be mended: the status, and where it was sent (… for a mark)
QUOTED: dict[int, set[str]] = {
    400: {
        # a parameter that is not known, or a value that one does not take
        "/livez", "/v1/docs", "/v1/openapi.json", "/v1/recommendations", "/fhir/$recommend", "/fhir/PlanDefinition/…",
    },
    404: {
        # a name that is not known
        "/v1/rulebooks/…/recommendations", "/v1/rulebook/rules/…", "/v1/scores/…", "/v1/techniques/…", "/v1/vocabulary/…",
        "/rulebook/fr/…",
    },
    422: {"/v1/recommendations"},
}  # fmt: skip


@dataclass
class World:
    server: Server
    #: refusals in whose body a mark stands, as QUOTED
    quoted: dict[int, set[str]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    in_headers: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            told = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        self.statuses[response.status] += 1
        self.in_headers += [(path, name) for name, value in response.getheaders() if MARKS.search(value)]
        if response.status >= 400 and MARKS.search(told):
            self.quoted.setdefault(response.status, set()).add(path.partition("?")[0].replace(WORD, "…"))
        return response.status

    def raw(self, sent: bytes) -> bytes:
        """Bytes that need not be HTTP."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture(scope="module")
def world(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("server")
    shutil.copytree(root / "rules", home / "rules")
    settings = {
        "INDICATION_STATE": str(home / "state"),
        "INDICATION_LOGS_FORMAT": "json",
        "INDICATION_LOGS_LEVEL": "debug",
        "INDICATION_CDS_OPEN": "1",
        # What a proxy passes on is answered too, and with it every header that one may send.
        "INDICATION_EXPOSED": "true",
    }
    with serving(root, home / "rules", home / "log", settings=settings) as server:
        yield World(server)


# ---- what is planted -------------------------------------------------------------------------------------------------


def good(item: Item) -> Any:
    """A value that the item takes, with a mark where it has room for one."""
    match item.type:
        case "number":
            return float(f"{int((item.low + item.high) / 2)}.{DIGITS}")
        case "date":
            return DAY
        case _:
            return next(iter(item.choices), True)


def bad(item: Item) -> list[Any]:
    """Values of the wrong kind, each with a mark."""
    return [
        WORD,
        float(f"987654321.{DIGITS}"),
        {"value": WORD, "unit": WORD, "date": DAY},
        {"value": float(f"1.{DIGITS}"), "unit": WORD},
        {"items": [WORD], "absent": [WORD], "complete": WORD},
        {WORD: WORD},
        [WORD],
    ]


def referrals(rulebook: Rulebook) -> list[Any]:
    items = rulebook.vocabulary.items.values()
    patient = [item for item in items if item.scope == "patient"]
    lesion = [item for item in items if item.scope != "patient"]

    def referral(of_patient: Any, of_lesion: Any, **more: Any) -> Any:
        return {"recorded_at": "2026-11-23", "patient": of_patient, "lesions": [{"id": WORD, **of_lesion}], **more}

    return [
        referral({}, {}),
        *(referral({item.id: good(item) for item in patient[start::8]}, {}) for start in range(8)),
        *(referral({}, {item.id: good(item) for item in lesion[start::4]}) for start in range(4)),
        *(
            referral({item.id: bad(item)[turn] for item in patient}, {item.id: bad(item)[turn] for item in lesion})
            for turn in range(len(bad(patient[0])))
        ),
        referral({}, {}, recorded_at=WORD),
        referral({}, {}, recorded_at=DAY),
        referral({WORD: WORD}, {WORD: WORD}, **{WORD: WORD}),
        {WORD: [WORD]},
        [WORD],
        WORD,
    ]


#: elements of which the meaning must stay, for a bundle to be read at all
KEPT = ("resourceType", "type", "system", "code", "status", "intent", "gender", "comparator", "unit", "use", "url")


def marked(value: Any, everything: bool) -> Any:
    """FHIR with marks in its identifiers and texts, or in every text and number."""
    match value:
        case dict():
            keep = KEPT[:1] if everything else KEPT
            return {
                key: inner if key in keep and isinstance(inner, str) else marked(inner, everything)
                for key, inner in value.items()
            }
        case list():
            return [marked(inner, everything) for inner in value]
        case str() if re.match(r"\d{4}", value):
            return value if not everything else DAY
        case str():
            return value if value.startswith(("http", "urn:")) and not everything else f"{value}-{WORD}"
        case bool() | None:
            return value
        case _:
            return float(f"{int(value)}.{DIGITS}")


BROKEN = [
    b"{" + WORD.encode(),
    f'{{"patient": {{"{WORD}": 1, "{WORD}": 2}}}}'.encode(),
    f'{{"{WORD}": NaN}}'.encode(),
    f'"\\ud800{WORD}"'.encode(),
    WORD.encode() + b"\xff\xfe",
    b"[" * 2000 + WORD.encode(),
    b"",
]


# ---- the doors -------------------------------------------------------------------------------------------------------


def test_the_api(world, rulebook):
    bodies = [*(json.dumps(each).encode() for each in referrals(rulebook)), *BROKEN]
    seen = set()
    for body in bodies:
        seen.add(world.ask("POST", "/v1/recommendations", body, JSON))
    assert {200, 400, 422} <= seen
    lines = b"\n".join(body.replace(b"\n", b" ") for body in bodies)
    assert world.ask("POST", "/v1/recommendations/batch", lines, NDJSON) == 200
    one = bodies[0]
    for headers in ({"Content-Type": WORD}, {"Content-Type": f"application/json; charset={WORD}"}, HEADERS | JSON):
        world.ask("POST", "/v1/recommendations", one, headers)
    for query in (f"at={WORD}", f"trace={WORD}", f"{WORD}={WORD}", f"at={DAY}", f"at={quote(DAY + 'T00:00:00Z')}"):
        assert world.ask("POST", f"/v1/recommendations?{query}", one, JSON) == 400
    world.ask("POST", f"/v1/rulebooks/{WORD}/recommendations", one, JSON)
    world.ask("POST", "/v1/recommendations", WORD.encode() * 200_000, JSON)


def test_addresses(world):
    for path in (
        "/", "/v1/", "/v1/rulebook/rules/", "/v1/vocabulary/", "/v1/techniques/", "/v1/scores/", "/v1/rulebooks/",
        "/cds/form/", "/committee/jobs/", "/rulebook/fr/", "/static/", "/fhir/", "/fhir/PlanDefinition/", "/cds-services/",
        "/v1/record/", "/metrics/",
    ):  # fmt: skip
        for method in ("GET", "POST", "DELETE"):
            world.ask(method, f"{path}{WORD}?{WORD}={WORD}", None, HEADERS)
            world.ask(method, f"{path}{WORD}")
    for path in ("/livez", "/readyz", "/version", "/metrics", "/v1/docs", "/v1/rulebook", "/v1/openapi.json"):
        world.ask("GET", f"{path}?{WORD}={WORD}", None, HEADERS)
        world.ask("GET", path, None, HEADERS)
    world.ask(WORD.upper(), "/livez")


def test_what_is_not_http(world):
    for sent in (
        f"GET /{WORD}\r\n\r\n",
        f"{WORD} {WORD}\r\n\r\n",
        f"GET /livez HTTP/{WORD}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\n{WORD} {WORD}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\n{WORD}\x01: {WORD}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: {WORD}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {WORD}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: {WORD}\r\n\r\n",
        f"GET /{WORD * 300} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET http://{WORD}/{WORD}?{WORD} HTTP/1.1\r\nHost: {WORD}\r\n\r\n",
        f"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{WORD}\r\n{WORD}",
        f"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{WORD}",
    ):
        world.raw(sent.encode("latin-1"))


def bundles(root: Path) -> Iterator[Any]:
    for path in sorted((root / "fixtures" / "fhir").glob("*.json"))[::6]:
        bundle = json.loads(path.read_text(encoding="utf-8"))["bundle"]
        yield marked(bundle, everything=False)
        yield marked(bundle, everything=True)


def test_fhir(world, root):
    sent = [json.dumps(bundle).encode() for bundle in bundles(root)]
    assert 200 in {world.ask("POST", "/fhir/$recommend?audit=1", body, JSON) for body in sent}
    for body in (*BROKEN, json.dumps({"resourceType": WORD}).encode()):
        world.ask("POST", "/fhir/$recommend", body, JSON)
    world.ask("POST", f"/fhir/$recommend?at={WORD}&{WORD}={WORD}", b"{}", HEADERS | JSON)


def patient_of(bundle: Any) -> Any:
    resources = [each.get("resource") or {} for each in bundle["entry"] if isinstance(each, dict)]
    found = (each for each in resources if each.get("resourceType") == "Patient" and each.get("id"))
    return next(found, {"resourceType": "Patient", "id": WORD, "gender": WORD, "birthDate": DAY})


def test_cds_hooks(world, root):
    statuses = set()
    for bundle in bundles(root):
        patient = patient_of(bundle)
        for service, hook in (("indication-order-select", "order-select"), ("indication-patient-view", "patient-view")):
            resource = {"resourceType": "ServiceRequest", "id": WORD, "status": "draft", "code": {"text": WORD}}
            drafts = {"resourceType": "Bundle", "entry": [{"resource": resource}]}
            call = {
                "hook": hook,
                "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
                "fhirServer": f"https://{WORD}.example",
                "context": {
                    "userId": f"Practitioner/{WORD}",
                    "patientId": patient["id"],
                    "encounterId": WORD,
                    "selections": [f"ServiceRequest/{WORD}"],
                    "draftOrders": drafts,
                },
                "prefetch": {
                    "patient": patient,
                    "conditions": bundle,
                    WORD: WORD,
                },
            }
            statuses.add(world.ask("POST", f"/cds-services/{service}", json.dumps(call).encode(), JSON | HEADERS))
    assert 200 in statuses, statuses
    for body in (*BROKEN, json.dumps({WORD: WORD, "hookInstance": WORD}).encode()):
        world.ask("POST", "/cds-services/indication-patient-view", body, JSON)
        world.ask("POST", "/cds-services/indication-patient-view/feedback", body, JSON)
    said = {"card": WORD, "outcome": "overridden", "overrideReason": {"reason": {"code": WORD}, "userComment": WORD}}
    feedback = json.dumps({"feedback": [said]}).encode()
    world.ask("POST", "/cds-services/indication-patient-view/feedback", feedback, JSON)


def test_the_form(world, rulebook, root):
    fixture = yaml.safe_load((root / "fixtures" / "referrals" / "platelets-32.yaml").read_text(encoding="utf-8"))
    typed = {
        name: list(values)
        for name, values in typed_from(fixture["referral"], rulebook.vocabulary, ZoneInfo("Europe/Paris")).items()
    }
    planted = {name: [WORD] * len(values) for name, values in typed.items()}
    everywhere = {f"{owner}:{item}": [WORD] for owner in ("patient", WORD) for item in rulebook.vocabulary.items}
    for data in (typed, planted, typed | everywhere, {WORD: [WORD]}, typed | {name: [DAY] for name in list(typed)[:9]}):
        sent = urlencode(data, doseq=True).encode()
        for path in ("/", "/trace", "/print", "/referral.json", "/import", "/what-if"):
            world.ask("POST", f"{path}?lang={WORD}", sent, TYPED)
            world.ask("POST", path, sent, TYPED | HEADERS)
    world.ask(
        "POST", "/", typed_foreign := urlencode(typed, doseq=True).encode(), TYPED | {"Origin": f"https://{WORD}"}
    )
    assert typed_foreign
    for path in ("/committee/edit", "/committee/typed", "/committee/diff", "/committee/download", "/committee/jobs"):
        world.ask("POST", path, urlencode({"text": WORD, "name": WORD, WORD: WORD, "do": WORD}).encode(), TYPED)


# ---- the scan: after all of them ------------------------------------------------------------------------------------


def test_nothing_of_it_is_logged_or_counted(world):
    log = world.server.log.read_text(encoding="utf-8", errors="replace")
    lines = [json.loads(line) for line in log.splitlines()]
    asked = sum(world.statuses.values())
    assert asked > 200
    assert sum(line["logger"] == "gunicorn.access" for line in lines) >= asked
    assert [line for line in log.splitlines() if MARKS.search(line)] == []
    metrics = world.server.ask("GET", "/metrics")[1].decode()
    assert "indication_decisions_total{" in metrics
    assert [line for line in metrics.splitlines() if MARKS.search(line)] == []


def test_no_header_of_an_answer_tells_it(world):
    assert world.in_headers == []


def test_no_fault_was_ours(world):
    assert [status for status in world.statuses if status >= 500] == []


def test_where_a_refusal_quotes_its_sender(world):
    assert world.quoted == QUOTED
