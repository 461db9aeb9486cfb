"""The application, for gunicorn (`wsgi:app`) and for the `flask` command, which finds this file by its name."""

import os
import sys

from flask import Flask

from service.cli import mends_settings, register
from service.cli.run import may_listen
from service.settings.read import SettingsError, take_file
from service.web import create_app

try:
    take_file(os.environ)
    app = create_app()
except SettingsError as error:
    if not mends_settings(sys.argv):
        raise SystemExit(f"the settings cannot be used:\n{error}") from None
    app = Flask(__name__)
may_listen()
register(app)
