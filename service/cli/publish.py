"""`flask rules publish`, `verify` and `keygen`: from rules that pass to a signed bundle, and back."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.cli import with_appcontext

from service.bundle import bundle, keys
from service.bundle.container import SUFFIX
from service.bundle.errors import BundleError
from service.cli.cases import cases_folder, cases_option
from service.cli.common import complain, fail, language_option, mistakes, rules_folder, rules_option
from service.cli.prove import memory_file
from service.cli.waiting import Progress, interruptible
from service.decision import Language
from service.language.vocabulary import Text
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.diff import GRADE_WORDS
from service.workbench.publish import numbering
from service.workbench.publish.following import Following, following, predecessor
from service.workbench.publish.gates import GATES, Draft, Gate
from service.workbench.publish.prepare import (
    CannotPublish,
    Details,
    Prepared,
    faults_of_changes,
    faults_of_names,
    prepared,
)
from service.workbench.publish.write import write_all

PRIVATE_NAME, PUBLIC_NAME = "rulebook.private.pem", "rulebook.public.pem"
NOTHING_WRITTEN = "nothing was written"

_day = click.DateTime(formats=["%Y-%m-%d"])


@dataclass(frozen=True)
class Said:
    """What was said on the command line. What is None is asked for, unless nothing may be asked."""

    version: str | None
    effective: date | None
    approved_by: tuple[str, ...]
    approvals: int
    changes_fr: str | None
    changes_en: str | None
    notice_fr: str | None
    notice_en: str | None
    keep_notice: bool
    no_input: bool


@click.command("publish")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The bundle to write, or the folder for it."
)
@rules_option
@cases_option
@click.option(
    "--previous", metavar="BUNDLE|DIR|REV", help="The version that this one follows. Left out the first time."
)
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="The private key to sign with (PEM).")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the key's passphrase.  [default: asked for, if the key has one]",
)
@click.option(
    "--version", metavar="X.Y.Z", help="The version's number.  [default: asked for; the lowest allowed is offered]"
)
@click.option(
    "--approved-by", multiple=True, metavar="NAME", help="Who approves it; once for each.  [default: asked for]"
)
@click.option("--approvals", type=click.IntRange(1, 100), default=1, show_default=True, help="How many must approve.")
@click.option(
    "--changes-fr", metavar="TEXT", help="The changelog in French.  [default: asked for; the diff is offered]"
)
@click.option("--changes-en", metavar="TEXT", help="The changelog in English.  [default: likewise]")
@click.option("--effective", type=_day, help="The day from which it holds.  [default: asked for; today is offered]")
@click.option("--date", "published", type=_day, help="The day it is published.  [default: today]")
@click.option("--notice-fr", metavar="TEXT", help="What every answer says of the rulebook, in French.")
@click.option("--notice-en", metavar="TEXT", help="The same in English.")
@click.option(
    "--keep-notice", is_flag=True, help="The notice in rulebook.yaml holds of an approved rulebook as it stands."
)
@click.option("--no-input", is_flag=True, help="Ask nothing, for a machine: what is needed and not given is an error.")
@click.option(
    "--dry-run", is_flag=True, help="Check, prove, test and compare; say which version may follow; write nothing."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 2, show_default="every core", help="Processes."
)
@language_option
@with_appcontext
def publish_command(
    out: Path,
    directory: Path | None,
    folder: Path | None,
    previous: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    published: datetime | None,
    effective: datetime | None,
    dry_run: bool,
    jobs: int,
    language: Language,
    **said: object,
) -> None:
    """Publish the rules as a numbered, approved, signed bundle: one file, which the service loads.

    Refused unless `check`, `prove` and `test` find nothing. The rules are compared with the version that they follow, and
    that says how far the number goes up: a change that offers a patient what was withheld (loosening, mixed) is at
    least a minor version, one after which a referral may be refused or read otherwise a major one. Then the changes
    in French and English and the names of those who approve are asked for, the changelog and rulebook.yaml are
    edited in place, and the bundle is written: all of it, or nothing. docs/workbench/publish.md tells more.

    \b
    Examples:
      flask rules publish --out release/ --key rulebook.private.pem                           # the first time
      flask rules publish --out release/ --key rulebook.private.pem --previous release/indication-bone-metastases-1.0.0.bundle
      flask rules publish --out release/ --previous v1.0.0 --dry-run                          # which number may follow?
      flask rules publish --out new.bundle --key k.pem --previous v1.0.0 --no-input --version 1.1.0 --approvals 2 \\
        --approved-by "…" --approved-by "…" --effective 2027-01-04
    """
    with interruptible(NOTHING_WRITTEN):
        try:
            _publish(
                _draft(rules_folder(directory), cases_folder(folder), jobs, published, language),
                Said(effective=effective.date() if effective else None, **said),  # type: ignore[arg-type]  # click's own names
                out,
                previous,
                None if dry_run else lambda: _key(key, passphrase_file, can_ask=not said["no_input"]),
            )
        except (CannotPublish, BundleError) as error:
            fail(*error.errors, NOTHING_WRITTEN)


def _publish(
    draft: Draft, said: Said, out: Path, previous: str | None, signing: Callable[[], Ed25519PrivateKey | None] | None
) -> None:
    # What is quickly refused is refused before the long part.
    key = signing() if signing else None
    before = predecessor(draft, previous)
    if signing:
        _refuse_early(draft, said, first=before is None)
    _pass(draft, GATES)
    with _progress("comparison") as step:
        found = following(draft, before, step)
    _tell(found, draft.language)
    if signing is None:
        complain(f"dry run: {NOTHING_WRITTEN}")
        return
    details = _details(draft, said, found)
    ready = prepared(draft.files, details, key)
    target = _target(out, ready.rulebook)
    _confirm(said, ready, target)
    # Both anew: nobody knows how long somebody sat at the prompts.
    _refuse_taken(target)
    if rule_files(draft.folder) != draft.files:
        raise CannotPublish([f"{draft.folder}: was changed meanwhile; publish again"])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_all({target: ready.bundle, **{draft.folder / name: content for name, content in ready.files.items()}})
    except OSError as error:
        raise CannotPublish([f"{error.filename or target}: cannot be written: {error.strerror}"]) from None
    _told(ready, target, draft.folder)


def _draft(folder: Path, cases: Path, jobs: int, published: datetime | None, language: Language) -> Draft:
    try:
        files = rule_files(folder)
        rulebook = load_files(files)
    except OSError as error:
        raise CannotPublish([f"{folder}: cannot be read: {error.strerror or error}"]) from None
    except RulebookError as error:
        raise CannotPublish([*mistakes(folder, error), "check: refused; mend these first"]) from None
    today = published.date() if published else datetime.now(ZoneInfo(rulebook.info.timezone)).date()
    return Draft(folder, files, rulebook, cases, today, language, jobs, memory_file())


def _pass(draft: Draft, gates: tuple[Gate, ...]) -> None:
    """Every gate, also after one that is shut: all that is to be mended is told at once."""
    faults = []
    for gate in gates:
        with _progress(gate.command) as step:
            found = gate.faults(draft, step)
        complain(f"{gate.command}: {f'{len(found)} to mend' if found else 'passed'}")
        faults += [*found, *([f"flask rules {gate.command}: refused, see above"] if found else [])]
    if faults:
        raise CannotPublish(faults)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Tells how far something is, to be called with what is done and how much there is."""
    shown: list[Progress] = []

    def step(done: int, of: int) -> None:
        if not shown:
            shown.append(Progress(what, of))
        shown[0].at(done)

    try:
        yield step
    finally:
        for each in shown:
            each.clear()


