"""Holds rules and scores against their case tables.

What is compared is the meaning: a table is checked against a parsed rule and the reference meaning of its condition,
never against the text of a rule file. Every check gives the sentences that say what does not hold, so that the tests
and the mutation score ask the same questions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from service.language.kleene import WORDS
from service.language.meaning import Meaning, Situation
from service.language.parser import MomentAfter
from service.language.scores import Score
from service.language.tree import Node, for_technique
from service.language.units import hours
from service.rulebook.model import Rule, Target
from service.workbench.tables.read import Table


def wrong_verdicts(when: Node, table: Table, meaning: Meaning) -> Iterator[str]:
    """The patients on whom a condition does not say what its table says."""
    compiled: dict[tuple[float, str], Any] = {}
    for example in table.examples:
        technique = (example.duration, example.position)
        if technique not in compiled:
            compiled[technique] = meaning.condition(for_technique(when, *technique))
        verdict = compiled[technique](example.situation)
        if verdict != example.verdict:
            yield f"{table}: {WORDS[verdict]}, not {WORDS[example.verdict]}, for {example.told()}"


def wrong_claims(rule: Rule, table: Table) -> Iterator[str]:
    """What a rule claims otherwise than its table: target, severity, strength, correction, delay, evidence."""
    said, expected = said_by(rule), _expected(table.says)
    for key in sorted(said.keys() | expected.keys()):
        if said.get(key) != expected.get(key):
            yield f"{table}: {key} is {said.get(key)}, not {expected.get(key)}"


def said_by(rule: Rule) -> dict[str, Any]:
    correction = rule.correction
    return {
        rule.claim: _target(rule.target),
        **({"severity": "absolute" if rule.absolute else "relative"} if rule.claim == "contraindicates" else {}),
        **({"strength": rule.strength} if rule.strength else {}),
        **({"within": rule.within} if rule.within is not None else {}),
        **(
            {
                "correctable": {
                    "lead_time": correction.lead_time,
                    "earliest": _moment(correction.earliest),
                    "recheck": correction.recheck,
                }
            }
            if correction
            else {}
        ),
        "evidence": (rule.evidence.certainty, rule.evidence.verified),
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        **({target.mode[0]: target.mode[1]} if target.mode else {}),
        **({"technique": list(target.techniques)} if target.techniques else {}),
        **({"trait": list(target.traits)} if target.traits else {}),
    }


def _moment(moment: MomentAfter | None) -> str | None:
    if moment is None:
        return None
    return (
        f"days_after({moment.item}, {moment.days})"
        if moment.days is not None
        else f"after({moment.item}, {moment.hours:g} h)"
    )


def _expected(says: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in says.items():
        match key:
            case "within":
                result[key] = hours(value)
            case "correctable":
                result[key] = {
                    "lead_time": hours(value["lead_time"]),
                    "earliest": value.get("earliest"),
                    "recheck": value.get("recheck"),
                }
            case "evidence":
                result[key] = (value["certainty"], value["verified"])
            case "severity" | "strength":
                result[key] = value
            case _:
                result[key] = {
                    name: [words] if isinstance(words, str) and name in ("technique", "trait") else words
                    for name, words in (value or {}).items()
                }
    return result


def wrong_points(score: Score, table: Table, meaning: Meaning) -> Iterator[str]:
    """The patients to whom a score gives other points than its table, or applies otherwise."""
    for example in table.examples:
        # Without what was computed before: the score itself is in question.
        situation = Situation(example.situation.known, example.situation.lesions)
        if example.points is None:
            verdict = meaning.applies(score.id, situation)
            if verdict != example.verdict:
                yield f"{table}: applies is {WORDS[verdict]}, not {WORDS[example.verdict]}, for {example.told()}"
            continue
        if example.component is None:
            low, high = meaning.score(score.id, situation)
        else:
            points = {part.id: part for part in meaning.components(score.id, situation)}
            if example.component not in points:
                yield f"{table}: no component {example.component}"
                continue
            low, high = points[example.component].low, points[example.component].high
        if (round(low, 3), round(high, 3)) != example.points:
            name = example.component or "total"
            yield f"{table}: {name} is {low:g} to {high:g}, not {example.points}, for {example.told()}"


def wrong_bands(score: Score, expected: list[tuple[float, float]]) -> Iterator[str]:
    found = [(band.low, band.high) for band in score.bands]
    if found != expected:
        yield f"score {score.id}: bands {found}, not {expected}"


def differences(found: Any, expected: Any, where: str) -> Iterator[str]:
    """What two plain structures do not share, by the path to it."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*map(str, found), *map(str, expected)}):
            yield from differences(found.get(key, "nothing"), expected.get(key, "nothing"), f"{where}.{key}")
    elif found != expected:
        yield f"{where}: {found}, not {expected}"
