"""`script/mutate`: changes the rulebook one value at a time and reports which changes the tests notice."""

import argparse
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.hunt import Fate, Hunter, Report, hunt, share
from tests.mutation.mutants import KINDS, Mutant


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


def table(report: Report) -> str:
    """The summary by kind of mutation."""
    head = ("kind", "mutants", "by tables", "by referrals", "survived", "same", "caught", "refused")
    rows = [head]
    for kind in [*(kind for kind in KINDS if kind in report.fates), "all"]:
        fates = report.total() if kind == "all" else report.fates[kind]
        counted: list[Fate] = ["tables", "referrals", "survived", "same"]
        numbers = [sum(fates[fate] for fate in counted), *(fates[fate] for fate in counted)]
        rows.append((kind, *(str(number) for number in numbers), f"{share(fates):.1%}", str(fates["refused"])))
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="script/mutate",
        description="Changes the rulebook one value at a time, in memory, and reports which changes the tests notice. "
        "Exits with 1 when too few are caught.",
    )
    parser.add_argument("--sample", type=int, metavar="N", help="only so many mutants, spread over the kinds")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; may be given several times")
    parser.add_argument("--of", default="", metavar="PREFIX", help="only rules, scores … whose id begins so")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--least", type=float, default=0.9, help="share that must be caught (default: 0.9)")
    parser.add_argument("--survivors", type=Path, metavar="FILE", help="writes the list of survivors there as well")
    asked = parser.parse_args(arguments)

    mutants = [
        mutant
        for mutant in Hunter().mutants()
        if mutant.owner.startswith(asked.of) and (not asked.kind or mutant.kind in asked.kind)
    ]
    if asked.sample is not None:
        mutants = sample(mutants, asked.sample, asked.seed)
    report, begun = Report(), time.monotonic()
    for done, (mutant, fate) in enumerate(hunt(mutants, asked.jobs), 1):
        report.add(mutant, fate)
        if done % 200 == 0 or done == len(mutants):
            _say(f"\r{done} of {len(mutants)} mutants, {len(report.survivors)} survivors", sys.stderr)
    _say(f", {time.monotonic() - begun:.0f} s\n\n", sys.stderr)
    listed = "".join(
        f"{fate}: {mutant}\n" for mutant, fate in sorted(report.survivors, key=lambda one: one[1] == "same")
    )
    _say(f"{table(report)}\n\nSurvivors: {len(report.survivors)}\n{listed}", sys.stdout)
    if asked.survivors:
        asked.survivors.write_text(listed, encoding="utf-8")
    return 0 if report.share >= asked.least else 1


def _say(text: str, stream: object) -> None:
    print(text, end="", file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
