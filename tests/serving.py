"""The service as it runs, for tests that need real sockets: gunicorn with the project's own settings, on a free port."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 60


def start(
    root: Path, rules: Path, port: int, output: Any, workers: int = 1, settings: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """gunicorn as script/server runs it. `settings` are more of its environment."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INDICATION_")},
        "INDICATION_STATE": os.environ["INDICATION_STATE"],
        "INDICATION_RULES": str(rules),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
    return subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT)


class Server:
    """A gunicorn master with its workers, over rules that tests may change if they are a copy."""

    def __init__(
        self,
        root: Path,
        rules: Path,
        log: Path,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.rules = rules
        self.log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = port or free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        #: the unix socket that it listens on, if it does
        self.socket = (settings or {}).get("HOST", "").partition("unix:")[2]
        with self.log.open("wb") as output:
            self.process = start(root, rules, self.port, output, workers, settings)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        status, _, answer = self.exchange(method, path, body, headers)
        return status, answer

    def exchange(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """The same with the headers of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            if self.socket:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(30)
                connection.sock.connect(self.socket)
            connection.request(method, path, body, headers or {}, encode_chunked=not isinstance(body, bytes | None))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def ready(self) -> dict[str, Any]:
        status, body = self.ask("GET", "/readyz")
        assert status == 200
        told: dict[str, Any] = json.loads(body)
        return told

    def wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            try:
                if holds():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(errors="replace"))

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(
    root: Path,
    rules: Path,
    log: Path,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Server]:
    """A server that is ready, stopped at the end. `port`: where the settings make it listen, when that is tested."""
    server = Server(root, rules, log, workers, settings, port)
    try:
        server.wait_until(lambda: server.ask("GET", "/readyz")[0] == 200)
        yield server
    finally:
        server.stop()
