"""The cases that a committee approved: one file for each topic in `fixtures/borderline/`, read by tests and mutation score.

A case that nobody approved is never written: what a program proposes is no test until somebody has read it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from service.rulebook.model import Rulebook
from service.rulebook.source import Document, Keys
from service.workbench.borderline.case import Written
from service.workbench.tables.patients import TableError
from service.workbench.tables.read import VERDICTS, Table, TableReader, tables_in

_HEAD = "# Approved one by one with `flask rules borderline`, which keeps this file. What it means: README.md\n"
_TABLE = ("usual", *VERDICTS)
_WORDS = ("criterion", "turns_on", "approved_by", "date")


@dataclass(frozen=True, slots=True)
class Approved:
    """One approved case, as its file has it."""

    rule: str
    criterion: str
    on: str
    written: Written
    by: str
    date: str
    #: where it stands; None of a case that is not written yet
    document: Document | None = None
    keys: Keys = ()

    def table(self, reader: TableReader) -> Table:
        """The patients and their verdicts. Raises TableError when the vocabulary no longer knows what is said."""
        document = self.document or Document("new", {}, {})
        return reader.table(document, self.keys, self.rule, self.written)


def read_approved(folder: Path) -> list[Approved]:
    """Every approved case below `folder`, none when there is no such folder. Raises TableError, OSError."""
    return [approved for document in tables_in(folder) for approved in _of(document)]


def _of(document: Document) -> Iterator[Approved]:
    rules = document.data.get("rules")
    if set(document.data) != {"rules"} or not isinstance(rules, dict):
        raise TableError(str(document.mistake((), "approved cases stand below «rules», by the id of their rule")))
    for rule, entries in rules.items():
        for at, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            keys = ("rules", rule, at)
            if problem := _problem(entry):
                raise TableError(str(document.mistake(keys, f"{rule}: {problem}")))
            written = {key: entry[key] for key in _TABLE if key in entry}
            words = (str(entry[word]) for word in _WORDS)
            criterion, on, by, date = words
            yield Approved(rule, criterion, on, written, by, date, document, keys)


def _problem(entry: Any) -> str:
    """What is wrong with the form of an entry; "" when nothing is."""
    if not isinstance(entry, dict):
        return "an approved case has keys such as criterion, usual and no"
    needed, known = {*_WORDS, "usual", "no"}, {*_WORDS, *_TABLE}
    if missing := sorted(needed - set(entry)):
        return f"«{missing[0]}» is missing"
    if unknown := sorted(set(entry) - known):
        return f"unknown key «{unknown[0]}»; known: {', '.join(sorted(known))}"
    empty = next((word for word in _WORDS if not isinstance(entry[word], str) or not entry[word].strip()), None)
    if empty:
        return f"«{empty}» needs a text"
    return "" if isinstance(entry["usual"], dict) else "«usual» is a patient: items and values"


def approved_tables(rulebook: Rulebook, folder: Path) -> dict[str, list[Table]]:
    """The tables of the approved cases by rule. Raises TableError, OSError."""
    reader = TableReader(rulebook)
    tables: dict[str, list[Table]] = {}
    for approved in read_approved(folder):
        tables.setdefault(approved.rule, []).append(approved.table(reader))
    return tables


# ---- writing ---------------------------------------------------------------------------------------------------------


def write_approved(
    folder: Path, approved: Iterable[Approved], topics: Mapping[str, str], touched: Iterable[str]
) -> list[Path]:
    """Writes the files of the topics `touched` anew, with all approved cases of their rules; gives those files.

    `topics`: rule -> topic; a case whose rule is gone stays in the file it came from. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_file: dict[str, list[Approved]] = {}
    for each in approved:
        by_file.setdefault(file_of(each, topics), []).append(each)
    written = []
    for name in sorted(set(touched)):
        path = folder / name
        cases = by_file.get(name, [])
        if not cases:
            path.unlink(missing_ok=True)
            continue
        beside = path.with_suffix(".new")
        beside.write_text(_text(cases), encoding="utf-8")
        # In one step, so that nobody ever reads half a file.
        beside.replace(path)
        written.append(path)
    return written


def file_of(approved: Approved, topics: Mapping[str, str]) -> str:
    """The name of the file an approved case belongs in."""
    if approved.rule in topics:
        return f"{topics[approved.rule]}.yaml"
    return approved.document.name if approved.document else "other.yaml"


def _text(cases: Sequence[Approved]) -> str:
    lines = [_HEAD, "rules:\n"]
    ordered = sorted(cases, key=lambda each: each.rule)
    for rule, held in groupby(ordered, key=lambda each: each.rule):
        lines.append(f"  {rule}:\n")
        for each in held:
            words = {
                "criterion": each.criterion,
                "turns_on": each.on,
                **each.written,
                "approved_by": each.by,
                "date": each.date,
            }
            for at, (key, value) in enumerate(words.items()):
                lines.append(f"    {'- ' if at == 0 else '  '}{key}: {_flow(value)}\n")
    return "".join(lines)


def _flow(value: Any) -> str:
    """A value on one line. Texts are quoted, so that a date stays one."""
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=10_000).strip()
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000).strip()
