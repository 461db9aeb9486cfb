"""`flask rules table`: a technique's criteria as a spreadsheet, there and back, and as DMN."""

from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path

import click
from flask.cli import with_appcontext

from service.cli.common import complain, fail, known, mistakes, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.decision_tables.dmn import dmn
from service.workbench.decision_tables.exchange import exported, imported, present_techniques
from service.workbench.decision_tables.xlsx import MAX_BYTES, TooLongError, WorkbookError


@click.group()
def table() -> None:
    """Export a technique's criteria to a spreadsheet and read them back; export them as DMN.

    \b
    Examples:
      flask rules table export vertebroplasty --out vertebroplasty.xlsx
      flask rules table import vertebroplasty.xlsx
      flask rules table dmn vertebroplasty --out vertebroplasty.dmn
    """


@table.command("export")
@click.argument("technique", required=False)
@click.option("--all", "everything", is_flag=True, help="Every technique, in one workbook.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The .xlsx file to write.")
@rules_option
@with_appcontext
def export(technique: str | None, everything: bool, out: Path, directory: Path | None) -> None:
    """Write the criteria of TECHNIQUE (or of --all) to a workbook that a committee edits in LibreOffice or Excel.

    One row for each criterion, its threshold in a cell of its own; the first sheet says in French and English how to
    change it. `flask rules table import` reads it back.

    \b
    Examples:
      flask rules table export vertebroplasty --out vertebroplasty.xlsx
      flask rules table export --all --out techniques.xlsx
    """
    if bool(technique) == everything:
        raise click.UsageError("Name one technique, or say --all.")
    if out.suffix.lower() != ".xlsx":
        raise click.UsageError("--out must end in .xlsx.")
    with interruptible("nothing was written."):
        progress = Progress("exporting", 3)
        progress.step("reading the rules")
        files, book = _read(directory)
        names = sorted(present_techniques(files))
        if technique:
            names = [known(technique, names, "technique", "flask rules list")]
        progress.step("writing the workbook")
        try:
            content = exported(book, files, names)
        except TooLongError as error:
            fail(f"cannot be a spreadsheet: {error}")
        _write(out, content)
        progress.clear()
    click.echo(f"{out}: {len(names)} technique{'s' if len(names) > 1 else ''}, as of digest {book.digest[:12]}")


@table.command("import")
@click.argument("workbook", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@rules_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files that change, under their names in the rules folder; made if need be.",
)
@click.option("--write", is_flag=True, help="Change the files in the rules folder itself.")
@with_appcontext
def import_table(workbook: Path, directory: Path | None, out: Path | None, write: bool) -> None:
    """Read WORKBOOK back and show what it changes in the rule files, line by line.

    Without --out and --write nothing is written: the difference is printed, to be read. Only lines that changed change;
    comments and layout stay, and an unchanged workbook changes nothing. Mistakes are listed all at once, each with its
    sheet, cell, what is wrong and how to mend it; then nothing is written, and the command ends with 1.

    The rules must be those the workbook was exported from: a technique that changed since is refused, so that nobody's
    change is undone. Formulas, macros and dates are refused, never run.

    \b
    Examples:
      flask rules table import vertebroplasty.xlsx
      flask rules table import vertebroplasty.xlsx --out draft/
      flask rules table import vertebroplasty.xlsx --write && flask rules check
    """
    if out is not None and write:
        raise click.UsageError("Say --out or --write, not both.")
    folder = rules_folder(directory)
    with interruptible("no rule file was changed."):
        progress = Progress("importing", 1)
        progress.step("reading the workbook")
        try:
            files = rule_files(folder)
            with workbook.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            changed = imported(content, files)
        except NotADirectoryError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{error.filename}: cannot be read: {error.strerror}")
        except WorkbookError as error:
            progress.clear()
            count = len(error.mistakes)
            told = [f"{workbook}: {mistake}" for mistake in error.mistakes]
            fail(*told, f"{workbook}: {count} mistake{'s' if count > 1 else ''}; no rule file was changed")
        progress.clear()
    if not changed:
        click.echo(f"{workbook}: says what {folder} says already; nothing to change")
        return
    for name, after in changed.items():
        click.echo(_difference(name, files[name], after), nl=False)
    target = folder if write else out
    if target is None:
        complain(f"{_files(changed)} would change; say --write to change {folder}, or --out FOLDER")
        return
    for name, after in changed.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _write(target / name, after)
    complain(f"{_files(changed)} written to {target}")


@table.command("dmn")
@click.argument("technique")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The .dmn file to write.")
@click.option("--own", is_flag=True, help="Only the rules of the technique's own file, without the common ones.")
@rules_option
@with_appcontext
def export_dmn(technique: str, out: Path, own: bool, directory: Path | None) -> None:
    """Write the rules that bear on TECHNIQUE as a DMN 1.3 file, which other tools open and evaluate.

    One decision for each rule (true, false, or null when unknown), and a decision table for each kind of argument
    (yes, no, unknown). What DMN cannot say without changing the meaning is an input of its own; the description at the
    head of the file lists those.

    \b
    Examples:
      flask rules table dmn vertebroplasty --out vertebroplasty.dmn
      flask rules table dmn radiotherapy --own --out radiotherapy.dmn
    """
    with interruptible("nothing was written."):
        progress = Progress("exporting", 2)
        progress.step("reading the rules")
        _, book = _read(directory)
        known(technique, book.techniques, "technique", "flask rules list")
        _write(out, dmn(book, technique, own=own).encode("utf-8"))
        progress.clear()
    click.echo(f"{out}: {technique}, DMN 1.3, as of digest {book.digest[:12]}")


def _read(directory: Path | None) -> tuple[dict[str, bytes], Rulebook]:
    """The rule files and the rulebook they make, or the end of the command with every mistake listed."""
    folder = rules_folder(directory)
    try:
        files = rule_files(folder)
        return files, load_files(files)
    except NotADirectoryError as error:
        fail(str(error))
    except RulebookError as error:
        fail(*mistakes(folder, error), f"{folder}: these rules cannot be used; mend them and try again")


def _write(path: Path, content: bytes) -> None:
    """Writes beside the file and puts it in its place, so that an interruption leaves the one or the other."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        fail(f"{path}: cannot be written: {error.strerror}")


def _difference(name: str, before: bytes, after: bytes) -> str:
    old, new = (text.decode("utf-8").splitlines(keepends=True) for text in (before, after))
    return "".join(unified_diff(old, new, name, name, n=2))


def _files(changed: Mapping[str, bytes]) -> str:
    return f"{len(changed)} file{'s' if len(changed) > 1 else ''}"
