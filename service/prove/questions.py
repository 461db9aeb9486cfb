"""Asks every question of a rulebook, on several cores, and says what each answer means for it."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

from service.language.vocabulary import Text
from service.prove import asked_of_invariants, asked_of_options, asked_of_rules, design
from service.prove.prover import PATIENCE, Answer, Proof, Prover
from service.prove.question import KINDS, Kind, Question
from service.prove.remembered import Remembered
from service.rulebook.model import Rulebook

#: `fine`: as it should be; `declared`: not so, and the rule file says why; `notice`: told, not held against the rulebook;
#: `open`: not decided in time; `fault`: to be mended
Grade: TypeAlias = Literal["fine", "declared", "notice", "open", "fault"]
#: called with (questions answered, questions in all) each time one more is answered
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One question with its answer."""

    id: str
    kind: Kind
    subjects: tuple[str, ...]
    #: file:line
    where: str
    claim: Text
    answer: Answer
    grade: Grade
    #: what to think of when the claim fails
    advice: Text
    seconds: float
    #: the answer was known from an earlier run
    remembered: bool
    #: a referral that shows it, and when it is decided (ISO 8601)
    witness: dict[str, Any] | None = None
    at: str | None = None
    #: the committee's reason, when it is meant
    declared: Text | None = None

    @property
    def fails(self) -> bool:
        """Whether the rulebook must not be published with this."""
        return self.grade in ("fault", "open")


def all_questions(rulebook: Rulebook) -> list[Question]:
    """Every question, in the order of `KINDS`."""
    rooms = (asked_of_invariants, design, asked_of_rules, asked_of_options)
    found = [question for room in rooms for question in room.questions(rulebook)]
    order = list(KINDS)
    return sorted(found, key=lambda question: order.index(question.kind))


def prove(
    rulebook: Rulebook,
    *,
    only: Iterable[str] = (),
    jobs: int = 2,
    patience: float = PATIENCE,
    today: date | None = None,
    memory: Path | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Every finding about a rulebook.

    `only`: kinds («invariant»), names of rules, techniques and invariants, or ids of questions; `patience`: seconds for each question;
    `memory`: the file of earlier answers.
    """
    wanted = set(only)
    asked = [
        question
        for question in all_questions(rulebook)
        if not wanted or wanted & {question.id, question.kind, *question.subjects}
    ]
    remembered = Remembered(memory, rulebook, patience)
    known = {question.id: proof for question in asked if (proof := remembered.answer(question)) is not None}
    left = [question for question in asked if question.id not in known]
    done = len(known)
    answers: dict[str, Proof] = {}
    try:
        for name, proof in _answers(rulebook, left, jobs, patience, today):
            answers[name] = proof
            if progress is not None:
                progress(done + len(answers), len(asked))
    finally:
        # What was answered before an interruption need not be asked again.
        remembered.keep((question, answers[question.id]) for question in left if question.id in answers)
    return [
        _finding(question, known.get(question.id) or answers[question.id], question.id in known) for question in asked
    ]


def _finding(question: Question, proof: Proof, remembered: bool) -> Finding:
    grades: dict[Answer, Grade] = {"proved": "fine", "refuted": "fault", "undecided": "open"}
    grade = grades[proof.answer]
    if proof.answer == "refuted" and question.declared is not None:
        grade = "declared"
    elif grade != "fine" and question.informative:
        grade = "notice"
    return Finding(
        id=question.id,
        kind=question.kind,
        subjects=question.subjects,
        where=question.where,
        claim=question.claim,
        answer=proof.answer,
        grade=grade,
        advice=question.advice,
        seconds=proof.seconds,
        remembered=remembered,
        witness=proof.witness,
        at=proof.at,
        declared=question.declared if grade == "declared" else None,
    )


# ---- on several cores ----

_asker: "_Asker | None" = None


class _Asker:
    """The questions of one process, with the prover that answers them."""

    def __init__(self, rulebook: Rulebook, patience: float, today: date | None) -> None:
        self._prover = Prover(rulebook, patience, today)
        self._questions = {question.id: question for question in all_questions(rulebook)}

    def answer(self, name: str) -> tuple[str, Proof]:
        began = time.monotonic()
        proof = self._questions[name].ask(self._prover)
        return name, replace(proof, seconds=round(time.monotonic() - began, 3))


def _begin(rulebook: Rulebook, patience: float, today: date | None) -> None:
    global _asker
    # Ctrl-C reaches every process of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _asker = _Asker(rulebook, patience, today)


def _ask(names: Sequence[str]) -> list[tuple[str, Proof]]:
    assert _asker is not None
    return [_asker.answer(name) for name in names]


def _answers(
    rulebook: Rulebook, left: Sequence[Question], jobs: int, patience: float, today: date | None
) -> Iterator[tuple[str, Proof]]:
    if not left:
        return
    if jobs <= 1:
        asker = _Asker(rulebook, patience, today)
        yield from (asker.answer(question.id) for question in left)
        return
    # Forked, so that the rulebook need not be read again.
    context = multiprocessing.get_context("fork")
    others = set(multiprocessing.active_children())
    unanswered = {question.id for question in left}
    with ProcessPoolExecutor(jobs, context, _begin, (rulebook, patience, today)) as pool:
        pending: set[Future[list[tuple[str, Proof]]]] = {
            pool.submit(_ask, [question.id for question in part]) for part in _parts(left, 8)
        }
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    unanswered -= {name for name, _ in found}
                    yield from found
        except BrokenProcessPool:
            # A process that died (for want of memory, most often) has answered nothing: nor is anything made of it.
            yield from ((question.id, Proof("undecided", 0.0)) for question in left if question.id in unanswered)
        finally:
            # Interrupted, nobody waits for the questions at hand; they may be patience long, several times over.
            if unanswered:
                for process in set(multiprocessing.active_children()) - others:
                    process.kill()


def _parts(questions: Sequence[Question], size: int) -> Iterator[Sequence[Question]]:
    for at in range(0, len(questions), size):
        yield questions[at : at + size]
