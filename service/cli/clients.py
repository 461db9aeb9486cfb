"""`flask clients`: check the file of clients; make API keys, and a key pair and a token to try the EHR's door with."""

import json
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from service.cli.common import complain, fail, wrong_in_clients
from service.clients import callers, model
from service.clients.file import read_file
from service.clients.keys import FetchedKeys, InlineKeys

SECRET_NAME = "client.private.jwk.json"  # noqa: S105 - a file's name
PUBLIC_NAME = "client.jwks.json"
TOKEN_SECONDS = 300


@click.group("clients")
def clients() -> None:
    """Who may call: check the file of clients, make API keys, make key pairs and tokens to try with.

    The service takes the file that INDICATION_CLIENTS names. Without it, every call of an EHR is refused, and with
    access.api=clients every other call too. docs/access.md explains keys, tokens, roles and rates.

    \b
    To try out the EHR's door on this machine:
      flask clients keypair --out /tmp/trial
      cp docs/clients.example.yaml /tmp/trial/clients.yaml
      flask clients check /tmp/trial/clients.yaml
      INDICATION_CLIENTS=/tmp/trial/clients.yaml script/server &
      curl http://127.0.0.1:8000/cds-services -H "Authorization: Bearer $(flask clients token \\
        --key /tmp/trial/client.private.jwk.json --issuer https://ehr.example/oauth \\
        --audience http://127.0.0.1:8000/cds-services)"
    """


@clients.command("check")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path) -> None:
    """Check FILE and list every mistake at once: line, column, what is wrong, how to mend it, the nearest right word.

    Key files that it names are read too; keys at an address (jku) are not fetched. Ends with 1 when it cannot serve.
    docs/clients.example.yaml explains every key. The service takes the file when it starts, and on kill -HUP.

    \b
    Example:
      flask clients check /etc/indication/clients.yaml && systemctl reload indication
    """
    wrong = wrong_in_clients(file)
    if wrong:
        fail(
            *wrong, f"{file}: {len(wrong)} mistake{'s' if len(wrong) > 1 else ''}; nobody will be let in with this file"
        )
    found = model.load(file, open_=False)
    click.echo(f"{file}: good. {len(found.known)} client{'s' if len(found.known) > 1 else ''}")
    ehrs = {client.name: client for client in found.entries.values()}
    for entry in found.known.values():
        ehr = ehrs.get(entry.name)
        click.echo("\n".join([*_known(entry, ehr), *(_told(ehr) if ehr else ())]))


def _known(entry: callers.Entry, ehr: model.Client | None) -> Iterable[str]:
    yield f"  {entry.name}: {ehr.issuer}" if ehr else f"  {entry.name}"
    yield f"    roles      {', '.join(role for role in callers.ROLES if role in entry.roles)}"
    if entry.rate:
        yield f"    rate       {entry.rate.per_minute} a minute, {entry.rate.burst} at once"
    today = datetime.now(UTC).date()
    for key in entry.api_keys:
        until = "no end" if key.expires is None else f"{'EXPIRED' if key.expired(today) else 'until'} {key.expires}"
        yield f"    API key    {key.id} ({until})"
    if entry.tokens:
        yield f"    tokens     of {entry.tokens.issuer}, for {', '.join(sorted(entry.tokens.audiences))}"


def _told(client: model.Client) -> Iterable[str]:
    yield f"    may use    {', '.join(sorted(client.hooks))}"
    match client.keys:
        case InlineKeys(found=found):
            yield "    keys       " + ", ".join(f"{kid} ({algorithm})" for kid, algorithm in sorted(found))
        case FetchedKeys(address=address):
            yield f"    keys       fetched from {address}"
    if client.base is not None:
        yield f"    audience   {client.base}/cds-services, {client.base}/cds-services/…, {client.base}/fhir/…"
    for address in client.audiences:
        yield f"    audience   {address}"
    for origin in client.origins:
        yield f"    browsers   {origin}"


