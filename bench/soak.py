"""Does it stay as it was? An hour of mixed requests to a real server; memory, handles, threads and latency watched all along.

  python -m bench.soak 60                one hour, eight requests a second; script/soak sets up and calls this
  python -m bench.soak 5 --rate 4        a try on a busy machine

gunicorn with two workers and the project's own configuration (workers are replaced after some ten thousand requests, as in
service), a record in SQLite, every door in turn: API, batch, form, what-if, FHIR, EHR hook, record, metrics, readiness, bad input.
Every five seconds each process is looked at. At the end the record is verified, and every decision that was acknowledged must be in
it once. Ends with 1 if anything grew beyond what is stated in the verdict, was answered wrongly, lost, or recorded twice.
Each time the harness also does the same piece of work of its own: when that became slower, other work came to the machine, and the
service may have become slower by as much.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from service.audit.store import Record
from service.clients.callers import digest, new_key
from service.rulebook.load import load_rulebook
from tests.serving import Server, serving

from bench.doors import Door, doors
from bench.patients import PROJECT, RULES, fixtures
from bench.tables import number, table

WORKERS = 2
CLIENTS = 2
EVERY_SECONDS = 5
#: what is left out at the beginning of each process: caches fill, and memory with them
WARM_UP = 0.25

# ---- what is flat: a slope counts when what was really seen to grow is more than noise ------------------------------
MOST_MB_PER_10000 = 15.0
MB_OF_NOISE = 6.0
MOST_HANDLES_MORE = 3
MOST_THREADS_MORE = 1
#: median of the last third against that of the first third after the warm-up, beyond what the harness's own work became
MOST_TIMES_SLOWER = 1.5
MS_OF_NOISE = 10.0
_PIECE = [{"a": number, "b": [str(number)] * 4} for number in range(4_000)]
#: fewer answers or samples than this tell nothing
ENOUGH = 12


@dataclass(frozen=True)
class Sample:
    """One process at one moment. `requests`: answered by the whole service until then."""

    requests: int
    megabytes: float
    handles: int
    threads: int


@dataclass
class Seen:
    """What the clients and the watcher saw; written by several threads, each operation whole."""

    answered: int = 0
    latency: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)
    acknowledged: list[str] = field(default_factory=list)
    unnamed: int = 0
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    #: milliseconds of the harness's own work, each time
    yardstick: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _processes(server: Server) -> dict[int, str]:
    master = server.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    return {master: "master", **{int(each): "worker" for each in children}}


def _work() -> float:
    """Milliseconds of a piece of work that is always the same, and waits for the processor as the service does."""
    begun = time.perf_counter()
    json.loads(json.dumps(_PIECE))
    return 1000 * (time.perf_counter() - begun)


def _sample(server: Server, seen: Seen) -> None:
    seen.yardstick.append(_work())
    page = os.sysconf("SC_PAGE_SIZE")
    for process, role in _processes(server).items():
        place = Path(f"/proc/{process}")
        try:
            resident = int((place / "statm").read_text(encoding="ascii").split()[1]) * page / 1e6
            handles = len(list((place / "fd").iterdir()))
            threads = len(list((place / "task").iterdir()))
        except OSError:  # it ended meanwhile, replaced by another
            continue
        seen.samples[role, process].append(Sample(seen.answered, resident, handles, threads))


def _ask(port: int, door: Door, seen: Seen) -> None:
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(door.method, door.path, door.body, {**door.headers, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        status, names = answer.status, answer.headers.get("Indication-Record", "")
    except (OSError, http.client.HTTPException) as error:
        status, names = 0, type(error).__name__
    finally:
        connection.close()
    taken = 1000 * (time.perf_counter() - start)
    with seen.lock:
        seen.answered += 1
        if status != door.status:
            seen.wrong[f"{door.name}: {status or names}"] += 1
            return
        seen.latency[door.name].append(taken)
        named = [name.strip() for name in names.split(",") if name.strip()]
        seen.acknowledged += named
        if door.named and len(named) != door.decisions:
            seen.wrong[f"{door.name}: {len(named)} records named, not {door.decisions}"] += 1
        seen.unnamed += 0 if door.named else door.decisions


def _client(port: int, every: Sequence[Door], gap: float, end: float, seen: Seen, draw: random.Random) -> None:
    """Sends one request every `gap` seconds, a door drawn each time; late ones are not made up for."""
    names = sorted({door.name for door in every})
    of = {name: [door for door in every if door.name == name] for name in names}
    begun = time.monotonic() + draw.random() * gap
    while begun < end:
        time.sleep(max(0.0, begun - time.monotonic()))
        _ask(port, draw.choice(of[draw.choice(names)]), seen)
        begun = max(begun + gap, time.monotonic())


def _slope(samples: Sequence[Sample]) -> float:
    """Megabytes for 10 000 requests of the service."""
    requests = [sample.requests for sample in samples]
    if len(set(requests)) < 2:
        return 0.0
    return 10_000 * statistics.linear_regression(requests, [sample.megabytes for sample in samples]).slope


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the first and of the last third."""
    third = max(1, len(values) // 3)
    return statistics.median(values[:third]), statistics.median(values[-third:])


def _processes_told(seen: Seen, faults: list[str]) -> str:
    rows = []
    for (role, process), every in sorted(seen.samples.items()):
        samples = every[int(len(every) * WARM_UP) :]
        if len(samples) < ENOUGH:
            rows.append((f"{role} {process}", len(every), *["too short to tell"] * 5))
            continue
        slope = _slope(samples)
        (before, after), handles, threads = (
            _ends([getattr(each, name) for each in samples]) for name in ("megabytes", "handles", "threads")
        )
        if slope > MOST_MB_PER_10000 and after - before > MB_OF_NOISE:
            faults.append(
                f"{role} {process}: memory grows, {slope:+.1f} MB for 10 000 requests ({after - before:+.1f} MB seen)"
            )
        if handles[1] - handles[0] > MOST_HANDLES_MORE:
            faults.append(f"{role} {process}: open handles grow, from {handles[0]:g} to {handles[1]:g}")
        if threads[1] - threads[0] > MOST_THREADS_MORE:
            faults.append(f"{role} {process}: threads grow, from {threads[0]:g} to {threads[1]:g}")
        rows.append(
            (
                f"{role} {process}",
                len(every),
                f"{before:.1f} → {after:.1f}",
                number(max(each.megabytes for each in every)),
                f"{slope:+.1f}",
                f"{handles[0]:g} → {handles[1]:g}",
                f"{threads[0]:g} → {threads[1]:g}",
            )
        )
    heads = (
        "process",
        "samples",
        "MB, first and last third",
        "most MB",
        "MB for 10 000 requests",
        "handles",
        "threads",
    )
    return table(heads, rows)


def _latency_told(seen: Seen, faults: list[str]) -> str:
    rows = []
    works = seen.yardstick[int(len(seen.yardstick) * WARM_UP) :]
    first, last = _ends(works) if works else (1.0, 1.0)
    busier = max(1.0, last / first)
    for name, every in sorted(seen.latency.items()):
        taken = every[int(len(every) * WARM_UP) :]
        if len(taken) < ENOUGH:
            faults.append(f"{name}: {len(every)} answers tell nothing; let it run longer")
            continue
        before, after = _ends(taken)
        if after > MOST_TIMES_SLOWER * busier * before and after - before > MS_OF_NOISE:
            faults.append(f"{name}: slower, from {before:.1f} to {after:.1f} ms")
        ranked = sorted(taken)
        p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
        rows.append((name, len(every), number(statistics.median(taken)), number(p99), f"{before:.1f} → {after:.1f}"))
    rows.append(
        ("the harness's own work", len(works), number(statistics.median(works)), "", f"{first:.1f} → {last:.1f}")
    )
    return table(("door", "answers", "p50, ms", "p99, ms", "p50, first and last third"), rows)


def _record_told(file: Path, seen: Seen, faults: list[str]) -> str:
    size = _megabytes(file)
    record = Record.open(f"sqlite:///{file}")
    try:
        fault = record.verify()
        held = Counter(row.recorded.id for row in record.rows())
        batch = sum(1 for _ in record.find(door="batch"))
    finally:
        record.close()
    lost = sum(1 for name in seen.acknowledged if not held[name])
    twice = sum(1 for count in (held, Counter(seen.acknowledged)) for times in count.values() if times > 1)
    if fault is not None:
        faults.append(f"the record does not verify: {fault}")
    if lost or twice:
        faults.append(f"{lost} acknowledged decisions are missing from the record, {twice} stand in it twice")
    if batch < seen.unnamed:
        faults.append(f"{seen.unnamed} lines of batches were answered, {batch} are in the record")
    acknowledged = len(seen.acknowledged) + seen.unnamed
    return (
        f"The record: {held.total()} records, {size:.1f} MB; chain {'whole' if fault is None else 'BROKEN'}; "
        f"{acknowledged} decisions acknowledged, {lost} lost, {twice} twice."
    )


def soak(minutes: float, rate: float, home: Path) -> list[str]:
    """Runs, prints what it saw, and returns what is not as it should be."""
    credential = new_key()[0]
    key = {"id": credential.split("_")[1], "sha256": digest(credential).hex()}
    clients = {"clients": [{"name": "soak", "roles": ["read_record", "administer"], "api_keys": [key]}]}
    (home / "clients.yaml").write_text(yaml.safe_dump(clients), encoding="utf-8")
    file = home / "record.sqlite"
    settings = {
        "INDICATION_STATE": str(home / "state"),
        "INDICATION_AUDIT_STORE": f"sqlite:///{file}",
        "INDICATION_CLIENTS": str(home / "clients.yaml"),
        "INDICATION_CDS_OPEN": "true",
        "INDICATION_LOGS_LEVEL": "warning",
    }
    os.environ.setdefault("INDICATION_STATE", settings["INDICATION_STATE"])  # tests/serving.py asks for one
    every = doors(fixtures(load_rulebook(RULES)), credential)
    seen = Seen()
    with serving(PROJECT, RULES, home / "log", WORKERS, settings) as server:
        begun = time.monotonic()
        end = begun + 60 * minutes
        threads = [
            threading.Thread(target=_client, args=(server.port, every, CLIENTS / rate, end, seen, random.Random(at)))
            for at in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        told = begun
        while any(thread.is_alive() for thread in threads):
            time.sleep(EVERY_SECONDS)
            _sample(server, seen)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                size = _megabytes(file)
                now = [samples[-1] for (role, _), samples in seen.samples.items() if role == "worker"]
                _progress(told - begun, 60 * minutes, seen, max((each.megabytes for each in now), default=0.0), size)
    faults = [f"wrong answers: {name} ({count} times)" for name, count in seen.wrong.items()]
    tables = [_processes_told(seen, faults), _latency_told(seen, faults), _record_told(file, seen, faults)]
    print(f"{seen.answered} requests in {minutes:g} minutes, {WORKERS} workers, at most {rate:g} a second\n")
    print("\n\n".join(tables))
    return faults


def _megabytes(file: Path) -> float:
    """Of a database and its log, which is emptied into it now and then."""
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*")) / 1e6


def _progress(seconds: float, whole: float, seen: Seen, megabytes: float, size: float) -> None:
    print(
        f"[{seconds:5.0f} of {whole:.0f} s] {seen.answered} requests, {sum(seen.wrong.values())} wrong, "
        f"largest worker {megabytes:.0f} MB, record {size:.1f} MB",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="script/soak", description="Mixed requests for a long time: does anything grow?"
    )
    parser.add_argument("minutes", nargs="?", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--rate", type=float, default=8.0, help="requests a second, at most (default 8)")
    asked = parser.parse_args()
    if asked.minutes <= 0 or not 0 < asked.rate <= 50:
        parser.error("minutes above 0, and a rate above 0 and up to 50: this bench loads nothing to its limit")
    with tempfile.TemporaryDirectory(prefix="indication-soak-") as home:
        faults = soak(asked.minutes, asked.rate, Path(home))
    print(
        f"\nFlat means: memory no more than {MOST_MB_PER_10000:g} MB for 10 000 requests (or {MB_OF_NOISE:g} MB in all), "
        f"at most {MOST_HANDLES_MORE} handles and {MOST_THREADS_MORE} thread more, "
        f"latency at most {MOST_TIMES_SLOWER:g} times (or {MS_OF_NOISE:g} ms), beyond what the harness's own work became slower."
    )
    print("Verdict: flat" if not faults else "Verdict: NOT as it should be\n  " + "\n  ".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
