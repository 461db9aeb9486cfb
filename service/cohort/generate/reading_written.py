"""How patients are written down, from a file of distributions: missing values, lists, dates, units, faults."""

from collections.abc import Mapping
from typing import Any, Final

from service.cohort.generate.design import Centre, Dating, Listing, Section, Written
from service.cohort.generate.reader import Reader
from service.cohort.generate.reading_draws import DrawReader
from service.rulebook.source import Keys

_WRITTEN: Final = "written"


def read_written(reader: Reader) -> Written:
    """The part of the file under «written». Mistakes go to the reader."""
    data = reader.data[_WRITTEN]
    draws = DrawReader(reader)
    return Written(
        centres={name: Centre(each["share"], each["odds"]) for name, each in data["centres"]["kinds"].items()},
        levels={name: float(odds) for name, odds in data["levels"].items()},
        sections=_sections(reader, data["missing"]["sections"]),
        items=_items(reader, (_WRITTEN, "missing", "items"), data["missing"]["items"]),
        lists=_lists(reader, data["lists"]["kinds"]),
        recorded=_dating(draws, (_WRITTEN, "recorded_at"), data["recorded_at"]),
        dates=_dates(reader, draws, data["dates"]),
        laboratories={name: float(share) for name, share in data["units"]["laboratories"].items()},
        units=_units(reader, data["units"]),
        wrong_units=tuple(data["faults"]["units"]),
        wrong_words=tuple(data["faults"]["words"]),
    )


def _sections(reader: Reader, data: Mapping[str, Any]) -> dict[str, Section]:
    keys: Keys = (_WRITTEN, "missing", "sections")
    sections = reader.vocabulary.sections
    for name in data:
        if name not in sections:
            reader.complain((*keys, name), "unknown section of the vocabulary", name, sections)
    for name in sections:
        if name not in data:
            reader.complain(
                keys, f"the section «{name}» of the vocabulary is missing: how much of it is not written down?"
            )
    return {name: Section(each["whole"], each["each"]) for name, each in data.items()}


def _items(reader: Reader, keys: Keys, data: Mapping[str, Any]) -> dict[str, float]:
    for name in data:
        reader.item((*keys, name), name)
    return {name: float(percent) for name, percent in data.items()}


def _lists(reader: Reader, data: Mapping[str, Any]) -> dict[str, Listing]:
    keys: Keys = (_WRITTEN, "lists", "kinds")
    for name in data:
        reader.item((*keys, name), name, "set")
    for item in reader.vocabulary:
        if item.type == "set" and item.id in reader.seen and item.id not in data:
            reader.complain(keys, f"the list «{item.id}» is missing: how often is it said to be complete?")
    return {name: Listing(each["complete"], each["forgotten"], each["denied"]) for name, each in data.items()}


def _dating(draws: DrawReader, keys: Keys, data: Mapping[str, Any]) -> Dating:
    ago, current = (draws.times((*keys, key), data[key]) for key in ("ago", "current"))
    return Dating(ago, current, data["given"])


def _dates(reader: Reader, draws: DrawReader, data: Mapping[str, Any]) -> dict[str, tuple[tuple[str, ...], Dating]]:
    found = {}
    dated: set[str] = set()
    for group, entry in data.items():
        keys: Keys = (_WRITTEN, "dates", group)
        for at, name in enumerate(entry["items"]):
            reader.item((*keys, "items", at), name)
            if name in dated:
                reader.complain((*keys, "items", at), "has a date already, in a group above", name)
            dated.add(name)
        scopes = {reader.vocabulary[name].scope for name in entry["items"] if name in reader.vocabulary}
        if len(scopes) > 1:
            reader.complain(keys, "items of the patient and of a lesion cannot share one date", group)
        found[group] = (tuple(entry["items"]), _dating(draws, keys, entry))
    return found


def _units(reader: Reader, data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    laboratories = data["laboratories"]
    keys: Keys = (_WRITTEN, "units", "items")
    for name, units in data["items"].items():
        item = reader.item((*keys, name), name, "number")
        for laboratory, unit in units.items():
            if laboratory not in laboratories:
                reader.complain((*keys, name, laboratory), "unknown kind of laboratory", laboratory, laboratories)
            if item is not None and unit not in item.units:
                reader.complain((*keys, name, laboratory), f"not a unit of {item.id}", unit, item.units)
    return {name: dict(units) for name, units in data["items"].items()}
