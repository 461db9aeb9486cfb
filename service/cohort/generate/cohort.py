"""A whole cohort, chunk by chunk: what was asked for, and the tables it gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.cohort.generate.clock import Clock
from service.cohort.generate.design import Design
from service.cohort.generate.record import Recorder
from service.cohort.generate.streams import Streams
from service.cohort.generate.truth import Plan, draw
from service.rulebook.model import Rulebook

#: patients in one chunk, and in one group of rows of a file; part of what a seed means
CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `odds` multiplies the odds of a missing value; `faults` is the share of unusable values, 0 to 1."""

    patients: int
    seed: int
    at: datetime
    odds: float
    faults: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """Some patients, numbered from `first`, with their lesions, as tables of Arrow."""

    first: int
    patients: Any
    lesions: Any


def parts(design: Design, rulebook: Rulebook, wanted: Wanted) -> Iterator[Part]:
    """The cohort in parts of bounded size. The same is asked, the same comes; fewer patients are the first of more."""
    clock = Clock.of(wanted.at, rulebook.info.timezone)
    plan = Plan.of(design, rulebook.vocabulary, clock)
    recorder = Recorder(plan, design, wanted.odds, wanted.faults * 100)
    for chunk, start in enumerate(range(0, wanted.patients, CHUNK)):
        streams = Streams(wanted.seed, chunk)
        truth = draw(plan, streams, min(CHUNK, wanted.patients - start))
        patients, lesions = recorder.tables(truth, streams, start + 1)
        yield Part(start + 1, patients, lesions)
