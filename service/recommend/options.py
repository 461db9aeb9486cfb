"""Options: a technique with the modes chosen for it, their status, and what would lead to another one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from service.language.facts import Moment
from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.parser import MomentAfter
from service.recommend.judge import LesionJudgement
from service.rulebook.bearing import Bearing, bearing, possible_statuses, status_of, tier, together, worst
from service.rulebook.model import Arguments, Dossier, ModeKind, Rule, Rulebook, Status, Technique

#: the kinds of mode whose status bears on the option; the stay is a consequence of the plan
BINDING: tuple[ModeKind, ...] = ("anaesthesia", "guidance")

Earliest: TypeAlias = date | datetime


@dataclass(frozen=True, slots=True)
class ModeChoice:
    """One admissible mode of a technique, judged. Ranked by the committee's mode keys."""

    mode: str
    status: Status
    bearing: Bearing
    arguments: Arguments
    favours: int
    preference: int
    #: when what defers it is corrected, at the earliest
    earliest: Earliest | None


@dataclass(frozen=True, slots=True)
class Option:
    """One whole act for one lesion. `modes` are ranked, best first; the first of each kind is the chosen one."""

    lesion: str
    technique: Technique
    status: Status
    bearing: Bearing
    arguments: Arguments
    modes: Mapping[ModeKind, tuple[ModeChoice, ...]]
    #: every status that a completion of the data could lead to; the present status alone means that it is final
    possible: frozenset[Status]
    #: the status of this very act if all that is open is answered well, and if badly
    if_well: Status
    if_badly: Status
    #: when what defers it is corrected, at the earliest
    earliest: Earliest | None

    def chosen(self, kind: ModeKind) -> ModeChoice | None:
        modes = self.modes[kind]
        return modes[0] if modes else None

    def bearing_arguments(self) -> list[Arguments]:
        """What bears on the status: the technique's own arguments, then those of each chosen mode that binds."""
        chosen = [self.chosen(kind) for kind in BINDING]
        return [self.arguments, *(mode.arguments for mode in chosen if mode is not None)]


class OptionMaker:
    """Makes the options of one lesion at one moment."""

    def __init__(self, rulebook: Rulebook, judgement: LesionJudgement, at: datetime) -> None:
        self._rulebook = rulebook
        self._judgement = judgement
        self._at = at
        #: every status given, for the engine to confirm
        self.given: dict[Bearing, Status] = {}

    def options(self) -> list[Option]:
        return [self._option(dossier) for dossier in self._rulebook.dossiers.values()]

    def _status(self, bears: Bearing) -> Status:
        return self.given.setdefault(bears, status_of(bears))

    def _option(self, dossier: Dossier) -> Option:
        judgement = self._judgement
        own = bearing(dossier.own, judgement.verdicts, judgement.to_verify)
        modes = {kind: self._ranked(arguments) for kind, arguments in dossier.modes.items()}
        whole = together(own, *(modes[kind][0].bearing for kind in BINDING if modes[kind]))
        status = self._status(whole)
        possible = possible_statuses(own)
        for kind in BINDING:
            if modes[kind]:
                possible = frozenset(worst((a, b)) for a in possible for b in _possible_best(modes[kind]))
        option = Option(
            lesion=judgement.lesion,
            technique=dossier.technique,
            status=status,
            bearing=whole,
            arguments=dossier.own,
            modes=modes,
            possible=possible,
            if_well=answered(whole, well=True),
            if_badly=answered(whole, well=False),
            earliest=None,
        )
        return replace(option, earliest=self._latest(option.bearing_arguments())) if status == "deferred" else option

    def _ranked(self, arguments: Mapping[str, Arguments]) -> tuple[ModeChoice, ...]:
        """Judged modes, best first by the keys of `ranking.yaml`."""
        judgement = self._judgement
        choices = []
        for preference, (mode, bears_on) in enumerate(arguments.items()):
            bears = bearing(bears_on, judgement.verdicts, judgement.to_verify, mode=True)
            favours = sum(judgement.verdicts[place] == YES for place in bears_on.favours)
            status = self._status(bears)
            earliest = self._latest([bears_on]) if status == "deferred" else None
            choices.append(ModeChoice(mode, status, bears, bears_on, favours, preference, earliest))
        keys = self._rulebook.ranking.mode_keys

        def key(choice: ModeChoice) -> tuple[tuple[float, float], ...]:
            # Among deferred modes the one that is possible first is the better: else a danger that excludes the one
            # that waits longest would bring the whole act forward.
            wait = self.hours_until(choice.earliest) if choice.earliest is not None else 0.0
            of = {
                "status": (float(tier(choice.status)), wait),
                "favours": (-float(choice.favours), 0.0),
                "preference": (float(choice.preference), 0.0),
            }
            return (*(of[name] for name in keys), of["preference"])

        return tuple(sorted(choices, key=key))

    def _latest(self, parts: Iterable[Arguments]) -> Earliest | None:
        """The latest of the dates at which each deferring contraindication can be corrected."""
        holding = [
            self._rulebook.bound[place].rule
            for arguments in parts
            for place in arguments.deferring
            if self._judgement.verdicts[place] == YES
        ]
        dates = [self.corrected(rule) for rule in holding]
        return max(dates, key=lambda when: self._comparable(when)) if dates else None

    def corrected(self, rule: Rule) -> Earliest:
        """When a contraindication can be corrected at the earliest."""
        correction = rule.correction
        assert correction is not None
        if correction.earliest is not None:
            computed = self._after(correction.earliest)
            if computed is not None:
                return computed
        if correction.lead_time % 24 == 0:
            return self._at.date() + timedelta(hours=correction.lead_time)
        return self._at + timedelta(hours=correction.lead_time)

    def _after(self, moment: MomentAfter) -> Earliest | None:
        value = self._judgement.situation.known.get(moment.item)
        if not isinstance(value, Moment):
            return None
        if moment.days is not None:
            return value.day + timedelta(days=moment.days)
        assert moment.hours is not None
        # Known to the day only: the event may have been at the very end of that day.
        shortest, _ = value.since
        return self._at + timedelta(hours=moment.hours - shortest)

    def _comparable(self, when: Earliest) -> datetime:
        return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day, tzinfo=self._at.tzinfo)

    def hours_until(self, when: Earliest) -> float:
        """Hours from the evaluation; whole calendar days for a date."""
        if isinstance(when, datetime):
            return (when.timestamp() - self._at.timestamp()) / 3600
        return (when - self._at.date()).days * 24.0


def answered(bears: Bearing, *, well: bool) -> Status:
    """The status of an act if everything still open is answered in its favour, or against it."""
    against, indicated = (NO, YES) if well else (YES, NO)

    def settle(verdict: Verdict, answer: Verdict) -> Verdict:
        return answer if verdict == UNKNOWN else verdict

    return status_of(
        Bearing(
            settle(bears.alert, against),
            settle(bears.excluding, against),
            settle(bears.deferring, against),
            settle(bears.indicated, indicated),
            settle(bears.against, against),
            NO,
        )
    )


def _possible_best(choices: Sequence[ModeChoice]) -> frozenset[Status]:
    """Every status that the chosen mode could turn out to have.

    Whatever is learnt, the chosen mode is of the best tier reached; the tier that is reached is at least as good as
    the worst that the surest mode can end in.
    """
    possible = [possible_statuses(choice.bearing) for choice in choices]
    assured = min(max(tier(status) for status in statuses) for statuses in possible)
    return frozenset(status for statuses in possible for status in statuses if tier(status) <= assured)
