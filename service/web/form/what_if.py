"""What if one value were another: two recommendations held side by side."""

from dataclasses import dataclass

from service.tell.answer import Answer
from service.web.form.entries import Typed

#: before the names of the control that holds the other value
PREFIX = "what|"


def typed(form: Typed) -> Typed:
    """What was typed in place of the value to change, under the names of the form itself."""
    return {key.removeprefix(PREFIX): value for key, value in form.items() if key.startswith(PREFIX)}


def hypothesis(form: Typed, target: str) -> Typed:
    """The form with one control (`owner:item`) as the hypothesis has it."""
    kept = {key: value for key, value in form.items() if not key.startswith(f"{target}:")}
    return kept | {key: value for key, value in typed(form).items() if key.startswith(f"{target}:")}


@dataclass(frozen=True, slots=True)
class Side:
    """One option on one side: its place, 0 when it is not there."""

    rank: int
    status: str
    status_label: str
    earliest: str


@dataclass(frozen=True, slots=True)
class Moved:
    technique: str
    label: str
    before: Side
    after: Side

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class LesionSides:
    lesion: str
    options: tuple[Moved, ...]

    @property
    def first_before(self) -> Moved:
        return min(self.options, key=lambda option: option.before.rank)

    @property
    def first_after(self) -> Moved:
        return self.options[0]


@dataclass(frozen=True, slots=True)
class Sides:
    #: labels of alerts on one side only
    alerts_gone: tuple[str, ...]
    alerts_new: tuple[str, ...]
    lesions: tuple[LesionSides, ...]

    @property
    def changed(self) -> bool:
        return bool(self.alerts_gone or self.alerts_new) or any(
            option.changed for lesion in self.lesions for option in lesion.options
        )


def side_by_side(before: Answer, after: Answer) -> Sides:
    """Every option of both answers, in the order of `after`. Both must speak of the same lesions."""
    old, new = ({alert["rule"]: alert["label"] for alert in answer["alerts"]} for answer in (before, after))
    return Sides(
        tuple(label for rule, label in old.items() if rule not in new),
        tuple(label for rule, label in new.items() if rule not in old),
        tuple(
            LesionSides(was["id"], _options(was, then))
            for was, then in zip(before["lesions"], after["lesions"], strict=True)
        ),
    )


def _options(was: Answer, then: Answer) -> tuple[Moved, ...]:
    before = {option["technique"]: option for option in was["options"]}
    return tuple(
        Moved(option["technique"], option["label"], _side(before[option["technique"]]), _side(option))
        for option in then["options"]
    )


def _side(option: Answer) -> Side:
    return Side(option["rank"], option["status"], option["status_label"], option.get("earliest", ""))
