"""Backups of the record, and the local queue of what could not be recorded at once."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from service.audit import backup as backups
from service.audit.errors import NotRecorded
from service.cli.audit.opening import address, opened
from service.cli.common import fail


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup(file: Path) -> None:
    """Copy the whole record to FILE, an SQLite database, while the service runs; from PostgreSQL too.

    The copy is of one moment, is verified, and stands under its name only when it is whole. FILE must not exist.
    It holds everything, patients' values included: keep it as you keep those.
    """
    if file.exists():
        fail(f"{file}: exists already, and is not overwritten")
    try:
        copied = backups.backup(opened(), file)
    except (NotRecorded, backups.NotWhole, OSError) as error:
        fail(f"no backup was made: {error}")
    waiting = ""
    if copied.waiting is None:
        waiting = "; the local queue cannot be read (`flask audit drain` says why): what waits there is not in it"
    elif copied.waiting:
        waiting = f"; {copied.waiting} wait in the local queue and are not in it"
    click.echo(f"{file}: {copied.head.seq} records, verified; head {copied.head}{waiting}")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@with_appcontext
def restore(file: Path) -> None:
    """Put the backup FILE in the record's place. The service must be stopped, and the record empty or not there.

    A record that is there is never overwritten: move it away first. Decisions after the backup are not in it.
    """
    where = address()
    try:
        copied = backups.restore(file, where)
    except (NotRecorded, backups.NotWhole, OSError) as error:
        fail(f"nothing was restored: {error}")
    click.echo(f"restored: {copied.head.seq} records, verified; head {copied.head}")


@click.command("drain")
@with_appcontext
def drain() -> None:
    """Move what waits in the local queue (audit.when_down: spool) into the record. A running service does so by itself."""
    record = opened()
    try:
        waited = record.waiting()
        left = record.drain(most=waited)
    except NotRecorded as error:
        fail(f"the record cannot be written: {error}")
    click.echo(f"moved: {waited - left}; still waiting: {left}")
