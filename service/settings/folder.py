"""The folder of all that the service keeps."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from service.audit.files import make_folder


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder, made if need be: INDICATION_STATE, else what systemd gives, else the user's own for such things.

    Raises PermissionError when it is not this user's alone, OSError when it cannot be made.
    """
    folder = _named(environment)
    make_folder(folder)
    found = folder.lstat()
    # Under a folder that everybody may write to, somebody else may have made it first.
    if found.st_uid != os.getuid():
        raise PermissionError(
            f"{folder} belongs to another user: run this as that user (sudo -u …), or name another in INDICATION_STATE"
        )
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise PermissionError(
            f"{folder} must be a folder of this user's alone: chmod 700, or name another in INDICATION_STATE"
        )
    return folder


def _named(environment: Mapping[str, str]) -> Path:
    if given := environment.get("INDICATION_STATE"):
        return Path(given)
    if given := environment.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "indication"
