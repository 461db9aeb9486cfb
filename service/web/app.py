"""The Flask application."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_compress import Compress

from service.settings import read as settings
from service.settings.table import SETTINGS
from service.web import (
    api,
    docs,
    fhir_door,
    headers,
    library,
    ops,
    record,
    record_door,
    refusals,
    request_id,
    shedding,
    tracing,
    unread,
    versions,
)
from service.web.access import gate
from service.web.cds import services
from service.web.committee import pages as committee
from service.web.form import pages
from service.web.metrics import pages as metrics
from service.web.reload import ACTIVE_CLIENTS, ACTIVE_RULES, ALSO_SERVE, BUNDLE_KEYS, SHADOW, companion, named
from service.web.rulebook import pages as rulebook
from service.web.shadow import pages as shadow
from service.web.state import EXTENSION, State

PROJECT = Path(__file__).resolve().parents[2]


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The application. `config` wins over the environment.

    RULES is the folder of rules, or the bundle: what the gunicorn master took (INDICATION_ACTIVE_RULES), else
    INDICATION_RULES, else the project's own. It is read on the first use, so that `flask rules check` works on rules
    that do not load, or here and now in a worker, so that no patient waits for it. BUNDLE_KEYS, ALSO_SERVE and SHADOW
    are what the settings of these names say (reload.py). CLIENTS is the file of clients that the master took, else the one
    that the settings name. EXAMPLES is the folder of the form's example situations.
    """
    app = Flask(__name__)
    # Templates may be laid out to be read; what is sent is not.
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    active = os.environ.get(ACTIVE_RULES)
    found = settings.read(os.environ)
    app.config.from_mapping({SETTINGS[name].key: value for name, value in found.items()})
    app.config.from_mapping(
        RULES=Path(active or os.environ.get("INDICATION_RULES") or PROJECT / "rules"),
        MAX_CONTENT_LENGTH=api.MAX_BODY,
        BUNDLE_KEYS=next(iter(_beside(active, BUNDLE_KEYS) or named(BUNDLE_KEYS)), None),
        ALSO_SERVE=_beside(active, ALSO_SERVE) if active else named(ALSO_SERVE),
        SHADOW=next(iter(_beside(active, SHADOW) if active else named(SHADOW)), None),
        WARM=active is not None,
        # Pages only: an answer of the API is the same bytes for everybody, and a proxy compresses it if it likes.
        COMPRESS_MIMETYPES=["text/html", "text/css", "text/javascript", "image/svg+xml"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
        EXAMPLES=PROJECT / "fixtures" / "referrals",
    )
    if taken := os.environ.get(ACTIVE_CLIENTS):
        app.config["CLIENTS"] = Path(taken)
    app.config.from_mapping(config or {})
    request_id.register(app)
    unread.register(app)
    metrics.register(app)
    tracing.register(app, app.config["TRACING_ENDPOINT"])
    shedding.register(app)
    gate.register(app)
    Compress(app)
    trusted = app.config["BUNDLE_KEYS"]
    state = app.extensions[EXTENSION] = State(Path(app.config["RULES"]), trusted)
    for blueprint in (api.blueprint, library.blueprint, docs.blueprint, ops.blueprint, fhir_door.blueprint):
        app.register_blueprint(blueprint)
    versions.register(app, app.config["ALSO_SERVE"], trusted)
    shadow.register(app, app.config["SHADOW"], trusted)
    services.register(app)
    pages.register(app, Path(app.config["EXAMPLES"]))
    committee.register(app)
    rulebook.register(app)
    refusals.register(app)
    headers.register(app)
    record.register(app)
    app.register_blueprint(record_door.blueprint)
    if app.config["WARM"]:
        state.warm()
        metrics.warm(app)
        shadow.of(app).start()
    return app


def _beside(active: str | None, setting: str) -> list[Path]:
    """What the gunicorn master copied beside the rules that it took."""
    return companion(Path(active), setting) if active else []
