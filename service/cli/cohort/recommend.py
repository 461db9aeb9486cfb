"""`flask cohort recommend`: every lesion of a source, judged at one moment, within the memory granted."""

from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

import click
from flask.cli import with_appcontext

from service.cli.common import complain, fail, language_option, loaded, rules_option
from service.cli.recommend import moment
from service.cli.waiting import Progress, interruptible

if TYPE_CHECKING:
    from service.cohort.running.record import Record


@click.command("recommend")
@click.argument("source", metavar="SOURCE")
@click.option("--out", metavar="FOLDER", type=click.Path(path_type=Path), help="Where the result goes.")
@click.option(
    "--table",
    metavar="NAME",
    help="Of a PostgreSQL SOURCE: the table there that the result goes to; NAME_lesions, NAME_refused, NAME_problems "
    "and NAME_run are made beside it.",
)
@click.option(
    "--as-of",
    "as_of",
    metavar="TIME",
    help="The one moment at which everybody is judged, as in 2026-11-23T09:00:00+01:00; without a zone, in the "
    "rulebook's.  [default: that of the run that was begun there, else now]",
)
@click.option(
    "--memory",
    default="4GB",
    show_default=True,
    metavar="SIZE",
    help="Not to be exceeded, as in 1500MB or 8GB; what does not fit goes on on disk. (A PostgreSQL server has its own.)",
)
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Cores used.  [default: all]")
@click.option(
    "--part",
    type=click.IntRange(1),
    metavar="LESIONS",
    help="About so many lesions in a part; what is lost when it is interrupted.  [default: as many as the memory takes]",
)
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@click.option("--force", is_flag=True, help="Throw away the run, finished or not, that is there.")
@language_option
@rules_option
@with_appcontext
def recommend(
    source: str,
    out: Path | None,
    table: str | None,
    as_of: str | None,
    memory: str,
    threads: int | None,
    part: int | None,
    form: Literal["parquet", "csv"],
    force: bool,
    language: str,
    directory: Path | None,
) -> None:
    """Recommend for every lesion in SOURCE.

    SOURCE is a folder with patients and lesions (and perhaps observations) as .parquet, .csv or .csv.gz; one such file
    with a row for each lesion; a DuckDB file; or a postgresql:// URL. docs/cohort-layout.md describes the columns.

    FOLDER gets one row for each patient, lesion and option (recommendations/), one for each lesion (lesions/), what could
    not be used (problems), who was refused and why (refused), and run.json. A run that is interrupted goes on where it
    stopped when the same command is given again. See docs/cohorts.md.

    \b
    Examples:
      flask cohort recommend patients --out result
      flask cohort recommend registry.duckdb --out result --as-of 2026-11-23T09:00 --memory 2GB
      flask cohort recommend postgresql://reader@warehouse/registry --table recommendations
    """
    if (out is None) == (table is None):
        raise click.UsageError("give either --out FOLDER or, for a PostgreSQL source, --table NAME")
    at = _moment(as_of)
    # Imported here: these libraries are slow to import, and are not there without `script/setup cohort`.
    from service.cohort.engines import check_installed
    from service.cohort.running.errors import RunError

    rulebook = loaded(directory)
    shown = _Shown()
    try:
        check_installed()
        from service.cohort.running.account import account
        from service.cohort.running.memory import granted
        from service.cohort.running.start import Wanted, recommend_cohort

        wanted = Wanted(source, granted(memory, threads), out, table, at, form, part, force)
        with interruptible("the parts that are finished are kept; the same command goes on from there"):
            try:
                record = recommend_cohort(wanted, rulebook, lambda line: complain(line), shown.step, shown.told)
            finally:
                shown.clear()
    except RunError as error:
        fail(*error.lines)
    click.echo("\n".join(account(record, rulebook, wanted, language)))


def _moment(as_of: str | None) -> datetime | None:
    if as_of is None:
        return None
    try:
        return moment(as_of)
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="--as-of") from None


class _Shown:
    """How far the run is: parts and patients done, how fast, how long still, and the step of the part under way."""

    def __init__(self) -> None:
        self._progress = Progress("part", 1)
        self._record: Record | None = None
        self._begun = monotonic()
        self._before = (0, 0)
        self._fast = ""

    def told(self, record: "Record") -> None:
        """So much is done."""
        done, patients = len(record.done), record.total("patients")
        if self._record is None:
            self._progress.clear()
            self._progress = Progress("part", record.parts)
            self._before, self._begun = (done, patients), monotonic()
        self._record = record
        seconds = monotonic() - self._begun
        if done > self._before[0]:
            left = seconds / (done - self._before[0]) * (record.parts - done)
            self._fast = f"{patients} patients, {(patients - self._before[1]) / seconds:.0f}/s, {_lasting(left)} left"
        self.step("")

    def step(self, what: str) -> None:
        """This is begun."""
        done = len(self._record.done) if self._record else 0
        self._progress.at(done, " · ".join(filter(None, (self._fast, what))))

    def clear(self) -> None:
        self._progress.clear()


def _lasting(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
