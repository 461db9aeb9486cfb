"""Who gets another answer: the same referrals decided under two rulebooks, and the differences counted and shown."""

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

from service.decision import Decider
from service.recommend.judge import Disagreement
from service.recommend.recommendation import Recommendation
from service.referral.complaints import ReferralError
from service.rulebook.model import Rulebook, Status
from service.run.adapter import EngineError

#: (done, of)
Progress: TypeAlias = Callable[[int, int], None]
Pair: TypeAlias = tuple[str | None, str | None]

#: seconds of work beyond which a second process is worth starting
ALONE = 2.0
#: referrals decided to learn how long one takes
_TRIED = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """One referral in plain JSON data, decided at `at`."""

    name: str
    referral: Any
    at: datetime
    #: made by a program from a fixture: no patient, and no share of patients
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class OfLesion:
    """What is decided of one lesion: the first option, and the status of each."""

    first: str
    statuses: Mapping[str, Status]


@dataclass(frozen=True, slots=True)
class Decided:
    """What is decided of one referral. `refused`: it is not answered at all."""

    refused: bool
    alerts: frozenset[str]
    lesions: Mapping[str, OfLesion]


@dataclass(frozen=True, slots=True)
class Moved:
    """What differs between two decisions on one referral. None in a pair: there is no such option, or no answer."""

    subject: Subject
    refused: tuple[bool, bool]
    #: lesion -> first option before and after
    firsts: Mapping[str, Pair]
    #: (lesion, technique) -> status before and after
    statuses: Mapping[tuple[str, str], Pair]
    raised: tuple[str, ...]
    lowered: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.refused[0] != self.refused[1] or self.firsts or self.statuses or self.raised or self.lowered)


@dataclass(frozen=True, slots=True)
class Impact:
    """The differences over many referrals."""

    subjects: int
    lesions: int
    synthetic: bool
    #: referrals whose answer differs, in the order in which they were given
    moved: tuple[Moved, ...]
    #: first option before and after -> lesions, those that keep theirs too
    firsts: Mapping[Pair, int]
    #: status before and after -> options, only those that differ
    statuses: Mapping[Pair, int]
    #: technique -> the same
    by_technique: Mapping[str, Mapping[Pair, int]]
    #: alert -> referrals for which it is now raised, or no longer
    raised: Mapping[str, int]
    lowered: Mapping[str, int]
    #: referrals refused now and not before, and the other way round
    now_refused: int
    now_accepted: int

    @property
    def first_changed(self) -> int:
        """Lesions whose first option differs."""
        return sum(count for (before, after), count in self.firsts.items() if before != after)

    def examples(self, most: int) -> tuple[Moved, ...]:
        """Referrals worth looking at: those whose first option differs, then alerts, then statuses; one of each kind before two."""
        seen: set[object] = set()
        ranked: list[tuple[int, int, int, Moved]] = []
        for at, each in enumerate(self.moved):
            kind = (frozenset(each.firsts.values()), each.raised, each.lowered, frozenset(each.statuses.values()))
            weight = 0 if each.firsts else 1 if each.raised or each.lowered else 2
            ranked.append((int(kind in seen), weight, at, each))
            seen.add(kind)
        return tuple(each for *_, each in sorted(ranked, key=lambda entry: entry[:3])[:most])


def impact(
    old: Rulebook,
    new: Rulebook,
    subjects: Sequence[Subject],
    *,
    processes: int = 2,
    progress: Progress | None = None,
) -> Impact:
    """Decides every subject under both rulebooks.

    Beyond two seconds of work, in `processes` processes, forked: call it before other threads are started. Raises
    Disagreement or EngineError when an engine cannot decide one of them.
    """
    pairs = list(_decided(old, new, subjects, processes, progress))
    return _summed(subjects, pairs)


def decide(decider: Decider, subject: Subject) -> Decided:
    """What a rulebook says of one referral. Raises Disagreement or EngineError."""
    try:
        recommendation, _ = decider.recommend(subject.referral, subject.at)
    except ReferralError:
        return Decided(True, frozenset(), {})
    return _of(recommendation)


def _of(recommendation: Recommendation) -> Decided:
    lesions = {
        lesion.judgement.lesion: OfLesion(
            lesion.ranked[0].option.technique.id,
            {ranked.option.technique.id: ranked.option.status for ranked in lesion.ranked},
        )
        for lesion in recommendation.lesions
    }
    return Decided(False, frozenset(alert.rule for alert in recommendation.alerts), lesions)


# ---- deciding ----


def _decided(
    old: Rulebook, new: Rulebook, subjects: Sequence[Subject], processes: int, progress: Progress | None
) -> Iterator[tuple[Decided, Decided]]:
    deciders = Decider(old), Decider(new)
    began = time.monotonic()
    for at, subject in enumerate(subjects):
        left = len(subjects) - at
        if processes > 1 and at >= _TRIED and (time.monotonic() - began) / at * left > ALONE:
            yield from _shared(deciders, subjects, at, processes, progress)
            return
        yield decide(deciders[0], subject), decide(deciders[1], subject)
        if progress:
            progress(at + 1, len(subjects))


