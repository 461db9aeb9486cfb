"""The order of options: lexicographic on the keys of `ranking.yaml`. No weights.

Two neighbours are always told apart by the first key that differs; that key is the answer to "why this one first?".
A contraindication or an alert that is added can only worsen a key, never improve one (tests/properties).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from service.language.kleene import UNKNOWN, YES
from service.recommend.judge import LesionJudgement
from service.recommend.options import Option, OptionMaker
from service.rulebook.bearing import tier
from service.rulebook.model import CERTAINTIES, STRENGTHS, Rulebook

#: (key name, place in its order: lower is better)
KeyValues: TypeAlias = tuple[tuple[str, int], ...]

#: whether an indication holds, is still unknown, or does not hold: the places of the key of that name
INDICATION = ("established", "open", "absent")


@dataclass(frozen=True, slots=True)
class Ranked:
    """An option in its place: `rank` from 1, `standing` by id, and the value of every key."""

    rank: int
    standing: str
    option: Option
    keys: KeyValues


def rank(options: Sequence[Option], rulebook: Rulebook, judgement: LesionJudgement, maker: OptionMaker) -> list[Ranked]:
    """Options in order, best first. Ties beyond all keys are broken by the technique's id, so that the order is total."""
    placed = []
    for option in options:
        standing = _standing(option, rulebook, maker)
        values = (("standing", standing), *_values(option, rulebook, judgement))
        placed.append((tuple(value for _, value in values), option.technique.id, standing, option, values))
    placed.sort(key=lambda entry: (entry[0], entry[1]))
    standings = rulebook.ranking.standings
    return [
        Ranked(at, standings[standing].id, option, values)
        for at, (_, _, standing, option, values) in enumerate(placed, start=1)
    ]


def _standing(option: Option, rulebook: Rulebook, maker: OptionMaker) -> int:
    tiers = rulebook.ranking.standings
    for at, standing in enumerate(tiers):
        if option.status in standing.statuses:
            return at
        soon = option.status == "deferred" and standing.deferred_within is not None and option.earliest is not None
        if soon and option.earliest and maker.hours_until(option.earliest) <= (standing.deferred_within or 0):
            return at
    raise AssertionError(f"no tier for {option.status}: the loader checks that there is one")


def _values(option: Option, rulebook: Rulebook, judgement: LesionJudgement) -> KeyValues:
    verdicts = judgement.verdicts
    arguments = option.arguments
    established = [place for place in arguments.indications if verdicts[place] == YES]
    possible = [place for place in arguments.indications if verdicts[place] == UNKNOWN]
    holding = established or possible
    evidence = []
    for place in holding:
        rule = rulebook.bound[place].rule
        assert rule.strength is not None
        evidence.append((STRENGTHS.index(rule.strength), CERTAINTIES.index(rule.evidence.certainty)))
    strength, certainty = min(evidence, default=(len(STRENGTHS), len(CERTAINTIES)))
    values = {
        "indication": INDICATION.index("established" if established else "open" if possible else "absent"),
        "strength": strength,
        "status": tier(option.status),
        "favours": -sum(verdicts[place] == YES for place in arguments.favours),
        "cautions": sum(verdicts[place] == YES for place in arguments.cautions),
        "certainty": certainty,
        "burden": option.technique.burden,
    }
    return tuple((key.name, values[key.name]) for key in rulebook.ranking.keys)


def first_difference(first: Ranked, second: Ranked) -> tuple[str, int, int] | None:
    """The first key on which two ranked options differ, with both values; None when only their ids differ."""
    for (name, a), (_, b) in zip(first.keys, second.keys, strict=True):
        if a != b:
            return name, a, b
    return None
