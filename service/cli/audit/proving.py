"""Is the record whole, and would the same be decided again?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from service.audit.chain import anchor
from service.audit.errors import NotKnown, NotRecorded
from service.audit.record import Head, Row
from service.audit.store import Record
from service.bundle.errors import BundleError
from service.bundle.kept import unpacked
from service.cli.audit.opening import opened, place
from service.cli.common import complain, fail
from service.decision import Decider
from service.referral.complaints import ReferralError
from service.referral.strict_json import canonical, parse
from service.replay import NotReplayable, Replayed, replay


@click.command("head")
@with_appcontext
def head() -> None:
    """Print the end of the chain as SEQ:HASH.

    Whoever can write to the whole database could make the chain anew; not what you wrote down elsewhere. `verify --anchor`
    compares.
    """
    record = opened()
    try:
        click.echo(str(record.head()))
    except NotRecorded as error:
        fail(f"the record cannot be read: {error}", f"waiting in the queue on disk: {_waiting(record)}")


def _waiting(record: Record) -> str:
    try:
        return str(record.waiting())
    except NotRecorded as error:
        return str(error)


@click.command("verify")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="SEQ:HASH",
    help="What `flask audit head` said once; may be given several times.",
)
@with_appcontext
def verify(anchors: tuple[str, ...]) -> None:
    """Verify the whole chain, and name the first record that was altered, removed, added or moved.

    Ends with 1 when the record is not whole or cannot be read, with 2 when an anchor is none. Reads a million records in
    about a minute, and disturbs nobody.
    """
    given = [_anchor(each) for each in anchors]
    record = opened()
    try:
        end = record.head()
        fault = record.verify([*given, end])
    except NotRecorded as error:
        fail(f"the record cannot be read: {error}")
    if fault is not None:
        fail(str(fault))
    click.echo(f"whole: {end.seq} records in {place(record)}; head {end}")


def _anchor(text: str) -> Head:
    try:
        return anchor(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--anchor") from None


@click.command("replay")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option(
    "--referral",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What was decided on, where the record keeps only its digest.",
)
@click.option("--show", is_flag=True, help="Print the answer that comes out, as JSON.")
@with_appcontext
def replay_command(ids: tuple[str, ...], referral: Path | None, show: bool) -> None:
    """Decide the recorded decision ID again, with the rules that were in service then, and compare byte for byte.

    Ends with 1 when another answer comes out, or none can.

    \b
    Examples:
      flask audit replay 3f0c9e2ab41d4f7d8c5e6a9b70d1c2e4
      flask audit replay 3f0c9e2ab41d4f7d8c5e6a9b70d1c2e4 --referral referral.json
    """
    record = opened()
    deciders: dict[str, Decider] = {}
    given = None
    if referral is not None:
        try:
            given = parse(referral.read_bytes())
        except ReferralError as error:
            fail(*(f"{referral}: {complaint.text.en}" for complaint in error.complaints))
    bad = 0
    for name in ids:
        try:
            found = _replayed(record, name, deciders, given)
        except (NotReplayable, BundleError, NotKnown, NotRecorded) as error:
            complain(f"{name}: {error}")
            bad += 1
            continue
        except ReferralError as error:
            complain(f"{name}: the referral is refused: " + "; ".join(each.text.en for each in error.complaints))
            bad += 1
            continue
        bad += not found.same
        click.echo(_told(name, found))
        if show:
            click.echo(canonical(found.answer))
    if bad:
        raise click.exceptions.Exit(1)


def _replayed(record: Record, name: str, deciders: dict[str, Decider], referral: Any) -> Replayed:
    row = record.get(name)
    line, content = _parts(row)
    digest = line["rulebook"]
    if digest not in deciders:
        deciders[digest] = Decider(unpacked(record.rulebook(digest), digest))
    return replay(line, content, deciders[digest], referral)


def _parts(row: Row) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if row.recorded.kind != "decision":
        raise NotReplayable(f"no decision, but of the kind «{row.recorded.kind}»")
    if row.content is None:
        raise NotReplayable("its content was erased; the chain holds its digest only")
    return json.loads(row.recorded.line), json.loads(row.content.body)


def _told(name: str, found: Replayed) -> str:
    other = (
        "" if found.engine == found.recorded_engine else f" (engine {found.recorded_engine} then, {found.engine} now)"
    )
    if found.same:
        return f"{name}: the same answer, byte for byte{other}"
    differences = (
        "".join(f"\n  {each}" for each in found.differences)
        or "\n  statuses and alerts are the same; other parts differ"
    )
    return f"{name}: ANOTHER ANSWER{other}{differences}"
