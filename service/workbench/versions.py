"""A version of the rules by its name: a folder, a published bundle, or a revision in git."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from service.bundle.bundle import read as read_bundle
from service.bundle.errors import BundleError
from service.rulebook.source import MAX_BYTES, rule_files

#: rule files in one revision, and bytes of all of them: far above any real rulebook
MAX_FILES = 1_000
MAX_TOTAL = 20_000_000
#: seconds for one question to git
PATIENCE = 30


class NoSuchVersion(Exception):
    """The name leads to no rules. Its text says what was tried and how to mend it."""


@dataclass(frozen=True, slots=True)
class Version:
    """Rule files by their names within the rules folder, and what to call them."""

    name: str
    files: Mapping[str, bytes]
    #: what stands before a file's name in a place that an editor can open; empty when no editor can
    prefix: str = ""


def version(name: str, rules: Path) -> Version:
    """The rules called `name`. Raises NoSuchVersion.

    `rules` is the folder in use: a revision without a path (`HEAD~1`) means that folder as it was then; with one
    (`v0.1.0:rules`) it means the folder of that path within the repository.
    """
    path = Path(name)
    if path.is_dir():
        return Version(name, _folder(path), f"{name.rstrip('/')}/")
    if path.is_file():
        try:
            return Version(name, read_bundle(path, None).files)
        except BundleError as error:
            raise NoSuchVersion("\n".join(error.errors)) from None
    return Version(name, _revision(name, rules))


def _folder(path: Path) -> dict[str, bytes]:
    try:
        files = rule_files(path)
    except OSError as error:
        raise NoSuchVersion(f"{path}: cannot be read: {error.strerror}") from None
    if not files:
        raise NoSuchVersion(f"{path}: holds no rule files (*.yaml); name the folder in which rulebook.yaml stands")
    return files


def _revision(name: str, rules: Path) -> dict[str, bytes]:
    revision, colon, inside = name.partition(":")
    if not revision or revision.startswith("-"):
        raise NoSuchVersion(f"{name}: no such folder or file, nor a revision of git")
    at = rules if rules.is_dir() else Path.cwd()
    # From the top: below it, `archive` knows only what lies below the folder.
    top = Path(_git(name, at, "rev-parse", "--show-toplevel").decode().strip())
    if not colon:
        inside = _git(name, at, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
    commit = _git(name, at, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode()
    archive = _git(name, top, "archive", "--format=tar", f"{commit.strip()}:{inside}")
    files = _unpacked(name, archive)
    if not files:
        raise NoSuchVersion(
            f"{name}: no rule files in «{inside}» at that revision; write REVISION:FOLDER, as in v0.1.0:rules"
        )
    return files


def _git(name: str, folder: Path, *arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise NoSuchVersion(
            f"{name}: no such folder or file, and git, which could know it as a revision, is not installed"
        )
    try:
        run = subprocess.run(  # noqa: S603 - git itself, with arguments that cannot be taken for options; no shell
            [program, *arguments], cwd=folder, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NoSuchVersion(f"{name}: git does not answer in {folder}") from None
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines()
        why = f" ({said[-1]})" if said else ""
        raise NoSuchVersion(
            f"{name}: no such folder or file, nor a revision that git knows in {folder}{why}; "
            "`git log --oneline` and `git tag` list revisions"
        )
    return run.stdout


def _unpacked(name: str, archive: bytes) -> dict[str, bytes]:
    """The rule files in an archive, bounded like those of a folder."""
    if len(archive) > MAX_TOTAL:
        raise NoSuchVersion(
            f"{name}: larger than {MAX_TOTAL} bytes; name the rules folder, as in {name.split(':')[0]}:rules"
        )
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile() and PurePosixPath(member.name).match("*.y*ml"):
                content = tar.extractfile(member)
                assert content is not None
                found[member.name] = content.read(MAX_BYTES + 1)
            if len(found) > MAX_FILES:
                raise NoSuchVersion(f"{name}: more than {MAX_FILES} rule files")
    return found
