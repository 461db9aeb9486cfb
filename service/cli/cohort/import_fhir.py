"""`flask cohort import-fhir`: FHIR R4 Bulk Data to the tables that `flask cohort recommend` takes."""

import os
from pathlib import Path

import click
from flask.cli import with_appcontext

from service.cli.common import fail, language_option, loaded, rules_option
from service.cli.recommend import moment
from service.cli.waiting import Progress, interruptible


@click.command("import-fhir")
@click.argument("export", metavar="EXPORT", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="Where the tables are written."
)
@click.option(
    "--as-of",
    "as_of",
    metavar="TIME",
    help="The moment that ages are reckoned at and after which nothing counts, as in 2026-11-23T09:00:00+01:00; without "
    "a zone, in the rulebook's.  [default: that of the import that was begun there, else now]",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 512),
    metavar="N",
    help="Processes that work at once; each takes up to 0.7 GB.  [default: one for each core]",
)
@click.option("--force", is_flag=True, help="Throw away the import, finished or not, that is there.")
@language_option
@rules_option
@with_appcontext
def import_fhir(
    export: Path,
    out: Path,
    as_of: str | None,
    processes: int | None,
    force: bool,
    language: str,
    directory: Path | None,
) -> None:
    """Read the FHIR R4 Bulk Data in EXPORT.

    EXPORT is a folder of NDJSON files, plain or compressed with gzip, one resource a line. Each patient is read as the
    EHR's door reads one. Those with a bone lesion get a row in patients.parquet, and one for each lesion in lesions.parquet;
    import.json accounts for everything that was not used. An import that is interrupted goes on where it stopped when the
    same command is given again. See docs/bulk-fhir.md.

    \b
    Examples:
      flask cohort import-fhir export --out patients
      flask cohort import-fhir export --out patients --as-of 2026-11-23T09:00:00+01:00 --processes 8
      flask cohort recommend patients --out result
    """
    try:
        at = moment(as_of) if as_of else None
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="--as-of") from None
    # Imported here: these libraries are slow to import, and are not there without `script/setup cohort`.
    from service.cohort.engines import check_installed
    from service.cohort.running.errors import RunError

    rulebook = loaded(directory)
    shown = _Shown()
    try:
        check_installed()
        from service.cohort.bulk.account import account
        from service.cohort.bulk.run import import_folder

        with interruptible("what is finished is kept; the same command goes on from there"):
            try:
                result = import_folder(
                    export,
                    out,
                    rulebook,
                    at,
                    processes=processes or os.cpu_count() or 1,
                    force=force,
                    tell=shown.at,
                )
            finally:
                shown.clear()
    except RunError as error:
        fail(*error.lines)
    click.echo("\n".join(account(result, str(out), language)))


class _Shown:
    """The pass that is under way, and how much of it is done."""

    def __init__(self) -> None:
        self._what = ""
        self._progress = Progress("", 0)

    def at(self, what: str, done: int, of: int) -> None:
        if what != self._what:
            self.clear()
            self._what, self._progress = what, Progress(what, of)
        self._progress.at(done)

    def clear(self) -> None:
        self._progress.clear()
