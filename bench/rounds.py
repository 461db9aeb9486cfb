"""Timing on a machine that does other things too: rounds in which everything takes its turn, and medians."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

Argument = TypeVar("Argument")


@contextmanager
def without_collector() -> Iterator[None]:
    """No garbage collection in the middle of a measure; one before it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def median_of_calls(call: Callable[[Argument], object], arguments: Iterable[Argument]) -> float:
    """Microseconds of one call, the median over all arguments."""
    clock = time.perf_counter_ns
    taken = []
    with without_collector():
        for argument in arguments:
            start = clock()
            call(argument)
            taken.append(clock() - start)
    return statistics.median(taken) / 1000


def mean_of_calls(call: Callable[[Argument], object], arguments: Sequence[Argument]) -> float:
    """Microseconds of one call, the mean over all arguments."""
    clock = time.perf_counter_ns
    with without_collector():
        start = clock()
        for argument in arguments:
            call(argument)
        return (clock() - start) / 1000 / len(arguments)


def interleaved(
    measures: Mapping[str, Callable[[], float]],
    rounds: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> dict[str, list[float]]:
    """Every measure once in each round, in an order drawn anew, so that a noisy minute touches all alike."""
    order, draw = list(measures), random.Random(seed)
    found: dict[str, list[float]] = {name: [] for name in order}
    for at in range(rounds):
        draw.shuffle(order)
        for name in order:
            found[name].append(measures[name]())
        if progress:
            progress(at + 1)
    return found


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios of each round: what disturbs a round disturbs both."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))
