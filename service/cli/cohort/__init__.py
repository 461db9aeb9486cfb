"""`flask cohort`: the rules asked of a whole registry. Heavy libraries are imported by the commands, not here."""

import click

from service.cli.cohort.generate import generate
from service.cli.cohort.import_fhir import import_fhir
from service.cli.cohort.recommend import recommend
from service.cli.cohort.sql import sql
from service.cli.cohort.summary import summary


@click.group("cohort")
def cohort() -> None:
    """Ask the rules of a whole registry: who may have what, and what stands in the way.

    \b
    A first walk, with patients who never lived (docs/cohorts.md):
      flask cohort generate 10000 --out patients
      flask cohort recommend patients --out result
      flask cohort summary result --picture summary.svg
    """


for _command in (generate, import_fhir, recommend, summary, sql):
    cohort.add_command(_command)
