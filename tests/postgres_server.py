"""A PostgreSQL server for the tests, in a temporary folder, under a user without rights, on a port of this machine alone.

It is as little like a developer's server as one can be, so that what relies on defaults is found: French order of letters, days
before months, New York's time.
"""

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

START_SECONDS = 60
INSTALL = "run script/setup dev"


@dataclass
class PostgresServer:
    """A server on a port of this machine that only the tests know the password of."""

    port: int
    user: str
    password: str
    _begin: "Callable[[], subprocess.Popen[bytes]]"
    _log: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Starts it, for the first time or again, and waits until it answers."""
        self._process = self._begin()
        _wait_for(self, self._process, self._log)

    def crash(self) -> None:
        """Ends it at once, as a power cut would, whoever is connected; `start` finds what it had on disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Ends all of its processes as the system does that runs out of memory; `start` finds what it had on disk."""
        assert self._process is not None
        processes = self._processes()
        for process in processes:  # the first is the one that would begin others anew
            os.kill(process, signal.SIGKILL)
        self._process.wait(timeout=START_SECONDS)
        self._process = None
        end = time.monotonic() + START_SECONDS
        # Until then its memory is in use, and it refuses to start.
        while any(is_running(process) for process in processes):
            assert time.monotonic() < end
            time.sleep(0.02)

    def kill_one(self) -> None:
        """Kills one process that serves a connection, if there is one: all connections end, and the server mends itself."""
        for process in self._processes()[1:]:
            with suppress(FileNotFoundError, ProcessLookupError):
                title = Path(f"/proc/{process}/cmdline").read_bytes().rstrip(b"\0 ")
                if b"127.0.0.1" in title:
                    os.kill(process, signal.SIGKILL)
                    return

    def _processes(self) -> list[int]:
        """Its first process and those that it began. By number: each of them has a session of its own."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        return [self._process.pid, *map(int, children.split())]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """While this block runs no process of it does anything, though the system still takes what is sent to it."""
        assert self._process is not None
        # By number: each of them has a session of its own, so there is no group to stop.
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        processes = [self._process.pid, *map(int, children.split())]
        # Killed in this block, this process would leave them standing, deaf to every signal but the last.
        numbers = " ".join(map(str, processes))
        waking = subprocess.Popen(["sh", "-c", f"sleep {START_SECONDS}; kill -CONT {numbers}"], start_new_session=True)
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
            os.killpg(waking.pid, signal.SIGTERM)
            waking.wait()

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new and empty database, dropped afterwards whoever is still connected."""
        import psycopg

        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield self.url(name)
        finally:
            # Anew: a test may have ended the server meanwhile.
            with psycopg.connect(self.url("postgres"), autocommit=True) as session:
                session.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server in a temporary folder. It ends with this block, and with this process however that ends."""
    programs = _programs()
    user = "tests"
    password = secrets.token_hex(16)
    # PostgreSQL refuses to run as root; and the folder must be within reach of whom it runs as.
    other = _unprivileged() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="indication-postgres-", dir="/tmp" if other else None))  # noqa: S108 (its name is random, its mode 0700)
    try:
        password_file = folder / "password"
        password_file.write_text(password, encoding="ascii")
        if other is not None:
            for path in (folder, password_file):
                os.chown(path, other.pw_uid, other.pw_gid)
        data = folder / "data"
        _call(
            other,
            [programs / "initdb", "-D", data, "-U", user, "--auth=scram-sha-256", f"--pwfile={password_file}"],
            ["--no-sync", "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=fr"],
        )
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "timezone": "America/New_York",
            "datestyle": "SQL, DMY",
            "shared_buffers": "64MB",
            "max_connections": 40,
            # The data is thrown away; none of it needs to outlive a power cut.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = folder / "log"

        def begin() -> "subprocess.Popen[bytes]":
            with log.open("ab") as output:
                return subprocess.Popen(
                    # When this process is killed, the system stops the server at once (SIGQUIT: an immediate shutdown).
                    [*_as(other), "--pdeathsig", "QUIT", programs / "postgres", "-D", data, *options],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=_environment(),
                    start_new_session=True,
                )

        server = PostgresServer(port, user, password, begin, log)
        try:
            server.start()
            yield server
        finally:
            server.crash()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_running(process: int) -> bool:
    """Not so once nothing but its exit code is left, whether somebody asks for that or not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _programs() -> Path:
    """The folder of the newest PostgreSQL, 15 or later: Debian keeps it off PATH."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *map(Path, filter(None, [shutil.which("initdb")]))]
    versions: dict[int, Path] = {}
    for initdb in found:
        told = re.search(r"\) (\d+)", subprocess.run([initdb, "--version"], capture_output=True, text=True).stdout)
        versions[int(told[1]) if told else 0] = initdb.resolve().parent
    if max(versions, default=0) < 15:
        pytest.fail(f"a PostgreSQL server, 15 or later, is not installed: {INSTALL}")
    return versions[max(versions)]


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail(f"PostgreSQL does not run as root, and there is neither a user postgres nor nobody: {INSTALL}")


def _as(other: pwd.struct_passwd | None) -> list[str]:
    """A command that runs what follows as another user."""
    if other is None:
        return ["setpriv"]
    return ["setpriv", f"--reuid={other.pw_uid}", f"--regid={other.pw_gid}", "--clear-groups"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}


def _call(other: pwd.struct_passwd | None, command: list[Any], options: list[str]) -> None:
    done = subprocess.run(
        [*_as(other), "--no-new-privs", *command, *options], cwd="/", env=_environment(), capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.fail(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return cast("int", free.getsockname()[1])


def _wait_for(server: PostgresServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    end = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        else:
            return
