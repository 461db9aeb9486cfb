"""Mutants of rules: their conditions, and what they claim."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.rulebook.model import CERTAINTIES, MODE_KINDS, STRENGTHS, Rulebook
from service.workbench.mutation.mutant import GONE, Change, durations


def of_claim(entry: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Change]:
    """What can be changed in a rule beside its condition."""
    severity = entry.get("severity")
    if severity == "absolute":
        softened = {**entry, "severity": "relative", "precaution": entry["because"]}
        yield (), "severity", "absolute → relative", softened
    elif severity == "relative":
        yield (), "severity", "relative → absolute", {**entry, "severity": "absolute"}
    for strength in STRENGTHS:
        if "strength" in entry and strength != entry["strength"]:
            yield ("strength",), "strength", f"{entry['strength']} → {strength}", strength
    if "correctable" in entry:
        yield ("correctable",), "correctable lost", "correctable → nothing", GONE
        yield from _correction(entry["correctable"])
    elif severity == "absolute":
        correctable = {"by": entry["because"], "lead_time": "1 d"}
        yield ("correctable",), "correctable lost", "nothing → correctable", correctable
    if "within" in entry:
        yield from durations(("within",), "delay of an alert", entry["within"])
    for name in ("indicates", "favours", "contraindicates", "preempts", "for"):
        if name in entry:
            yield from _target(name, entry[name] or {}, rulebook)
    certainty = entry["evidence"]["certainty"]
    place = CERTAINTIES.index(certainty)
    for other in CERTAINTIES[max(0, place - 1) : place + 2]:
        if other != certainty:
            yield ("evidence", "certainty"), "evidence", f"{certainty} → {other}", other
    verified = entry["evidence"]["verified"]
    yield ("evidence", "verified"), "evidence", f"verified: {verified} → {not verified}", not verified


def _correction(data: Mapping[str, Any]) -> Iterator[Change]:
    yield from durations(("correctable", "lead_time"), "lead time", data["lead_time"])
    if "earliest" in data:
        text = data["earliest"]
        yield ("correctable", "earliest"), "earliest date", f"{text} → nothing", GONE
        found = re.search(r"(\d+)( \w+)?\)\Z", text)
        assert found, text
        for number in (int(found[1]) - 1, int(found[1]) + 1):
            other = f"{text[: found.start()]}{number}{found[2] or ''})"
            yield ("correctable", "earliest"), "earliest date", f"{text} → {other}", other
    if "recheck" in data:
        yield ("correctable", "recheck"), "recheck", f"{data['recheck']} → nothing", GONE


def _target(name: str, target: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Change]:
    known: dict[str, list[str]] = {
        "technique": sorted(rulebook.techniques),
        "trait": sorted(rulebook.traits),
        **{kind: sorted(mode for other, mode in rulebook.modes if other == kind) for kind in MODE_KINDS},
    }
    for key, value in target.items():
        words = [value] if isinstance(value, str) else list(value)
        others = [word for word in known[key] if word not in words]
        if len(words) > 1:
            for word in words:
                rest = [other for other in words if other != word]
                yield (name, key), "target", f"{word} → nothing", rest
        for at, word in enumerate(words):
            other = others[0]
            changed = [*words[:at], other, *words[at + 1 :]]
            yield (name, key), "target", f"{word} → {other}", changed if len(changed) > 1 else other
    if name == "for":
        yield ("for",), "target", "for → nothing", GONE
    if name == "preempts" and target:
        yield ("preempts",), "target", f"{target} → nobody", {}