def _shared(
    deciders: tuple[Decider, Decider],
    subjects: Sequence[Subject],
    start: int,
    processes: int,
    progress: Progress | None,
) -> list[tuple[Decided, Decided]]:
    """The rest, each process taking every n-th; in their order."""
    # Forked, so that neither rulebook is read again; the engine is built anew in each process, as it must be.
    context = get_context("fork")
    rest = list(range(start, len(subjects)))
    books = deciders[0].rulebook, deciders[1].rulebook
    children, ends = [], []
    for number in range(processes):
        here, there = context.Pipe(duplex=False)
        share = [subjects[at] for at in rest[number::processes]]
        child = context.Process(target=_work, args=(books, share, there), daemon=True)
        child.start()
        there.close()
        children.append(child)
        ends.append(here)
    try:
        found = _gathered(
            ends, rest, processes, lambda done: progress(start + done, len(subjects)) if progress else None
        )
    finally:
        for child in children:
            child.terminate()
            child.join()
    return [found[at] for at in rest]


def _gathered(
    ends: Sequence[Connection], rest: Sequence[int], processes: int, done: Callable[[int], object]
) -> dict[int, tuple[Decided, Decided]]:
    found: dict[int, tuple[Decided, Decided]] = {}
    places = {end: iter(rest[number::processes]) for number, end in enumerate(ends)}
    while len(found) < len(rest):
        for end in wait(list(places)):
            assert isinstance(end, Connection)
            try:
                said = end.recv()
            except EOFError:
                del places[end]
                if not places and len(found) < len(rest):
                    raise EngineError("a process ended before its share was decided") from None
                continue
            if isinstance(said, Exception):
                raise said
            found[next(places[end])] = said
            done(len(found))
    return found


def _work(books: tuple[Rulebook, Rulebook], subjects: Sequence[Subject], end: Connection) -> None:
    """In a process of its own: one pair for each subject, or the fault that ended it."""
    # Ctrl-C reaches every process of the terminal; the first one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):
        try:
            deciders = Decider(books[0]), Decider(books[1])
            for subject in subjects:
                end.send((decide(deciders[0], subject), decide(deciders[1], subject)))
        except (Disagreement, EngineError) as error:
            end.send(EngineError(f"{type(error).__name__}: {error}"))


# ---- comparing ----


def moved(subject: Subject, before: Decided, after: Decided) -> Moved:
    """What differs between two decisions on one referral."""
    firsts: dict[str, Pair] = {}
    statuses: dict[tuple[str, str], Pair] = {}
    if before.refused == after.refused:
        for lesion in before.lesions.keys() & after.lesions.keys():
            old, new = before.lesions[lesion], after.lesions[lesion]
            if old.first != new.first:
                firsts[lesion] = old.first, new.first
            for technique in sorted(old.statuses.keys() | new.statuses.keys()):
                pair = old.statuses.get(technique), new.statuses.get(technique)
                if pair[0] != pair[1]:
                    statuses[lesion, technique] = pair
    return Moved(
        subject,
        (before.refused, after.refused),
        dict(sorted(firsts.items())),
        dict(sorted(statuses.items())),
        tuple(sorted(after.alerts - before.alerts)) if not after.refused else (),
        tuple(sorted(before.alerts - after.alerts)) if not after.refused else (),
    )


def _summed(subjects: Sequence[Subject], pairs: Sequence[tuple[Decided, Decided]]) -> Impact:
    firsts: Counter[Pair] = Counter()
    statuses: Counter[Pair] = Counter()
    by_technique: dict[str, Counter[Pair]] = {}
    found: list[Moved] = []
    for subject, (before, after) in zip(subjects, pairs, strict=True):
        of = moved(subject, before, after)
        if of:
            found.append(of)
        for lesion in before.lesions.keys() | after.lesions.keys():
            old, new = before.lesions.get(lesion), after.lesions.get(lesion)
            firsts[old.first if old else None, new.first if new else None] += 1
        for (_, technique), pair in of.statuses.items():
            statuses[pair] += 1
            by_technique.setdefault(technique, Counter())[pair] += 1
    return Impact(
        subjects=len(subjects),
        lesions=sum(firsts.values()),
        synthetic=any(subject.synthetic for subject in subjects),
        moved=tuple(found),
        firsts=dict(firsts),
        statuses=dict(statuses),
        by_technique=by_technique,
        raised=Counter(alert for each in found for alert in each.raised),
        lowered=Counter(alert for each in found for alert in each.lowered),
        now_refused=sum(each.refused == (False, True) for each in found),
        now_accepted=sum(each.refused == (True, False) for each in found),
    )
