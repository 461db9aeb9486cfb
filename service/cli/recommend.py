"""`flask recommend`: the recommendation for one or more referral files, in the terminal."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError

from service.cli.common import complain, fail, language_option, loaded, rules_folder, rules_option
from service.decision import Decider, Detail, Language
from service.language.errors import nearest
from service.recommend.judge import Disagreement
from service.referral.complaints import Complaint, ReferralError
from service.referral.schema import parse_day
from service.referral.strict_json import canonical, parse
from service.rulebook.source import Document, Keys, read_text
from service.run.adapter import EngineError
from service.tell.terminal import render
from service.tell.why import NotAnOption, why_before

_TIME_NEEDED = "a date and time is needed, as in 2026-11-23T09:00:00+01:00"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One referral file as read: its data, the moment it asks for, and where its parts stand."""

    name: str
    data: Any
    at: datetime | None = None
    document: Document | None = None


class Unreadable(Exception):
    """A file that holds no referral. Its text says what, where and how to mend."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--json", "as_json", is_flag=True, help="The answer as the HTTP door gives it: one line of JSON for each file."
)
@language_option
@click.option(
    "--at",
    metavar="TIME",
    help="Moment of evaluation, as in 2026-11-23T09:00:00+01:00.  [default: the file's own `at`, else now]",
)
@click.option(
    "--trace",
    type=click.Choice(["decisive", "full"]),
    default="decisive",
    show_default=True,
    help="How much of the trace, with --json.",
)
@click.option("--why", nargs=2, metavar="A B", help="Only say why technique A stands before B, or B before A.")
@click.option("--lesion", metavar="ID", help="With --why: the lesion, when there are several.")
@rules_option
@with_appcontext
def recommend(
    files: tuple[str, ...],
    as_json: bool,
    language: Language,
    at: str | None,
    trace: Detail,
    why: tuple[str, str] | None,
    lesion: str | None,
    directory: Path | None,
) -> None:
    """Recommend for the referral in each FILE.

    FILE is JSON, or YAML with the referral under `referral:` (as in fixtures/); `-` reads standard input.
    Ends with 1 when a file is refused; the others are still answered.

    \b
    Examples:
      flask recommend fixtures/referrals/seed-typical-patient.yaml
      flask recommend --lang en --why vertebroplasty radiotherapy fixtures/referrals/seed-typical-patient.yaml
      flask recommend --json --trace full referral.json | python -m json.tool
      cat referral.json | flask recommend -
    """
    fixed = moment(at) if at else None
    rulebook = loaded(directory)
    try:
        decider = Decider(rulebook)
    except (EngineError, ValueError) as error:
        fail(f"{rules_folder(directory)}: no engine can be built from these rules: {error}")
    refused = False
    for number, file in enumerate(files):
        try:
            sheet = read(file)
            when = fixed or sheet.at or datetime.now(UTC).replace(microsecond=0)
            shown = _answered(decider, sheet, when, language, trace, as_json, why, lesion)
        except Unreadable as error:
            complain(str(error))
            refused = True
        except ReferralError as error:
            complain(*_refusal(sheet, error, language))
            refused = True
        except (Disagreement, EngineError) as error:
            complain(
                f"{file}: no answer is given: {error}. This is a fault of the service: report it with the rule ids."
            )
            refused = True
        else:
            if len(files) > 1 and not as_json:
                click.echo(f"{'' if number == 0 else chr(10)}# {file}")
            click.echo(shown)
    if refused:
        raise click.exceptions.Exit(1)


def _answered(
    decider: Decider,
    sheet: Sheet,
    at: datetime,
    language: Language,
    trace: Detail,
    as_json: bool,
    why: tuple[str, str] | None,
    lesion: str | None,
) -> str:
    if why is None:
        answer = decider.decide(sheet.data, at, language, trace)
        return canonical(answer) if as_json else render(answer, language)
    recommendation, _ = decider.recommend(sheet.data, at)
    lesions = [each.judgement.lesion for each in recommendation.lesions]
    if lesion is None and len(lesions) > 1:
        raise Unreadable(f"{sheet.name}: several lesions: add --lesion with one of {', '.join(lesions)}")
    if lesion is not None and lesion not in lesions:
        raise Unreadable(f"{sheet.name}: no lesion «{lesion}»; its lesions are {', '.join(lesions)}")
    try:
        return why_before(recommendation, lesion or lesions[0], *why, language)
    except NotAnOption as error:
        near = nearest(error.technique, error.known)
        hint = f"; did you mean «{near}»?" if near else f" (known: {', '.join(error.known)})"
        raise Unreadable(f"{sheet.name}: no technique is called «{error.technique}»{hint}") from None


def moment(text: str) -> datetime:
    """What `--at` says. Raises click's own error when it is no date and time."""
    at = _time(text)
    if at is None:
        raise click.BadParameter(_TIME_NEEDED, param_hint="--at")
    return at


def _time(text: Any) -> datetime | None:
    """A date and time, or None when it is anything else."""
    try:
        at = parse_day(text)
    except ValidationError:
        return None
    return at if isinstance(at, datetime) else None


# ---- files ----


def read(file: str) -> Sheet:
    """A referral from a JSON or YAML file, or from standard input. Raises Unreadable or ReferralError."""
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Unreadable(f"{file}: cannot be read: {error.strerror}") from None
    # A JSON text begins with a bracket; in a YAML file a referral always stands under a key.
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            data = parse(body)
        except ReferralError as error:
            raise Unreadable("\n".join(f"{file}: {each.text.en}" for each in error.complaints)) from None
        wrapped = isinstance(data, dict) and "referral" in data
        return _unwrapped(Document(file, data, {})) if wrapped else Sheet(file, data)
    return _unwrapped(_yaml(file, body))


def _yaml(file: str, body: bytes) -> Document:
    try:
        document, wrong = read_text(body.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file}: not UTF-8 at byte {error.start}") from None
    if wrong:
        raise Unreadable("\n".join(map(str, wrong)))
    if not isinstance(document.data, dict) or "referral" not in document.data:
        raise Unreadable(f"{file}: neither JSON nor YAML with a `referral:` key; see fixtures/referrals/ for examples")
    return document


def _unwrapped(document: Document) -> Sheet:
    """The referral under `referral:`, with the moment under `at:` if there is one."""
    data, placed = document.data, document if document.places else None
    if "at" not in data:
        return Sheet(document.name, data["referral"], document=placed)
    at = _time(data["at"])
    if at is None:
        raise Unreadable(str(document.mistake(("at",), _TIME_NEEDED)))
    return Sheet(document.name, data["referral"], at, placed)


def _refusal(sheet: Sheet, error: ReferralError, language: Language) -> list[str]:
    return [
        f"{sheet.name}{_place(sheet, each)}: {each.pointer or '/'}: {each.text.in_(language)}"
        for each in error.complaints
    ]


def _place(sheet: Sheet, complaint: Complaint) -> str:
    """The line and column of a complaint, when the file keeps them."""
    if sheet.document is None:
        return ""
    keys: Keys = ("referral",)
    for part in complaint.pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        keys = (*keys, int(key) if key.isdigit() else key)
    mistake = sheet.document.mistake(keys, "")
    return f":{mistake.line}:{mistake.column}"
