"""The command-line door: a module for each command of `flask`. It decides nothing."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from service.cli.add_case import add_case
from service.cli.audit import audit
from service.cli.borderline import borderline
from service.cli.cases import test
from service.cli.clients import clients
from service.cli.codes import codes
from service.cli.cohort import cohort
from service.cli.diff import diff_command
from service.cli.doc import doc
from service.cli.mutate import mutate
from service.cli.prove import prove_command
from service.cli.publish import keygen, publish_command, verify
from service.cli.ready import ready
from service.cli.recommend import recommend
from service.cli.rules import rules
from service.cli.settings import settings
from service.cli.table import table
from service.cli.vocabulary import vocabulary

rules.add_command(test)
rules.add_command(add_case)
rules.add_command(borderline)
rules.add_command(mutate)
rules.add_command(diff_command)
rules.add_command(doc)
rules.add_command(prove_command)
rules.add_command(publish_command)
rules.add_command(verify)
rules.add_command(keygen)
rules.add_command(table)


#: commands that ask nothing of the application, and are needed just when its settings cannot be used
_WITHOUT_SETTINGS = {command.name for command in (settings, clients, ready)}


def mends_settings(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of such a command of `flask`."""
    program, *words = arguments
    return Path(program).name in ("flask", "__main__.py") and bool(words) and words[0] in _WITHOUT_SETTINGS


def register(app: Flask) -> None:
    """Adds the commands to the `flask` command of `app`."""
    for command in (recommend, rules, vocabulary, codes, clients, cohort, settings, ready, audit):
        app.cli.add_command(command)
