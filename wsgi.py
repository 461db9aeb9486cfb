"""The application, for gunicorn (`wsgi:app`) and for the `flask` command, which finds this file by its name."""

from service.cli import register
from service.web import create_app

app = create_app()
register(app)
