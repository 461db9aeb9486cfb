"""The command-line door: a module for each command of `flask`. It decides nothing."""

from flask import Flask

from service.cli.clients import clients
from service.cli.codes import codes
from service.cli.recommend import recommend
from service.cli.rules import rules
from service.cli.vocabulary import vocabulary


def register(app: Flask) -> None:
    """Adds the commands to the `flask` command of `app`."""
    for command in (recommend, rules, vocabulary, codes, clients):
        app.cli.add_command(command)
