"""Where the shadow's counts are read."""

import sqlite3
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app

from service.web import asked, store
from service.web.answering import identified, json_response
from service.web.shadow.compare import subject, told
from service.web.shadow.runner import Shadow
from service.web.state import state

blueprint = Blueprint("shadow", __name__, url_prefix="/v1/rulebooks")

EXTENSION = "indication-shadow"


def register(app: Flask, rules: Path | None, trusted: Path | None) -> None:
    def kept() -> Path:
        configured = app.config.get("STORE")
        return Path(configured) if configured else store.default_path()

    app.extensions[EXTENSION] = Shadow(rules, trusted, kept)
    app.register_blueprint(blueprint)


def of(app: Flask) -> Shadow:
    found: Shadow = app.extensions[EXTENSION]
    return found


def current() -> Shadow:
    """The shadow of the current application."""
    return of(current_app)


@blueprint.get("/shadow")
def shadow() -> Response:
    """What was counted since this shadow was first set beside these rules, by all workers together."""
    asked.only()
    served = state().desk().decider.rulebook
    here = current()
    here.start()
    about = here.told()
    if about is not None:
        about = {
            **about,
            "against": {"version": served.info.version, "digest": served.digest},
            **_counted(here, served.digest),
        }
    return identified(json_response({"shadow": about}, ["en"]), served)


def _counted(here: Shadow, served: str) -> dict[str, Any]:
    counts: dict[str, int] = {}
    if here.rulebook is not None:
        try:
            counts = store.current().tallied(subject(served, here.rulebook["digest"]))
        except (sqlite3.Error, OSError):
            return {**told({}), "errors": [*here.errors, "the counts cannot be read"]}
    return told(counts)
