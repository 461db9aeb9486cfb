"""Everything a page of the form shows, in one language, made from what was typed and what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from service.decision import Language
from service.language.vocabulary import Scope, Text
from service.rulebook.model import Rulebook
from service.tell import words
from service.tell.answer import OFFERED, Answer
from service.web.form import skeleton
from service.web.form.deciding import Outcome
from service.web.form.entries import PATIENT, Typed, name, said
from service.web.form.fields import Control, Controls, answered
from service.web.form.layout import ASKED, next_questions, open_in, shown_first
from service.web.form.place import LEVEL, PLACE, SITE


def _levelled(site: str) -> bool:
    """Whether the drawing names levels of this site."""
    return any(region.site == site and region.level for region in skeleton.REGIONS)


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    label: str
    controls: tuple[Control, ...]

    @property
    def answered(self) -> int:
        return sum(control.answered for control in self.controls)

    @property
    def faulty(self) -> bool:
        return any(control.fault for control in self.controls)


@dataclass(frozen=True, slots=True)
class Lesion:
    owner: str
    number: int
    id: str
    label: str
    first: tuple[Control, ...]
    sections: tuple[Section, ...]
    faults: tuple[str, ...]
    #: «Vertébroplastie : à différer»
    first_option: str
    first_status: str


@dataclass(frozen=True, slots=True)
class Asked:
    control: Control
    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to mend: the element that holds it, its name and what is wrong."""

    id: str
    label: str
    text: str


class Viewer:
    """Makes the parts of a page for one rulebook, one language and one set of answers."""

    def __init__(
        self, rulebook: Rulebook, language: Language, typed: Typed, outcome: Outcome, *, whole: bool = True
    ) -> None:
        self._rulebook = rulebook
        self._language = language
        self._typed = typed
        self._outcome = outcome
        #: whether a whole page is made, or parts to be put into one
        self._whole = whole
        self._controls = Controls(rulebook, language)
        self.answer: Answer | None = outcome.answer(language)
        self.owners = outcome.filled.owners
        self._ids = [lesion["id"] for lesion in outcome.filled.referral["lesions"]]
        #: lesion id -> owner
        self.owner_of = dict(zip(self._ids, self.owners, strict=True))
        self._open = open_in(self.answer, self.owners, self._ids)
        self._answered = answered(typed)

    def control(self, owner: str, item: str, prefix: str = "") -> Control:
        return self._controls.of(owner, item, self._typed, self._outcome.faults, prefix)

    def words(self, fr: str, en: str) -> str:
        return Text(fr, en).in_(self._language)

    # ---- where each control stands ----

    def _first(self, owner: str) -> list[str]:
        return [
            item
            for item in shown_first(self._rulebook, owner, self._answered, self._open)
            if item not in self._controls.dependent and (item != LEVEL or self._has_levels(owner))
        ]

    def _has_levels(self, owner: str) -> bool:
        """Whether the site has named levels on the drawing; a level that was given stays in sight, to be mended."""
        site = said(self._typed, owner, SITE, "value")
        return not site or bool(said(self._typed, owner, LEVEL, "value")) or _levelled(site)

    @cached_property
    def patient_first(self) -> list[Section]:
        """The first items of the patient, grouped by section in the committee's order."""
        groups: dict[str, list[Control]] = {}
        for item in self._first(PATIENT):
            control = self.control(PATIENT, item)
            groups.setdefault(control.section, []).append(control)
        labels = self._rulebook.vocabulary.sections
        return [Section(name_, labels[name_].in_(self._language), tuple(group)) for name_, group in groups.items()]

    @cached_property
    def asked(self) -> list[Asked]:
        """The questions that matter most now."""
        elsewhere = {name(owner, item) for owner in (PATIENT, *self.owners) for item in self._first(owner)}
        elsewhere |= {name(PATIENT, item) for item in self._controls.dependent if self._shown_with_its_word(item)}
        labels = {key: technique.label.in_(self._language) for key, technique in self._rulebook.techniques.items()}
        questions = next_questions(
            self.answer, self.owners, self._ids, labels, elsewhere | self._answered, self._language
        )
        asked = []
        for question in questions:
            if question.item in self._controls.dependent:
                continue
            control = self.control(question.owner, question.item)
            if len(self.owners) > 1 and question.owner != PATIENT:
                control = replace(control, label=f"{control.label} ({self.label(question.owner)})")
            asked.append(Asked(control, question.reason))
        return asked[:ASKED]

    def _shown_with_its_word(self, item: str) -> bool:
        word = item.partition(".")[2]
        listings = (each.id for each in self._rulebook.vocabulary if each.type == "set")
        return any(word in self._typed.get(name(PATIENT, listing, "present"), ()) for listing in listings)

    def sections(self, owner: str) -> tuple[Section, ...]:
        """Everything about an owner that stands nowhere above."""
        # A part of the page leaves them at home: the browser moves them to where they are asked.
        placed = self.asked if self._whole else ()
        asked = (each.control.item for each in placed if each.control.name.startswith(f"{owner}:"))
        scope: Scope = "patient" if owner == PATIENT else "lesion"
        found = self._controls.sections(scope, owner, self._typed, self._outcome.faults, {*self._first(owner), *asked})
        return tuple(Section(section, label, tuple(controls)) for section, label, controls in found)

    # ---- lesions ----

    def label(self, owner: str) -> str:
        """«L2», «diaphyse fémorale, gauche»: what a clinician calls this lesion."""
        vocabulary = self._rulebook.vocabulary

        def word(item: str) -> str:
            value = said(self._typed, owner, item, "value")
            label = vocabulary[item].choices.get(value)
            return label.in_(self._language) if label else ""

        site, level, side = map(word, PLACE)
        # The side names a bone of which there are two; of a vertebra it is a finding like others.
        paired = any(
            region.side for region in skeleton.REGIONS if region.site == said(self._typed, owner, SITE, "value")
        )
        parts = [level or site[:1].upper() + site[1:], side if paired else ""]
        shown = ", ".join(part for part in parts if part)
        return shown or said(self._typed, owner, "id", "value")

    @cached_property
    def labels(self) -> dict[str, str]:
        return {id_: self.label(owner) for id_, owner in zip(self._ids, self.owners, strict=True)}

    @cached_property
    def lesions(self) -> list[Lesion]:
        told = {lesion["id"]: lesion["options"] for lesion in self.answer["lesions"]} if self.answer else {}
        found = []
        for number, (owner, id_) in enumerate(zip(self.owners, self._ids, strict=True), start=1):
            best = next((option for option in told.get(id_, ()) if option["status"] in OFFERED), None)
            colon = self.words("\u00a0: ", ": ")
            found.append(
                Lesion(
                    owner,
                    number,
                    id_,
                    self.label(owner),
                    tuple(self.control(owner, item) for item in self._first(owner)),
                    self.sections(owner),
                    tuple(text.in_(self._language) for where, text in self._outcome.general if where == owner),
                    f"{best['label']}{colon}{best['status_label']}" if best else "",
                    best["status"] if best else "",
                )
            )
        return found

    def marks(self, lesions: Sequence[Lesion]) -> tuple[skeleton.Mark, ...]:
        marks = []
        for lesion in lesions:
            site, level, side = (said(self._typed, lesion.owner, item, "value") or None for item in PLACE)
            regions = skeleton.regions_at(site, level, side) if site else ()
            title = " — ".join(part for part in (f"{lesion.number}. {lesion.label}", lesion.first_option) if part)
            marks.append(skeleton.Mark(lesion.number, title, lesion.first_status, regions))
        return skeleton.placed(marks)

    # ---- what is wrong ----

    @cached_property
    def faults(self) -> list[Fault]:
        found = []
        for key, text in self._outcome.faults.items():
            owner, _, item = key.partition(":")
            if item == "recorded_at":
                label = self.words("Situation connue le", "Situation known on")
                found.append(Fault("recorded", label, text.in_(self._language)))
            elif item in self._rulebook.vocabulary:
                control = self.control(owner, item)
                of = "" if owner == PATIENT else f" ({self.label(owner)})"
                found.append(Fault(control.id, control.label + of, text.in_(self._language)))
            else:
                found.append(Fault("", item, text.in_(self._language)))
        return found

    def general(self, owner: str | None = None) -> list[str]:
        return [text.in_(self._language) for where, text in self._outcome.general if owner is None or where == owner]

    # ---- words for whoever does not see the page ----

    @cached_property
    def status(self) -> str:
        """One sentence for the live region: what the recommendation is now."""
        if self.answer is None:
            return ""
        colon = self.words("\u00a0: ", ": ")
        alert_word = self.words("Alerte", "Alert")
        parts = [self.words("Recommandation mise à jour", "Recommendation updated")]
        parts += [f"{alert_word}{colon}{alert['label']}" for alert in self.answer["alerts"]]
        parts += [f"{lesion.label}{colon}{lesion.first_option}" for lesion in self.lesions if lesion.first_option]
        return ". ".join(parts) + "."

    @property
    def peek(self) -> str:
        """The alert, or else the first option of the first lesion: what a narrow screen keeps in sight."""
        if self.answer is None:
            return ""
        if self.answer["alerts"]:
            return f"{self.words('ALERTE', 'ALERT')}{self.words(chr(0xA0) + ': ', ': ')}{self.answer['alerts'][0]['label']}"
        return next((f"{lesion.label} — {lesion.first_option}" for lesion in self.lesions if lesion.first_option), "")

    def known(self, owner: str) -> list[Control]:
        """The controls that are answered, for the choice of what to change."""
        return [
            self.control(owner, item.id)
            for item in self._rulebook.vocabulary.of("patient" if owner == PATIENT else "lesion").values()
            if name(owner, item.id) in self._answered
        ]


