"""`flask cohort import-fhir`: FHIR R4 Bulk Data to the tables that `flask cohort recommend` takes."""

import os
from pathlib import Path

import click
from flask.cli import with_appcontext

from service.cli.common import fail, loaded, rules_option
from service.cli.recommend import moment
from service.cli.waiting import Progress, interruptible


@click.command("import-fhir")
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that the tables are written to.")
@click.option(
    "--as-of",
    metavar="TIME",
    help="Moment at which ages are reckoned and after which nothing counts, as in 2026-11-23T09:00:00+01:00.  "
    "[default: that of the import that was begun there, else now]",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Processes that read at once; each takes up to 1 GB.  [default: one for each core]",
)
@click.option("--force", is_flag=True, help="Throw away an unfinished import, or replace a finished one, in --out.")
@rules_option
@with_appcontext
def import_fhir(
    source: Path, out: Path, as_of: str | None, processes: int | None, force: bool, directory: Path | None
) -> None:
    """Read the FHIR R4 Bulk Data in FOLDER: NDJSON files, plain or compressed with gzip, one resource a line.

    Each patient is read as the EHR's door reads one. Those with a bone lesion get a row in patients.parquet and one for
    each lesion in lesions.parquet; import.json accounts for everything that was read and not used. An import that is
    interrupted goes on where it was when the same command is given again. See docs/bulk-fhir.md.

    \b
    Examples:
      flask cohort import-fhir export/ --out cohort/
      flask cohort import-fhir export/ --out cohort/ --as-of 2026-11-23T00:00:00+01:00
      flask cohort recommend cohort/ --out recommended/
    """
    from service.cohort.bulk.report import told
    from service.cohort.bulk.run import import_folder
    from service.cohort.running.errors import RunError

    try:
        at = moment(as_of) if as_of else None
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="--as-of") from None
    rulebook = loaded(directory)
    shown: dict[str, Progress] = {}

    def tell(what: str, done: int, of: int) -> None:
        if what not in shown:
            for earlier in shown.values():
                earlier.clear()
            shown[what] = Progress(what, of)
        shown[what].at(done)

    try:
        with interruptible("what is finished is kept; the same command goes on from there"):
            result = import_folder(
                source, out, rulebook, at, processes=processes or os.cpu_count() or 1, force=force, tell=tell
            )
    except RunError as error:
        fail(*error.lines)
    finally:
        for progress in shown.values():
            progress.clear()
    click.echo("\n".join([f"{out}: as of {result['as_of']}", *told(result)]))
