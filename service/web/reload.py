"""Taking a new set of rules into service, or refusing it.

The gunicorn master calls `take` at start and on SIGHUP. The candidate folder is first copied, then the *copy* is
checked in a child process, so that what was checked is, byte for byte, what is served, even while somebody edits the
original. A refused candidate changes nothing: the rules in service stay, and the status file says why.

A snapshot never changes once taken: a worker that boots during a reload reads one set of rules or the other, never
half of each.

This module uses the standard library alone. gunicorn.conf.py loads it by its path, so that the master never imports
the application nor its rules engine.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ACTIVE_RULES = "INDICATION_ACTIVE_RULES"
"""Environment variable: the folder of rules that a worker loads."""
RULES_STATUS = "INDICATION_RULES_STATUS"
"""Environment variable: the file that says what became of the last candidate."""

MAX_ERRORS = 200

Check = Callable[[Path], list[str]]
"""Says what is wrong with a folder of rules; nothing when it may serve."""


@dataclass(frozen=True)
class Status:
    """What became of the last candidate, and which rules are in service."""

    taken: bool
    """Whether the last candidate went into service."""
    checked_at: str
    """When it was checked: ISO 8601, UTC."""
    active: str | None
    """The snapshot in service; None when no candidate was ever good."""
    errors: tuple[str, ...]
    """Why the last candidate was refused."""


def take(candidate: Path, home: Path, check: Check) -> Status:
    """Put `candidate` into service if `check` finds nothing wrong with a copy of it.

    Snapshots live in `home` as `rules-1`, `rules-2` …; the highest is the one in service. An unreadable candidate or a
    full disk raises nothing: it refuses the candidate like any other fault.
    """
    previous = _snapshots(home)
    number = previous[-1][0] + 1 if previous else 1
    # Under another name until it is good: a snapshot called rules-N has passed its check.
    trial = home / "trial" / candidate.absolute().name
    try:
        shutil.rmtree(trial.parent, ignore_errors=True)
        # Names with a dot in front are editors' and volume mounts' own; no rule file has one.
        shutil.copytree(candidate, trial, ignore=shutil.ignore_patterns(".*"))
        # An error names the file that its author edits, `rules/safety/bleeding.yaml`, not its copy.
        errors = [line.replace(f"{trial.parent}{os.sep}", "") for line in check(trial)]
        if not errors:
            trial.rename(home / f"rules-{number}")
    except OSError as error:
        errors = [f"{trial.name}: cannot be taken: {error.strerror or error}"]
    shutil.rmtree(trial.parent, ignore_errors=True)

    if not errors:
        # The one before is kept: a worker may be reading it right now.
        for _, old in previous[:-1]:
            shutil.rmtree(old, ignore_errors=True)
    snapshots = _snapshots(home)
    return Status(
        taken=not errors,
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        active=str(snapshots[-1][1]) if snapshots else None,
        errors=tuple(errors[:MAX_ERRORS]),
    )


def _snapshots(home: Path) -> list[tuple[int, Path]]:
    numbered = ((re.fullmatch(r"rules-(\d+)", path.name), path) for path in home.iterdir())
    return sorted((int(match[1]), path) for match, path in numbered if match)


def by_command(command: Sequence[str], directory: Path, seconds: float) -> Check:
    """A check that runs `command FOLDER` in `directory`: exit code 0 is good, else each line it prints is an error."""

    def check(rules: Path) -> list[str]:
        try:
            run = subprocess.run(  # noqa: S603 - the command is ours, the folder is the operator's; no shell
                [*command, str(rules)],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [f"the self-test had not ended after {seconds:g} s"]
        if run.returncode == 0:
            return []
        lines = [line.rstrip() for line in run.stdout.splitlines() if line.strip()]
        return lines or [f"the self-test ended with code {run.returncode} and said nothing"]

    return check


def write_status(status: Status, path: Path) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(asdict(status), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def read_status(path: Path) -> Status:
    """The inverse of `write_status`, for /readyz."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Status(data["taken"], data["checked_at"], data["active"], tuple(data["errors"]))


def last_status() -> Status | None:
    """What the master said last; None when no master takes rules (tests, `flask run`)."""
    path = os.environ.get(RULES_STATUS)
    return read_status(Path(path)) if path else None
