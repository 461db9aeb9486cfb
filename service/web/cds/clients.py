"""Who may call this application: the clients of the file that its configuration names, as the gunicorn master took it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from service.clients.model import Client, Clients, load
from service.web.reload import REFUSED_CLIENTS

__all__ = ["Client", "Clients", "current", "load", "register", "settings"]

EXTENSION = "indication-clients"


def settings(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What the environment says: CLIENTS and CDS_OPEN for the application's configuration. Only 1 opens."""
    path = environment.get("INDICATION_CLIENTS")
    return {"CLIENTS": Path(path) if path else None, "CDS_OPEN": environment.get("INDICATION_CDS_OPEN") == "1"}


def register(app: Flask) -> None:
    """Reads the clients now, so that a mistake is in the log from the start; it stops nothing but the EHR's door."""
    with app.app_context():
        current()


def current() -> Clients:
    """The clients of the current application, read on first use."""
    found: Clients | None = current_app.extensions.get(EXTENSION)
    if found is None:
        config = {**settings({}), **current_app.config}
        path = config["CLIENTS"]
        found = _read(Path(path) if path else None, bool(config["CDS_OPEN"]))
        current_app.extensions[EXTENSION] = found
    return found


def _read(path: Path | None, open_: bool) -> Clients:
    """The clients of a file; none, with its mistakes, where the gunicorn master had to refuse the first it was given."""
    if path is not None and path.name == REFUSED_CLIENTS:
        return replace(load(None, open_), mistakes=tuple(path.read_text(encoding="utf-8").splitlines()))
    return load(path, open_)
