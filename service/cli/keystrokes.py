"""One keystroke at a time from the terminal, without Enter.

The terminal stays in this mode from the first question to the last: switched for each key, it would lose what is typed
in between.
"""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: what a terminal sends for Ctrl-D
_END = b"\x04"
_ESCAPE = 0x1B
#: from here on a byte is part of a letter of several bytes
_BEYOND_ASCII = 0x80


@contextmanager
def keystrokes() -> Iterator[Callable[[], str]]:
    """A function that waits for one key and gives it in lower case; "" at the end of input.

    Ctrl-C interrupts as ever (KeyboardInterrupt), and so does a terminal that is closed: what was answered can be kept.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    hang_up = signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        tty.setcbreak(terminal, termios.TCSADRAIN)
        yield lambda: _key(terminal)
    finally:
        # A terminal that is gone needs no mode.
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGHUP, hang_up)


def _key(terminal: int) -> str:
    byte = os.read(terminal, 1)
    if byte in (b"", _END):
        return ""
    if byte[0] == _ESCAPE or byte[0] >= _BEYOND_ASCII:
        # An arrow or a letter with an accent is one key, and several bytes.
        while select.select([terminal], [], [], 0)[0]:
            byte += os.read(terminal, 1)
    return byte.decode(errors="replace").lower()
