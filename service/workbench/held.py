"""What the rules no longer say as it stands beside the committee's cases: in the tables of limits, and in the approved borderline cases."""

from collections.abc import Iterator
from pathlib import Path

from service.language.meaning import Meaning
from service.rulebook.model import Rulebook
from service.workbench.borderline.approved import approved_tables
from service.workbench.tables.patients import TableError
from service.workbench.tables.plain import wrong_settings
from service.workbench.tables.read import read_tables
from service.workbench.tables.verdicts import wrong_bands, wrong_claims, wrong_points, wrong_verdicts


def table_folders(cases: Path) -> list[Path]:
    """The folders `thresholds` and `borderline` beside the folder of the cases, as far as they are there."""
    return [folder for name in ("thresholds", "borderline") if (folder := cases.parent / name).is_dir()]


def not_held(rulebook: Rulebook, cases: Path) -> list[str]:
    """Each thing that a table says otherwise than the rules, with its file and line: what the rules say, and what the table.

    A rule without a table passes, and so do settings that no table names. A table that cannot be read under these rules
    is told like the others.
    """
    found: list[str] = []
    for folder in table_folders(cases):
        try:
            look = _approved if folder.name == "borderline" else _tables
            found += [f"{folder}/{line}" for line in look(rulebook, folder)]
        except (TableError, OSError) as error:
            found.append(f"{folder}: cannot be read with these rules: {error}")
    return found


def _tables(rulebook: Rulebook, folder: Path) -> Iterator[str]:
    tables, meaning = read_tables(rulebook, folder), Meaning(rulebook.vocabulary, rulebook.scores)
    for rule in rulebook.rules.values():
        if table := tables.rules.get(rule.id):
            yield from wrong_claims(rule, table)
            yield from wrong_verdicts(rule.when, table, meaning)
    for entry in rulebook.impossible:
        if table := tables.impossible.get(entry.id):
            yield from wrong_verdicts(entry.when, table, meaning)
    for score in rulebook.scores.values():
        if table := tables.scores.get(score.id):
            yield from wrong_points(score, table, meaning)
            yield from (f"{table.file}: {line}" for line in wrong_bands(score, tables.bands[score.id]))
    if "site" in tables.plain:
        yield from (f"settings.yaml: {line}" for line in wrong_settings(rulebook, tables))


def _approved(rulebook: Rulebook, folder: Path) -> Iterator[str]:
    meaning = Meaning(rulebook.vocabulary, rulebook.scores)
    for name, tables in approved_tables(rulebook, folder).items():
        for table in tables:
            if name in rulebook.rules:
                yield from wrong_verdicts(rulebook.rules[name].when, table, meaning)
            else:
                yield f"{table}: approved, and the rule is gone; `flask rules borderline` asks about it"
