"""Long computations over a draft, known to every worker of this server by a name that nobody can guess.

All that is known of a job stands in one private folder, in memory where the machine has such a place. Who started it and
who asks about it may be different workers. `keeper.py` holds the computation itself.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from service.web.reload import RULES_STATUS

Plain: TypeAlias = dict[str, Any]
How: TypeAlias = Literal["running", "done", "failed", "cancelled", "too-long", "silent", "stopped"]

_KEEPER = Path(__file__).with_name("keeper.py")
_PROJECT = Path(__file__).resolve().parents[3]
_NAME = re.compile(r"[A-Za-z0-9_-]{43}\Z")
#: bytes at the end of what a computation prints, in which its last word on its progress stands
_TAIL = 8192
#: letters of a fault that are shown
_MOST_FAULT = 200
#: a cancelled computation is gone within this many seconds
_CANCEL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: the longest computation, how long nobody may ask about it, how long its result is kept."""

    longest: float = 300.0
    silence: float = 30.0
    keep: float = 600.0
    #: results kept at the same time
    most: int = 20


class Busy(Exception):
    """Another computation is running: which kind, for how many seconds, and how many it may still take."""

    def __init__(self, task: str, running: float, left: float) -> None:
        self.task = task
        self.running = running
        self.left = left
        super().__init__(task)


@dataclass(frozen=True, slots=True)
class State:
    """Where a job stands. `seconds` since it began, or that it took."""

    how: How
    seconds: float
    #: {"done", "of", "label"}, as the computation said last
    progress: Plain | None = None
    result: Plain | None = None
    #: of one that failed, where
    fault: str = ""


