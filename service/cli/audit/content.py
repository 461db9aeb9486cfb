"""What the record holds: one record, all of them for other programs, and the erasing of contents."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import IO, Any, get_args

import click
from flask import current_app
from flask.cli import with_appcontext

from service.audit.attached import feedback_on
from service.audit.errors import NotKnown, NotRecorded
from service.audit.export import parts
from service.audit.store import Record
from service.cli.audit.opening import opened
from service.cli.common import complain, fail
from service.fhir.audit import recorded_event
from service.referral.strict_json import canonical
from service.replay import Door

#: how long an erasure waits for a backup or a verification to end
PATIENCE_SECONDS = 300.0
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command("show")
@click.argument("name", metavar="ID")
@with_appcontext
def show(name: str) -> None:
    """Print the record ID as JSON, with its content unless that was erased, and the feedback on its cards."""
    try:
        record = opened()
        row = record.get(name)
        told = parts(row, with_content=True)
        told["feedback"] = [parts(each, with_content=True) for each in feedback_on(record, [row])]
    except (NotKnown, NotRecorded) as error:
        fail(f"{name}: {error}")
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


@click.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "fhir"]),
    default="ndjson",
    show_default=True,
    help="Records as they stand, or FHIR R4 AuditEvents (NDJSON too).",
)
@click.option("--contents", is_flag=True, help="With what may be personal (ndjson only).")
@click.option("--since", type=_DAY, help="Recorded at this moment (UTC) or later.")
@click.option("--until", type=_DAY, help="Recorded before this moment (UTC).")
@click.option("--door", type=click.Choice(get_args(Door)), help="Only decisions of this door.")
@click.option("--client", help="Only those of this client.")
@click.option(
    "--out", type=click.File("w", encoding="utf-8", atomic=True), default="-", help="[default: standard output]"
)
@with_appcontext
def export(
    form: str,
    contents: bool,
    since: datetime | None,
    until: datetime | None,
    door: str | None,
    client: str | None,
    out: IO[str],
) -> None:
    """Write records, one on each line, oldest first.

    \b
    Examples:
      flask audit export --since 2026-11-01 > november.ndjson
      flask audit export --format fhir --out events.ndjson
    """
    if contents and form == "fhir":
        fail("--contents: an AuditEvent holds nothing that may be personal; use --format ndjson")
    record = opened()
    try:
        for row in record.find(since=_at(since), until=_at(until), door=door, client=client):
            told: dict[str, Any] = (
                recorded_event(parts(row, with_content=False)) if form == "fhir" else parts(row, with_content=contents)
            )
            out.write(canonical(told) + "\n")
    except NotRecorded as error:
        fail(f"the record cannot be read: {error}")
    except BrokenPipeError:
        sys.stderr.close()


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat(timespec="microseconds")


@click.command("erase")
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--expired", is_flag=True, help="All that is older than audit.retention_days.")
@click.option("--reason", required=True, help="Why; it stands in the record for ever, so name nobody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def erase(ids: tuple[str, ...], expired: bool, reason: str, yes: bool) -> None:
    """Erase the content of records: what was decided on, what came of it, and the feedback on it. It cannot be undone.

    The records stay in the chain with the digest of what was erased, and so does a record of this erasure. Older backups
    still hold the contents.
    """
    record = opened()
    now = datetime.now(UTC)
    try:
        record.drain(most=record.waiting())
        if expired:
            days = current_app.config["AUDIT_RETENTION_DAYS"]
            if not days:
                fail("--expired: audit.retention_days is 0, so nothing ever expires")
            ids = (*ids, *record.expired((now - timedelta(days=days)).isoformat(timespec="microseconds")))
        # Before what it is about, without which it is not found again.
        ids = (*(row.recorded.id for row in feedback_on(record, map(record.get, ids))), *ids)
        if not ids:
            click.echo("nothing to erase")
            return
        if not yes:
            click.confirm(f"Erase the content of {len(ids)} record{'s' if len(ids) > 1 else ''} for good?", abort=True)
        done = record.erase(ids, reason, now.isoformat(timespec="microseconds"), "flask audit erase")
    except NotKnown as error:
        fail(str(error))
    except NotRecorded as error:
        fail(f"not everything was erased: {error}", "Once the record can be written to, the same command goes on.")
    click.echo(f"erased: {done}")
    _forget(record)


def _forget(record: Record) -> None:
    try:
        if record.forget():
            return
        complain(
            "waiting until nobody reads the record (a backup, a verification): its log still holds what was erased …"
        )
        if record.forget(patience=PATIENCE_SECONDS):
            return
        reason = f"somebody still reads the record after {PATIENCE_SECONDS:g} s"
    except NotRecorded as error:
        reason = str(error)
    fail(
        f"erased and recorded, but SQLite's log (the file -wal) still holds the contents: {reason}.",
        "The same command empties it: type it again when nobody reads the record.",
    )
