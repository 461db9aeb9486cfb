"""Several lesions, one patient: which lesion first, how many sites in one session, one anaesthesia for the session."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.language.kleene import YES
from service.language.meaning import Meaning
from service.recommend.judge import LesionJudgement
from service.recommend.options import Option
from service.recommend.ranking import Ranked
from service.rulebook.bearing import tier, worst
from service.rulebook.model import Rulebook, Status

#: an option that is planned in a session: it may be done, or may be once a question or a delay is settled
_PLANNED: frozenset[Status] = frozenset({"eligible", "provisional", "cautioned", "undetermined", "deferred"})


@dataclass(frozen=True, slots=True)
class Session:
    """Lesions treated together, in order, and the anaesthesia that serves them all (None: none serves, or none needed)."""

    lesions: tuple[str, ...]
    anaesthesia: str | None
    #: status of that anaesthesia over all its lesions
    status: Status | None


@dataclass(frozen=True, slots=True)
class Plan:
    """`order`: every lesion, first to be treated first. `sessions`: those whose first option is a percutaneous act."""

    order: tuple[str, ...]
    sessions: tuple[Session, ...]


def plan(judged: Sequence[tuple[LesionJudgement, Sequence[Ranked]]], rulebook: Rulebook, meaning: Meaning) -> Plan:
    """Lesions with an alert come first, then by the keys of `session.yaml`; unknown values last."""

    def order(entry: tuple[LesionJudgement, Sequence[Ranked]]) -> tuple[object, ...]:
        judgement, _ = entry
        # An alert about the patient as a whole would put every lesion first, and so none.
        own_alert = any(
            bound.rule.claim == "preempts" and bound.scope == "lesion" and judgement.verdicts[bound.place] == YES
            for bound in rulebook.bound
        )
        keys: list[object] = [not own_alert]
        for key in rulebook.session.order:
            value = _value(key.name, judgement, meaning)
            keys.append((value is None, 0 if value is None else -value if key.highest else value))
        return (*keys, judgement.lesion)

    ordered = sorted(judged, key=order)
    percutaneous = [
        (judgement.lesion, options[0].option)
        for judgement, options in ordered
        if options[0].option.technique.modes["anaesthesia"]
        and "percutaneous" in options[0].option.technique.traits
        and options[0].option.status in _PLANNED
    ]
    size = rulebook.session.max_sites
    groups = [percutaneous[at : at + size] for at in range(0, len(percutaneous), size)]
    return Plan(
        tuple(judgement.lesion for judgement, _ in ordered),
        tuple(_session(group, rulebook.session.anaesthesia_order) for group in groups),
    )


def _value(name: str, judgement: LesionJudgement, meaning: Meaning) -> float | None:
    if name.startswith("score."):
        score = name.removeprefix("score.")
        # The highest total that is possible: what may be worse is treated first.
        return (
            meaning.score(score, judgement.situation)[1] if meaning.applies(score, judgement.situation) == YES else None
        )
    value = judgement.situation.known.get(name)
    return float(value) if isinstance(value, bool | float) else None


def _session(group: Sequence[tuple[str, Option]], anaesthesia_order: Sequence[str]) -> Session:
    """The anaesthesia with the best worst status over all acts; among equals the one most acts would choose, then the
    more thorough, since one act that needs it decides for the session."""
    candidates = []
    for mode in anaesthesia_order:
        statuses = []
        chosen = 0
        for _, option in group:
            found = [choice for choice in option.modes["anaesthesia"] if choice.mode == mode]
            if not found:
                break
            statuses.append(found[0].status)
            chosen += option.modes["anaesthesia"][0].mode == mode
        else:
            status = worst(statuses)
            candidates.append((tier(status), -chosen, -anaesthesia_order.index(mode), mode, status))
    lesions = tuple(lesion for lesion, _ in group)
    if not candidates:
        return Session(lesions, None, None)
    _, _, _, mode, status = min(candidates)
    return Session(lesions, mode, status)
