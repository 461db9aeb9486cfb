"""The command-line door: `flask recommend`, `flask rules`, `flask vocabulary`. It decides nothing."""

from flask import Flask

from service.cli.recommend import recommend
from service.cli.rules import rules
from service.cli.vocabulary import vocabulary


def register(app: Flask) -> None:
    """Adds the commands to the `flask` command of `app`."""
    for command in (recommend, rules, vocabulary):
        app.cli.add_command(command)