def choices(rulebook: Rulebook, item: str, language: Language) -> Mapping[str, str]:
    return {word: label.in_(language) for word, label in rulebook.vocabulary[item].choices.items()}


def moment_words(at: datetime, language: Language) -> str:
    return words.day(at, language)


def facts(controls: Iterable[Control], language: Language) -> list[tuple[str, str]]:
    """What was entered, in words: for the printed sheet."""
    return [(control.label, value) for control in controls if (value := told(control, language))]


def told(control: Control, language: Language) -> str:
    """The value of a control as it is read aloud; "" when nothing was said."""
    yes, no = ("yes", "no") if language == "en" else ("oui", "non")
    unknown = "not known" if language == "en" else "non connu"
    if control.not_known:
        return unknown
    match control.type:
        case "flag":
            return {"yes": yes, "no": no}.get(control.one("value"), "")
        case "choice":
            return control.choices.get(control.one("value"), "")
        case "number":
            unit = words.unit(control.one("unit") or next(iter(control.units), None), language)
            return f"{control.one('value')} {unit}".strip() if control.one("value") else ""
        case "moment":
            return " ".join(part for part in (control.one("day"), control.one("time")) if part)
    present = [control.choices[word] for word in control.typed.get("present", ()) if word in control.choices]
    if control.one("complete"):
        ending = "complete list" if language == "en" else "liste complète"
        none = "none" if language == "en" else "aucun"
        return f"{', '.join(present) or none} ({ending})"
    return ", ".join(present)