def _tell(found: Following, language: Language) -> None:
    numbers = found.numbering
    if numbers.follows is None:
        click.echo(f"the first publication: version {numbers.lowest} or higher")
        return
    if found.grade != "first":
        click.echo(f"since version {numbers.follows.version}: {GRADE_WORDS[found.grade].in_(language)}")
    for change in found.changes:
        subject = f"{change.of}: " if change.of else ""
        click.echo(f"  [{GRADE_WORDS[change.grade].in_(language)}] {subject}{change.what.in_(language)}")
    click.echo(f"the next version is at least {numbers.lowest} ({numbers.step}): {'; '.join(numbers.reasons)}")


# ---- what is asked ----------------------------------------------------------------------------------------------


def _details(draft: Draft, said: Said, found: Following) -> Details:
    info = draft.rulebook.info
    version = _version(said, found, info.version)
    effective = said.effective
    if effective is None:
        effective = (
            draft.today if said.no_input else click.prompt("Holds from", default=str(draft.today), value_proc=_a_day)
        )
    changes = Text(
        _changes(said, said.changes_fr, "fr", "French", found.words.fr),
        _changes(said, said.changes_en, "en", "English", found.words.en),
    )
    notice = _notice(said, draft.rulebook)
    approved_by = said.approved_by or (() if said.no_input else _approvers(said.approvals))
    details = Details(
        version=version,
        published=draft.today,
        effective=effective,
        approved_by=_tidy(approved_by),
        changes=changes,
        grade=found.grade,
        follows=found.numbering.follows,
        notice=notice,
    )
    _refuse([*faults_of_names(details.approved_by, said.approvals), *faults_of_changes(changes)])
    return details


