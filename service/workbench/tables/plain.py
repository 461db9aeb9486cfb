"""Holds what is plain data (techniques, vocabulary, settings, checklist, ranking, session) against its tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.language.units import hours
from service.language.vocabulary import Item
from service.rulebook.model import Ranking, Rulebook, SessionRules, Technique
from service.workbench.tables.read import Tables
from service.workbench.tables.verdicts import differences


def head_of(technique: Technique) -> dict[str, Any]:
    """What a technique is, without its rules, in the form of `fixtures/thresholds/techniques.yaml`."""
    return {
        "traits": sorted(technique.traits),
        "parts": list(technique.parts),
        "sets_aside": sorted(technique.sets_aside),
        "duration": technique.duration,
        "position": technique.position,
        "burden": technique.burden,
        **{kind: list(modes) for kind, modes in technique.modes.items()},
        "benefit": [
            [
                f"{benefit.measure} {benefit.low:g} to {benefit.high:g} {benefit.unit}",
                f"by {benefit.by:g} h" if benefit.by is not None else "",
                f"lasts {benefit.lasts:g} h" if benefit.lasts is not None else "",
                f"{benefit.evidence.certainty} {'verified' if benefit.evidence.verified else 'unchecked'}",
            ]
            for benefit in technique.benefits
        ],
    }


def expected_heads(data: Mapping[str, Any]) -> dict[str, Any]:
    """The techniques of the tables with durations in minutes and hours, to hold against `head_of`."""
    return {
        name: {
            **head,
            "traits": sorted(head["traits"]),
            "sets_aside": sorted(head["sets_aside"]),
            "duration": hours(head["duration"]) * 60,
            "benefit": [_benefit(line) for line in head["benefit"]],
        }
        for name, head in data.items()
    }


def _benefit(line: str) -> list[str]:
    """`pain_reduction 47 to 87 %, by 2 d, lasts 6 mo, low, verified`."""
    measured, *rest = [part.strip() for part in line.split(",")]
    times = {word: f"{word} {hours(part.removeprefix(word)):g} h" for part in rest for word in ("by", "lasts") if
             part.startswith(word + " ")}  # fmt: skip
    return [measured, times.get("by", ""), times.get("lasts", ""), " ".join(rest[-2:])]


def described(item: Item) -> dict[str, Any]:
    """The figures of an item, in the form of `fixtures/thresholds/vocabulary.yaml`."""
    return {
        **({"fresh_for": item.fresh_for} if item.fresh_for is not None else {}),
        **({"range": [item.low, item.high], "step": item.step} if item.type == "number" else {}),
        **({"units": {unit: factor for unit, factor in item.units.items() if factor != 1}} if _converted(item) else {}),
        **({"changeable": True} if item.changeable else {}),
    }


def _converted(item: Item) -> bool:
    return any(factor != 1 for factor in item.units.values())


def expected_items(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            **entry,
            **({"fresh_for": hours(entry["fresh_for"])} if "fresh_for" in entry else {}),
            **({"range": [float(end) for end in entry["range"]]} if "range" in entry else {}),
        }
        for name, entry in data.items()
    }


def ranking_of(ranking: Ranking) -> dict[str, Any]:
    return {
        "standing": [
            {
                "id": tier.id,
                "statuses": list(tier.statuses),
                **({"deferred_within": tier.deferred_within} if tier.deferred_within is not None else {}),
            }
            for tier in ranking.standings
        ],
        "keys": [key.name for key in ranking.keys],
        "mode_keys": list(ranking.mode_keys),
    }


def expected_ranking(data: Mapping[str, Any]) -> dict[str, Any]:
    tiers = [
        {**tier, **({"deferred_within": hours(tier["deferred_within"])} if "deferred_within" in tier else {})}
        for tier in data["standing"]
    ]
    return {**data, "standing": tiers}


def session_of(session: SessionRules) -> dict[str, Any]:
    return {
        "max_sites": session.max_sites,
        "order": [key.name if key.highest else f"lowest {key.name}" for key in session.order],
        "anaesthesia_order": list(session.anaesthesia_order),
    }


def wrong_settings(rulebook: Rulebook, tables: Tables) -> Iterator[str]:
    """Site settings, checklist, ranking and session that are not as `settings.yaml` says."""
    plain = tables.plain
    settings = {name: (setting.value, setting.unit) for name, setting in rulebook.settings.items()}
    site = {name: (float(entry["value"]), entry.get("unit")) for name, entry in plain["site"].items()}
    yield from differences(settings, site, "site")
    yield from differences(sorted(rulebook.checklist), sorted(plain["checklist"]), "checklist")
    yield from differences(ranking_of(rulebook.ranking), expected_ranking(plain["ranking"]), "ranking")
    yield from differences(session_of(rulebook.session), plain["session"], "session")
