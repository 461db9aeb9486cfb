"""`flask rules mutate`: changes the rulebook one value at a time, in memory, and reports which changes the suite notices."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from service.cli.borderline import approved_folder
from service.cli.cases import cases_folder
from service.cli.common import complain, fail, mistakes, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.rulebook.load import RulebookError
from service.workbench.mutation.hunt import Report, hunt, mutants_of, sample, table
from service.workbench.mutation.hunter import Suite
from service.workbench.mutation.mutant import KINDS, Mutant
from service.workbench.tables.patients import TableError


@click.command("mutate")
@click.option(
    "--sample", "size", type=click.IntRange(1), metavar="N", help="Only so many mutants, spread over the kinds."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
@click.option("--of", "prefix", default="", metavar="PREFIX", help="Only rules, scores, items … whose id begins so.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be given again.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    default=0.99,
    show_default=True,
    help="Score below which the command ends with 1.",
)
@click.option(
    "--survivors", type=click.Path(path_type=Path, dir_okay=False), help="Write the survivors there, as JSON."
)
@rules_option
@click.option(
    "--tables",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the case tables.  [default: fixtures/thresholds]",
)
@click.option(
    "--approved",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the approved borderline cases.  [default: fixtures/borderline]",
)
@click.option(
    "--cases",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the committee's cases.  [default: fixtures/referrals]",
)
@with_appcontext
def mutate(
    size: int | None,
    seed: int,
    prefix: str,
    kinds: tuple[str, ...],
    jobs: int,
    least: float,
    survivors: Path | None,
    directory: Path | None,
    tables: Path | None,
    approved: Path | None,
    cases: Path | None,
) -> None:
    """Measure the committee's suite: change the rulebook one value at a time and see which changes it notices.

    Thresholds one step down and up, strict and non-strict, operators turned round, words added and removed, criteria
    dropped, severities, lead times, points of scores … Each mutant is held against the case tables, the approved cases
    and whole referrals. What none notices is proved to be the same rule, or shown with a patient on whom it differs:
    a hole in the tests. The score is the share caught of those not proved the same (docs/mutation.md). All of them take
    some minutes.

    \b
    Examples:
      flask rules mutate --sample 300
      flask rules mutate --of bleeding.
      flask rules mutate --kind threshold --kind strictness
      nice flask rules mutate --survivors survivors.json
    """
    suite = Suite(
        rules_folder(directory),
        tables or Path(current_app.config["EXAMPLES"]).parent / "thresholds",
        approved_folder(approved),
        cases_folder(cases),
    )
    with interruptible("no score is told, since some mutants were not tried"):
        try:
            mutants = [
                mutant
                for mutant in mutants_of(suite)
                if mutant.owner.startswith(prefix) and (not kinds or mutant.kind in kinds)
            ]
            if size is not None:
                mutants = sample(mutants, size, seed)
            if not mutants:
                fail(
                    "nothing to change: no id begins so, or has values of this kind; `flask rules list` lists the rules"
                )
            report = _hunted(mutants, suite, jobs)
        except RulebookError as error:
            fail(*mistakes(suite.rules, error), f"{suite.rules}: these rules cannot be used; mend them and try again")
        except TableError as error:
            fail(str(error), "mend the tables and try again; their format: fixtures/thresholds/README.md")
        except OSError as error:
            fail(f"{error.filename or error}: cannot be read: {error.strerror}")
    click.echo("\n".join(_told(report)))
    if survivors:
        _write(survivors, report)
    if report.score < least:
        complain(f"score {report.score:.1%}, below {least:.1%}: add a case for each survivor to {suite.tables}")
        raise click.exceptions.Exit(1)


def _hunted(mutants: list[Mutant], suite: Suite, jobs: int) -> Report:
    report, progress = Report(), Progress("mutant", len(mutants))
    for mutant, found in hunt(mutants, suite, jobs):
        progress.step(f"{len(report.survivors)} survivors")
        report.add(mutant, found)
    progress.clear()
    return report


def _told(report: Report) -> Iterator[str]:
    yield table(report)
    yield ""
    yield f"Survivors: {len(report.survivors)}"
    for mutant, found in report.survivors:
        yield f"{found.fate}: {mutant}"
        if found.witness is not None:
            yield f"    judged otherwise: {json.dumps(found.witness, ensure_ascii=False)}"


def _write(path: Path, report: Report) -> None:
    listed = [
        {
            **{key: getattr(mutant, key) for key in ("kind", "file", "line", "owner", "what")},
            "fate": found.fate,
            "witness": found.witness,
        }
        for mutant, found in report.survivors
    ]
    try:
        path.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")
