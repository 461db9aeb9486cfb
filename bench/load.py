"""One worker under load: against a bare Flask route, at half, at all and at twice what it can do, and what recording costs.

  python -m bench.load                     some ten minutes; nothing else should run meanwhile
  python -m bench.load --quick             fewer requests: a try, its figures mean little
  python -m bench.load --write             puts the tables in docs/speed.md too

Each server is a gunicorn of one worker with the project's own configuration, on loopback. Capacity is what two connections in
flight get through. At a given rate requests are sent at their appointed times, whatever became of those before, and latency counts
from the appointed time: a server that falls behind cannot hide it.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from service.rulebook.load import load_rulebook

from bench.http_load import HEADERS, rate
from bench.patients import RULES, fixtures
from bench.rounds import interleaved, ratio
from bench.start import served
from bench.tables import machine, number, put, table, times

#: as many requests may be under way at once; more are sent late, and what stands under the table says how late
CONNECTIONS = 96
#: after twice the capacity: answered again as before, so often one after the other
CALM = 5
RECORDS = {
    "off": "recording nothing (`audit.store: off`)",
    "digest": "digests only (`audit.keep: digest`)",
    "full": "in full (the default)",
}

Requests = Sequence[tuple[str, bytes]]


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _server(home: Path, name: str, application: str = "wsgi:app", **settings: str) -> Iterator[int]:
    """The port of a gunicorn of one worker; what it keeps is in a folder of its own."""
    state = home / name
    environment = {
        "INDICATION_STATE": str(state),
        "INDICATION_AUDIT_STORE": f"sqlite:///{state / 'record.sqlite'}",
        "INDICATION_RATE": "0",
        **settings,
    }
    state.mkdir(mode=0o700)
    with ExitStack() as stack:
        with patch.dict(os.environ, environment):
            port, _ = stack.enter_context(served(application))
        yield port


@dataclass(frozen=True)
class Answer:
    status: int
    #: milliseconds since the appointed time, and how late it was sent
    taken: float
    late: float
    retry: str | None


def _at_rate(port: int, requests: Requests, per_second: float, count: int) -> list[Answer]:
    """`count` requests at their appointed times, evenly spaced."""
    start = time.perf_counter() + 0.05

    def one(at: int) -> Answer:
        due = start + at / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        sent = time.perf_counter()
        path, body = requests[at % len(requests)]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", path, body, HEADERS)
            answer = connection.getresponse()
            answer.read()
            status, retry = answer.status, answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException):
            status, retry = 0, None
        finally:
            connection.close()
        return Answer(status, 1000 * (time.perf_counter() - due), 1000 * (sent - due), retry)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(one, range(count)))


def _quantile(values: Sequence[float], share: float) -> str:
    ranked = sorted(values)
    return number(ranked[min(len(ranked) - 1, int(len(ranked) * share))]) if ranked else "–"


def _latency(name: str, per_second: float, answers: Sequence[Answer]) -> tuple[Any, ...]:
    answered = [each.taken for each in answers if each.status == 200]
    shed = [each for each in answers if each.status == 503]
    other = len(answers) - len(answered) - len(shed)
    return (
        name,
        number(per_second),
        len(answers),
        *(_quantile(answered, share) for share in (0.5, 0.99, 0.999)),
        f"{100 * len(shed) / len(answers):.0f}%",
        _quantile([each.taken for each in shed], 0.5),
        f"{sum(1 for each in shed if each.retry)} of {len(shed)}",
        other,
    )


def _recovery(port: int, requests: Requests, usual: float) -> float:
    """Seconds until so many answers in a row are 200 and as quick as before, twice that allowed."""
    start, calm = time.perf_counter(), 0
    while calm < CALM:
        (answer,) = _at_rate(port, requests[:1], 1.0, 1)
        calm = calm + 1 if answer.status == 200 and answer.taken - answer.late < 2 * usual + 50 else 0
        if time.perf_counter() - start > 60:
            raise RuntimeError("the service does not come back to what it was")
    return time.perf_counter() - start


def throughput(given: Requests, rounds: int, seconds: float, home: Path) -> tuple[str, float, float]:
    """The table, the capacity (requests a second) and the median answer in milliseconds."""
    bare = [("/bench/bare", body) for _, body in given]
    latencies: dict[str, list[float]] = {"bare": [], "service": []}
    with _server(home, "bare", "bench.bare_alone:app") as port, _server(home, "service") as other:

        def once(name: str) -> float:
            per_second, taken, _ = rate(*((port, bare) if name == "bare" else (other, given)), seconds)
            latencies[name] += taken
            return per_second

        found = interleaved(
            {"bare": lambda: once("bare"), "service": lambda: once("service")},
            rounds,
            progress=lambda at: _progress(f"throughput: round {at} of {rounds}"),
        )
    labels = {
        "bare": "a bare Flask route alone, the same gunicorn",
        "service": "`POST /v1/recommendations`, recorded in full",
    }
    rows = [
        (
            labels[name],
            number(statistics.median(found[name])),
            f"{number(min(found[name]))}–{number(max(found[name]))}",
            times(ratio(found["bare"], found[name])),
            *(_quantile(latencies[name], share) for share in (0.5, 0.99, 0.999)),
        )
        for name in labels
    ]
    heads = (
        "one worker, two connections",
        "requests per second",
        "lowest–highest round",
        "slower",
        "p50, ms",
        "p99, ms",
        "p99.9, ms",
    )
    return table(heads, rows), statistics.median(found["service"]), statistics.median(latencies["service"])


def under_load(given: Requests, capacity: float, usual: float, count: int, home: Path) -> str:
    rows, late = [], 0.0
    with _server(home, "loaded") as port:
        for share, name in ((0.5, "half of what it can do"), (1.0, "all that it can do"), (2.0, "twice that")):
            _progress(f"load: {name}")
            # Enough to fill the queue, however few the others are.
            sent = count if share <= 1 else max(count, 160)
            answers = _at_rate(port, given, share * capacity, sent)
            rows.append(_latency(name, share * capacity, answers))
            late = max(late, *(each.late for each in answers))
        seconds = _recovery(port, given, usual)
    heads = (
        "load on one worker", "requests per second", "sent", "p50, ms", "p99, ms", "p99.9, ms", "told to come again (503)",
        "p50 of these, ms", "with Retry-After", "anything else",
    )  # fmt: skip
    note = (
        f"After twice the capacity the first {CALM} requests one by one were answered as before within {number(seconds)} s. "
        f"No request was sent later than {number(late)} ms after its time."
    )
    return f"{table(heads, rows)}\n\n{note}"


def recording(given: Requests, rounds: int, seconds: float, home: Path) -> str:
    latencies: dict[str, list[float]] = {name: [] for name in RECORDS}
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(
                _server(
                    home,
                    f"record-{name}",
                    **({"INDICATION_AUDIT_STORE": "off"} if name == "off" else {"INDICATION_AUDIT_KEEP": name}),
                )
            )
            for name in RECORDS
        }

        def once(name: str) -> float:
            per_second, taken, _ = rate(ports[name], given, seconds)
            latencies[name] += taken
            return per_second

        found = interleaved(
            {name: lambda name=name: once(name) for name in RECORDS},
            rounds,
            progress=lambda at: _progress(f"recording: round {at} of {rounds}"),
        )
    rows = [
        (
            label,
            number(statistics.median(found[name])),
            f"{number(min(found[name]))}–{number(max(found[name]))}",
            times(ratio(found["off"], found[name])),
            *(_quantile(latencies[name], share) for share in (0.5, 0.99, 0.999)),
        )
        for name, label in RECORDS.items()
    ]
    heads = (
        "what is recorded, SQLite",
        "requests per second",
        "lowest–highest round",
        "slower",
        "p50, ms",
        "p99, ms",
        "p99.9, ms",
    )
    return table(heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer requests: a try")
    parser.add_argument("--write", action="store_true", help="put the tables in docs/speed.md")
    asked = parser.parse_args()
    rounds, seconds, count = (1, 1.0, 40) if asked.quick else (5, 6.0, 3_000)
    given = [
        (f"/v1/recommendations?at={quote(fixture.at.isoformat())}", json.dumps(fixture.referral).encode())
        for fixture in fixtures(load_rulebook(RULES))
    ]
    with tempfile.TemporaryDirectory(prefix="indication-load-") as folder:
        home = Path(folder)
        first, capacity, usual = throughput(given, rounds, seconds, home)
        tables: Mapping[str, str] = {
            "load": first,
            "overload": under_load(given, capacity, usual, count, home),
            "recording": recording(given, rounds, seconds, home),
        }
    for name, text in tables.items():
        print(f"## {name}\n\n{text}\n")
        if asked.write:
            put(name, f"{text}\n\n{machine()}")


if __name__ == "__main__":
    main()
