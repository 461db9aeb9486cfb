"""Keeps one long computation: starts it, ends it when nobody wants it any more, and clears up after it.

A worker of the web server answers within seconds and may be replaced at any time, so it cannot wait for a computation of
minutes. It starts this instead, by its path: a process of its own, on the standard library alone, that outlives the
worker but never the server. The computation runs in a process group that can be ended whole.

    python keeper.py FOLDER OWNER LIMIT SILENCE KEEP SLOT COMMAND …        (the computation's input on standard input)

FOLDER is the job's own; OWNER the process with which everything ends; LIMIT, SILENCE and KEEP are seconds; SLOT is an open
file whose lock means «a computation is running». What stands in FOLDER:

    lock      locked as long as this process lives
    seen      touched by whoever still looks at the job
    cancel    there when the job is to end
    events    what the computation prints, line by line
    trouble   what it complains of before it fails
    end       how it ended (JSON), there once it has
    tmp       the computation's own temporary files, removed at its end
"""

import contextlib
import fcntl
import json
import math
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

#: how often it looks whether somebody wants the job to end
TICK = 0.2
#: bytes: a computation that writes more into one file is out of hand, and ends
MOST_EVENTS = 16_000_000
#: bytes of address space for each process of the computation
MOST_MEMORY = 4 << 30


def main(arguments: list[str]) -> None:
    folder, owner = Path(arguments[0]), int(arguments[1])
    limit, silence, keep = map(float, arguments[2:5])
    slot, command = int(arguments[5]), arguments[6:]
    order = sys.stdin.buffer.read()
    alive = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    # Whoever started this waits for this process only: the one that stays belongs to nobody, and leaves no zombie.
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        server = os.pidfd_open(owner)
    except ProcessLookupError:
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        _work(folder, server, order, command, (limit, silence))
        os.close(slot)
        _wait(folder, server, keep)
    finally:
        # When the server is gone, so is whoever could ask about any of its jobs.
        gone = bool(select.select([server], [], [], 0)[0])
        shutil.rmtree(folder.parent if gone else folder, ignore_errors=True)


def _work(folder: Path, server: int, order: bytes, command: list[str], patience: tuple[float, float]) -> None:
    began = time.monotonic()
    with (folder / "events").open("wb") as events, (folder / "trouble").open("wb") as trouble:
        process = _started(folder, order, command, (events.fileno(), trouble.fileno()), math.ceil(patience[0]) + 1)
    how = "stopped"
    try:
        how = _watched(folder, server, process, patience)
    finally:
        # Its helpers too, whether or not it ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder / "tmp", ignore_errors=True)
    draft = folder / "end.new"
    # The folder may be gone: then nobody asks.
    with contextlib.suppress(FileNotFoundError):
        draft.write_text(json.dumps({"how": how, "seconds": round(time.monotonic() - began, 1)}), encoding="utf-8")
        draft.replace(folder / "end")


def _started(
    folder: Path, order: bytes, command: list[str], outputs: tuple[int, int], seconds: int
) -> "subprocess.Popen[bytes]":
    # Patients first: whoever asks the service for a recommendation does not wait for a proof.
    os.nice(10)
    # Should the machine run out of memory, the system ends the computation and not a worker that answers.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_EVENTS, MOST_EVENTS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    # Should this process be killed, nobody would end the computation: then the system does.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    own = folder / "tmp"
    own.mkdir(mode=0o700)
    # A file in memory, not a pipe: the computation may take its time to read.
    given = os.memfd_create("order")
    with os.fdopen(given, "r+b") as file:
        file.write(order)
        file.seek(0)
        return subprocess.Popen(  # noqa: S603 - the command is the server's own
            command,
            stdin=file,
            stdout=outputs[0],
            stderr=outputs[1],
            env={**os.environ, "TMPDIR": str(own)},
            start_new_session=True,
        )


def _watched(folder: Path, server: int, process: "subprocess.Popen[bytes]", patience: tuple[float, float]) -> str:
    """Waits for the end of the computation, or for a reason to end it; says which."""
    limit, silence = patience
    end = time.monotonic() + limit
    child = os.pidfd_open(process.pid)
    while True:
        ready, _, _ = select.select([child, server], [], [], TICK)
        if server in ready:
            return "stopped"
        if child in ready:
            return "done" if process.wait() == 0 else "failed"
        try:
            unseen = time.time() - (folder / "seen").stat().st_mtime
        except FileNotFoundError:
            return "cancelled"
        if (folder / "cancel").exists():
            return "cancelled"
        if time.monotonic() > end:
            return "too-long"
        if unseen > silence:
            return "silent"


def _wait(folder: Path, server: int, keep: float) -> None:
    """Keeps the result for a while, as long as the server lives and nobody has removed it."""
    end = time.monotonic() + keep
    while time.monotonic() < end and folder.exists():
        if select.select([server], [], [], min(1.0, max(0.0, end - time.monotonic())))[0]:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
