"""From what several resources state of one item to one value, or none: the newest that can be read, if nothing contradicts it."""

from collections.abc import Iterable
from typing import Any

from service.fhir.elements import When
from service.fhir.work import Candidate, Listed, Work
from service.language.vocabulary import Item

Origins = dict[tuple[str, str], str]


def settle_values(work: Work, lesion: str, origins: Origins) -> dict[str, Any]:
    """The values of the patient (`lesion` empty) or of one lesion, as a referral takes them."""
    values: dict[str, Any] = {}
    for (of, name), candidates in sorted(work.candidates.items()):
        if of != lesion:
            continue
        chosen = _chosen(candidates, work)
        if chosen:
            values[name] = _value(work.codebook.vocabulary[name], chosen[0])
            origins[lesion, name] = _joined(candidate.origin for candidate in chosen)
    return values


def settle_lists(work: Work, origins: Origins) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, listed in sorted(work.lists.items()):
        values[name] = _list(listed)
        sources = [origin for told in listed.present.values() for origin in told]
        origins["", name] = _joined(sources or [listed.nothing[0]] if listed.nothing else sources)
    return values


def _list(listed: Listed) -> dict[str, Any]:
    if listed.present or listed.nothing is None:
        return {"items": sorted(listed.present), "complete": False}
    empty: dict[str, Any] = {"items": [], "complete": True}
    moment = listed.nothing[1]
    return {**empty, "date": moment.text} if moment and moment.text else empty


def _chosen(candidates: list[Candidate], work: Work) -> list[Candidate]:
    """Those that state the value, all the same one; empty when it stays unknown."""
    readable = [candidate for candidate in candidates if candidate.value is not None]
    if not readable:
        return []
    standing = {candidate.meaning for candidate in readable if candidate.standing}
    if standing and any(candidate.meaning not in standing for candidate in readable):
        for candidate in readable:
            work.refuse(candidate.origin, "conflict")
        return []
    if not all(candidate.lasting for candidate in readable):
        readable = _newest(readable)
        newer = [one for one in candidates if one.value is None and _later(one.when, readable[0].when)]
        if newer:
            for candidate in readable:
                work.refuse(candidate.origin, "superseded")
            return []
    if any(candidate.meaning != readable[0].meaning for candidate in readable):
        for candidate in readable:
            work.refuse(candidate.origin, "conflict")
        return []
    return readable


def _newest(readable: list[Candidate]) -> list[Candidate]:
    """All that may be the newest: a day may hold any instant of it. The best dated one first."""
    dated = [candidate for candidate in readable if candidate.when is not None]
    if not dated:
        return readable
    ordered = sorted(dated, key=lambda candidate: (_instant(candidate.when), candidate.origin), reverse=True)
    last = _instant(ordered[0].when)
    return [
        candidate for candidate in ordered if candidate.when is not None and candidate.when.high.timestamp() >= last
    ]


def _later(one: When | None, other: When | None) -> bool:
    return one is not None and (other is None or _instant(one) > _instant(other))


def _instant(moment: When | None) -> float:
    assert moment is not None
    return moment.low.timestamp()


def _value(item: Item, candidate: Candidate) -> Any:
    told: dict[str, Any] = {"value": candidate.value}
    if candidate.unit is not None:
        told["unit"] = candidate.unit
    if candidate.when is not None and candidate.when.text is not None and item.type != "moment":
        told["date"] = candidate.when.text
    return told if len(told) > 1 else candidate.value


def _joined(origins: Iterable[str]) -> str:
    return ",".join(sorted(set(origins)))