class Job:
    """One computation, running or ended."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    def order(self) -> Plain:
        """What was asked for. Raises FileNotFoundError once the job is forgotten."""
        order: Plain = json.loads((self._folder / "order").read_text(encoding="utf-8"))
        return order

    def seen(self) -> None:
        """Somebody still wants the result."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._folder / "seen")

    def state(self) -> State:
        """Where it stands now. Raises FileNotFoundError once the job is forgotten."""
        # In this order: a keeper that ends between the two looks has left its last word.
        held = _held(self._folder / "lock")
        end = self._end()
        if end is None:
            if held:
                began = (self._folder / "order").stat().st_mtime
                return State("running", time.time() - began, self._last("progress"))
            return State("failed", 0.0)
        result = self._last("result", whole=True) if end["how"] == "done" else None
        if end["how"] == "failed" or (end["how"] == "done" and result is None):
            return State("failed", end["seconds"], fault=self._fault())
        return State(end["how"], end["seconds"], None, result)

    def cancel(self) -> None:
        """Ends the computation, and waits until it is gone."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / "cancel").touch(mode=0o600)
        end = time.monotonic() + _CANCEL_SECONDS
        while time.monotonic() < end and self._end() is None and _held(self._folder / "lock"):
            time.sleep(0.05)

    def _end(self) -> Plain | None:
        try:
            end: Plain = json.loads((self._folder / "end").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return end

    def _fault(self) -> str:
        """What the computation said of its failure; else the last line of its own complaint."""
        said = self._last("fault")
        if said is None:
            lines = (self._folder / "trouble").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = lines[-1] if lines else ""
        return str(said)[:_MOST_FAULT]

    def _last(self, key: str, *, whole: bool = False) -> Any:
        """The last thing that the computation said under `key`; None when it said nothing."""
        with (self._folder / "events").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0 if whole else max(0, size - _TAIL))
            lines = file.read().splitlines(keepends=True)
        for line in reversed(lines):
            # The first line may be cut at its beginning, the last one not yet written to its end.
            if line.endswith(b"\n") and line.startswith(b"{"):
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if key in said:
                        return said[key]
        return None


class Jobs:
    """The computations of one server."""

    def __init__(self, command: Sequence[str] | None = None, limits: Limits | None = None, home: Path | None = None):
        self._command = list(command or (sys.executable, "-m", "service.workbench.job"))
        self.limits = limits or Limits()
        self._home = home

    def start(self, order: Mapping[str, Any], given: Mapping[str, Any]) -> Job:
        """Starts what `order` asks for, under a new name; the computation reads `given` too, which is not kept.

        Raises Busy, and OSError when no process can be started.
        """
        home = self._place()
        with self._slot(home, str(order["task"])) as slot:
            self._forget(home)
            name = secrets.token_urlsafe(32)
            folder = home / name
            folder.mkdir(mode=0o700)
            text = json.dumps(order, ensure_ascii=False)
            for file, content in (("order", text), ("seen", ""), ("events", "")):
                (folder / file).write_text(content, encoding="utf-8")
            limits = (self.limits.longest, self.limits.silence, self.limits.keep)
            try:
                subprocess.run(  # noqa: S603 - every word of it is ours
                    [
                        sys.executable,
                        "-I",
                        "-S",
                        _KEEPER,
                        folder,
                        str(_owner()),
                        *map(str, limits),
                        str(slot),
                        *self._command,
                    ],
                    input=json.dumps({**given, **order}, ensure_ascii=False).encode(),
                    cwd=_PROJECT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(slot,),
                    check=True,
                )
            except subprocess.CalledProcessError as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise OSError("no process can be started") from error
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return Job(name, folder)

    def find(self, name: str) -> Job | None:
        """The job of this name, while it is kept."""
        folder = self._place() / name
        return Job(name, folder) if _NAME.match(name) and (folder / "order").is_file() else None

    @contextlib.contextmanager
    def _slot(self, home: Path, task: str) -> Iterator[int]:
        """The one place for a running computation, as an open file that is locked until its keeper closes it."""
        slot = os.open(home / "slot", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._busy(os.pread(slot, 1000, 0)) from None
            os.ftruncate(slot, 0)
            os.pwrite(slot, json.dumps({"task": task, "since": time.time()}).encode(), 0)
            yield slot
        finally:
            # The keeper has its own hold on it.
            os.close(slot)

    def _busy(self, said: bytes) -> Busy:
        try:
            other = json.loads(said)
        except ValueError:
            # Between its beginning and its first word.
            other = {"task": "", "since": time.time()}
        running = max(0.0, time.time() - other["since"])
        return Busy(other["task"], running, max(0.0, self.limits.longest - running))

    def _forget(self, home: Path) -> None:
        """Makes room: what no keeper holds any more, and the oldest results."""
        jobs = sorted((path for path in home.iterdir() if _NAME.match(path.name)), key=_age)
        ended = [path for path in jobs if (path / "end").exists() and _held(path / "lock")]
        orphans = [path for path in jobs if not _held(path / "lock")]
        for path in {*ended[self.limits.most - 1 :], *orphans}:
            # A keeper that finds its folder gone ends.
            shutil.rmtree(path, ignore_errors=True)

    def _place(self) -> Path:
        """The folder of this server's jobs: this user's alone. Raises PermissionError if somebody else made it first."""
        home = self._home or _base() / f"indication-committee-{os.getuid()}-{_owner()}"
        if not home.exists():
            _clear(home.parent)
        home.mkdir(mode=0o700, exist_ok=True)
        found = home.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{home.name} is not this user's alone")
        return home


def _owner() -> int:
    """The process with which everything ends: the master whose worker this is, or this very process."""
    return os.getppid() if os.environ.get(RULES_STATUS) else os.getpid()


def _base() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - a place for a private folder, not a file
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def _clear(base: Path) -> None:
    """Removes what servers that were killed have left behind."""
    for path in base.glob(f"indication-committee-{os.getuid()}-*"):
        pid = path.name.rpartition("-")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(path, ignore_errors=True)


def _age(path: Path) -> float:
    """Seconds since the job began; a folder that vanishes meanwhile is the oldest."""
    try:
        return time.time() - (path / "order").stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _held(lock: Path) -> bool:
    """Whether some process holds the lock."""
    try:
        file = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
