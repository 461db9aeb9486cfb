"""The command behind bench/run."""

import argparse
import json
import subprocess
import sys
import time

from service.rulebook.load import load_rulebook
from service.rulebook.model import Rulebook

from bench import http_load, missing_data, profiled, rival_speed, stages, start
from bench.patients import PROJECT, RULES
from bench.rivals.engines import makers, questions
from bench.tables import RESULTS, machine, number, put, table
from bench.truth import MOST_COMPLETIONS

PARTS = ("stages", "rivals", "missing", "start", "memory", "http")
_begun = time.monotonic()


def progress(text: str) -> None:
    print(f"[{time.monotonic() - _begun:5.0f} s] {text}", file=sys.stderr, flush=True)


def missing(rulebook: Rulebook, patients: int) -> dict[str, str]:
    """The tables of docs/missing-data.md."""
    found = {}
    for name, negated in (("missing-held", False), ("missing-ruled-out", True)):
        asked = questions(rulebook, negated=negated)
        partial = missing_data.partial_patients(rulebook, patients, blurred=False)
        done = missing_data.experiment(asked, partial)
        rows = []
        for kind, make in makers().items():
            engine = make(asked)
            score = missing_data.scored(asked, done, missing_data.answers_of(engine, asked, done))
            ours = kind in ("reference", "durable")
            rows.append(
                (
                    f"**{engine.name}**" if ours else engine.name,
                    f"**{score.wrong}**" if ours else score.wrong,
                    score.fired,
                    score.said_no,
                    score.unknown,
                    score.cautious,
                    f"{score.contradicted} ({score.contradicted_scores})" if score.contradicted else 0,
                )
            )
            progress(f"missing: {engine.name}: {score.wrong} of {len(done.hanging)} decided wrongly")
        heads = (
            "engine",
            "decided wrongly",
            "says yes",
            "says no",
            "says unknown",
            "unknown although all completions agree",
            "against all completions (on a score)",
        )
        found[name] = f"{len(asked.nodes)} conditions, {len(partial)} patients: {_count(done)}.\n\n" + table(
            heads, rows
        )
    rows = []
    for negated in (False, True):
        asked = questions(rulebook, negated=negated)
        done = missing_data.experiment(asked, missing_data.partial_patients(rulebook, patients, blurred=True))
        for kind in ("reference", "durable"):
            engine = makers()[kind](asked)
            score = missing_data.scored(asked, done, missing_data.answers_of(engine, asked, done))
            label = "ruled out?" if negated else "does it hold?"
            rows.append(
                (f"{engine.name}, {label}", len(done.hanging), f"**{score.wrong}**", score.unknown, score.cautious)
            )
    heads = ("engine", "hang on something missing", "decided wrongly", "says unknown", "unknown although all agree")
    found["missing-blurred"] = table(heads, rows)
    return found


def _count(done: missing_data.Experiment) -> str:
    return (
        f"{number(len(done.hanging))} evaluations hang on a missing item; {number(len(done.settled))} lack something "
        f"that makes no difference; {number(done.complete)} lack nothing; {done.left_out} left out "
        f"(more than {number(MOST_COMPLETIONS)} completions)"
    )


def memory(quick: bool) -> str:
    runs = [("judge", 200_000, 900.0), ("whole", 20_000, 300.0)]
    if quick:
        runs = [("judge", 2_000, 30.0), ("whole", 200, 30.0)]
    labels = {
        "judge": "judging alone: reference meaning and durable-rules, compared",
        "whole": "whole decisions: JSON in, JSON out",
    }
    rows = []
    for what, decisions, seconds in runs:
        done = subprocess.run(
            [sys.executable, "-m", "bench.memory", what, str(decisions), str(seconds)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 120,
        )
        said = json.loads(done.stdout)
        warm, last = said["seen"][0][1], said["seen"][-1][1]
        most = max(resident for _, resident in said["seen"])
        rows.append(
            (
                labels[what],
                f"{said['done']:,}".replace(",", " "),
                *(number(value / 1e6) for value in (said["loaded"], warm, last, most)),
                f"{(last - warm) / 1e6:+.1f}",
                number(1e6 * said["seconds"] / said["done"]),
            )
        )
        progress(f"memory: {what}: {said['done']} decisions, {(last - warm) / 1e6:+.1f} MB")
    heads = (
        "what is repeated, over 12 fixtures",
        "decisions",
        "MB when loaded",
        "after warm-up (2 %)",
        "at the end",
        "most",
        "growth, MB",
        "µs each, mean",
    )
    return table(heads, rows)


def measured(part: str, rulebook: Rulebook, *, quick: bool) -> dict[str, str]:
    """The tables of one part, by the name under which a page shows them."""
    match part:
        case "stages":
            return {part: stages.told(*stages.measure(rulebook, 1 if quick else 7, progress))}
        case "rivals":
            return {part: rival_speed.compared(rulebook, 2 if quick else 7, 20 if quick else 400, progress)}
        case "missing":
            return missing(rulebook, 10 if quick else 200)
        case "start":
            return {part: start.measure(1 if quick else 5, progress)}
        case "memory":
            return {part: memory(quick)}
        case "http":
            return {part: http_load.measure(rulebook, 1 if quick else 5, 2.0 if quick else 4.0, progress)}
        case _:
            print(profiled.profiled(rulebook))
            return {}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="part")
    asked = parser.parse_args(arguments)
    unknown = set(asked.parts) - {*PARTS, "profile"}
    if unknown:
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    rulebook = load_rulebook(RULES)
    tables: dict[str, str] = {}
    for part in asked.parts or PARTS:
        found = measured(part, rulebook, quick=asked.quick)
        # A time depends on the machine; what an engine says of a missing item does not.
        foot = "" if part == "missing" else f"\n\n{machine()}"
        for name, content in found.items():
            tables[name] = content + foot
            if asked.write:
                put(name, tables[name])
    text = "\n\n".join(f"## {name}\n\n{content}" for name, content in tables.items())
    print(text)
    RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
