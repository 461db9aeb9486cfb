"""Technique files out to a workbook and back: what `flask rules table export` and `import` do."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from service.language.errors import LanguageError, Mistake
from service.language.parser import ScoreHead, Words, parse_criterion
from service.language.units import HOURS
from service.language.vocabulary import Item, Text
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.rulebook.schema import kind_of
from service.rulebook.source import Document, Keys, read_bytes
from service.tell.phrases import Phrases
from service.workbench.decision_tables.criterion import Line, join
from service.workbench.decision_tables.instructions import instructions
from service.workbench.decision_tables.layout import SHEETS
from service.workbench.decision_tables.reading import CellMistake, Present, Reading
from service.workbench.decision_tables.rewrite import RewriteError, rewrite
from service.workbench.decision_tables.rows import Told, technique_rows
from service.workbench.decision_tables.xlsx import WorkbookError, rows_of, written

_JOINTS = {
    "all": Text("toutes ces conditions :", "all of these:"),
    "any": Text("l’une au moins de ces conditions :", "at least one of these:"),
    "not": Text("ce qui suit ne doit pas être vrai :", "what follows must not be true:"),
    "any_lesion": Text("pour l’une des lésions au moins :", "for at least one lesion:"),
    "every_lesion": Text("pour chaque lésion :", "for every lesion:"),
    "count_lesions": Text("nombre de lésions telles que :", "number of lesions such that:"),
}


def exported(book: Rulebook, files: Mapping[str, bytes], techniques: Iterable[str]) -> bytes:
    """The workbook of these techniques of a rulebook, and of `files`, which it was loaded from.

    Raises KeyError on a technique that is not there, TooLongError on a text that no cell can hold.
    """
    present = present_techniques(files)
    gloss = Glosses(book)
    tables: dict[str, list[Told]] = {key: [] for key in SHEETS}
    for name in techniques:
        one = present[name]
        for key, rows in technique_rows(one.file, one.digest, one.data, gloss.of).items():
            tables[key] += rows
    return written(tables, _words(book), instructions(book))


def imported(content: bytes, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The technique files that a workbook changes, as they will stand; the others are not there.

    `files` are the rules the workbook was made from. What is returned loads together with them.
    Raises WorkbookError with every mistake, each at its cell.
    """
    rows, mistakes = rows_of(content)
    reading = Reading(rows, present_techniques(files))
    reading.read()
    mistakes += [mistake for mistake in reading.mistakes if (mistake.sheet, mistake.row) not in _blamed(mistakes)]
    changed: dict[str, bytes] = {}
    for name, data in reading.files.items():
        try:
            after = rewrite(files[name].decode("utf-8"), data).encode("utf-8")
        except RewriteError as error:
            message = f"{name} cannot be changed in place ({error}); change the file itself"
            raise WorkbookError([CellMistake("", 0, "", "", message), *mistakes]) from None
        if after != files[name]:
            changed[name] = after
    if changed:
        mistakes += [
            mistake
            for mistake in _mistakes_of(reading, {**files, **changed})
            if (mistake.sheet, mistake.row) not in _blamed(mistakes)
        ]
    if mistakes:
        raise WorkbookError(mistakes)
    return changed


def _blamed(mistakes: Iterable[CellMistake]) -> set[tuple[str, int]]:
    """Rows of which something is told already: what follows from it is not told too."""
    return {(mistake.sheet, mistake.row) for mistake in mistakes}


def _mistakes_of(reading: Reading, files: Mapping[str, bytes]) -> list[CellMistake]:
    """What the loader has to say against the rules as the workbook wants them."""
    try:
        load_files(files)
    except RulebookError as error:
        return [_placed(mistake, reading, files) for mistake in error.mistakes]
    return []


def present_techniques(files: Mapping[str, bytes]) -> dict[str, Present]:
    """Technique -> its file. Only files that read without a mistake."""
    found = {}
    for name in sorted(files):
        if kind_of(name) == "technique":
            document, mistakes = read_bytes(files[name], name)
            if not mistakes and isinstance(document.data, dict):
                digest = hashlib.sha256(files[name]).hexdigest()
                found[str(document.data["technique"])] = Present(name, digest, document.data)
    return found


def _placed(mistake: Mistake, reading: Reading, files: Mapping[str, bytes]) -> CellMistake:
    """A mistake of the rules, at the cell that made it."""
    offender = f" «{mistake.offender}»" if mistake.offender else ""
    hint = f"; did you mean «{mistake.suggestion}»?" if mistake.suggestion else ""
    message = f"{mistake.message}{offender}{hint}"
    if mistake.file in reading.files:
        document, _ = read_bytes(files[mistake.file], mistake.file)
        keys = _keys_at(document, mistake)
        for length in range(len(keys), -1, -1):
            spot = reading.spots.get((mistake.file, keys[:length]))
            if spot is not None:
                return spot.mistake(message, mistake.column - document.places[keys][1])
    return CellMistake("", 0, "", "", f"in the rules themselves: {mistake}")


def _keys_at(document: Document, mistake: Mistake) -> Keys:
    """The innermost part that begins at or before a mistake, on its line."""
    on_line = [
        (column, len(keys), keys)
        for keys, (line, column) in document.places.items()
        if line == mistake.line and column <= mistake.column
    ]
    return max(on_line, default=(0, 0, ()), key=lambda each: each[:2])[2]


class Glosses:
    """Rows of a condition in words. They are for reading, and are not read back."""

    def __init__(self, book: Rulebook) -> None:
        heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}
        self._words = Words(book.vocabulary, heads, book.settings)
        self._phrases = {language: Phrases(book.vocabulary, book.scores, language) for language in ("fr", "en")}

    def of(self, line: Line) -> Text:
        if line.connective:
            return _JOINTS[line.connective]
        try:
            node = parse_criterion(join(line.cells)[0], self._words)
        except LanguageError:
            return Text("", "")
        return Text(self._phrases["fr"].of(node), self._phrases["en"].of(node))


def _words(book: Rulebook) -> list[Told]:
    """Everything that a criterion may look at."""
    rows: list[Told] = []
    for item in book.vocabulary:
        rows.append(_word(item.id, item.label, item.type, ", ".join(item.units) or item.unit, _choices(item)))
        if item.type == "moment":
            since = Text(f"temps écoulé depuis : {item.label.fr}", f"time since: {item.label.en}")
            days = Text(f"jours depuis : {item.label.fr}", f"calendar days since: {item.label.en}")
            rows.append(_word(f"since({item.id})", since, "number", ", ".join(HOURS), None))
            rows.append(_word(f"days_since({item.id})", days, "number", None, None))
    rows += [_word(f"score.{score.id}", score.label, "number", score.unit, None) for score in book.scores.values()]
    return rows


def _word(word: str, label: Text, kind: str, unit: str | None, choices: str | None) -> Told:
    return {"word": word, "label.fr": label.fr, "label.en": label.en, "type": kind, "unit": unit, "choices": choices}


def _choices(item: Item) -> str | None:
    told: Any = (f"{word} ({label.fr} / {label.en})" for word, label in item.choices.items())
    return ", ".join(told) or None
