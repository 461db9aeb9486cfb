"""What is installed is what is pinned, each package once, to the digit and to the bit; and docs/dependencies.md says why."""

import re
import shutil
import subprocess
from importlib.metadata import distributions
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: each contains the one before it, as script/setup installs them
CHAIN = ("requirements.txt", "requirements-cohort.txt", "requirements-spark.txt", "requirements-dev.txt")
#: beside the chain: contains the first, and the last contains it
TRACING = "requirements-otel.txt"
FILES = (*CHAIN, TRACING)
#: what Python itself puts into a new environment
COME_WITH_PYTHON = {"pip", "setuptools", "wheel"}


def lines(file: str) -> list[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return [line for line in (line.partition("#")[0].strip() for line in text.splitlines()) if line]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> list[tuple[str, str]]:
    found = []
    for file in FILES:
        for line in lines(file):
            if not line.startswith("-r "):
                name, _, version = line.partition("==")
                assert re.fullmatch(r"[\w.]+", version), f"{file}: {line}: no exact version"
                found.append((normal(name), version))
    return found


def test_each_file_contains_the_one_before() -> None:
    for before, after in [*pairwise(CHAIN), (CHAIN[0], TRACING)]:
        more = [f"-r {TRACING}"] if after == CHAIN[-1] else []
        assert [line for line in lines(after) if line.startswith("-r ")] == [f"-r {before}", *more]


def test_each_package_is_pinned_once() -> None:
    names = [name for name, _ in pins()]
    assert sorted(set(names)) == sorted(names)


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {(normal(each.name), each.version) for each in distributions()}
    assert {(name, version) for name, version in installed if name not in COME_WITH_PYTHON} == set(pins())


@pytest.mark.parametrize("file", FILES)
def test_what_is_chosen_is_explained(file: str) -> None:
    told = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    text = (ROOT / file).read_text(encoding="utf-8")
    direct = re.findall(r"^([\w.-]+)==", text.partition("# direct")[2].partition("# needed by")[0], re.MULTILINE)
    assert direct
    explained = {normal(word) for word in re.findall(r"[\w.-]+", told)}
    assert [name for name in direct if normal(name) not in explained] == []


# ---- the locks: what script/lock wrote ------------------------------------------------------------------------------

LISTS = sorted(path.name for path in ROOT.glob("requirements*.txt") if path.name != "requirements-static.txt")


def locked(file: str) -> dict[tuple[str, str], list[str]]:
    """The pins of a lock and the digests of each, everything else being refused."""
    found: dict[tuple[str, str], list[str]] = {}
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith(("#", "-r ")):
            continue
        pin, *digests = line.split()
        name, _, version = pin.partition("==")
        assert digests, f"{file}: {pin}: no digest"
        for digest in digests:
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest), f"{file}: {pin}: {digest}"
        found[normal(name), version] = digests
    return found


@pytest.mark.parametrize("file", LISTS)
def test_a_lock_holds_what_its_list_pins_and_nothing_else(file: str) -> None:
    pinned = {(normal(line.partition("==")[0]), line.partition("==")[2]) for line in lines(file) if "==" in line}
    lock = file.replace(".txt", ".lock")
    assert set(locked(lock)) == pinned, f"{lock} is not that of {file}: run script/lock"
    followed = [line for line in lines(file) if line.startswith("-r ")]
    assert [line for line in lines(lock) if line.startswith("-r ")] == [
        line.replace(".txt", ".lock") for line in followed
    ]


@pytest.mark.parametrize("file", LISTS)
def test_neither_list_nor_lock_names_a_package_index(file: str) -> None:
    for each in (file, file.replace(".txt", ".lock")):
        text = (ROOT / each).read_text(encoding="utf-8")
        assert re.findall(r"//|index|@ |--find-links|--extra", text) == []


def test_a_lock_fits_other_systems_too() -> None:
    """A package of compiled parts has a file for each system and Python: one digest alone would fit this machine only."""
    assert all(
        len(locked("requirements.lock")[pin]) > 10 for pin in locked("requirements.lock") if pin[0] == "markupsafe"
    )


def test_a_lock_behind_its_list_is_told(tmp_path: Path) -> None:
    (tmp_path / "script").mkdir()
    for each in ("script/lock", *LISTS, *(file.replace(".txt", ".lock") for file in LISTS)):
        shutil.copy(ROOT / each, tmp_path / each)
    command = [str(tmp_path / "script/lock"), "--check"]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0
    listed = tmp_path / "requirements.txt"
    listed.write_text(re.sub(r"Flask==\S+", "Flask==0.1", listed.read_text(encoding="utf-8")), encoding="utf-8")
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 1
    assert "requirements.txt and requirements.lock differ: flask==0.1 stands in one of them only" in told.stderr
    assert "run script/lock" in told.stderr
