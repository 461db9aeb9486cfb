"""The Flask application."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_compress import Compress

from service.web import api, docs, fhir_door, headers, library, ops, refusals
from service.web.cds import services
from service.web.form import pages
from service.web.reload import ACTIVE_RULES
from service.web.state import EXTENSION, State

PROJECT = Path(__file__).resolve().parents[2]


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The application. `config` wins over the environment.

    RULES is the folder of rules: what the gunicorn master took (INDICATION_ACTIVE_RULES), else INDICATION_RULES, else
    the project's own. It is read on the first use, so that `flask rules check` works on rules that do not load, or
    here and now in a worker, so that no patient waits for it. EXAMPLES is the folder of the form's example situations.
    """
    app = Flask(__name__)
    # Templates may be laid out to be read; what is sent is not.
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    active = os.environ.get(ACTIVE_RULES)
    app.config.from_mapping(
        RULES=Path(active or os.environ.get("INDICATION_RULES") or PROJECT / "rules"),
        MAX_CONTENT_LENGTH=api.MAX_BODY,
        WARM=active is not None,
        # Pages only: an answer of the API is the same bytes for everybody, and a proxy compresses it if it likes.
        COMPRESS_MIMETYPES=["text/html", "text/css", "text/javascript", "image/svg+xml"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
        EXAMPLES=PROJECT / "fixtures" / "referrals",
    )
    app.config.from_mapping(config or {})
    Compress(app)
    state = app.extensions[EXTENSION] = State(Path(app.config["RULES"]))
    for blueprint in (api.blueprint, library.blueprint, docs.blueprint, ops.blueprint, fhir_door.blueprint):
        app.register_blueprint(blueprint)
    services.register(app)
    pages.register(app, Path(app.config["EXAMPLES"]))
    refusals.register(app)
    headers.register(app)
    if app.config["WARM"]:
        state.warm()
    return app
