"""`flask settings`: the page of all settings, a check of a file, and what holds here."""

import os
from pathlib import Path

import click

from service.cli.common import fail, wrong_in_clients
from service.settings import page
from service.settings.exposure import refusal
from service.settings.read import FILE, read, without_file


@click.group("settings")
def settings() -> None:
    """Every setting: what there is, what is wrong in a file, what holds here. The page: docs/settings.md.

    \b
    A file of settings, from nothing:
      cp docs/settings.example.yaml /etc/indication/settings.yaml    # then take the "# " away where you set something
      flask settings check /etc/indication/settings.yaml
      INDICATION_SETTINGS=/etc/indication/settings.yaml script/server
    """


@settings.command("page")
@click.option("--markdown", "form", flag_value="markdown", default=True, help="The page.  [default]")
@click.option("--example", "form", flag_value="example", help="A file with every setting as a comment.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write both, as settings.md and settings.example.yaml, into this folder.",
)
def page_command(form: str, out: Path | None) -> None:
    """Print the page of all settings, or an example file, as the table in the code has them.

    \b
    After a change of service/settings/table.py:
      flask settings page --out docs
    """
    if out is None:
        click.echo(page.example() if form == "example" else page.markdown(), nl=False)
        return
    for name, text in (("settings.md", page.markdown()), ("settings.example.yaml", page.example())):
        try:
            (out / name).write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{out / name}: cannot be written: {error.strerror}")


@settings.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path | None) -> None:
    """Say every mistake in FILE at once, with its line; without FILE, in what this shell has set. Ends with 1 if there is one.

    The file of clients that they name is checked too, where it is on this machine.
    With FILE the variables of this shell are left aside: the file may be meant for another machine.
    """
    environment = without_file(os.environ) if file is None else {FILE: str(file)}
    found = page.mistakes(environment)
    if found:
        fail(*found, f"{len(found)} mistake{'s' if len(found) > 1 else ''}; no server starts with these settings")
    values = read(environment)
    if refused := refusal(values, [values["server.host"]]):
        fail(refused)
    named = values["access.clients"]
    if named is not None and (file is None or named.exists()):
        wrong = wrong_in_clients(named)
        if wrong:
            fail(*wrong, f"{named}: with this file of clients nobody is let in")
    click.echo("good" if file is None else f"{file}: good")


@settings.command("show")
def show() -> None:
    """Print what holds here: every setting, its value, and where that comes from. Secrets are not shown."""
    environment = without_file(os.environ)
    found = page.mistakes(environment)
    if found:
        fail(*found)
    click.echo("\n".join(page.told(environment)))
