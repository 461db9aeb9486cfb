"""Requests per second of one worker, against a bare Flask route of the same application that echoes the payload."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

from service.rulebook.model import Rulebook

from bench.patients import fixtures
from bench.rounds import interleaved, ratio
from bench.start import served
from bench.tables import number, table, times

#: two connections in flight keep one worker busy
CLIENTS = 2
HEADERS = {"Content-Type": "application/json", "Accept-Language": "fr", "Connection": "close"}


def rate(port: int, requests: Sequence[tuple[str, bytes]], seconds: float) -> tuple[float, list[float], int]:
    """Requests per second, milliseconds of each, bytes of the last answer. Every answer must be a 200."""
    taken: list[float] = []
    wrong: list[str] = []
    size = 0
    end = time.perf_counter() + seconds

    def client(first: int) -> None:
        nonlocal size
        at = first
        while time.perf_counter() < end and not wrong:
            path, body = requests[at % len(requests)]
            start = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("POST", path, body, HEADERS)
                answer = connection.getresponse()
                size = len(answer.read())
                if answer.status != 200:
                    wrong.append(f"{path}: {answer.status}")
            except OSError as error:
                wrong.append(f"{path}: {error}")
            finally:
                connection.close()
            taken.append(time.perf_counter() - start)
            at += CLIENTS

    start = time.perf_counter()
    threads = [threading.Thread(target=client, args=(at,)) for at in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(wrong[0])
    return len(taken) / (time.perf_counter() - start), [1000 * value for value in taken], size


def measure(rulebook: Rulebook, rounds: int, seconds: float, progress: Callable[[str], None]) -> str:
    given = [(json.dumps(fixture.referral).encode(), quote(fixture.at.isoformat())) for fixture in fixtures(rulebook)]
    routes = {
        "bare": ("a bare Flask route that echoes the referral", [("/bench/bare", body) for body, _ in given]),
        "decisive": (
            "`POST /v1/recommendations`",
            [(f"/v1/recommendations?at={at}", body) for body, at in given],
        ),
        "full": (
            "`POST /v1/recommendations?trace=full`",
            [(f"/v1/recommendations?trace=full&at={at}", body) for body, at in given],
        ),
    }
    latencies: dict[str, list[float]] = {name: [] for name in routes}
    sizes: dict[str, int] = {}
    with served("bench.bare:app") as (port, _):

        def once(name: str) -> float:
            per_second, taken, sizes[name] = rate(port, routes[name][1], seconds)
            latencies[name] += taken
            return per_second

        found = interleaved(
            {name: lambda name=name: once(name) for name in routes},
            rounds,
            progress=lambda at: progress(f"http: round {at} of {rounds}"),
        )
    rows = []
    for name, (label, _) in routes.items():
        taken = sorted(latencies[name])
        rows.append(
            (
                label,
                number(statistics.median(found[name])),
                f"{number(min(found[name]))}–{number(max(found[name]))}",
                times(ratio(found["bare"], found[name])),
                number(statistics.median(taken)),
                number(taken[int(len(taken) * 0.95)]),
                number(sizes[name] / 1000),
            )
        )
    heads = (
        "route",
        "requests per second",
        "lowest–highest round",
        "slower than the bare route",
        "ms, median",
        "ms, 95 %",
        "answer, kB",
    )
    return (
        f"One gunicorn worker on loopback, {CLIENTS} connections in flight, a new connection for each request "
        f"(the plain worker keeps none), {rounds} rounds of {seconds:g} s in turn.\n\n" + table(heads, rows)
    )