@clients.command("key")
@click.argument("name")
@click.option(
    "--days",
    default=365,
    show_default=True,
    type=click.IntRange(0, 3650),
    help="For how long it is good, from today. 0: without end.",
)
def key(name: str, days: int) -> None:
    """Make an API key for the client NAME, and print it with the lines for the file of clients.

    The key is shown this once and kept nowhere: the file has its SHA-256 only, by which nobody finds the key. To replace
    a key, put the new one beside the old one, reload (kill -HUP), and remove the old one when its owner has changed.

    \b
    Example:
      flask clients key registry --days 90
    """
    secret, name_of_key = callers.new_key()
    today = datetime.now(UTC).date()
    lines = [
        # Between quotes: `no` and `123` are names too.
        f"  - name: {json.dumps(name)}",
        "    api_keys:",
        f'      - id: "{name_of_key}"',
        f'        sha256: "{callers.digest(secret).hex()}"',
        f"        created: {today}",
        *([f"        expires: {today + timedelta(days=days)}"] if days else []),
    ]
    wrong = _wrong_in("\n".join(["clients:", *lines]))
    if wrong:
        raise click.BadParameter("; ".join(wrong), param_hint="NAME")
    told = [
        "The key, shown this once, for its owner alone:",
        f"  {secret}",
        "For the file of clients, which begins with the line `clients:`:",
        *lines,
    ]
    click.echo("\n".join(told))


def _wrong_in(text: str) -> list[str]:
    """What `check` would say of a file of clients with this text, without the places."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clients.yaml"
        path.write_text(text, encoding="utf-8")
        _, found = read_file(path)
    return [each.message for each in found]


@clients.command("keypair")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to, made if need be. Nothing in it is overwritten.",
)
@click.option("--kid", default=None, help="The key's name.  [default: one drawn by lot]")
def keypair(out: Path, kid: str | None) -> None:
    """Make an ES384 key pair, for tests and for trying. A real EHR makes its own and sends you the public part only.

    \b
    Writes
      client.private.jwk.json   what signs tokens; readable by you alone
      client.jwks.json          the public part, for jwks_file in the file of clients

    \b
    Example:
      flask clients keypair --out /tmp/trial
    """
    key = ECKey.generate_key("P-384")
    marks = {"kid": kid or f"test-{secrets.token_hex(6)}", "use": "sig", "alg": "ES384"}
    files = (
        (SECRET_NAME, 0o600, {**key.as_dict(private=True), **marks}),
        (PUBLIC_NAME, 0o644, {"keys": [{**key.as_dict(private=False), **marks}]}),
    )
    for name, _, _ in files:
        if (out / name).exists():
            fail(f"{out / name}: exists already, and is not overwritten; choose another folder")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, mode, content in files:
            path = out / name
            path.touch(mode=mode, exist_ok=False)
            path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror}")
    complain(f"written to {out}: {SECRET_NAME} (keep it), {PUBLIC_NAME} (for jwks_file)")


@clients.command("token")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The private key, as keypair makes it.",
)
@click.option("--issuer", required=True, help="The issuer of the client in the file of clients.")
@click.option("--audience", required=True, help="The exact address that will be called.")
def token(key: Path, issuer: str, audience: str) -> None:
    """Sign a token for one call, valid for five minutes, and print it. For trying: an EHR signs its own.

    \b
    Example:
      flask clients token --key /tmp/trial/client.private.jwk.json --issuer https://ehr.example/oauth \\
        --audience http://127.0.0.1:8000/cds-services
    """
    try:
        secret = ECKey.import_key(json.loads(key.read_text(encoding="utf-8")))
        now = int(time.time())
        header = {"alg": "ES384", "typ": "JWT", "kid": secret.kid}
        claims = {
            "iss": issuer,
            "aud": audience,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        click.echo(jwt.encode(header, claims, secret, algorithms=["ES384"]))
    except OSError as error:
        fail(f"{key}: cannot be read: {error.strerror}")
    except (JoseError, ValueError, TypeError):
        fail(f"{key}: is not a private ES384 key; `flask clients keypair` makes one")
