"""The worker's side of the shadow: hands referrals over without ever waiting, and starts its process when there is none."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Literal

from service.web.shadow.compare import Decided, summary

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[3]
#: referrals that wait for the shadow; one more is dropped, and counted
MOST_WAITING = 32
#: after the process ended, so that rules on which it always fails cost no more than this
RESTART_SECONDS = 60.0
CLOSE_SECONDS = 5.0

Standing = Literal["off", "starting", "running", "stopped"]


class Shadow:
    """One shadow process and the referrals that wait for it. A worker forked later starts its own."""

    def __init__(self, rules: Path | None, trusted: Path | None, store: Callable[[], Path]) -> None:
        self.rules = rules
        self._trusted = trusted
        self._store = store
        self._owner = 0
        self._lock = threading.Lock()
        self._jobs: Queue[Decided | None] = Queue(MOST_WAITING)
        self._lost: Counter[str] = Counter()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._started = 0.0
        self.standing: Standing = "off" if rules is None else "starting"
        self.errors: tuple[str, ...] = ()
        #: name, version, status and digest, once it is known
        self.rulebook: dict[str, Any] | None = None

    def start(self) -> None:
        """Starts the process in the background, if there is a shadow and none was started. Never raises."""
        if self.rules is None or self._owner == os.getpid():
            return
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._process = os.getpid(), None
                self._jobs = Queue(MOST_WAITING)
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()

    def offer(self, decided: Decided) -> None:
        """Hands over what was just decided. Never waits, never raises: the answer is not the shadow's to harm."""
        if self.rules is None:
            return
        try:
            self.start()
            self._jobs.put_nowait(decided)
        except Full:
            self._lost["dropped"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer must leave
            self._lost["failed"] += 1
            log.error("shadow: %s", type(error).__name__)  # noqa: TRY400 - a message could quote a patient

    def told(self) -> dict[str, Any] | None:
        """For whoever runs the service; None when there is no shadow."""
        if self.rules is None:
            return None
        return {"state": self.standing, "errors": list(self.errors), "rulebook": self.rulebook}

    def close(self) -> None:
        """Ends the process, once what waits was handed over or some seconds have passed."""
        if self._thread is None or self._owner != os.getpid():
            return
        with contextlib.suppress(Full):
            self._jobs.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)
        process = self._process
        if process is not None:
            if self._thread.is_alive():
                # It hangs, and the thread with it, which holds the pipe.
                process.kill()
                self._thread.join(CLOSE_SECONDS)
            _ended(process, CLOSE_SECONDS)
        self._process = self._thread = None

    # ---- in the thread ----

    def _run(self) -> None:
        self._ensure()
        while (job := self._next()) is not None:
            try:
                self._send(job)
            except Exception as error:  # noqa: BLE001 - the next referral may fare better
                self._lost["failed"] += 1
                log.error("shadow: %s", type(error).__name__)  # noqa: TRY400 - a message could quote a patient
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _next(self) -> Decided | None:
        """The next referral. While none comes, a process that ended is noticed."""
        while True:
            try:
                return self._jobs.get(timeout=RESTART_SECONDS)
            except Empty:
                self._ensure()

    def _send(self, job: Decided) -> None:
        process = self._ensure()
        if process is None or process.stdin is None:
            self._lost["failed"] += 1
            return
        lost, self._lost = self._lost, Counter()
        head = {
            "served": job.answer["rulebook"]["digest"],
            "at": job.at.isoformat(),
            "answer": summary(job.answer),
            "length": len(job.body),
            "lost": lost,
        }
        try:
            process.stdin.write(json.dumps(head).encode() + b"\n" + job.body)
            process.stdin.flush()
        except OSError:
            # It ended over the referral before this one, which it had not counted.
            self._lost += lost + Counter({"failed": 2})
            self._over(("the shadow's process ended; see the log",))

    def _ensure(self) -> subprocess.Popen[bytes] | None:
        """The process, started when there is none and the last one did not end just now."""
        if self._process is not None and self._process.poll() is not None:
            self._over((f"the shadow's process ended with code {self._process.returncode}; see the log",))
        if self._process is not None:
            return self._process
        if self._started and time.monotonic() - self._started < RESTART_SECONDS:
            return None
        self._started = time.monotonic()
        self.standing = "starting"
        assert self.rules is not None
        command = [sys.executable, "-m", "service.web.shadow.process", str(self.rules.absolute())]
        try:
            command.append(str(self._store().absolute()))
            command += [str(self._trusted.absolute())] if self._trusted else []
            process = self._process = subprocess.Popen(  # noqa: S603 - the command is ours, paths the operator's; no shell
                command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            self._over((f"the shadow cannot be started: {error.strerror or error}",))
            return None
        return process if self._greeted(process) else None

    def _greeted(self, process: subprocess.Popen[bytes]) -> bool:
        """Waits until the process has loaded its rules. Whether it has."""
        assert process.stdout is not None
        try:
            greeting = json.loads(process.stdout.readline())
            errors = tuple(greeting["errors"])
        except (ValueError, KeyError):
            errors = ("the shadow's process ended before it had loaded its rules; see the log",)
        if errors:
            log.error("shadow: cannot run: %s", "; ".join(errors))
            self._over(errors)
            return False
        self.rulebook, self.standing, self.errors = greeting["rulebook"], "running", ()
        return True

    def _over(self, errors: tuple[str, ...]) -> None:
        process, self._process = self._process, None
        self.standing, self.errors = "stopped", errors
        if process is not None:
            _ended(process, 1.0)


def _ended(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits for the end of a process whose input is closed, or makes it end."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
