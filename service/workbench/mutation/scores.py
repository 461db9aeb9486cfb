"""Mutants of scores: where they apply, rows, points, bands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.rulebook.source import Keys
from service.workbench.mutation.conditions import Conditions
from service.workbench.mutation.mutant import GONE, Change, brief


def of_score(data: Mapping[str, Any], conditions: Conditions) -> Iterator[Change]:
    """What can be changed in a score."""
    if "applies" in data:
        yield from conditions.of(data["applies"], ("applies",))
        yield ("applies",), "criterion dropped", "applies → nothing", GONE
    for at, component in enumerate(data["components"]):
        place: Keys = ("components", at)
        yield from _points((*place, "otherwise"), component["otherwise"])
        for number, row in enumerate(component["rows"]):
            yield from _points((*place, "rows", number, "points"), row["points"])
            yield from conditions.of(row["when"], (*place, "rows", number, "when"))
            rest = [other for index, other in enumerate(component["rows"]) if index != number]
            yield (*place, "rows"), "score row dropped", f"{brief(row['when'])}: {row['points']} → nothing", rest
    for at, band in enumerate(data.get("bands") or []):
        for end in ("from", "to"):
            for value in (band[end] - 1, band[end] + 1):
                yield ("bands", at, end), "score band", f"{end} {band[end]} → {end} {value}", value


def _points(keys: Keys, points: Any) -> Iterator[Change]:
    if isinstance(points, int | float):
        for value in (points - 1, points + 1):
            yield keys, "score points", f"{points} → {value}", value
        return
    for found in re.finditer(r"\d+(\.\d+)?", points):
        # A digit that belongs to the name of an item is not a constant.
        if found.start() and re.match(r"[\w.]", points[found.start() - 1]):
            continue
        decimals = len(found[0].partition(".")[2])
        for value in (float(found[0]) - 10**-decimals, float(found[0]) + 10**-decimals):
            other = f"{points[: found.start()]}{value:.{decimals}f}{points[found.end() :]}"
            yield keys, "score formula", f"{points} → {other}", other
    for found in re.finditer(r" ([*/+-]) ", points):
        other = {"*": "/", "/": "*", "+": "-", "-": "+"}[found[1]]
        changed = f"{points[: found.start()]} {other} {points[found.end() :]}"
        yield keys, "score formula", f"{points} → {changed}", changed
