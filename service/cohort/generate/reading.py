"""A file of distributions, held against the rulebook: every mistake at once, each with its line and the nearest right name."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from service.cohort.generate.design import Case, Design, DesignError, Drawn, Follows, Given, Handful
from service.cohort.generate.reader import Reader
from service.cohort.generate.reading_draws import DrawReader
from service.cohort.generate.reading_written import read_written
from service.cohort.generate.shape import SCHEMA
from service.language.vocabulary import Item
from service.rulebook.model import Rulebook
from service.rulebook.shape import schema_mistakes
from service.rulebook.source import Keys, read_bytes


def read_design(path: Path, rulebook: Rulebook) -> Design:
    """The design that a file of distributions gives. Raises DesignError with all mistakes, OSError as `open` does."""
    return design_of(path.read_bytes(), str(path), rulebook)


def design_of(content: bytes, name: str, rulebook: Rulebook) -> Design:
    """The same from the content of a file. Raises DesignError."""
    document, mistakes = read_bytes(content, name)
    if document.data is not None:
        mistakes = [*mistakes, *schema_mistakes(document, Draft202012Validator(SCHEMA))]
    if mistakes:
        raise DesignError(mistakes)
    reader = Reader(document, rulebook)
    lesions, drawn = _items(reader)
    written = read_written(reader)
    reader.check_sources()
    if reader.mistakes:
        raise DesignError(reader.mistakes)
    left_out = tuple(item.id for item in rulebook.vocabulary if item.id not in reader.seen)
    digest = hashlib.sha256(content).hexdigest()
    return Design(lesions, drawn, written, digest, left_out, dict(reader.sources))


def _items(reader: Reader) -> tuple[tuple[Case, ...], tuple[Drawn, ...]]:
    """How many lesions there are, and how every item is drawn, in order."""
    draws = DrawReader(reader)
    found: list[Drawn] = []
    lesions: tuple[Case, ...] = ()
    for name, entry in reader.data["items"].items():
        keys: Keys = ("items", name)
        item = reader.item(keys, name)
        if item is None:
            reader.seen.add(name)
            continue
        if item.scope == "lesion" and not reader.lesions_drawn:
            # Their number may depend on what of a patient is drawn before the first item of a lesion.
            lesions = draws.lesions()
            reader.lesions_drawn = True
        found.append(_drawn(reader, draws, keys, item, entry))
        reader.seen.add(name)
    return lesions or draws.lesions(), tuple(found)


def _drawn(reader: Reader, draws: DrawReader, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Drawn:
    applies = reader.condition((*keys, "applies"), entry["applies"], item.scope) if "applies" in entry else None
    cases: tuple[Case, ...] = ()
    handfuls: tuple[Handful, ...] = ()
    if item.type == "set":
        handfuls = draws.handfuls(keys, item, entry)
    else:
        cases = draws.cases(keys, item, entry)
    if entry.get("distinct") and (item.type != "choice" or item.scope != "lesion"):
        reader.complain((*keys, "distinct"), "only a choice of a lesion can be distinct", item.id)
    return Drawn(
        item=item,
        cases=cases,
        handfuls=handfuls,
        applies=applies,
        follows=_follows(reader, keys, entry["follows"]) if "follows" in entry else None,
        step=float(entry.get("step", item.step)),
        given=_given(reader, keys, item, entry),
        distinct=bool(entry.get("distinct", False)),
    )


def _follows(reader: Reader, keys: Keys, entry: Mapping[str, str]) -> Follows:
    below = (*keys, "follows")
    item = reader.item((*below, "list"), entry["list"], "set")
    if item is not None:
        if item.id not in reader.seen:
            reader.complain((*below, "list"), "is drawn further below: draw it first", item.id)
        if entry["word"] not in item.choices:
            reader.complain((*below, "word"), f"not a word of {item.id}", entry["word"], item.choices)
    return Follows(entry["list"], entry["word"])


def _given(reader: Reader, keys: Keys, item: Item, entry: Mapping[str, Any]) -> Given:
    given = entry.get("given", "day")
    if "given" in entry and item.type != "moment":
        reader.complain(
            (*keys, "given"), f"is a {item.type}; only a moment is given to the day or to the time", item.id
        )
    return float(given["time"]) if isinstance(given, dict) else "time" if given == "time" else "day"
