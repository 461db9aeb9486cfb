"""The record that the settings name, for the commands of `flask audit`."""

from flask import current_app

from service.audit.errors import NotRecorded
from service.audit.store import Record
from service.cli.common import fail
from service.settings import record as settings


def opened() -> Record:
    """The record, or the end of the command with the reason why there is none."""
    try:
        found = settings.opened(current_app.config)
    except (NotRecorded, OSError) as error:
        fail(f"the record cannot be opened: {error}")
    if found is None:
        fail("nothing is recorded here: audit.store is «off» (INDICATION_AUDIT_STORE)")
    return found


def address() -> str:
    """The address of the record's database, as the settings have it."""
    try:
        return settings.address(current_app.config)
    except OSError as error:
        fail(f"the record cannot be opened: {error}")
