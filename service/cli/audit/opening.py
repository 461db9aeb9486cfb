"""The record that the settings name, for the commands of `flask audit`."""

import click
from flask import current_app

from service.audit.address import address as read
from service.audit.errors import NotRecorded
from service.audit.store import Record
from service.cli.common import complain, fail
from service.settings import record as settings
from service.settings.kinds import NO_RECORD


def opened() -> Record:
    """The record, or the end of the command with the reason why there is none. It is never made here: an empty one is whole."""
    try:
        where = settings.address(current_app.config)
        if where == NO_RECORD:
            fail("nothing is recorded here: audit.store is «off» (INDICATION_AUDIT_STORE)")
        file = read(where).file
        if file is not None and not file.exists():
            complain(
                f"there is no record at {file}: has the service never begun, or has this shell other settings?",
                "`flask settings show` says what holds here; docs/runbook.md begins with what the service's shell needs.",
            )
            raise click.exceptions.Exit(2)
        found = settings.opened(current_app.config)
    except (NotRecorded, OSError) as error:
        fail(f"the record cannot be opened: {error}")
    assert found is not None
    return found


def place(record: Record) -> str:
    """Where a record is kept, without a password."""
    return str(record.database.address)


def address() -> str:
    """The address of the record's database, as the settings have it."""
    try:
        return settings.address(current_app.config)
    except OSError as error:
        fail(f"the record cannot be opened: {error}")
