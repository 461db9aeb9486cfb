"""How long a start takes: in fresh processes, from a cold interpreter to a worker that answers."""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.patients import PROJECT
from bench.tables import number, table

_STEPS = """
import time
start = time.perf_counter()
from service.decision import Decider
from service.rulebook.load import load_rulebook
from bench.patients import RULES
imported = time.perf_counter()
rulebook = load_rulebook(RULES)
loaded = time.perf_counter()
Decider(rulebook)
built = time.perf_counter()
print(imported - start, loaded - imported, built - loaded)
"""

READY_SECONDS = 90


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def served(application: str = "wsgi:app") -> Iterator[tuple[int, float]]:
    """gunicorn with one worker and the project's own configuration: its port, and the seconds until /readyz."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "WEB_CONCURRENCY": "1"}
    start = time.perf_counter()
    # Its own session: no terminal signal reaches it by accident.
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--access-logfile", "/dev/null", "--log-level", "error", application],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}/readyz")
        yield port, time.perf_counter() - start
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"gunicorn ended with {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own, on this machine
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError("the service is not ready")


def measure(rounds: int, progress: Callable[[str], None]) -> str:
    steps = []
    ready = []
    for at in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", _STEPS], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120
        )
        steps.append([float(value) for value in done.stdout.split()])
        with served() as (_, seconds):
            ready.append(seconds)
        progress(f"start: round {at + 1} of {rounds}")
    rows = [
        (label, number(1000 * statistics.median(values)), f"{number(1000 * min(values))}–{number(1000 * max(values))}")
        for label, values in (
            ("importing the code", [step[0] for step in steps]),
            ("loading the rulebook: reading, checking, binding", [step[1] for step in steps]),
            ("building both engines", [step[2] for step in steps]),
            ("gunicorn, from its start to the first /readyz", ready),
        )
    ]
    note = (
        "gunicorn's own start includes the check of the rules in a process of their own, then the worker's, "
        "both with the self-test referral."
    )
    return table(("step", "ms", "lowest–highest"), rows) + "\n\n" + note
