"""`flask run`, Flask's own server for development: it too listens beyond this machine only if that is safe."""

import os

import click

from service.settings.exposure import refusal
from service.settings.read import read


def may_listen() -> None:
    """Ends `flask run` when it would serve beyond this machine without asking who calls. Other commands listen nowhere."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run":
        return
    if told := refusal(read(os.environ), [str(context.params.get("host") or "127.0.0.1")]):
        raise SystemExit(told)
