"""What the form shows of an answer: the answer turned into what the templates print, in its own language and without markup.

It decides nothing: statuses, order and reasons are the answer's own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from service.rulebook.model import Rulebook
from service.tell.answer import OFFERED, Answer
from service.web.form.result_option import Change, Frame, Option, change, holding_rules, option_card
from service.web.form.result_score import Score, scores
from service.web.form.result_sheet import Sheet, sheet
from service.web.form.result_sources import Source, bibliography
from service.web.form.result_trace import Trace, trace
from service.web.form.result_words import Badge, badge, moment, typeset, typeset_all

#: cards shown open
OPEN_CARDS = 3


@dataclass(frozen=True, slots=True)
class Named:
    """A lesion as it is named, with its number in the order of treatment: two lesions may bear the same label."""

    id: str
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Alert:
    """`blocks`: false when it warns without suspending anything. `lesions`: none when it is about the patient."""

    rule: str
    label: str
    because: str
    action: str
    within: str
    blocks: bool
    lesions: tuple[Named, ...]
    sources: tuple[str, ...]
    verified: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """An option that is not offered."""

    rank: int
    technique: str
    label: str
    change: Change | None


@dataclass(frozen=True, slots=True)
class RestGroup:
    """Neighbours that are not offered, with the status and the reason that they share."""

    badge: Badge
    why: str
    options: tuple[Rest, ...]


@dataclass(frozen=True, slots=True)
class Lesion:
    """`cards`: offered and shown open; `more`: offered and folded; `rest`: not offered. Together they keep the answer's order."""

    id: str
    label: str
    number: int
    cards: tuple[Option, ...]
    more: tuple[Option, ...]
    rest: tuple[RestGroup, ...]
    scores: tuple[Score, ...]

    @property
    def offered(self) -> tuple[Option, ...]:
        return self.cards + self.more


@dataclass(frozen=True, slots=True)
class Turn:
    """One lesion in its turn, with its first option. `session`: its number; 0 when that option is no percutaneous act."""

    lesion: Named
    option: str
    badge: Badge
    earliest: str
    session: int


@dataclass(frozen=True, slots=True)
class Session:
    """Lesions treated together; `anaesthesia` is empty when none serves them all."""

    number: int
    lesions: tuple[Named, ...]
    anaesthesia: str
    badge: Badge | None


@dataclass(frozen=True, slots=True)
class Plan:
    turns: tuple[Turn, ...]
    sessions: tuple[Session, ...]
    max_sites: int
    because: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is still to be answered; `lesion` is None when it is about the patient."""

    label: str
    lesion: Named | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies the answer."""

    rulebook: str
    version: str
    draft: bool
    digest: str
    engine: str
    evaluated_at: str
    input_digest: str


@dataclass(frozen=True, slots=True)
class View:
    """`plan` is None with one lesion: there is nothing to put in order. `scores`: those of the patient.

    `trace` is there when the answer was given with every rule.
    """

    language: str
    alerts: tuple[Alert, ...]
    lesions: tuple[Lesion, ...]
    scores: tuple[Score, ...]
    plan: Plan | None
    questions: tuple[Question, ...]
    sources: tuple[Source, ...]
    stamp: Stamp
    notice: str
    trace: Trace | None

    @property
    def sheet(self) -> Sheet:
        """What of it is printed, in the order of treatment."""
        lesions = sorted(self.lesions, key=lambda lesion: lesion.number)
        sessions = len(self.plan.sessions) if self.plan else 0
        told = [(lesion.label, lesion.offered) for lesion in lesions]
        return sheet(told, len(self.alerts), sessions, len(self.questions), self.language)


