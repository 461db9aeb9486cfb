"""Compares an answer with what a case expects: every difference in words, with what led to it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.rulebook.model import MODE_KINDS
from service.rulebook.source import Keys
from service.tell.answer import Answer
from service.tell.words import KIND, STATUS

#: what a case may expect of the whole answer, and of one lesion. `fixtures/README.md` says what each means
EXPECT_KEYS = ("alerts", "lesions", "session", "refused")
LESION_KEYS = ("first", "statuses", "questions", "earliest", *MODE_KINDS)

_Word: TypeAlias = Literal["expected", "found", "or", "nothing", "no_lesion", "not_asked", "against", "no_option"]
_WORDS: dict[_Word, Text] = {
    "expected": Text("attendu", "expected"),
    "found": Text("obtenu", "got"),
    "or": Text("ou", "or"),
    "nothing": Text("rien", "nothing"),
    "no_lesion": Text("cette lésion n’est pas dans la réponse, qui a", "no such lesion in the answer, which has"),
    "not_asked": Text("question attendue, non posée", "expected to be asked, and is not"),
    "against": Text("contre", "against it"),
    "no_option": Text("cette technique n’est pas dans la réponse", "no such technique in the answer"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected. `keys` lead to the expectation from the case's `expect`."""

    keys: Keys
    text: str
    #: what led to the answer: the options at stake, each with its reason
    because: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((self.text, *(f"    {line}" for line in self.because)))


def one_of(expected: Any) -> list[Any]:
    """An expectation is one answer, or a list of those that are right."""
    return expected if isinstance(expected, list) else [expected]


def refusal_differences(error: ReferralError | None, expect: dict[str, Any], language: str) -> Iterator[Difference]:
    """What is not as expected of a referral that is refused, or that should have been (`error` is None)."""
    told = _Teller(language)
    wanted = expect.get("refused")
    found = sorted({complaint.pointer or "/" for complaint in error.complaints}) if error else []
    if error and (wanted is None or sorted(one_of(wanted)) != found):
        because = tuple(f"{each.pointer or '/'}: {each.text.in_(language)}" for each in error.complaints)
        subject = Text("refus", "refused").in_(language)
        yield Difference(("refused",), told.unlike(subject, one_of(wanted or []), found), because)
    elif error is None and wanted is not None:
        subject = Text("refus", "refused").in_(language)
        yield Difference(("refused",), told.unlike(subject, one_of(wanted), []))


def differences(answer: Answer, expect: dict[str, Any]) -> Iterator[Difference]:
    """What is not as expected, in the language of the answer."""
    told = _Teller(answer["language"])
    if "alerts" in expect:
        raised, wanted = sorted(alert["rule"] for alert in answer["alerts"]), sorted(expect["alerts"])
        if raised != wanted:
            because = tuple(f"{alert['rule']}: {alert['because']}" for alert in answer["alerts"])
            yield Difference(("alerts",), told.unlike(told.text("alertes", "alerts"), wanted, raised), because)
    lesions = {lesion["id"]: lesion for lesion in answer["lesions"]}
    asked = {question["item"] for question in answer["questions"]}
    for name, wanted_of in expect.get("lesions", {}).items():
        keys: Keys = ("lesions", name)
        if name not in lesions:
            yield Difference(keys, told.of(name, f"{told.word('no_lesion')} {', '.join(lesions)}"))
        else:
            yield from _Lesion(lesions[name], keys, told).differences(wanted_of, asked)
    for key, value in expect.get("session", {}).items():
        if answer["session"][key] != value:
            subject = told.text("ordre des lésions", "order of the lesions")
            yield Difference(("session", key), told.unlike(subject, value, answer["session"][key]))


@dataclass(frozen=True, slots=True)
class _Teller:
    language: str

    def word(self, name: _Word) -> str:
        return _WORDS[name].in_(self.language)

    def text(self, fr: str, en: str) -> str:
        return Text(fr, en).in_(self.language)

    def of(self, subject: str, said: str) -> str:
        return f"{subject}{': ' if self.language == 'en' else ' : '}{said}"

    def unlike(self, subject: str, expected: Iterable[str], found: Iterable[str], joint: str = ", ") -> str:
        """`subject: expected …, got …`."""
        nothing = self.word("nothing")
        wanted, got = joint.join(expected) or nothing, ", ".join(found) or nothing
        return self.of(subject, f"{self.word('expected')} {wanted}, {self.word('found')} {got}")

    def alternatives(
        self, subject: str, expected: Any, found: Any, shown: Callable[[Any], str] = lambda each: str(each)
    ) -> str:
        """The same, where any one of `expected` would do."""
        wanted = [shown(each) if each is not None else self.word("nothing") for each in one_of(expected)]
        got = shown(found) if found is not None else self.word("nothing")
        return self.unlike(subject, wanted, [got], f" {self.word('or')} ")

    def status(self, status: str) -> str:
        """The word of the file, and the words of the answer."""
        label = STATUS[status].in_(self.language)
        return status if label == status else f"{status} ({label})"


