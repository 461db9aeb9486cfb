"""The same work on many pieces, in several processes when that is worth it."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from service.cohort.running.errors import RunError

Common = TypeVar("Common")
Piece = TypeVar("Piece")


class Pool:
    """Up to so many processes, started when they are first needed; with one, the work is done in this process."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None
        self._others = set(multiprocessing.active_children())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is None:
            return
        if kind is not None:
            # What they are at is half done, and would be thrown away.
            for child in set(multiprocessing.active_children()) - self._others:
                child.terminate()
        self._executor.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Common, Piece], None], common: Common, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """Each piece once it is done. Raises what the work raises; RunError when a process is ended from outside."""
        if self._processes <= 1 or len(pieces) <= 1:
            for piece in pieces:
                work(common, piece)
                yield piece
            return
        try:
            with _deaf():
                if self._executor is None:
                    # Spawned, not forked: this process may have threads of an engine, which a fork would copy half.
                    self._executor = ProcessPoolExecutor(self._processes, multiprocessing.get_context("spawn"))
                waiting = {self._executor.submit(work, common, piece): piece for piece in pieces}
            for finished in as_completed(waiting):
                finished.result()
                yield waiting[finished]
        except BrokenProcessPool:
            raise RunError(
                "a process of the import was ended from outside, most likely because the memory of the machine ran out",
                "give the same command again with fewer --processes: what is finished is kept",
            ) from None


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C, which reaches all of a terminal: their parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
