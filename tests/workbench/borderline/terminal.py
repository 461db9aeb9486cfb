"""A real terminal with the command in it: keys go in one by one, once it waits for them."""

import os
import pty
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

#: seconds after which a command that says nothing has hung
PATIENCE = 60.0


class Terminal:
    """`flask` with these arguments in a terminal of its own, in the project's folder."""

    def __init__(self, root: Path, arguments: Sequence[str]) -> None:
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            os.chdir(root)
            os.execv(sys.executable, [sys.executable, "-m", "flask", *arguments])  # noqa: S606 - the command is started for real
        self.text = ""

    def until(self, words: str) -> None:
        """Reads on until the screen shows these words after what was last waited for."""
        start, deadline = len(self.text), time.monotonic() + PATIENCE
        while words not in self.text[start:]:
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.text}"
            if not self._read(deadline):
                raise AssertionError(f"ended without {words!r}:\n{self.text}")

    def press(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def end(self) -> int:
        """The exit code, once the command has ended."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            assert time.monotonic() < deadline, self.text
        _, status = os.waitpid(self.pid, 0)
        os.close(self._screen)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """The window is closed while the command is still at work."""
        os.close(self._screen)
        os.waitpid(self.pid, 0)

    def _read(self, deadline: float) -> bool:
        """More of the screen; False when the command has closed it."""
        if not select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return True
        try:
            more = os.read(self._screen, 65536)
        except OSError:
            return False
        self.text += more.decode(errors="replace").replace("\u00a0", " ")
        return bool(more)
