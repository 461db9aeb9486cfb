"""From what was typed to a recommendation. What cannot be used is told beside its control, left out, and so unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from service.decision import Detail, Language
from service.language.vocabulary import Text
from service.referral.complaints import Complaint, ReferralError
from service.replay import Door
from service.tell.answer import Answer, answer
from service.web.decisions import Made, decide
from service.web.form.entries import PATIENT, Filled, Plain, Typed, filled, name
from service.web.state import Desk


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a form. Without lesion, or while its facts contradict one another, there is no recommendation."""

    filled: Filled
    #: `owner:item` -> what is wrong with it
    faults: Mapping[str, Text]
    #: what concerns no control alone: (owner or "", words)
    general: tuple[tuple[str, Text], ...] = ()
    made: Made | None = None

    def answer(self, language: Language, detail: Detail = "decisive") -> Answer | None:
        """What is told of the decision; with `full`, the same with every rule."""
        made = self.made
        if made is None:
            return None
        if (made.language, made.detail) == (language, detail):
            return made.answer
        return answer(made.recommendation, made.stamp, language, detail)


def decided(desk: Desk, typed: Typed, at: datetime, language: Language, door: Door = "form") -> Outcome:
    """The outcome at `at`. Raises Disagreement or EngineError when no answer may be given."""
    rulebook = desk.decider.rulebook
    form = filled(typed, rulebook.vocabulary, ZoneInfo(rulebook.info.timezone))
    faults: dict[str, Text] = dict(form.faults)
    if not form.owners:
        return Outcome(form, faults)
    referral = form.referral
    # Once as it stands; once more without the values that were refused. What is still refused then concerns no value alone.
    for attempt in range(2):
        try:
            made = decide(desk, referral, at, language, door=door)
        except ReferralError as error:
            placed, general = _placed(error.complaints, form)
            faults |= {key: text for key, text in placed.items() if key not in faults}
            if general or attempt:
                return Outcome(form, faults, tuple(general))
            referral = _without(referral, placed, form)
        else:
            return Outcome(form, faults, (), made)
    raise AssertionError("unreachable")


def _placed(complaints: tuple[Complaint, ...], form: Filled) -> tuple[dict[str, Text], list[tuple[str, Text]]]:
    """Complaints by the control they concern; the others with their owner."""
    placed: dict[str, Text] = {}
    general: list[tuple[str, Text]] = []
    for complaint in complaints:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in complaint.pointer.split("/")[1:]]
        match keys:
            case ["patient", item, *_]:
                placed.setdefault(name(PATIENT, item), complaint.text)
            case ["lesions", place, item, *_] if place.isdecimal() and item != "id":
                placed.setdefault(name(form.owners[int(place)], item), complaint.text)
            case ["recorded_at"]:
                placed.setdefault(name(PATIENT, "recorded_at"), complaint.text)
                general.append((PATIENT, complaint.text))
            case ["lesions", place, *_] if place.isdecimal():
                general.append((form.owners[int(place)], complaint.text))
            case _:
                general.append((PATIENT if keys == ["patient"] else "", complaint.text))
    return placed, general


def _without(referral: Plain, refused: Mapping[str, Text], form: Filled) -> Plain:
    def kept(owner: str, values: Plain) -> Plain:
        return {item: value for item, value in values.items() if name(owner, item) not in refused}

    lesions = [kept(owner, lesion) for owner, lesion in zip(form.owners, referral["lesions"], strict=True)]
    return {**referral, "patient": kept(PATIENT, referral["patient"]), "lesions": lesions}
