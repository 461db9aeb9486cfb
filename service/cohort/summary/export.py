"""The figures as JSON, and as CSV files for a spreadsheet. A count that is hidden is null, or an empty cell."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from service.cohort.running.record import Record
from service.cohort.summary.figures import BLOCKED, WAYS, Cell, Figures
from service.cohort.summary.text import hidden_note
from service.cohort.summary.words import Names
from service.rulebook.model import STATUSES

Plain: TypeAlias = dict[str, Any]
#: a marker by which spreadsheets know UTF-8
_MARKER: Final = "\ufeff"


def to_json(figures: Figures, record: Record, names: Names) -> str:
    """One object: what the cohort and the rulebook are, then the figures, with their names in one language."""
    identity = record.identity
    data = {
        "as_of": identity.as_of,
        "synthetic": identity.synthetic,
        "rulebook": {
            "name": identity.rulebook,
            "version": identity.rulebook_version,
            "status": identity.rulebook_status,
            "digest": identity.rulebook_digest,
        },
        "source": identity.source,
        "notice": names.say(names.rulebook.info.notice),
        "language": names.language,
        "smallest": figures.smallest,
        **({"hidden": hidden_note(names, figures.smallest)} if figures.smallest > 1 else {}),
        **plain(figures, names),
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def plain(figures: Figures, names: Names) -> Plain:
    """The figures as plain data: each list is one table."""
    return {
        "cohort": figures.cohort._asdict(),
        "ways": [{"way": way, "label": names.way(way), **_count(figures.ways[way])} for way in WAYS],
        "techniques": [
            {"technique": each.technique, "label": names.technique(each.technique), "status": status}
            | {"status_label": names.status(status)}
            | _count(each.by_status[status])
            | (
                {f"indicated_{key}": value for key, value in _count(each.indicated[status]).items()}
                if status in BLOCKED
                else {}
            )
            for each in figures.techniques
            for status in STATUSES
        ],
        "first": [
            {"technique": each.technique, "label": names.technique(each.technique), **_count(each.first)}
            for each in figures.techniques
        ],
        "first_anaesthesia": [
            {"technique": each.technique, "label": names.technique(each.technique), "anaesthesia": mode}
            | {"anaesthesia_label": names.anaesthesia(mode)}
            | _count(cell)
            for each in figures.techniques
            for mode, cell in each.anaesthesia.items()
        ],
        "obstacles": [
            {"rule": each.rule, "label": names.rule(each.rule), "kind": names.kind(each.rule)}
            | {"correction": names.correction(each.rule)}
            | _count(each.count)
            for each in figures.obstacles
        ],
        "missing": [
            {"item": each.item, "label": names.item(each.item), "section": names.section(each.item)}
            | _count(each.count)
            | {"options": each.options}
            | {f"alone_{key}": value for key, value in _count(each.alone).items()}
            | {"alone_options": each.alone_options}
            for each in figures.questions
        ],
        "problems": [
            {"table": each.table, "item": each.item, "label": names.item(each.item), "problem": each.problem}
            | {"why": names.problem(each.problem), "number": each.number}
            for each in figures.problems
        ],
        "refused": [
            {"reason": reason, "label": names.reason(reason), "patients": number}
            for reason, number in figures.refused.items()
        ],
        "unread": [{"item": item, "label": names.item(item)} for item in figures.unread],
        "unknown_rules": [{"rule": rule} for rule in figures.strangers],
    }


def to_csv(figures: Figures, names: Names) -> Iterator[tuple[str, str]]:
    """Name and content of each file: one table each. Tables without a row are left out."""
    for name, rows in plain(figures, names).items():
        if isinstance(rows, list) and rows:
            yield f"{name}.csv", _MARKER + _csv(rows)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = dict.fromkeys(column for row in rows for column in row)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _count(cell: Cell) -> dict[str, int | None]:
    return {"patients": None, "lesions": None} if cell is None else dict(cell._asdict())
