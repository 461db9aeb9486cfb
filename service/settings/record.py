"""The record of decisions that the settings name."""

import os
from collections.abc import Mapping
from typing import Any

from service.audit.store import Record
from service.settings.folder import state_folder
from service.settings.kinds import NO_RECORD


def address(config: Mapping[str, Any]) -> str:
    """The address of its database, or `off`. `config` has the settings by their keys (AUDIT_STORE …).

    Raises PermissionError when the folder of all that the service keeps is not its user's alone.
    """
    given: str | None = config["AUDIT_STORE"]
    return given or f"sqlite:///{state_folder(os.environ) / 'record.sqlite'}"


def opened(config: Mapping[str, Any]) -> Record | None:
    """The record; None when nothing is recorded. Raises NotRecorded, OSError."""
    where = address(config)
    if where == NO_RECORD:
        return None
    return Record.open(where, state_folder(os.environ) / "spool.sqlite", config["AUDIT_WHEN_DOWN"])
