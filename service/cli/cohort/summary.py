"""`flask cohort summary`: what the recommendations of a cohort come to, as a table, files and one page to pin up."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click
from flask.cli import with_appcontext

from service.cli.common import complain, fail, language_option, loaded, rules_option
from service.cli.waiting import Progress, interruptible
from service.rulebook.model import Rulebook

if TYPE_CHECKING:
    from service.cohort.running.record import Record
    from service.cohort.summary.figures import Figures
    from service.cohort.summary.words import Names

_PICTURES = (".svg", ".png")
_STDOUT = Path("-")


@click.command("summary")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@language_option
@click.option(
    "--by",
    "counted",
    type=click.Choice(["lesions", "patients"]),
    default="lesions",
    show_default=True,
    help="What the table of techniques and statuses counts.",
)
@click.option(
    "--top", type=click.IntRange(1), default=12, show_default=True, help="Rows shown of the long lists; files hold all."
)
@click.option(
    "--smallest",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="Hide counts of fewer than N patients, and what would tell them; 1 hides nothing.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write all figures as JSON; - prints them.",
)
@click.option(
    "--csv", "csv_folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Write each table as a CSV file."
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write one page, A4 across, as .svg (printed at any size) or .png.",
)
@click.option(
    "--memory",
    default="2GB",
    show_default=True,
    metavar="SIZE",
    help="Not to be exceeded, as in 4GB; the rest goes on on disk.",
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Cores used.  [default: all]")
@click.option(
    "--any-rulebook",
    is_flag=True,
    help="Also when the result comes from another rulebook than this one: what it does not know is called by its id.",
)
@rules_option
@with_appcontext
def summary(
    folder: Path,
    language: str,
    counted: Literal["lesions", "patients"],
    top: int,
    smallest: int,
    json_file: Path | None,
    csv_folder: Path | None,
    picture: Path | None,
    memory: str,
    threads: int | None,
    any_rulebook: bool,
    directory: Path | None,
) -> None:
    """Sum up FOLDER, which `flask cohort recommend SOURCE --out FOLDER` wrote.

    How many patients may have which act, now, after a delay, or once a question is answered; what stands in the way
    most often; which missing item holds up most options; which values could not be used. docs/cohort-summary.md says
    how each figure is counted.

    \b
    Examples:
      flask cohort summary result
      flask cohort summary result --picture page.svg
      flask cohort summary result --lang en --json figures.json --csv tables --smallest 10
    """
    _check_places(json_file, csv_folder, picture)
    rulebook = loaded(directory)
    # Imported here: these libraries are slow to import, and are not there without `script/setup cohort`.
    try:
        from service.cohort.summary.text import told
        from service.cohort.summary.words import Names
    except ModuleNotFoundError as error:
        fail(f"{error.name} is not installed: run `script/setup cohort`, which installs what cohorts need")
    names = Names(rulebook, language)
    with interruptible("nothing was written"):
        figures, record = _figures(folder, rulebook, memory, threads, smallest, any_rulebook=any_rulebook)
    if json_file == _STDOUT:
        from service.cohort.summary.export import to_json

        click.echo(to_json(figures, record, names), nl=False)
    else:
        same = record.identity.rulebook_digest == rulebook.digest
        click.echo(told(figures, record, names, top=top, counted=counted, same_rulebook=same))
    with interruptible("the last file may be missing"):
        _write(figures, record, names, json_file, csv_folder, picture)


def _check_places(json_file: Path | None, csv_folder: Path | None, picture: Path | None) -> None:
    """Refuses at once what could not be written in the end."""
    if picture is not None and picture.suffix.lower() not in _PICTURES:
        raise click.BadParameter(f"{picture}: a picture is {' or '.join(_PICTURES)}", param_hint="--picture")
    for option, file in (("--json", json_file), ("--picture", picture)):
        if file is None or file == _STDOUT:
            continue
        if file.is_dir() or not file.parent.is_dir():
            what = "is a folder; give a file" if file.is_dir() else f"there is no folder {file.parent}; make it first"
            raise click.BadParameter(f"{file}: {what}", param_hint=option)
    if csv_folder is not None and csv_folder.exists() and not csv_folder.is_dir():
        raise click.BadParameter(f"{csv_folder}: is a file; give a folder", param_hint="--csv")


def _figures(
    folder: Path, rulebook: Rulebook, memory: str, threads: int | None, smallest: int, *, any_rulebook: bool
) -> "tuple[Figures, Record]":
    """The figures as they may be told, and the run they are of; or the end of the command."""
    from service.cohort.running.errors import RunError
    from service.cohort.running.memory import granted
    from service.cohort.summary.counting import STEPS, summarise
    from service.cohort.summary.folder import opened, record_of
    from service.cohort.summary.hiding import hidden

    progress = Progress("summary, step", STEPS)
    try:
        record = record_of(folder)
        identity = record.identity
        same = identity.rulebook_digest == rulebook.digest
        if not same and not any_rulebook:
            fail(
                f"{folder}: made with the rulebook {identity.rulebook} {identity.rulebook_version} "
                f"({identity.rulebook_digest[:12]}); this one is {rulebook.info.name} {rulebook.info.version} ({rulebook.digest[:12]})",
                "name the rules it was made with with --rules, or run `flask cohort recommend` again with these; "
                "--any-rulebook sums it up all the same, and calls by its id what this rulebook does not know",
            )
        limits = granted(memory, threads)
        with (
            TemporaryDirectory(prefix="indication-") as scratch,
            opened(folder, record, limits.engine, limits.threads, Path(scratch)) as (engine, tables),
        ):
            figures = summarise(tables, rulebook, engine.keep, record.missing, same_rulebook=same, step=progress.step)
    except RunError as error:
        progress.clear()
        fail(*error.lines)
    except OSError as error:
        progress.clear()
        fail(
            f"the working files of the summary cannot be written: {error.strerror}; TMPDIR names another place for them"
        )
    progress.clear()
    return hidden(figures, smallest), record


def _write(
    figures: "Figures",
    record: "Record",
    names: "Names",
    json_file: Path | None,
    csv_folder: Path | None,
    picture: Path | None,
) -> None:
    from service.cohort.summary.export import to_csv, to_json

    if json_file is not None and json_file != _STDOUT:
        _written(json_file, _content(to_json(figures, record, names)))
    if csv_folder is not None:
        _made(csv_folder)
        for name, content in to_csv(figures, names):
            _written(csv_folder / name, _content(content))
    if picture is not None:
        progress = Progress("drawing", 1)
        progress.step()
        from service.cohort.summary.picture.page import draw

        _written(picture, lambda path: draw(path, figures, record, names))
        progress.clear()


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: cannot be made: {error.strerror}")


def _content(text: str) -> Callable[[Path], object]:
    """What writes a text as it is, line ends included."""
    return lambda path: path.write_bytes(text.encode())


def _written(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file whole or not at all, and says so."""
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(unfinished)
        unfinished.replace(path)
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")
    finally:
        unfinished.unlink(missing_ok=True)
    complain(f"written: {path}")
