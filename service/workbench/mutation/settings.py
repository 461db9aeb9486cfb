"""Mutants of vocabulary, site settings, checklist, ranking and session."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.workbench.mutation.mutant import GONE, Change, durations, number


def of_item(entry: Mapping[str, Any]) -> Iterator[Change]:
    """What can be changed in one item of the vocabulary."""
    if "fresh_for" in entry:
        yield from durations(("fresh_for",), "freshness", entry["fresh_for"])
        yield ("fresh_for",), "freshness", f"{entry['fresh_for']} → for ever", GONE
    if "range" in entry:
        step = entry.get("step", 1)
        for end in (0, 1):
            for value in (entry["range"][end] - step, entry["range"][end] + step):
                other = float(number(value))
                yield ("range", end), "range", f"{entry['range'][end]} → {number(value)}", other
    for unit, factor in (entry.get("units") or {}).items():
        if unit != entry.get("unit"):
            yield ("units", unit), "unit factor", f"{unit}: {factor} → {factor * 10}", factor * 10
    changeable = bool(entry.get("changeable", False))
    yield ("changeable",), "changeable", f"{changeable} → {not changeable}", not changeable


def of_setting(entry: Mapping[str, Any]) -> Iterator[Change]:
    """One step down and up of one site setting."""
    step = 0.1 if isinstance(entry["value"], float) else 1
    for value in (entry["value"] - step, entry["value"] + step):
        yield ("value",), "site setting", f"{entry['value']} → {number(value)}", float(number(value))


def of_checklist(listed: list[str], items: Iterable[str]) -> Iterator[Change]:
    """Each item taken off, and each other item put on."""
    for at, item in enumerate(listed):
        rest = [other for place, other in enumerate(listed) if place != at]
        yield ("items",), "checklist", f"{item} → nothing", rest
    for item in items:
        if item not in listed:
            yield ("items",), "checklist", f"nothing → {item}", [*listed, item]


def of_ranking(data: Mapping[str, Any]) -> Iterator[Change]:
    """What can be changed in the ranking."""
    for at, tier in enumerate(data["standing"]):
        if "deferred_within" in tier:
            yield from durations(("standing", at, "deferred_within"), "ranking", tier["deferred_within"])
            yield ("standing", at, "deferred_within"), "ranking", "deferred_within → nothing", GONE
        # The worst status of a tier falls into the next one: the only move that keeps the order of statuses.
        if at + 1 < len(data["standing"]) and len(tier["statuses"]) > 1:
            below = data["standing"][at + 1]
            moved = [
                *data["standing"][:at],
                {**tier, "statuses": tier["statuses"][:-1]},
                {**below, "statuses": [tier["statuses"][-1], *below["statuses"]]},
                *data["standing"][at + 2 :],
            ]
            yield ("standing",), "ranking", f"{tier['statuses'][-1]}: {tier['id']} → {below['id']}", moved
    for name in ("keys", "mode_keys"):
        keys = data[name]
        for at in range(len(keys) - 1):
            swapped = [*keys[:at], keys[at + 1], keys[at], *keys[at + 2 :]]
            yield (name,), "ranking", f"{name}: {at + 1} before {at + 2} → after", swapped
        for at in range(len(keys)):
            yield (name,), "ranking", f"{name}: {at + 1} → nothing", [*keys[:at], *keys[at + 1 :]]


def of_session(data: Mapping[str, Any]) -> Iterator[Change]:
    """What can be changed in the rules of the session."""
    sites = data["max_sites"]["value"]
    for value in (sites - 1, sites + 1):
        yield ("max_sites", "value"), "session", f"{sites} sites → {value} sites", value
    for at, key in enumerate(data["order"]):
        yield (
            ("order", at, "highest"),
            "session",
            f"{key['item']}: highest → {not key['highest']}",
            not key["highest"],
        )
        rest = [other for place, other in enumerate(data["order"]) if place != at]
        yield ("order",), "session", f"{key['item']} → nothing", rest
    for name in ("order", "anaesthesia_order"):
        listed = data[name]
        for at in range(len(listed) - 1):
            swapped = [*listed[:at], listed[at + 1], listed[at], *listed[at + 2 :]]
            yield (name,), "session", f"{name}: {at + 1} before {at + 2} → after", swapped
