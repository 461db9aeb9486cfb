"""Cases: one clinical situation per file, with the answer it must get. Their form: `fixtures/README.md`.

A committee writes them by hand or from the form. So every mistake in a case is told at once, with its line, and a case
with a mistake is never half read: a misspelt key would otherwise expect nothing, and pass whatever the answer.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from service.language.errors import Mistake, nearest
from service.referral.schema import parse_day
from service.rulebook.model import MODE_KINDS, STATUSES, Rulebook
from service.rulebook.shape import schema_mistakes
from service.rulebook.source import Document, Keys, read
from service.workbench.comparing import one_of

#: far above any real folder of cases
MAX_CASES = 10_000
#: words told in one mistake
MOST_NAMED = 20
#: what a case may be called: its file is named so
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME_NEEDED = "a date and time with its zone is needed, as in 2026-11-23T09:00:00+01:00"
_DAY_NEEDED = "a date is needed, as in 2026-11-25, or a date and time"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case as read. The properties are for cases without a mistake."""

    name: str
    data: Any
    document: Document | None = None

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.data["at"])

    @property
    def body(self) -> bytes:
        """The referral as it would be posted."""
        return json.dumps(self.data["referral"]).encode()

    @property
    def expect(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.data["expect"]
        return expected

    def line(self, keys: Keys) -> int:
        """Where a part of the case stands in its file, from 1; 1 when the case came from no file."""
        return self.document.mistake(keys, "").line if self.document else 1


def read_cases(folder: Path, names: Iterable[str] = ()) -> tuple[dict[str, CaseFile], list[Mistake]]:
    """The cases of a folder by name, all or those named, and the mistakes of form (YAML, shape) in them.

    Files in the mistakes are named as below `folder`. A case with a mistake is still there, for whoever lists cases;
    do not decide it. Raises NotADirectoryError, OSError; KeyError when a name has no file.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such directory")
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))[:MAX_CASES]}
    wanted = dict.fromkeys(names) or paths
    cases, mistakes = {}, []
    for name in wanted:
        cases[name], found = read_case(paths[name])
        mistakes += found
    return cases, mistakes


def read_case(path: Path) -> tuple[CaseFile, list[Mistake]]:
    """One case and the mistakes of its form. Raises OSError."""
    document, mistakes = read(path, path.name)
    if not mistakes:
        mistakes = shape_of_case(document)
    return CaseFile(path.stem, document.data, document), mistakes


def shape_of_case(document: Document) -> list[Mistake]:
    """Every way in which a document has not the shape of a case."""
    return schema_mistakes(document, _validator())


@cache
def _validator() -> Draft202012Validator:
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    words: dict[str, Any] = {"type": "array", "items": text}
    word: dict[str, Any] = {"anyOf": [text, {**words, "minItems": 1}]}
    maybe = {"anyOf": [text, {"type": "null"}]}
    mode: dict[str, Any] = {"anyOf": [text, {"type": "null"}, {"type": "array", "items": maybe, "minItems": 1}]}
    lesion: dict[str, Any] = {
        "first": word,
        "statuses": {"type": "object", "additionalProperties": word},
        "questions": words,
        "earliest": {"type": "object", "additionalProperties": text},
        **dict.fromkeys(MODE_KINDS, mode),
    }
    expect = {
        "alerts": words,
        "lesions": {"type": "object", "minProperties": 1, "additionalProperties": _shape(lesion, ("first",))},
        "session": _shape({"order": words}, ()),
        "refused": {**words, "minItems": 1},
    }
    case = {
        "name": _shape({"fr": text, "en": text}, ("fr", "en")),
        "why": {"type": "string", "pattern": r"[.!?…]\s*$", "description": "a sentence, with its full stop"},
        "sources": {**words, "minItems": 1},
        "approved_by": {**words, "minItems": 1},
        "approved_on": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "as in 2026-11-25"},
        "at": text,
        "referral": {"type": "object"},
        "expect": _shape(expect, ()),
    }
    return Draft202012Validator(_shape(case, ("name", "why", "at", "referral", "expect")))


def _shape(properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def check_case(case: CaseFile, rulebook: Rulebook) -> list[Mistake]:
    """What a case says that this rulebook does not know, or that no case can say: every mistake at once.

    What has not the shape of a case is passed over: that is told by reading it. What is wrong with the referral itself
    is told by deciding it.
    """
    if case.document is None:
        raise ValueError("a case that came from no file cannot be checked")
    return sorted(set(_Check(case.document, rulebook).mistakes()))


@dataclass(frozen=True, slots=True)
class _Check:
    document: Document
    rulebook: Rulebook

    def mistakes(self) -> Iterator[Mistake]:
        yield from self._unquoted()
        at = self._text("at")
        if at is not None and not _is_moment(at):
            yield self.document.mistake(("at",), _TIME_NEEDED, offender=at)
        yield from self._authority()
        expect = self._part("expect")
        if "refused" in expect:
            for key in sorted(set(expect) - {"refused"}):
                yield self.document.mistake(
                    ("expect", key), "a referral that is refused gets no answer: leave this out"
                )
            return
        for key in ("alerts", "lesions"):
            if key not in expect:
                hint = "; write [] when none is raised" if key == "alerts" else ""
                yield self.document.mistake(("expect",), f"«{key}» is missing{hint}")
        alerts = [rule.id for rule in self.rulebook.rules.values() if rule.claim == "preempts"]
        yield from self._known(("expect", "alerts"), "alert", alerts)
        lesions = self._lesions()
        for name in self._part("expect", "lesions"):
            yield from self._word(("expect", "lesions", name), name, "lesion of the referral", lesions)
            yield from self._lesion(("expect", "lesions", name))
        yield from self._known(("expect", "session", "order"), "lesion of the referral", lesions)

    def _authority(self) -> Iterator[Mistake]:
        """An expected answer rests on a source or on a person who approved it."""
        head = self._part()
        if "sources" not in head and "approved_by" not in head:
            message = "the expected answer rests on nothing: give «sources», or «approved_by» and «approved_on»"
            yield self.document.mistake((), message)
        yield from self._known(("sources",), "source", self.rulebook.sources)
        for given, missing in (("approved_by", "approved_on"), ("approved_on", "approved_by")):
            if given in head and missing not in head:
                yield self.document.mistake((given,), f"«{given}» needs «{missing}»")
        day = self._text("approved_on")
        if day is not None and not _is_day(day):
            yield self.document.mistake(("approved_on",), _DAY_NEEDED, offender=day)

    def _lesions(self) -> list[str]:
        listed = self._at(("referral", "lesions"))
        entries = listed if isinstance(listed, list) else []
        return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]

    def _lesion(self, keys: Keys) -> Iterator[Mistake]:
        techniques = self.rulebook.techniques
        yield from self._known((*keys, "first"), "technique", techniques)
        for technique in self._part(*keys, "statuses"):
            place = (*keys, "statuses", technique)
            yield from self._word(place, technique, "technique", techniques)
            yield from self._known(place, "status", STATUSES)
        for technique in self._part(*keys, "earliest"):
            place = (*keys, "earliest", technique)
            yield from self._word(place, technique, "technique", techniques)
            when = self._text(*place)
            if when is not None and not _is_day(when):
                yield self.document.mistake(place, _DAY_NEEDED, offender=when)
        for kind in MODE_KINDS:
            modes = [mode for of, mode in self.rulebook.modes if of == kind]
            yield from self._known((*keys, kind), kind, modes)
        yield from self._known((*keys, "questions"), "item", self.rulebook.vocabulary.items)

    def _known(self, keys: Keys, what: str, known: Iterable[str]) -> Iterator[Mistake]:
        """Of one word or a list of words."""
        for at, word in enumerate(one_of(self._at(keys))):
            if isinstance(word, str):
                yield from self._word((*keys, at), word, what, known)

    def _word(self, keys: Keys, word: str, what: str, known: Iterable[str]) -> Iterator[Mistake]:
        listed = list(known)
        if word not in listed:
            near = nearest(word, listed)
            # Without a near word, a short list tells what may stand here.
            hint = "" if near or len(listed) > MOST_NAMED else f" (one of {', '.join(listed)})"
            yield self.document.mistake(keys, f"unknown {what}{hint}", offender=word, suggestion=near)

    def _unquoted(self) -> Iterator[Mistake]:
        """Dates without quotes, which other readers of YAML (editors, scripts) take for something else than a text."""
        lines = self.document.text.splitlines()
        for keys, (line, column) in self.document.places.items():
            text = lines[line - 1] if line <= len(lines) else ""
            value = self._at(keys)
            # The place of a quoted text is that of its first letter.
            if isinstance(value, str) and _DATE.match(text, column - 1) and text[column - 2 : column - 1] not in "'\"":
                yield self.document.mistake(keys, "a date stands in quotes", offender=value[:40])

    # ---- parts of the case, whatever its shape ----

    def _at(self, keys: Keys) -> Any:
        found = self.document.data
        for key in keys:
            if isinstance(found, dict) and isinstance(key, str):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                found = found[key]
            else:
                return None
        return found

    def _part(self, *keys: str | int) -> dict[str, Any]:
        found = self._at(keys)
        return found if isinstance(found, dict) else {}

    def _text(self, *keys: str | int) -> str | None:
        found = self._at(keys)
        return found if isinstance(found, str) else None


def _is_moment(text: str) -> bool:
    try:
        moment = parse_day(text)
    except ValidationError:
        return False
    return isinstance(moment, datetime) and moment.tzinfo is not None


def _is_day(text: str) -> bool:
    """A day, or a day and what a moment begins with, as in 2026-11-25T09."""
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return len(text) == len("2026-11-25") or text[10:11] == "T"
