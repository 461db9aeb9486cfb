"""Microseconds of each step of a decision, on the fixtures: one pass through the steps, with a clock between them."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from service.decision import Decider, Detail
from service.language.meaning import situations
from service.recommend.judge import Judge, LesionJudgement
from service.recommend.options import OptionMaker
from service.recommend.questions import questions
from service.recommend.ranking import rank
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.recommend.session import plan
from service.referral.case import CaseMaker, input_digest
from service.referral.schema import ReferralReader
from service.referral.strict_json import canonical, parse
from service.rulebook.bearing import Bearing
from service.rulebook.model import Rulebook, Status
from service.tell.answer import Stamp, answer

from bench.patients import Fixture, fixtures
from bench.rounds import ratio
from bench.tables import number, table, times

BASELINE = "reference"

STEPS = {
    "parse": "JSON text, read strictly",
    "validate": "validation (marshmallow)",
    "case": "facts at the moment of evaluation: freshness, contradictions",
    "digest": "digest of the canonical input",
    "reference": "reference meaning: every rule, every criterion",
    "second": "second decision (durable-rules), compared",
    "options": "options, statuses confirmed by the engine, ranking",
    "questions": "questions",
    "session": "session",
    "answer": "answer in words, decisive trace",
    "json": "answer as JSON",
}
BESIDE = {
    "answer-full": "answer in words, full trace",
    "json-full": "the same as JSON",
    "whole": "the whole, as served: JSON in, JSON out, decisive trace",
}


@dataclass
class Taken:
    """Microseconds of each step in one round: the mean over the fixtures; and of the whole for each fixture."""

    steps: dict[str, float]
    whole: list[float] = field(default_factory=list)


class Walker:
    """Walks referrals through the steps of `Decider.decide_json`, one by one."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._reader = ReferralReader(rulebook.vocabulary)
        self._cases = CaseMaker(rulebook)
        self._judge = Judge(rulebook)
        self.decider = Decider(rulebook)

    def walk(self, fixture: Fixture, body: bytes, detail: Detail, lap: Callable[[str], None]) -> None:
        """Calls `lap` with the name of each step when it ends."""
        rulebook, judge = self.rulebook, self._judge
        data = parse(body)
        lap("parse")
        referral = self._reader.read(data)
        lap("validate")
        case = self._cases.make(referral, fixture.at)
        lap("case")
        digest = input_digest(referral)
        lap("digest")
        patient, of_lesions = situations(case)
        reference = judge._reference(patient, of_lesions)
        lap("reference")
        run = judge._run.verdicts(patient, of_lesions)
        assert run == reference
        lap("second")
        given: dict[Bearing, Status] = {}
        lesions = []
        # The judge hands out its judgements with the verdicts; here they were reached above, one engine at a time.
        judgements = _judgements(judge, case.lesions, of_lesions, reference)
        for judgement in judgements:
            maker = OptionMaker(rulebook, judgement, case.at)
            options = maker.options()
            given |= maker.given
            lesions.append(LesionRecommendation(judgement, maker, tuple(rank(options, rulebook, judgement, maker))))
        judge.confirm(given)
        pairs = [(lesion.judgement, lesion.ranked) for lesion in lesions]
        lap("options")
        asked = questions(pairs, rulebook, rulebook.warnings)
        lap("questions")
        planned = plan(pairs, rulebook, judge.meaning)
        lap("session")
        recommendation = Recommendation(case, rulebook, judge.meaning, (), tuple(lesions), tuple(asked), planned)
        info = rulebook.info
        stamp = Stamp(info.name, info.version, info.status, rulebook.digest, "bench", case.at.isoformat(), digest)
        told = answer(recommendation, stamp, "fr", detail)
        lap("answer")
        canonical(told)
        lap("json")


def _judgements(judge: Judge, lesions: Any, situations_: Any, verdicts: Any) -> list[Any]:
    return [
        LesionJudgement(
            place, lesions[place].id, situation, found, judge.rulebook, judge._open_items, judge._possible_items
        )
        for place, (situation, found) in enumerate(zip(situations_, verdicts, strict=True))
    ]


def measure(rulebook: Rulebook, rounds: int, progress: Callable[[str], None]) -> tuple[list[Taken], int, int]:
    """Rounds over all fixtures; the number of fixtures and of lesions."""
    walker = Walker(rulebook)
    given = [(fixture, json.dumps(fixture.referral).encode()) for fixture in fixtures(rulebook)]
    # Processor time: what others do on the machine does not count, and one worker does nothing but compute.
    clock = time.process_time_ns
    found = []
    for at in range(rounds + 1):
        steps = dict.fromkeys([*STEPS, *BESIDE], 0.0)
        whole = []
        for fixture, body in given:
            last = clock()

            def lap(name: str) -> None:
                nonlocal last
                now = clock()
                steps[name] += (now - last) / 1000  # noqa: B023 - called within this turn only
                last = clock()

            walker.walk(fixture, body, "decisive", lap)
            start = clock()
            canonical(walker.decider.decide_json(body, fixture.at, "fr", "decisive"))
            whole.append((clock() - start) / 1000)
        # In a pass of its own: a full trace is large enough to leave the caches cold for whatever comes after it.
        for fixture, body in given:
            last = clock()

            def lap_full(name: str) -> None:
                nonlocal last
                now = clock()
                if name in ("answer", "json"):
                    steps[f"{name}-full"] += (now - last) / 1000  # noqa: B023 - called within this turn only
                last = clock()

            walker.walk(fixture, body, "full", lap_full)
        steps = {name: total / len(given) for name, total in steps.items()}
        steps["whole"] = statistics.mean(whole)
        if at > 0:  # the first round warms up
            found.append(Taken(steps, whole))
            progress(f"stages: round {at} of {rounds}, {steps['whole'] / 1000:.1f} ms a decision")
    return found, len(given), sum(len(fixture.referral["lesions"]) for fixture, _ in given)


def told(found: list[Taken], number_of_fixtures: int, lesions: int) -> str:
    baseline = [taken.steps[BASELINE] for taken in found]
    rows = []
    for name, label in {**STEPS, **BESIDE}.items():
        taken = [round_.steps[name] for round_ in found]
        shown = f"**{label}**" if name in (BASELINE, "whole") else label
        share = statistics.median(t / r.steps["whole"] for t, r in zip(taken, found, strict=True))
        rows.append(
            (
                shown,
                number(statistics.median(taken)),
                f"{number(min(taken))}–{number(max(taken))}",
                times(ratio(taken, baseline)),
                f"{share:.0%}" if name in STEPS else "",
            )
        )
    whole = sorted(statistics.median(values) for values in zip(*(taken.whole for taken in found), strict=True))
    spread = ", ".join(
        f"{label} {number(whole[min(len(whole) - 1, int(len(whole) * at))] / 1000)} ms"
        for label, at in (("median", 0.5), ("nine in ten below", 0.9), ("slowest", 1.0))
    )
    heads = ("step", "µs", "lowest–highest round", "against the reference meaning", "share of the whole")
    return (
        f"{number_of_fixtures} referrals, {lesions} lesions, {len(found)} rounds; "
        "processor time, means over the referrals, medians over the rounds.\n\n"
        + table(heads, rows)
        + f"\n\nThe whole, referral by referral: {spread}."
    )
