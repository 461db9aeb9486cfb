"""The application, for gunicorn (`wsgi:app`) and for the `flask` command, which finds this file by its name."""

import os

from service.cli import register
from service.cli.run import may_listen
from service.settings.read import SettingsError, take_file
from service.web import create_app

try:
    take_file(os.environ)
    app = create_app()
except SettingsError as error:
    raise SystemExit(f"the settings cannot be used:\n{error}") from None
may_listen()
register(app)
