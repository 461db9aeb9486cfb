"""Mutants of techniques: what they are, their modes, their measured benefit."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.language.parser import POSITIONS
from service.rulebook.model import MODE_KINDS, Rulebook
from service.workbench.mutation.mutant import Change, durations


def of_technique(data: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Change]:
    """What can be changed in a technique beside its rules."""
    yield from durations(("duration",), "technique", data["duration"])
    for position in POSITIONS:
        yield ("position",), "technique", f"{data['position']} → {position}", position
    for burden in (data["burden"] - 1, data["burden"] + 1):
        if 1 <= burden <= 5:
            yield ("burden",), "technique", f"burden {data['burden']} → burden {burden}", burden
    for name in MODE_KINDS:
        if len(data[name]) > 1:
            yield (name,), "technique", f"{name}: order → reversed", data[name][::-1]
    yield from _belongings(data, rulebook)
    yield from _benefits(data.get("benefit") or [])


def _belongings(data: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Change]:
    # What a combined act has from its parts anyway is no change.
    inherited = {trait for part in data.get("parts") or [] for trait in rulebook.techniques[part].traits}
    for name in ("traits", "parts", "sets_aside", *MODE_KINDS):
        for at, word in enumerate(data.get(name) or []):
            if name == "traits" and word in inherited:
                continue
            rest = [other for place, other in enumerate(data[name]) if place != at]
            told = word["rule"] if isinstance(word, dict) else word
            yield (name,), "technique", f"{name}: {told} → nothing", rest
    for trait in sorted(rulebook.traits):
        if trait not in data["traits"] and trait not in inherited:
            yield ("traits",), "technique", f"traits: nothing → {trait}", [*data["traits"], trait]


def _benefits(listed: list[Any]) -> Iterator[Change]:
    for at, benefit in enumerate(listed):
        for end in ("low", "high"):
            for value in (benefit[end] - 1, benefit[end] + 1):
                yield ("benefit", at, end), "benefit", f"{end} {benefit[end]} → {end} {value}", value
        for time in ("by", "lasts"):
            if time in benefit:
                yield from durations(("benefit", at, time), "benefit", benefit[time])
