"""What is still to be asked: the cases nobody approved, and approved ones that the rules now contradict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from service.language.meaning import Meaning
from service.rulebook.model import Rulebook
from service.workbench.borderline.approved import Approved
from service.workbench.borderline.case import Case, canonical, point
from service.workbench.borderline.search import Searcher, Undecisive
from service.workbench.tables.patients import TableError
from service.workbench.tables.read import TableReader
from service.workbench.tables.verdicts import wrong_verdicts


@dataclass(frozen=True, slots=True)
class Outdated:
    """An approved case that the rules no longer fulfil, and what they say instead."""

    approved: Approved
    contradictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One case to be approved; or, without a case, approved ones that nothing replaces, to be withdrawn."""

    rule: str
    case: Case | None
    outdated: tuple[Outdated, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """A case that was approved, by whom and when."""

    case: Case
    approved: Approved


@dataclass(frozen=True, slots=True)
class Review:
    """Everything about some rules: what is to be asked, what is settled, and criteria on which no patient turns."""

    questions: tuple[Question, ...]
    settled: tuple[Settled, ...]
    undecisive: tuple[Undecisive, ...]


def review(rulebook: Rulebook, rules: Iterable[str], approved: Sequence[Approved]) -> Iterator[Review]:
    """One review for each rule, in order; approved cases of rules that are gone come with the id they had."""
    searcher, judge = Searcher(rulebook), _Judge(rulebook)
    for rule in rules:
        held = [each for each in approved if each.rule == rule]
        outdated = [Outdated(each, wrong) for each in held if (wrong := judge.contradictions(each))]
        still_true = [each for each in held if all(each is not old.approved for old in outdated)]
        if rule not in rulebook.rules:
            gone = tuple(Outdated(each, ("the rule is gone",)) for each in held)
            yield Review((Question(rule, None, gone),) if gone else (), (), ())
            continue
        found = list(searcher.of(rule))
        cases = [each for each in found if isinstance(each, Case)]
        settled = _settled(cases, still_true)
        asked = [case for case in cases if all(case is not each.case for each in settled)]
        undecisive = tuple(each for each in found if isinstance(each, Undecisive))
        yield Review(tuple(_questions(rule, asked, outdated)), tuple(settled), undecisive)


class _Judge:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._reader = TableReader(rulebook)
        self._meaning = Meaning(rulebook.vocabulary, rulebook.scores)

    def contradictions(self, approved: Approved) -> tuple[str, ...]:
        """What the rule as it is says against an approved case."""
        if approved.rule not in self._rulebook.rules:
            return ()
        try:
            table = approved.table(self._reader)
        except TableError as error:
            return (str(error),)
        return tuple(wrong_verdicts(self._rulebook.rules[approved.rule].when, table, self._meaning))


def _settled(cases: Sequence[Case], approved: Sequence[Approved]) -> list[Settled]:
    """Each case with the approved one that says it: word for word first, else turning at the same point.

    A rule that changed elsewhere may propose another patient around the same point; what was approved then still holds.
    """
    left = list(approved)
    found: list[Settled] = []

    def take(case: Case, fitting: Iterator[Approved]) -> None:
        if (one := next(fitting, None)) is not None:
            left.remove(one)
            found.append(Settled(case, one))

    for case in cases:
        whole = canonical(case.written())
        take(case, (each for each in left if each.on == case.on and canonical(each.written) == whole))
    done = [each.case for each in found]
    for case in cases:
        if all(case is not each for each in done):
            turn = point(case.on, case.written())
            take(case, (each for each in left if each.on == case.on and point(each.on, each.written) == turn))
    return found


def _questions(rule: str, cases: Sequence[Case], outdated: Sequence[Outdated]) -> Iterator[Question]:
    """Each case with the outdated ones that it replaces: those that turned on the same thing."""
    left = list(outdated)
    for at, case in enumerate(cases):
        last = all(other.on != case.on for other in cases[at + 1 :])
        replaced = [each for each in left if each.approved.on == case.on]
        # Of several cases on one thing each replaces one, and the last whatever is left.
        taken = replaced if last else replaced[:1]
        left = [each for each in left if all(each is not other for other in taken)]
        yield Question(rule, case, tuple(taken))
    if left:
        yield Question(rule, None, tuple(left))


# ---- the dialogue ----------------------------------------------------------------------------------------------------

Answer: TypeAlias = Literal["approved", "rejected", "skipped"]
_KEYS: Mapping[str, Answer] = {"y": "approved", "n": "rejected", "s": "skipped"}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The questions, and the answers so far: one keystroke each. What a key does not mean changes nothing."""

    questions: tuple[Question, ...]
    answers: tuple[Answer, ...] = ()
    ended: bool = False

    @property
    def current(self) -> Question | None:
        """The question that is asked now; None at the end."""
        return None if self.ended or len(self.answers) == len(self.questions) else self.questions[len(self.answers)]

    def press(self, key: str) -> "Dialogue":
        """`y` approve, `n` reject, `s` skip, `u` undo the last answer, `q` end here."""
        if key == "q":
            return replace(self, ended=True)
        if key == "u":
            return replace(self, answers=self.answers[:-1])
        if self.current is None or key not in _KEYS:
            return self
        return replace(self, answers=(*self.answers, _KEYS[key]))

    def answered(self, answer: Answer) -> list[Question]:
        return [question for question, given in zip(self.questions, self.answers, strict=False) if given == answer]

    def result(self, before: Sequence[Approved], by: str, date: str) -> list[Approved]:
        """All approved cases after this dialogue: those before it, without what was replaced or withdrawn, and the new."""
        agreed = self.answered("approved")
        gone = [old.approved for question in agreed for old in question.outdated]
        kept = [each for each in before if all(each is not old for old in gone)]
        new = [
            Approved(case.rule, case.criterion, case.on, case.written(), by, date)
            for question in agreed
            if (case := question.case) is not None
        ]
        return [*kept, *new]
