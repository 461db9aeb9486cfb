"""What the commands share: the rules in use, options, and errors that say what, where and how to mend."""

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click
from flask import current_app

from service.bundle import serve
from service.bundle.errors import BundleError
from service.clients.file import read_file
from service.language.errors import nearest
from service.rulebook.load import RulebookError
from service.rulebook.model import Rulebook

language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(["fr", "en"]),
    default="fr",
    show_default=True,
    help="Language of the answer.",
)
rules_option = click.option(
    "--rules",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the rules.  [default: INDICATION_RULES, else rules/]",
)


def rules_folder(directory: Path | None) -> Path:
    """The folder asked for, or the one the application serves; relative to the current folder when it lies below it."""
    folder = directory or Path(current_app.config["RULES"])
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def loaded(directory: Path | None) -> Rulebook:
    """The rulebook, or the end of the command with every mistake listed."""
    folder = rules_folder(directory)
    try:
        return serve.load(folder, None).rulebook
    except BundleError as error:
        fail(*error.errors)
    except RulebookError as error:
        fail(*mistakes(folder, error), f"{folder}: these rules cannot be used; mend them and try again")


def mistakes(folder: Path, error: RulebookError) -> list[str]:
    """Each mistake on one line, with a path that an editor can open."""
    return [str(each) if each.file == str(folder) else f"{folder}/{each}" for each in error.mistakes]


def wrong_in_clients(file: Path) -> list[str]:
    """Each mistake in a file of clients on one line, likewise."""
    _, found = read_file(file)
    return [f"{file.parent / each.file}{str(each).removeprefix(each.file)}" for each in found]


def complain(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def fail(*lines: str) -> NoReturn:
    complain(*lines)
    raise click.exceptions.Exit(1)


def known(name: str, names: Iterable[str], what: str, listing: str) -> str:
    """`name` if it is one of `names`, else the end of the command with the nearest one."""
    words = list(names)
    if name in words:
        return name
    near = nearest(name, words)
    hint = f"did you mean «{near}»?" if near else f"`{listing}` lists them"
    fail(f"no {what} is called «{name}»; {hint}")
