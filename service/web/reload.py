"""Taking a new set of rules, or a new file of clients, into service, or refusing it.

The gunicorn master calls `take` at start and on SIGHUP. The candidate, a folder of rules or a bundle, is first copied,
then the *copy* is checked in a child process, so that what was checked is, byte for byte, what is served, even while
somebody edits the original. A refused candidate changes nothing: the rules in service stay, and the status file says why.

A snapshot never changes once taken: a worker that boots during a reload reads one set of rules or the other, never
half of each. What goes with the rules (the keys that sign them, versions served beside them, a shadow) stands in it too.

This module uses the standard library alone. gunicorn.conf.py loads it by its path, so that the master never imports
the application nor its rules engine.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ACTIVE_RULES = "INDICATION_ACTIVE_RULES"
"""Environment variable: the folder of rules, or the bundle, that a worker loads."""
RULES_STATUS = "INDICATION_RULES_STATUS"
"""Environment variable: the file that says what became of the last candidate."""
ACTIVE_CLIENTS = "INDICATION_ACTIVE_CLIENTS"
"""Environment variable: the file of clients that a worker reads; named REFUSED_CLIENTS it holds mistakes, a line each."""
REFUSED_CLIENTS = "clients.refused"
BUNDLE_KEYS = "INDICATION_BUNDLE_KEYS"
"""Environment variable: the public keys, a file or a folder. With them only bundles signed by one of them are served."""
ALSO_SERVE = "INDICATION_ALSO_SERVE"
"""Environment variable: bundles served beside the rules: a folder of them, or several parted as PATH is."""
SHADOW = "INDICATION_SHADOW"
"""Environment variable: rules that decide every referral too, in the dark: a bundle or a folder."""

BUNDLES = "*.bundle"
MAX_ERRORS = 200

Check = Callable[[Path], list[str]]
"""Says what is wrong with a folder of rules or a bundle; nothing when it may serve."""


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
    left_out: tuple[str, ...] = ()
    """What was to be served beside the rules and could not be copied; the rules are served without it."""


def take(candidate: Path, home: Path, check: Check, companions: Mapping[str, Sequence[Path]] | None = None) -> Status:
    """Put `candidate` into service if `check` finds nothing wrong with a copy of it.

    Snapshots live in `home` as `rules-1`, `rules-2` …; the highest is the one in service. An unreadable candidate or a
    full disk raises nothing: it refuses the candidate like any other fault. `companions` are copied beside it, by the
    setting that names them; of these only the keys are needed to serve.
    """
    previous = _snapshots(home)
    number = previous[-1][0] + 1 if previous else 1
    # Under another name until it is good: a snapshot called rules-N has passed its check.
    trial, name = home / "trial", candidate.absolute().name
    left_out: list[str] = []
    try:
        shutil.rmtree(trial, ignore_errors=True)
        for setting, paths in (companions or {}).items():
            left_out += _copy_companions(setting, paths, trial)
        _copy(candidate, trial / "rules" / name)
        # An error names the file that its author edits, `rules/safety/bleeding.yaml`, not its copy.
        copied = re.compile(re.escape(f"{trial}{os.sep}") + r"(?:rules|\w+/\d+)/")
        errors = [copied.sub("", line) for line in check(trial / "rules" / name)]
        if not errors:
            trial.rename(home / f"rules-{number}")
    except OSError as error:
        errors = [f"{name}: cannot be taken: {error.strerror or error}"]
    shutil.rmtree(trial, ignore_errors=True)

    if not errors:
        # The one before is kept: a worker may be reading it right now.
        for _, old in previous[:-1]:
            shutil.rmtree(old, ignore_errors=True)
    return Status(
        taken=not errors,
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        active=_active(home),
        errors=tuple(errors[:MAX_ERRORS]),
        left_out=tuple(left_out[:MAX_ERRORS]),
    )


def take_clients(
    source: Path | None,
    home: Path,
    write: Callable[[Path, Path], list[str]],
    give: Callable[[Path], None],
    active: str | None,
) -> tuple[str | None, list[str]]:
    """Which file of clients workers read from now on, and why the one at `source` was refused. Raises OSError.

    `write` checks a file and writes it elsewhere, or says what is wrong with it; `give` makes a file the workers' own.
    `active` is what workers read until now: clients in force stay when `source` is refused. Where there are none, nobody
    is let in, and workers tell the mistakes.
    """
    if source is None:
        return None, []
    taken, draft = home / "clients.json", home / "clients.new"
    draft.unlink(missing_ok=True)
    errors = write(source, draft)
    if errors and active == str(taken):
        return active, errors
    if errors:
        draft.write_text("\n".join(errors), encoding="utf-8")
    target = home / REFUSED_CLIENTS if errors else taken
    draft.chmod(0o600)
    give(draft)
    # At once: a worker that boots meanwhile reads the one or the other, whole.
    draft.replace(target)
    return str(target), errors


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    if source.is_file():
        shutil.copyfile(source, target)
    else:
        # Names with a dot in front are editors' and volume mounts' own; no rule file has one.
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*"))


def _copy_companions(setting: str, paths: Sequence[Path], trial: Path) -> list[str]:
    """Copies what a setting names; says what could not be copied. Without their keys the rules cannot be taken."""
    left_out = []
    for at, path in enumerate(paths):
        try:
            if setting == ALSO_SERVE and not path.is_file():
                raise OSError("no bundle, nor a folder that holds one")
            _copy(path, trial / setting / str(at) / path.absolute().name)
        except OSError as error:
            told = f"{setting}: {path}: {error.strerror or error}"
            if setting == BUNDLE_KEYS:
                raise OSError(told) from None
            left_out.append(told)
    return left_out


def companion(active: Path, setting: str) -> list[Path]:
    """Where the copies stand that were taken with the rules at `active`; none when nothing was copied."""
    return sorted(active.parents[1].glob(f"{setting}/*/*"), key=lambda path: int(path.parent.name))


def named(setting: str) -> list[Path]:
    """What a setting names, in order: files and folders, a folder of bundles as its bundles. Empty when it is not set.

    Raises ValueError when the keys are set to nothing: whoever meant to name them would have everything trusted.
    """
    value = os.environ.get(setting)
    if setting == BUNDLE_KEYS and value is not None and not value.strip():
        raise ValueError(f"{BUNDLE_KEYS} is set and empty; name the public keys, or unset it")
    if not value:
        return []
    if setting != ALSO_SERVE:
        return [Path(value)]
    return bundles(Path(part) for part in value.split(os.pathsep) if part)


def bundles(paths: Iterable[Path]) -> list[Path]:
    """Each path, a folder as the bundles in it; a folder without any as itself, so that somebody complains of it."""
    return [found for path in paths for found in (path.is_dir() and sorted(path.glob(BUNDLES))) or [path]]


def _active(home: Path) -> str | None:
    snapshots = _snapshots(home)
    return str(next((snapshots[-1][1] / "rules").iterdir())) if snapshots else None


def _snapshots(home: Path) -> list[tuple[int, Path]]:
    numbered = ((re.fullmatch(r"rules-(\d+)", path.name), path) for path in home.iterdir())
    return sorted((int(match[1]), path) for match, path in numbered if match)


def by_command(command: Sequence[str], directory: Path, seconds: float, more: Sequence[Path] = ()) -> Check:
    """A check that runs `command CANDIDATE more…` in `directory`: exit code 0 is good, else each line it prints is an error."""

    def check(candidate: Path) -> list[str]:
        try:
            run = subprocess.run(  # noqa: S603 - the command is ours, the candidate is the operator's; no shell
                [*command, str(candidate), *map(str, more)],
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
            return [f"the check had not ended after {seconds:g} s"]
        if run.returncode == 0:
            return []
        lines = [line.rstrip() for line in run.stdout.splitlines() if line.strip()]
        return lines or [f"the check ended with code {run.returncode} and said nothing"]

    return check


def write_status(status: Status, path: Path) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(asdict(status), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def read_status(path: Path) -> Status:
    """The inverse of `write_status`, for /readyz."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Status(
        data["taken"], data["checked_at"], data["active"], tuple(data["errors"]), tuple(data.get("left_out", ()))
    )


def last_status() -> Status | None:
    """What the master said last; None when no master takes rules (tests, `flask run`)."""
    path = os.environ.get(RULES_STATUS)
    return read_status(Path(path)) if path else None
