"""`flask cohort generate`: synthetic patients, in the layout that the other commands of a cohort read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError

from service.cli.common import complain, fail, loaded, rules_option
from service.cli.waiting import Progress, interruptible
from service.language.errors import nearest
from service.referral.schema import parse_day
from service.rulebook.model import Rulebook

if TYPE_CHECKING:
    from service.cohort.generate.design import Design

_DISTRIBUTIONS = Path(__file__).resolve().parents[3] / "fixtures" / "cohort" / "distributions.yaml"
#: far more than there are patients with bone metastases in the world
_MOST = 100_000_000


@click.command("generate")
@click.argument("patients", metavar="N", type=click.IntRange(1, _MOST))
@click.option(
    "--out", "folder", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="Where the files go."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Another seed, other patients.")
@click.option(
    "--as-of",
    "as_of",
    metavar="TIME",
    help="The moment the patients are seen at, as in 2026-11-23T09:00:00+01:00; without a zone, in the rulebook's.  "
    "[default: now, so give it where the same files must come again]",
)
@click.option(
    "--missing",
    default="registry",
    show_default=True,
    metavar="DEGREE",
    help="How much is not written down: complete (nothing is missing, all is recent), registry, sparse, or a number "
    "that the odds of a missing value are multiplied with (1 is registry).",
)
@click.option(
    "--faults",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Share of the values that nobody can use: wrong unit, implausible, unknown word, contradictory list, date to come or long past.",
)
@click.option(
    "--distributions",
    "file",
    default=_DISTRIBUTIONS,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another file of distributions (docs/synthetic-cohorts.md).  [default: fixtures/cohort/distributions.yaml]",
)
@click.option("--force", is_flag=True, help="Replace a cohort that is in FOLDER already.")
@rules_option
@with_appcontext
def generate(
    patients: int,
    folder: Path,
    seed: int,
    as_of: str | None,
    missing: str,
    faults: float,
    file: Path,
    force: bool,
    directory: Path | None,
) -> None:
    """Make a synthetic cohort of N patients who never lived.

    FOLDER gets patients.parquet and lesions.parquet in the layout of docs/cohort-layout.md, cohort.json with what was asked for,
    and a README.txt that says in two languages that nobody in it is real; the Parquet files say so themselves.

    How patients are drawn stands in one file of documented distributions, most of them assumptions. The same N, seed, moment and
    options give the same files, byte for byte; a smaller N gives the first of the same patients. About a minute for a million.

    \b
    Examples:
      flask cohort generate 1000 --out trial --as-of 2026-11-23T09:00
      flask cohort generate 1000000 --out cohort --seed 7 --as-of 2026-11-23T09:00 --missing sparse
      flask cohort generate 20000 --out dirty --as-of 2026-11-23T09:00 --faults 0.02
    """
    book = loaded(directory)
    design = _design(file, book)
    odds = _odds(missing, design)
    # Imported here: numpy and pyarrow are slow to import, and are not there without `script/setup cohort`.
    try:
        from service.cohort.generate import output
        from service.cohort.generate.clock import Clock
        from service.cohort.generate.cohort import Wanted, parts
    except ModuleNotFoundError as error:
        fail(f"{error.name} is not installed: run `script/setup cohort`, which installs what cohorts need")
    clock = Clock.of(_moment(as_of) if as_of else datetime.now(UTC), book.info.timezone)
    wanted = Wanted(patients, seed, clock.at, odds, faults)
    if design.left_out:
        complain(f"{file} draws nothing for {', '.join(design.left_out)}: unknown in every patient")
    about = output.about(wanted, missing, clock.at.isoformat(), design, book)
    progress = Progress("patients", patients)
    try:
        output.check_free(folder, force=force)
        with interruptible("nothing of the cohort is left"):
            lesions = output.write(
                folder, parts(design, book, wanted), about, output.readme(about), lambda done: progress.at(done)
            )
    except output.OutputError as error:
        progress.clear()
        fail(*error.lines)
    progress.clear()
    click.echo(
        f"{folder}: {patients} synthetic patients with {lesions} lesions as of {clock.at.isoformat()} "
        f"(seed {seed}, missing {missing}, faults {faults:g})"
    )


def _design(file: Path, book: Rulebook) -> "Design":
    from service.cohort.generate.design import DesignError
    from service.cohort.generate.reading import read_design

    try:
        return read_design(file, book)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")
    except DesignError as error:
        fail(
            *map(str, error.mistakes),
            f"{file}: patients cannot be drawn from these distributions; mend them and try again",
        )


def _odds(missing: str, design: "Design") -> float:
    levels = design.written.levels
    if missing in levels:
        return levels[missing]
    try:
        odds = float(missing)
    except ValueError:
        near = nearest(missing, levels)
        hint = f"did you mean «{near}»?" if near else f"known: {', '.join(levels)}, or a number from 0"
        raise click.BadParameter(f"no degree is called «{missing}»; {hint}", param_hint="--missing") from None
    if not 0 <= odds < float("inf"):
        raise click.BadParameter("a number from 0 is needed", param_hint="--missing")
    return odds


def _moment(text: str) -> datetime:
    try:
        moment = parse_day(text)
    except ValidationError:
        moment = None
    if not isinstance(moment, datetime):
        raise click.BadParameter(
            "a date and time is needed, as in 2026-11-23T09:00:00+01:00", param_hint="--as-of"
        ) from None
    return moment