def view(answer: Answer, rulebook: Rulebook, language: str, labels: Mapping[str, str]) -> View:
    """Everything to show of an answer given in `language`. `labels`: lesion id -> how the clinician names it, else the id."""
    answer = typeset_all(answer)
    frames = [Frame(answer, lesion, rulebook, language) for lesion in answer["lesions"]]
    names = {
        lesion: Named(lesion, typeset(labels.get(lesion, lesion)), number)
        for number, lesion in enumerate(answer["session"]["order"], 1)
    }
    # The patient's scores are the same under every lesion.
    of_patient = {name: score for frame in frames for name, score in frame.lesion["scores"].items()}
    return View(
        language,
        tuple(_alert(alert, names) for alert in answer["alerts"]),
        tuple(_lesion(frame, names[frame.anchor]) for frame in frames),
        tuple(scores(of_patient, rulebook, "patient", language)),
        _plan(answer, names, language) if len(frames) > 1 else None,
        tuple(
            Question(each["label"], names[each["lesion"]] if "lesion" in each else None) for each in answer["questions"]
        ),
        bibliography(_cited(answer), rulebook, language),
        _stamp(answer, language),
        answer["notice"],
        trace(answer, rulebook, language, labels) if answer["detail"] == "full" else None,
    )


def _stamp(answer: Answer, language: str) -> Stamp:
    book = answer["rulebook"]
    return Stamp(
        book["name"],
        book["version"],
        book["status"] != "approved",
        book["digest"],
        answer["engine_version"],
        moment(answer["evaluated_at"], language),
        answer["input_digest"],
    )


def _alert(alert: Answer, names: Mapping[str, Named]) -> Alert:
    return Alert(
        alert["rule"],
        alert["label"],
        alert["because"],
        alert["action"],
        alert["within"],
        alert["blocks"],
        tuple(names[lesion] for lesion in alert.get("lesions", ())),
        tuple(alert["sources"]),
        alert["verified"],
    )


def _lesion(frame: Frame, name: Named) -> Lesion:
    offered = [option_card(each, frame) for each in frame.lesion["options"] if each["status"] in OFFERED]
    rest = [each for each in frame.lesion["options"] if each["status"] not in OFFERED]
    return Lesion(
        name.id,
        name.label,
        name.number,
        tuple(offered[:OPEN_CARDS]),
        tuple(offered[OPEN_CARDS:]),
        tuple(_groups(rest, frame)),
        tuple(scores(frame.lesion["scores"], frame.rulebook, "lesion", frame.language)),
    )


def _groups(options: Iterable[Answer], frame: Frame) -> Iterator[RestGroup]:
    """Neighbours of one status and reason are told together: an alert may suspend twenty options at once."""
    for (status, why), group in groupby(options, key=lambda each: (each["status"], each["why"])):
        told = tuple(Rest(each["rank"], each["technique"], each["label"], change(each, frame)) for each in group)
        yield RestGroup(badge(status, frame.language), why, told)


def _plan(answer: Answer, names: Mapping[str, Named], language: str) -> Plan:
    session = answer["session"]
    first = {lesion["id"]: lesion["options"][0] for lesion in answer["lesions"]}
    number = {lesion: at for at, each in enumerate(session["sessions"], 1) for lesion in each["lesions"]}
    return Plan(
        tuple(
            Turn(
                names[lesion],
                first[lesion]["label"],
                badge(first[lesion]["status"], language),
                moment(first[lesion]["earliest"], language) if "earliest" in first[lesion] else "",
                number.get(lesion, 0),
            )
            for lesion in session["order"]
        ),
        tuple(
            Session(
                at,
                tuple(names[lesion] for lesion in each["lesions"]),
                each.get("anaesthesia_label", ""),
                badge(each["status"], language) if "status" in each else None,
            )
            for at, each in enumerate(session["sessions"], 1)
        ),
        session["max_sites"],
        session["because"],
    )


def _cited(answer: Answer) -> Iterator[str]:
    """The sources on which the alerts and the offered options rest."""
    for alert in answer["alerts"]:
        yield from alert["sources"]
    for lesion in answer["lesions"]:
        for option in lesion["options"]:
            if option["status"] in OFFERED:
                for key in holding_rules(option):
                    yield from lesion["rules"][key]["sources"]
                for benefit in option["benefits"]:
                    yield from benefit["sources"]
