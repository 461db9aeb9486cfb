"""`flask ready`: what the server that runs here says of itself."""

import http.client
import json
import os

import click

from service.cli.common import fail
from service.settings.asking import UNIX, asked
from service.settings.read import SettingsError, read


@click.command("ready")
@click.option("--patience", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds to wait.")
@click.option(
    "--at", metavar="ADDRESS", help="Where it listens: HOST:PORT or unix:PATH.  [default: as the settings say]"
)
def ready(patience: float, at: str | None) -> None:
    """Ask the server that runs here whether it can serve: rules, record, clients, shadow, and why not. Ends with 1 when it cannot.

    It asks /readyz where the settings say that it listens, an address or a unix socket, as its user or as root: others
    are told no reasons. For containers too, where there is no curl.

    \b
    Examples:
      flask ready
      flask ready | jq .last_reload
      flask ready --at 127.0.0.1:8000
      docker compose exec indication flask ready
    """
    host, port = _place(at) if at else _listening()
    where = host if host.startswith(UNIX) else f"{host}:{port}"
    try:
        status, body = asked(host, port, "/readyz", patience)
        told = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        fail(
            f"{where}: no server answers as one should ({type(error).__name__}: {error})",
            "Is it running, and with the same settings as this shell? `flask settings show` prints them.",
        )
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    if status != http.client.OK:
        raise click.exceptions.Exit(1)


def _listening() -> tuple[str, int]:
    try:
        settings = read(os.environ)
    except SettingsError as error:
        fail(*map(str, error.mistakes), "These settings cannot be used; --at ADDRESS asks a server all the same.")
    return settings["server.host"], settings["server.port"]


def _place(at: str) -> tuple[str, int]:
    host, _, port = at.rpartition(":")
    if at.startswith(UNIX):
        return at, 0
    if not host or not port.isdecimal():
        raise click.BadParameter("HOST:PORT or unix:PATH is needed, as in 127.0.0.1:8000", param_hint="--at")
    return host, int(port)