def _a_day(typed: str) -> date:
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise click.UsageError("a day is needed, as in 2027-01-04") from None


def _refuse_early(draft: Draft, said: Said, *, first: bool) -> None:
    """All that is wrong whatever the comparison brings, at once and before anything that takes long."""
    faults: list[str] = []
    if said.approved_by or said.no_input:
        faults += faults_of_names(_tidy(said.approved_by), said.approvals)
    if said.version is not None or said.no_input:
        faults += _faults_of(lambda: _number(said.version))
    if said.no_input:
        faults += _faults_of(lambda: _notice(said, draft.rulebook))
    if said.no_input and first:
        faults += _faults_of(lambda: _changes(said, said.changes_fr, "fr", "French", ""))
        faults += _faults_of(lambda: _changes(said, said.changes_en, "en", "English", ""))
    _refuse(faults)


def _faults_of(read: Callable[[], object]) -> Sequence[str]:
    try:
        read()
    except CannotPublish as error:
        return error.errors
    return ()


def _refuse(faults: list[str]) -> None:
    if faults:
        raise CannotPublish(faults)


def _tidy(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in names)


def _version(said: Said, found: Following, own: str) -> numbering.Version:
    written = numbering.version(own)
    lowest = found.numbering.lowest
    offered = max(lowest, written) if written else lowest

    def allowed(typed: str) -> numbering.Version:
        version = _number(typed)
        if refused := found.numbering.refused(version):
            raise CannotPublish([refused])
        return version

    if said.version is not None or said.no_input:
        return allowed(said.version or "")
    version: numbering.Version = click.prompt("Version", default=str(offered), value_proc=_again(allowed))
    return version


def _again(read: Callable[[str], numbering.Version]) -> Callable[[str], numbering.Version]:
    """At a prompt what is refused is asked anew: all that was proved stays proved."""

    def reading(typed: str) -> numbering.Version:
        try:
            return read(typed)
        except CannotPublish as error:
            raise click.UsageError("; ".join(error.errors)) from None

    return reading


def _number(wanted: str | None) -> numbering.Version:
    if wanted is None:
        raise CannotPublish(["--version is needed with --no-input; --dry-run says which is the lowest allowed"])
    version = numbering.version(wanted.strip())
    if version is None:
        raise CannotPublish([f"{wanted[:40]}: not a version; three numbers are needed, as in 1.4.0"])
    return version


def _changes(said: Said, given: str | None, language: str, name: str, words: str) -> str:
    if given is not None:
        return given.strip()
    if said.no_input:
        if not words:
            raise CannotPublish([f"--changes-{language} is needed with --no-input: there is nothing to compare with"])
        return words
    if not words:
        return str(click.prompt(f"What this version brings, in {name}")).strip()
    complain(f"The changelog in {name} would say:", *(f"  {line}" for line in words.splitlines()))
    written = click.prompt(f"Enter keeps this; or write it in {name} on one line", default="", show_default=False)
    return str(written).strip() or words


def _notice(said: Said, rulebook: Rulebook) -> Text | None:
    """Another notice, if there is to be one. What every answer says of a draft is seldom true of an approved rulebook."""
    old = rulebook.info.notice
    if said.notice_fr is not None or said.notice_en is not None:
        return Text(said.notice_fr or old.fr, said.notice_en or old.en)
    if rulebook.info.status == "approved" or said.keep_notice:
        return None
    if said.no_input:
        raise CannotPublish(
            [
                f"the rulebook becomes approved, and every answer would still say: «{old.en}»",
                "say --keep-notice if that holds, else --notice-fr and --notice-en",
            ]
        )
    complain("The rulebook becomes approved. Every answer says of it:", f"  fr  {old.fr}", f"  en  {old.en}")
    complain("Enter keeps it; or write it anew, each on one line.")
    french = str(click.prompt("In French", default=old.fr, show_default=False)).strip()
    english = str(click.prompt("In English", default=old.en, show_default=False)).strip()
    return None if (french, english) == (old.fr, old.en) else Text(french, english)


def _approvers(approvals: int) -> tuple[str, ...]:
    complain(f"Who approves this version? At least {approvals}; an empty line ends.")
    names: tuple[str, ...] = ()
    while True:
        name = " ".join(str(click.prompt(f"Name {len(names) + 1}", default="", show_default=False)).split())
        faults = faults_of_names((*names, name), 1) if name else faults_of_names(names, approvals)
        complain(*faults)
        if not name and not faults:
            return names
        names = (*names, name) if name and not faults else names


def _target(out: Path, rulebook: Rulebook) -> Path:
    target = out / f"{rulebook.info.name}-{rulebook.info.version}{SUFFIX}" if out.is_dir() or not out.suffix else out
    _refuse_taken(target)
    return target