@dataclass(frozen=True, slots=True)
class _Lesion:
    """One lesion of an answer, compared with what is expected of it."""

    answer: Answer
    keys: Keys
    told: _Teller

    @property
    def options(self) -> dict[str, Answer]:
        return {option["technique"]: option for option in self.answer["options"]}

    def differences(self, wanted: dict[str, Any], asked: set[str]) -> Iterator[Difference]:
        first = self.answer["options"][0]
        yield from self._first(first, wanted)
        yield from self._statuses(wanted)
        yield from self._modes(first, wanted)
        yield from self._earliest(wanted)
        for at, item in enumerate(wanted.get("questions", [])):
            if item not in asked:
                keys = (*self.keys, "questions", at)
                yield Difference(keys, self.told.of(f"{self.answer['id']}, {item}", self.told.word("not_asked")))

    def _first(self, first: Answer, wanted: dict[str, Any]) -> Iterator[Difference]:
        if first["technique"] in one_of(wanted["first"]):
            return
        told, options = self.told, self.options
        subject = f"{self.answer['id']}, {told.text('en premier', 'first')}"
        intended = [options[each] for each in one_of(wanted["first"]) if each in options]
        because = tuple(line for option in (first, *intended) for line in _brief(option, told))
        yield Difference(
            (*self.keys, "first"), told.alternatives(subject, wanted["first"], first["technique"]), because
        )

    def _statuses(self, wanted: dict[str, Any]) -> Iterator[Difference]:
        told, options = self.told, self.options
        for technique, status in wanted.get("statuses", {}).items():
            keys = (*self.keys, "statuses", technique)
            subject = f"{self.answer['id']}, {technique}"
            if technique not in options:
                yield Difference(keys, told.of(subject, told.word("no_option")))
            elif options[technique]["status"] not in one_of(status):
                text = told.alternatives(subject, status, options[technique]["status"], told.status)
                yield Difference(keys, text, tuple(_brief(options[technique], told)))

    def _modes(self, first: Answer, wanted: dict[str, Any]) -> Iterator[Difference]:
        for kind in MODE_KINDS:
            if kind not in wanted:
                continue
            # A decisive answer plans only what may be done.
            modes = first.get(kind, [])
            chosen = modes[0]["mode"] if modes else None
            if chosen not in one_of(wanted[kind]):
                subject = f"{self.answer['id']}, {KIND[kind].in_(self.told.language)}"
                because = tuple(_mode(mode, self.told) for mode in modes)
                yield Difference((*self.keys, kind), self.told.alternatives(subject, wanted[kind], chosen), because)

    def _earliest(self, wanted: dict[str, Any]) -> Iterator[Difference]:
        told, options = self.told, self.options
        for technique, date in wanted.get("earliest", {}).items():
            earliest = options[technique].get("earliest") if technique in options else None
            if earliest is None or not earliest.startswith(date):
                possible = told.text("possible à partir de", "possible from")
                subject = f"{self.answer['id']}, {technique}, {possible}"
                because = tuple(_brief(options[technique], told)) if technique in options else ()
                yield Difference(
                    (*self.keys, "earliest", technique), told.alternatives(subject, date, earliest), because
                )


def _brief(option: Answer, told: _Teller) -> Iterator[str]:
    yield f"{option['rank']}. {option['label']} [{told.status(option['status'])}] {option['why']}"
    against = _against(option)
    if against:
        yield "   " + told.of(told.word("against"), against)


def _mode(mode: Answer, told: _Teller) -> str:
    against = _against(mode)
    shown = f"; {told.of(told.word('against'), against)}" if against else ""
    return f"{mode['mode']} [{told.status(mode['status'])}]{shown}"


def _against(judged: Answer) -> str:
    """The rules that stand against an option or a mode, with their verdict when it is not certain."""
    return ", ".join(
        rule if verdict == "yes" else f"{rule}?"
        for kind, rules in judged["arguments"].items()
        if kind not in ("indications", "favours")
        for rule, verdict in rules.items()
    )
