"""Resident memory over many decisions, in a process of its own: `python -m bench.memory judge 200000 600`."""

import json
import os
import resource
import sys
import time
from pathlib import Path

from service.decision import Decider
from service.recommend.judge import Judge
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from service.referral.strict_json import canonical
from service.rulebook.load import load_rulebook

from bench.patients import RULES, fixtures

#: a small set, so that 200 000 decisions end within minutes
CASES = 12


def resident() -> int:
    """Bytes of resident memory, now."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


def main(what: str, number: int, seconds: float) -> None:
    """Prints one JSON object: the decisions made, and resident memory after the warm-up and after each tenth."""
    rulebook = load_rulebook(RULES)
    given = fixtures(rulebook)
    given = given[:: max(1, len(given) // CASES)][:CASES]
    if what == "judge":
        reader, maker, judge = ReferralReader(rulebook.vocabulary), CaseMaker(rulebook), Judge(rulebook)
        cases = [maker.make(reader.read(fixture.referral), fixture.at) for fixture in given]
        calls = [lambda case=case: judge.judge(case) for case in cases]
    else:
        decider = Decider(rulebook)
        bodies = [(json.dumps(fixture.referral).encode(), fixture.at) for fixture in given]
        calls = [lambda body=body, at=at: canonical(decider.decide_json(body, at)) for body, at in bodies]
    loaded = resident()
    warm = max(len(calls), number // 50)
    end = time.monotonic() + seconds
    seen: list[tuple[int, int]] = []
    start = time.perf_counter()
    done = 0
    while done < number and time.monotonic() < end:
        calls[done % len(calls)]()
        done += 1
        if done == warm or (done > warm and done % max(1, number // 10) == 0):
            seen.append((done, resident()))
    taken = time.perf_counter() - start
    seen.append((done, resident()))
    print(
        json.dumps({"pid": os.getpid(), "loaded": loaded, "warm": warm, "done": done, "seen": seen, "seconds": taken})
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