def _refuse_taken(target: Path) -> None:
    if target.exists():
        raise CannotPublish([f"{target}: exists already, and is not overwritten: what was published stays as it is"])


def _confirm(said: Said, ready: Prepared, target: Path) -> None:
    if said.no_input:
        return
    info = ready.rulebook.info
    signed = f"signed with the key {ready.key}" if ready.key else "NOT SIGNED (no --key)"
    complain(f"{info.name} {info.version}, from {info.effective}, approved by {', '.join(info.approved_by)}; {signed}")
    click.confirm(f"Write {target}, changelog.yaml and rulebook.yaml?", abort=True)


def _told(ready: Prepared, target: Path, folder: Path) -> None:
    info = ready.rulebook.info
    click.echo(f"published: {info.name} {info.version}, digest {ready.rulebook.digest}")
    click.echo(f"  {target}: {f'signed with the key {ready.key}' if ready.key else 'not signed'}")
    for name in ready.files:
        click.echo(f"  {folder / name}: edited; keep it with the rules")


# ---- keys and verification --------------------------------------------------------------------------------------


def _key(path: Path | None, passphrase_file: Path | None, *, can_ask: bool) -> Ed25519PrivateKey | None:
    if path is None:
        return None
    passphrase = _first_line(passphrase_file) if passphrase_file else ""
    try:
        return keys.load_private(path, passphrase)
    except keys.Locked:
        if not can_ask:
            raise CannotPublish(
                [f"{path}: is encrypted; name the file of its passphrase with --passphrase-file"]
            ) from None
        return keys.load_private(path, click.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(keys.MAX_KEY_FILE).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotPublish([f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not a text'}"]) from None


@click.command("verify")
@click.argument("file", metavar="BUNDLE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--key",
    "trusted",
    type=click.Path(path_type=Path),
    help="The publisher's public key (PEM), or a folder of such keys.  [default: the signature is not verified]",
)
def verify(file: Path, trusted: Path | None) -> None:
    """Verify a bundle as the service does: its form, its signature, every file, and that the rules are what it says.

    Ends with 1 when it would not be served.

    \b
    Examples:
      flask rules verify release/indication-bone-metastases-1.1.0.bundle --key rulebook.public.pem
      flask rules verify current.bundle --key /etc/indication/keys
    """
    with interruptible("the bundle is not verified"):
        try:
            found = bundle.read(file, keys.load_trusted(trusted) if trusted else None)
            book = bundle.rulebook_of(found)
        except BundleError as error:
            fail(*error.errors, f"{file}: not to be served")
    about = found.manifest
    if found.signed_by:
        signed = f"signature verified, by the key {found.signed_by}"
    elif found.claims:
        signed = f"SIGNATURE NOT VERIFIED: it says the key {found.claims}; name the publisher's public key with --key"
    else:
        signed = "NOT SIGNED: nothing says who made it"
    follows = f"{about.grade} after {about.follows.version}" if about.follows else "follows no other version"
    click.echo(f"{file}: good. {about.name} {about.version}, digest {book.digest}")
    click.echo(f"  {signed}")
    click.echo(f"  published {about.date}, holds from {about.effective}; {follows}")
    click.echo(f"  approved by {', '.join(about.approved_by)}")
    click.echo(f"  {len(about.files)} rule files, {len(book.rules)} rules")


@click.command("keygen")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to, made if need be.",
)
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase, and encrypt the private key with it.")
def keygen(out: Path, encrypt: bool) -> None:
    """Make the Ed25519 key pair that rulebooks are signed with. Nothing is overwritten.

    \b
    Writes
      rulebook.private.pem   signs; stays with who publishes, never on a server; readable by you alone
      rulebook.public.pem    verifies; goes to every server, into the folder that INDICATION_BUNDLE_KEYS names

    \b
    Example:
      flask rules keygen --out ~/rulebook-keys --encrypt
    """
    with interruptible(NOTHING_WRITTEN):
        phrase = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True) if encrypt else ""
    pair = keys.generate(phrase)
    for name in (PRIVATE_NAME, PUBLIC_NAME):
        if (out / name).exists():
            fail(f"{out / name}: exists already, and is not overwritten; choose another folder")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, mode, content in ((PRIVATE_NAME, 0o600, pair.private), (PUBLIC_NAME, 0o644, pair.public)):
            path = out / name
            path.touch(mode=mode, exist_ok=False)
            path.write_bytes(content)
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror}")
    complain(
        f"written to {out}: {PRIVATE_NAME} (keep it), {PUBLIC_NAME} (for the servers); the key is called {pair.id}"
    )
