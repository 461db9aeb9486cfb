"""The Flask application."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from service.web import api, docs, headers, library, ops, refusals
from service.web.reload import ACTIVE_RULES
from service.web.state import EXTENSION, State

PROJECT = Path(__file__).resolve().parents[2]


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The application. `config` wins over the environment.

    RULES is the folder of rules: what the gunicorn master took (INDICATION_ACTIVE_RULES), else INDICATION_RULES, else
    the project's own. It is read on the first use, so that `flask rules check` works on rules that do not load, or
    here and now in a worker, so that no patient waits for it.
    """
    app = Flask(__name__)
    active = os.environ.get(ACTIVE_RULES)
    app.config.from_mapping(
        RULES=Path(active or os.environ.get("INDICATION_RULES") or PROJECT / "rules"),
        MAX_CONTENT_LENGTH=api.MAX_BODY,
        WARM=active is not None,
    )
    app.config.from_mapping(config or {})
    state = app.extensions[EXTENSION] = State(Path(app.config["RULES"]))
    for blueprint in (api.blueprint, library.blueprint, docs.blueprint, ops.blueprint):
        app.register_blueprint(blueprint)
    refusals.register(app)
    headers.register(app)
    if app.config["WARM"]:
        state.warm()
    return app
