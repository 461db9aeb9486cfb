"""The same rules and patients on every engine: answers compared on complete data, then timed."""

import statistics
from collections.abc import Callable

from service.rulebook.model import Rulebook

from bench.patients import complete_patients
from bench.rivals.engines import Engine, makers, patients, questions
from bench.rounds import interleaved, ratio
from bench.tables import number, table, times

BASELINE = "reference"
#: takes part in the missing-data experiment only: its speed is that of the run reading
NOT_TIMED = ("durable-plain",)


def compared(rulebook: Rulebook, rounds: int, generated: int, progress: Callable[[str], None]) -> str:
    asked = questions(rulebook)
    everyone = patients(asked, complete_patients(rulebook, generated))
    timed = everyone[:: max(1, len(everyone) // 60)]
    engines: dict[str, Engine] = {}
    differing: dict[str, int] = {}
    expected: list[dict[str, str]] = []
    for name, make in makers().items():
        if name in NOT_TIMED:
            continue
        engines[name] = make(asked)
        answers = engines[name].answers(everyone)
        if name == BASELINE:
            expected = [dict(row) for row in answers]
        differing[name] = sum(
            said != row[rule] for row, found in zip(expected, answers, strict=True) for rule, said in found.items()
        )
        progress(f"rivals: {engines[name].name}: {differing[name]} answers differ")
    found = interleaved(
        {name: lambda engine=engine: engine.rounds(timed, 1)[0] for name, engine in engines.items()},
        rounds,
        progress=lambda at: progress(f"rivals: round {at} of {rounds}"),
    )
    rows = []
    for name in sorted(engines, key=lambda name: statistics.median(found[name])):
        ours = name in ("reference", "durable")
        label = f"**{engines[name].name}**" if ours else engines[name].name
        rows.append(
            (
                f"{label}: {engines[name].form}",
                number(statistics.median(found[name])),
                f"{number(min(found[name]))}–{number(max(found[name]))}",
                times(ratio(found[name], found[BASELINE])),
                differing[name],
            )
        )
    yes = sum(said == "yes" for row in expected for said in row.values()) / len(expected)
    fields = len({field for patient in everyone for field in patient.record})
    intro = (
        f"{len(asked.nodes)} conditions over {fields} fields; answers compared on {len(everyone)} complete patients "
        f"({number(len(asked.nodes) * len(everyone))} answers; {yes:.0f} rules hold for a patient on average); "
        f"{len(timed)} of the patients timed, {rounds} rounds."
    )
    heads = (
        "engine and how it is called",
        "µs for one patient",
        "lowest–highest round",
        "ratio",
        "answers that differ",
    )
    return intro + "\n\n" + table(heads, rows)
