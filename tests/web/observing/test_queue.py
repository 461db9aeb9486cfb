"""How many wait for a worker, as the kernel tells it."""

import socket
from pathlib import Path

import pytest

from service.web import shedding


def _tcp(_: Path) -> tuple[socket.socket, object]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()


def _unix(folder: Path) -> tuple[socket.socket, object]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    listener.listen(16)
    return listener, listener.getsockname()


@pytest.mark.parametrize("kind", [_tcp, _unix])
def test_the_kernel_tells_how_many_wait(kind, tmp_path: Path) -> None:
    listener, address = kind(tmp_path)
    with listener:
        assert shedding.waiting(listener) == 0
        callers = []
        for count in range(1, 5):
            caller = socket.socket(listener.family)
            caller.connect(address)
            callers.append(caller)
            assert shedding.waiting(listener) == count
        listener.accept()[0].close()
        assert shedding.waiting(listener) == 3
        for caller in callers:
            caller.close()


def test_where_the_kernel_does_not_tell_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog
) -> None:
    """As where a filter of system calls forbids it: nothing is turned away, and it is known."""

    def forbidden(_: int) -> int:
        raise PermissionError("not permitted")

    listener, _ = _unix(tmp_path)
    with listener:
        monkeypatch.setenv(shedding.LISTENERS, str(listener.fileno()))
        monkeypatch.setattr(shedding, "_waiting_at_unix", forbidden)
        shedding._listeners.cache_clear()
        try:
            assert shedding._longest() == 0
        finally:
            for each in shedding._listeners():
                each.close()
            shedding._listeners.cache_clear()
    assert "server.queue does not hold at AF_UNIX: not permitted" in caplog.text


def test_a_kernel_that_falls_silent_is_no_reason_to_turn_anybody_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> int:
        raise TimeoutError

    monkeypatch.setattr(shedding, "_listeners", lambda: (object(),))
    monkeypatch.setattr(shedding, "waiting", silent)
    assert shedding._longest() == 0
