"""What one CDS Hooks call costs when an EHR sends much: order-select with a prefetch of about a megabyte.

  in process   through Flask's own test client, beside json.loads of the same bytes and beside the same call without
               the padding; everything once in each round, in an order drawn anew; medians, and ratios within a round
  under load   N calls over loopback to gunicorn, two connections in flight, each call with its own signed token;
               half of the calls are answered faster than p50, one in a hundred is slower than p99

The patient is a fixture of fixtures/fhir; the padding is Observations that no item asks for, and the bench stops
unless the same is read with and without them. Prints one JSON object. Runs with .venv (script/setup dev), about two minutes; it stops
by itself. Nothing else should run meanwhile: `load_average` tells the reader whether something did.

  python -m bench.cds_hooks
  python -m bench.cds_hooks --requests 400 --workers 2        a longer load, one worker for each connection
  python -m bench.cds_hooks --requests 0                      in process only, half a minute
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from service.web import create_app
from tests.ehr.acting import DISCOVERY, SELECT, Ehr, ask, request_for, selecting
from tests.ehr.fhir_server import record
from tests.serving import serving

from bench.patients import PROJECT, RULES
from bench.rounds import interleaved, ratio, without_collector

PATIENT = "us-acetabulum-warfarin"
PATH = f"{DISCOVERY}/{SELECT}"
CONNECTIONS = 2
#: calls of each kind in one round; their median is the round's figure
CALLS = 3
HEADERS = {"Content-Type": "application/json", "Accept-Language": "en"}
KEYS = {
    "Patient": "patient",
    "Condition": "conditions",
    "Observation": "labs",
    "MedicationRequest": "medicationRequests",
}


def bundle(resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}


def unrelated(at: int, patient: str) -> dict[str, Any]:
    """An Observation as an EHR sends it, of something that nothing here asks for."""
    return {
        "resourceType": "Observation",
        "id": f"test-unrelated-{at}",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-20T08:00:00.000+01:00"},
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": f"test-{at % 50}"}], "text": "something else"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        "valueQuantity": {
            "value": 60 + at % 40,
            "unit": "mm[Hg]",
            "system": "http://unitsofmeasure.org",
            "code": "mm[Hg]",
        },
    }


def call_body(padding: int) -> bytes:
    """One order-select, with so many bytes of padding at least."""
    resources = record(PROJECT, PATIENT)
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    at = size = 0
    while size < padding:
        more = unrelated(at, patient)
        resources.append(more)
        size += len(json.dumps({"resource": more}))
        at += 1
    prefetch: dict[str, Any] = {
        key: bundle([each for each in resources if each["resourceType"] == kind]) for kind, key in KEYS.items()
    }
    prefetch["patient"] = prefetch["patient"]["entry"][0]["resource"]
    body = {
        "hook": "order-select",
        "hookInstance": str(uuid.UUID(int=4)),
        "context": selecting(patient, request_for(patient)),
        "prefetch": prefetch,
    }
    return json.dumps(body).encode()


def timed(call: Callable[[], object]) -> float:
    """Milliseconds, the median of a few calls."""
    taken = []
    with without_collector():
        for _ in range(CALLS):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def answered(client: FlaskClient, body: bytes) -> list[dict[str, Any]]:
    response = client.post(PATH, data=body, headers=HEADERS)
    if response.status_code != 200:
        raise RuntimeError(f"{PATH}: {response.status_code}")
    cards: list[dict[str, Any]] = json.loads(response.data)["cards"]
    return cards


def in_process(large: bytes, small: bytes, rounds: int, home: Path) -> dict[str, Any]:
    settings = {"RULES": RULES, "CDS_OPEN": True, "CLIENTS": None, "STORE": home / "store.sqlite", "WARM": True}
    client = create_app(settings).test_client()
    first, other = answered(client, large), answered(client, small)
    # A card's uuid follows from the digest of what was read.
    if not first or [card["uuid"] for card in first] != [card["uuid"] for card in other]:
        raise RuntimeError("the padding changed the answer, or there is none")
    found = interleaved(
        {
            "json.loads": lambda: timed(lambda: json.loads(large)),
            "call": lambda: timed(lambda: answered(client, large)),
            "call without padding": lambda: timed(lambda: answered(client, small)),
        },
        rounds,
    )
    return {
        "rounds": rounds,
        "ms": {
            name: {
                "median": round(statistics.median(values), 2),
                "lowest": round(min(values), 2),
                "highest": round(max(values), 2),
            }
            for name, values in found.items()
        },
        "call / json.loads": round(ratio(found["call"], found["json.loads"]), 1),
        "call / call without padding": round(ratio(found["call"], found["call without padding"]), 2),
        "cost of the padding / json.loads": round(
            statistics.median(
                (call - bare) / loads
                for call, bare, loads in zip(
                    found["call"], found["call without padding"], found["json.loads"], strict=True
                )
            ),
            1,
        ),
    }


def under_load(body: bytes, requests: int, workers: int, most_seconds: float, home: Path) -> dict[str, Any]:
    ehr = Ehr(
        "bench-ehr",
        "https://ehr.example/oauth",
        "https://indication.example",
        "ES384",
        ECKey.generate_key("P-384"),
        0,
        0,
    )
    known = {
        "name": ehr.name,
        "issuer": ehr.issuer,
        "keys": {"jwks": {"keys": [ehr.public()]}},
        "audiences": ehr.base,
    }
    file = home / "clients.yaml"
    file.write_text(json.dumps({"clients": [known]}), encoding="utf-8")
    settings = {"INDICATION_CLIENTS": str(file), "INDICATION_STORE": str(home / "load.sqlite")}
    with serving(PROJECT, RULES, home / "log", workers=workers, settings=settings) as server:
        for _ in range(2 * workers):
            _one(server.port, body, ehr.token(PATH))
        # Signed beforehand: the EHR's work is none of ours.
        tokens = iter([ehr.token(PATH) for _ in range(requests)])
        return {"requests": requests, "connections": CONNECTIONS, "workers": workers} | _loaded(
            server.port, body, tokens, most_seconds
        )


def _one(port: int, body: bytes, token: str) -> None:
    reply = ask(port, "POST", PATH, body, {**HEADERS, "Authorization": f"Bearer {token}"})
    if reply.status != 200:
        raise RuntimeError(f"{PATH}: {reply.status}")


def _loaded(port: int, body: bytes, tokens: Iterator[str], most_seconds: float) -> dict[str, Any]:
    taken: list[float] = []
    wrong: list[str] = []
    begun = time.perf_counter()

    def connection() -> None:
        while not wrong and time.perf_counter() - begun < most_seconds:
            token = next(tokens, None)
            if token is None:
                return
            start = time.perf_counter()
            try:
                _one(port, body, token)
            except (OSError, RuntimeError) as error:
                wrong.append(str(error))
            taken.append(time.perf_counter() - start)

    threads = [threading.Thread(target=connection) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(wrong[0])
    whole = time.perf_counter() - begun
    taken.sort()
    return {
        "answered": len(taken),
        "per second": round(len(taken) / whole, 2),
        "ms": {f"p{at}": round(1000 * taken[min(len(taken) - 1, len(taken) * at // 100)]) for at in (50, 99)}
        | {"highest": round(1000 * taken[-1])},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.cds_hooks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bytes", type=int, default=1_000_000, help="padding of the prefetch (default 1000000; the service takes 5 MB)"
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds in process (default 15)")
    parser.add_argument("--requests", type=int, default=200, help="calls under load (default 200; 0: none)")
    parser.add_argument("--workers", type=int, default=1, help="gunicorn's workers (default 1)")
    parser.add_argument("--most-seconds", type=float, default=120.0, help="the load ends after this long (default 120)")
    given = parser.parse_args()
    if given.rounds < 1 or given.requests < 0 or given.workers < 1 or given.bytes < 0:
        parser.error("--rounds and --workers need 1 at least; --requests and --bytes 0 at least")
    large, small = call_body(given.bytes), call_body(0)
    told: dict[str, Any] = {
        "bytes": len(large),
        "bytes without padding": len(small),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": {"before": round(os.getloadavg()[0], 1)},
    }
    with tempfile.TemporaryDirectory() as home:
        told["in process"] = in_process(large, small, given.rounds, Path(home))
        if given.requests:
            told["under load"] = under_load(large, given.requests, given.workers, given.most_seconds, Path(home))
    told["load_average"]["after"] = round(os.getloadavg()[0], 1)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
