"""`flask cohort sql`: the rules as a script of SQL, for a warehouse whose owner runs it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from flask.cli import with_appcontext

from service.cli.common import fail, loaded, rules_option
from service.cli.recommend import moment
from service.cli.waiting import Progress, interruptible

if TYPE_CHECKING:
    from service.cohort.engines import Dialect

_DIALECTS: "dict[str, Dialect]" = {"duckdb": "duckdb", "postgres": "postgres", "spark": "pyspark"}


@click.command("sql")
@click.option("--dialect", type=click.Choice(list(_DIALECTS)), required=True, help="The warehouse it is for.")
@click.option(
    "--as-of",
    "as_of",
    metavar="TIME",
    help="The one moment at which everybody is judged, as in 2026-11-23T09:00:00+01:00.  [default: now]",
)
@click.option(
    "--layout",
    type=click.Choice(["wide", "observations"]),
    default="wide",
    show_default=True,
    help="A column for each item, or a row for each value.",
)
@click.option(
    "--from",
    "start",
    type=click.Choice(["raw", "facts"]),
    default="raw",
    show_default=True,
    help="Raw tables, which are checked first; or facts, which somebody has checked.",
)
@click.option(
    "--columns",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Of the wide layout: the columns that the warehouse has, one a line; what no column gives is unknown.",
)
@rules_option
@with_appcontext
def sql(
    dialect: str,
    as_of: str | None,
    layout: Literal["wide", "observations"],
    start: Literal["raw", "facts"],
    columns: Path | None,
    directory: Path | None,
) -> None:
    """Print the SQL that recommends for every lesion of a warehouse.

    It reads the tables patients and lesions (and observations) and makes the tables recommendations, lesion_results, refused
    and problems, with the same content as `flask cohort recommend`. Comments name each stage, and list at the end what
    columns the tables must have. See docs/cohorts.md.

    \b
    Examples:
      flask cohort sql --dialect spark > recommend.sql
      flask cohort sql --dialect postgres --layout observations --as-of 2026-11-23T09:00 | psql registry
    """
    if columns is not None and (layout, start) != ("wide", "raw"):
        raise click.UsageError("--columns goes with the wide layout of raw tables")
    try:
        at = moment(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="--as-of") from None
    # Imported here: these libraries are slow to import, and are not there without `script/setup cohort`.
    from service.cohort.engines import check_installed
    from service.cohort.running.errors import RunError

    rulebook = loaded(directory)
    try:
        check_installed()
        from service.cohort.running.script import STAGES, script

        progress = Progress("writing, stage", STAGES)
        only = columns.read_text(encoding="utf-8").split() if columns else None
        with interruptible("nothing was printed"):
            text = script(
                rulebook,
                at,
                _DIALECTS[dialect],
                layout,
                facts=start == "facts",
                only=only,
                begins=progress.step,
            )
        progress.clear()
    except RunError as error:
        fail(*error.lines)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{columns}: cannot be read: {error}")
    click.echo(text, nl=False)
