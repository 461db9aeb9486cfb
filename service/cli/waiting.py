"""For commands that take a while: how far they are, and an end without a traceback when they are interrupted."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import click

from service.cli.common import complain

#: the exit code of a program ended by Ctrl-C: 128 and the signal's number
INTERRUPTED = 130
#: seconds before the first word where no terminal shows it, and between two words
_PATIENCE, _BETWEEN = 2.0, 5.0
#: seconds between two changes of the line on a terminal
_BLINK = 0.1


class Progress:
    """Tells on standard error how many steps of `of` are done: in one line that changes on a terminal; elsewhere a
    line after two seconds, and then now and then.
    """

    def __init__(self, what: str, of: int) -> None:
        self._what = what
        self._of = of
        self._done = 0
        self._terminal = sys.stderr.isatty()
        self._next = monotonic() + (0.0 if self._terminal else _PATIENCE)
        self._shown = False

    def step(self, label: str = "") -> None:
        """One more step begins."""
        self.at(self._done + 1, label)

    def at(self, done: int, label: str = "") -> None:
        """So many steps are done."""
        self._done = done
        if monotonic() < self._next:
            return
        text = f"{self._what} {self._done}/{self._of} {label}".rstrip()
        if self._terminal:
            click.echo(f"\r\x1b[K{text[:78]}", err=True, nl=False)
        else:
            complain(text)
        self._shown = True
        self._next = monotonic() + (_BLINK if self._terminal else _BETWEEN)

    def clear(self) -> None:
        """Takes the line away, so that what is printed next begins on a clean one."""
        if self._terminal and self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


@contextmanager
def interruptible(what: str) -> Iterator[None]:
    """Ends with 130 when Ctrl-C is pressed, here or at a prompt. `what` says what stands after that."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        complain("", f"interrupted: {what}")
        raise click.exceptions.Exit(INTERRUPTED) from None
