"""`flask rules doc`: the rulebook as a site to be read, printed or put on a shelf."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from flask.cli import with_appcontext

from service.cli.common import fail, loaded, rules_option
from service.cli.waiting import Progress, interruptible
from service.workbench.site.site import Site
from service.workbench.site.write import FolderRefused, write_site


@click.command("doc")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to, made if need be; empty, or written by this command before.",
)
@rules_option
@click.option(
    "--today",
    metavar="DAY",
    help="Day (YYYY-MM-DD) on which reviews are held to be overdue.  [default: today, where the rulebook is]",
)
@click.option("--force", is_flag=True, help="Write into a folder that holds other things; they stay.")
@with_appcontext
def doc(out: Path, directory: Path | None, today: str | None, *, force: bool) -> None:
    """Write the rulebook as a site: every rule in sentences, a decision table for each technique, scores, sources.

    French and English, plain HTML that opens from a folder without internet: begin at index.html. The same rules and
    the same day give the same bytes. The service shows the same pages of the rules in use at /rulebook.

    \b
    Examples:
      flask rules doc --out site
      flask rules doc --out site --rules /srv/new-rules --today 2027-01-15
    """
    given = _day(today) if today else None
    book = loaded(directory)
    site = Site(book, given or datetime.now(UTC).astimezone(ZoneInfo(book.info.timezone)).date())
    progress = Progress("writing", of=len(site.paths))
    try:
        with interruptible(f"{out} is not complete; run the command again"):
            number = write_site(site, out, force=force, step=progress.step)
    except FolderRefused as error:
        fail(f"{error}; name another folder, empty this one, or add --force to write beside what it holds")
    except OSError as error:
        fail(f"{error.filename or out}: cannot be written: {error.strerror}")
    finally:
        progress.clear()
    click.echo(f"{number} files written to {out}: {book.info.name} {book.info.version}, digest {book.digest[:12]}")
    click.echo(f"  as of {site.today}; open {out / 'index.html'}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--today: «{text}» is not a day; write it as 2027-01-15")
