"""Puts beside each value of a trace the resource of the record it came from."""

import copy
from collections.abc import Mapping
from typing import Any

Origins = Mapping[tuple[str, str], str]


def annotate(answer: dict[str, Any], origins: Origins) -> dict[str, Any]:
    """A copy of the answer in which every criterion says under `from` where its value was read, when that is known.

    The lesion's own value comes first, then the patient's: an item belongs to one of the two.
    """
    told = copy.deepcopy(answer)
    for lesion in told["lesions"]:
        for rule in lesion["rules"].values():
            _mark(rule["criteria"], lesion["id"], origins)
    return told


def _mark(node: dict[str, Any], lesion: str, origins: Origins) -> None:
    for part in (*node.get("all", ()), *node.get("any", ()), *((node["not"],) if "not" in node else ())):
        _mark(part, lesion, origins)
    item = node.get("item")
    if isinstance(item, str):
        origin = origins.get((lesion, item)) or origins.get(("", item))
        if origin:
            node["from"] = origin
