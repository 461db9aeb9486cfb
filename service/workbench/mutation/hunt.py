"""Hunts many mutants on several processes, and sums up: the mutation score of a rulebook's suite."""

import random
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TypeAlias

from service.workbench.mutation.hunter import Fate, Found, Hunter, Suite
from service.workbench.mutation.mutant import KINDS, Mutant

_CAUGHT: tuple[Fate, ...] = ("tables", "referrals")
#: not noticed, and not proved to be harmless
_MISSED: tuple[Fate, ...] = ("survived", "undecided")

Fates: TypeAlias = Counter[Fate]


@dataclass
class Report:
    """What became of the mutants so far."""

    fates: dict[str, Fates] = field(default_factory=dict)
    survivors: list[tuple[Mutant, Found]] = field(default_factory=list)

    def add(self, mutant: Mutant, found: Found) -> None:
        self.fates.setdefault(mutant.kind, Counter())[found.fate] += 1
        if found.fate in _MISSED:
            self.survivors.append((mutant, found))

    def total(self) -> Fates:
        return sum(self.fates.values(), Counter())

    @property
    def score(self) -> float:
        return score(self.total())


def made(fates: Fates) -> int:
    """The mutants that load."""
    return fates.total() - fates["refused"]


def score(fates: Fates) -> float:
    """The share caught of the mutants that some patient could tell apart: those proved equivalent are left out."""
    caught = sum(fates[fate] for fate in _CAUGHT)
    telling = made(fates) - fates["equivalent"]
    return caught / telling if telling else 1.0


def sample(mutants: Iterable[Mutant], size: int, seed: int) -> list[Mutant]:
    """So many mutants, as many of each kind as there are; the same for the same seed."""
    drawn = random.Random(seed)  # noqa: S311 - the same sample every time is what is wanted
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_kind.setdefault(mutant.kind, []).append(mutant)
    for held in by_kind.values():
        drawn.shuffle(held)
    chosen: list[Mutant] = []
    while len(chosen) < size and any(by_kind.values()):
        for kind in KINDS:
            if by_kind.get(kind) and len(chosen) < size:
                chosen.append(by_kind[kind].pop())
    return chosen


def mutants_of(suite: Suite) -> list[Mutant]:
    """Every mutant of the rules of a suite. Raises RulebookError, TableError, OSError when it cannot be used."""
    return _hunter(suite).mutants()


def hunt(mutants: Iterable[Mutant], suite: Suite, jobs: int) -> Iterator[tuple[Mutant, Found]]:
    """The fate of each mutant, in order, on so many processes. Raises what `mutants_of` raises."""
    listed = list(mutants)
    one = partial(_one, suite)
    if jobs <= 1:
        yield from ((mutant, one(mutant)) for mutant in listed)
        return
    pool = ProcessPoolExecutor(jobs, initializer=_undisturbed)
    try:
        yield from zip(listed, pool.map(one, listed, chunksize=16), strict=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@cache
def _hunter(suite: Suite) -> Hunter:
    """One for each process: reading the rules takes longer than judging a mutant."""
    return Hunter(suite)


def _one(suite: Suite, mutant: Mutant) -> Found:
    return _hunter(suite).found(mutant)


def _undisturbed() -> None:
    """Ctrl-C is for the command; it ends its helpers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# ---- in words --------------------------------------------------------------------------------------------------------

_HEAD = ("kind", "mutants", "by tables", "by referrals", "equivalent", "missed", "score", "refused")


def table(report: Report) -> str:
    """The summary by kind of mutation."""
    rows = [_HEAD, *rows_of(report)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )  # fmt: skip


def rows_of(report: Report) -> Iterator[tuple[str, ...]]:
    """One row for each kind that was hunted, then all together."""
    for kind in [*(kind for kind in KINDS if kind in report.fates), "all"]:
        fates = report.total() if kind == "all" else report.fates[kind]
        missed = sum(fates[fate] for fate in _MISSED)
        numbers = (made(fates), fates["tables"], fates["referrals"], fates["equivalent"], missed)
        yield (kind, *map(str, numbers), f"{score(fates):.1%}", str(fates["refused"]))
